//! From a met rule to its answer: whether the run may begin, its start, its outcome.

use std::sync::Arc;

use super::tell::{tell_not_started, tell_outcome, tell_start};
use super::{Answer, Delivery, Received, off_the_others_way, save};
use crate::duplicates::Admission;
use crate::hook::Hook;
use crate::invocation::Invocation;
use crate::outcome::{Outcome, StartFailure};
use crate::respond::{self, HttpResponse};
use crate::run::{self, OutputWanted, Running};
use crate::runs::{ActiveRun, RunName};

/// A delivery whose rule is met, and what it holds.
pub(super) struct Met {
    pub(super) invocation: Invocation,
    /// Forgotten when the run does not take place or fails.
    pub(super) admission: Option<Admission>,
    /// The request, for as long as it may have to be saved.
    pub(super) received: Option<Received>,
}

/// Starts the command, and answers at once or when it has ended, as the hook says.
pub(super) async fn run(delivery: &Arc<Delivery>, hook: &Arc<Hook>, met: Met) -> Answer {
    let global = &delivery.settings.global_headers;
    let Met { invocation, admission, received } = met;
    let name = RunName { hook: hook.id.clone(), request: invocation.request_id.clone() };
    let Some(active) = delivery.runs.enter(name.clone()) else {
        let response = respond::shutting_down(global);
        return not_run(delivery, hook, admission, received, response, "the server is shutting down");
    };
    let running = match start(delivery, &invocation) {
        Ok(running) => running,
        Err(failure) => {
            tell_not_started(&invocation, &failure);
            let response = respond::not_started(&hook.response, global);
            return not_run(delivery, hook, admission, received, response, "the command did not start");
        }
    };
    drop((invocation, received));
    let is_awaited = hook.response.is_after_run();
    let run = tokio::spawn(to_its_end(delivery.clone(), is_awaited, name, active, running, admission));
    let matched = format!("{} got matched", hook.id);
    if !is_awaited {
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

fn start(delivery: &Delivery, invocation: &Invocation) -> Result<Running, StartFailure> {
    tell_start(invocation);
    let starting = || run::start(invocation, &delivery.settings.surroundings);
    off_the_others_way(!invocation.files.is_empty(), starting)
}

/// Waits for the end of a run, tells it, and forgets a delivery whose run failed.
async fn to_its_end(
    delivery: Arc<Delivery>,
    is_awaited: bool,
    name: RunName,
    active: ActiveRun,
    running: Running,
    admission: Option<Admission>,
) -> Outcome {
    let is_kept = is_awaited || tracing::enabled!(tracing::Level::DEBUG);
    let wanted = if is_kept { OutputWanted::UpTo(delivery.settings.output_max) } else { OutputWanted::None };
    let outcome = running.wait(wanted, active.cut(), &delivery.leaked_pipes).await;
    tell_outcome(&name.request, &name.hook, &outcome);
    if let Some(admission) = admission.filter(|_| !outcome.is_success()) {
        admission.forget();
    }
    outcome
}
