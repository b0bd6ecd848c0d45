//! From a met rule to its answer: whether the run may begin, its start, its outcome.

use std::sync::Arc;

use super::tell::{tell_not_started, tell_outcome, tell_start};
use super::{Answer, Delivery, Received, off_the_others_way, save};
use crate::conceal::Concealer;
use crate::duplicates::Admission;
use crate::hook::{Hook, OutputInResponse};
use crate::invocation::Invocation;
use crate::outcome::{Outcome, StartFailure};
use crate::respond::{self, HttpResponse, StreamForm};
use crate::run::{self, Follower, OutputWanted, Running};
use crate::runs::{ActiveRun, RunName};

/// A delivery whose rule is met, and what it holds.
pub(super) struct Met {
    pub(super) invocation: Invocation,
    /// Forgotten when the run does not take place or fails.
    pub(super) admission: Option<Admission>,
    /// The request, for as long as it may have to be saved.
    pub(super) received: Option<Received>,
    /// How the client follows the output, if the hook streams it.
    pub(super) stream: Option<StreamForm>,
    /// For what the log tells of the run.
    pub(super) concealer: Concealer,
}

/// Starts the command, and answers at once or when it has ended, as the hook says.
pub(super) async fn run(delivery: &Arc<Delivery>, hook: &Arc<Hook>, met: Met) -> Answer {
    let global = &delivery.settings.global_headers;
    let Met { invocation, admission, received, stream, concealer } = met;
    let name = RunName { hook: hook.id.clone(), request: invocation.request_id.clone() };
    let Some(active) = delivery.runs.enter(name.clone()) else {
        let response = respond::shutting_down(global);
        return not_run(delivery, hook, admission, received, response, "the server is shutting down");
    };
    let running = match start(delivery, &invocation, &concealer) {
        Ok(running) => running,
        Err(failure) => {
            tell_not_started(&invocation, &failure);
            let response = respond::not_started(&hook.response, global);
            return not_run(delivery, hook, admission, received, response, "the command did not start");
        }
    };
    drop((invocation, received));
    let matched = format!("{} got matched", hook.id);
    let (follower, stream) = match stream {
        Some(form) => {
            let (follower, followed) = run::follow(delivery.settings.stream_patience);
            (Some(follower), Some((form, followed)))
        }
        None => (None, None),
    };
    let started = Started { running, active, admission, follower, concealer };
    let run = tokio::spawn(to_its_end(delivery.clone(), hook.clone(), name, started));
    if let Some((form, followed)) = stream {
        let response = respond::streaming(Some(followed), form, &hook.response, global);
        return Answer::new(response, format!("{matched}, and its output follows"));
    }
    if !hook.response.is_after_run() {
        return Answer::new(respond::accepted(&hook.response, global), matched);
    }
    let outcome = run.await.ok();
    let story = match &outcome {
        Some(outcome) if outcome.is_success() => matched,
        Some(outcome) => format!("{matched}, but the command failed: {}", outcome.ending),
        None => format!("{matched}, but the run's end is unknown"),
    };
    Answer::new(respond::ended(outcome, &hook.response, global), story)
}

/// The answer when nothing runs: the delivery is forgotten, so that it may come again, and saved.
fn not_run(
    delivery: &Delivery,
    hook: &Hook,
    admission: Option<Admission>,
    received: Option<Received>,
    response: HttpResponse,
    because: &str,
) -> Answer {
    if let Some(admission) = admission {
        admission.forget();
    }
    let saved = received.map(|received| save(delivery, &hook.id, received)).unwrap_or_default();
    Answer { saved, ..Answer::new(response, format!("{} got matched, but {because}", hook.id)) }
}

fn start(
    delivery: &Delivery,
    invocation: &Invocation,
    concealer: &Concealer,
) -> Result<Running, StartFailure> {
    tell_start(invocation, concealer);
    let starting = || run::start(invocation, &delivery.settings.surroundings);
    off_the_others_way(!invocation.files.is_empty(), starting)
}

/// A run that has started, and who waits for it.
struct Started {
    running: Running,
    active: ActiveRun,
    admission: Option<Admission>,
    follower: Option<Follower>,
    concealer: Concealer,
}

/// Waits for the end of a run, tells it, and forgets a delivery whose run failed.
async fn to_its_end(delivery: Arc<Delivery>, hook: Arc<Hook>, name: RunName, started: Started) -> Outcome {
    let Started { running, active, admission, mut follower, concealer } = started;
    let wanted = output_wanted(&delivery, &hook, follower.as_mut());
    let outcome = running.wait(wanted, active.cut(), &delivery.leaked_pipes).await;
    tell_outcome(&name.request, &name.hook, &outcome, &concealer);
    if let Some(admission) = admission.filter(|_| !outcome.is_success()) {
        admission.forget();
    }
    // The last step: a client that hears of a failure may come again at once.
    if let Some(follower) = follower {
        follower.end(outcome.ending);
    }
    outcome
}

fn output_wanted<'f>(
    delivery: &Delivery,
    hook: &Hook,
    follower: Option<&'f mut Follower>,
) -> OutputWanted<'f> {
    let is_answer = matches!(hook.response.output, OutputInResponse::OnSuccess | OutputInResponse::Always);
    let is_logged = tracing::enabled!(tracing::Level::DEBUG);
    let max = delivery.settings.output_max;
    OutputWanted {
        output_max: (is_answer || is_logged).then_some(max),
        errors_max: is_logged.then_some(max),
        follower,
    }
}
