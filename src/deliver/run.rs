//! From a met rule to its answer: whether the delivery is let in, its first start, what the client is told.

use std::sync::Arc;

use super::attempts::{Attempts, End, Held, Stage};
use super::tell::{Attempt, tell_no_memory, tell_not_started, tell_refused};
use super::{Answer, Delivery, Received, off_the_others_way, save};
use crate::conceal::Concealer;
use crate::duplicates::Admission;
use crate::hook::{Hook, ResponseSettings};
use crate::invocation::Invocation;
use crate::outcome::{Outcome, StartFailure};
use crate::respond::{self, GlobalHeaders, HttpResponse, StreamForm};
use crate::run;
use crate::runs::RunName;

/// A delivery whose rule is met, and which is no duplicate.
pub(super) struct Admitted {
    pub(super) invocation: Box<Invocation>,
    /// Forgotten when the run does not take place or fails.
    pub(super) admission: Option<Admission>,
    pub(super) received: Received,
    /// In place of the hook's.
    pub(super) response: Option<Box<ResponseSettings>>,
    /// How the client follows the output, if the hook streams it.
    pub(super) stream: Option<StreamForm>,
    /// For what the log tells of the run.
    pub(super) concealer: Concealer,
}

/// Runs the command now or when its turn comes, and answers at once or when it has ended, as the hook says.
pub(super) async fn run(delivery: &Arc<Delivery>, hook: &Arc<Hook>, admitted: Admitted) -> Answer {
    let global = &delivery.settings.global_headers;
    let Admitted { invocation, admission, received, response, stream, concealer } = admitted;
    let settings = response.as_deref().unwrap_or(&hook.response);
    let matched = format!("{} got matched", hook.label());
    let (mut attempts, stage) = match begin(delivery, (hook, settings), invocation, received, concealer) {
        Ok(begun) => begun,
        Err(refused) => {
            if let Some(admission) = admission {
                admission.forget();
            }
            let Refused { received, response, because } = *refused;
            let saved = save(delivery, &hook.id, received);
            return Answer { saved, ..Answer::new(response, format!("{matched}, but {because}")) };
        }
    };
    attempts.admission = admission;
    let is_queued = matches!(stage, Stage::Queued(_));
    let followed = stream.map(|form| (form, attempts.follow()));
    let end = tokio::spawn(attempts.go_on(stage));
    match followed {
        Some((form, followed)) => {
            // Where nothing has started, the end says why.
            if let Some(output) = followed.once_started().await {
                let response = respond::streaming(Some(output), form, settings, global);
                return Answer::new(response, format!("{matched}, and its output follows"));
            }
        }
        None if settings.is_after_run() => {}
        None => {
            let story = if is_queued { format!("{matched}, and waits for its turn") } else { matched };
            return Answer::new(respond::accepted(settings, global), story);
        }
    }
    answer_at_the_end(settings, matched, end.await.ok(), global)
}

/// `None`: the end is unknown.
fn answer_at_the_end(
    settings: &ResponseSettings,
    matched: String,
    end: Option<End>,
    global: &GlobalHeaders,
) -> Answer {
    match end {
        Some(End::Ended(outcome)) => {
            let story = ended_story(matched, &outcome);
            Answer::new(respond::ended(Some(outcome), settings, global), story)
        }
        Some(End::NotStarted) => {
            let response = respond::not_started(settings, global);
            Answer::new(response, format!("{matched}, but the command did not start"))
        }
        Some(End::Superseded) => {
            let story = format!("{matched}, but a newer delivery took its place");
            Answer::new(respond::superseded(global), story)
        }
        Some(End::Dropped) => {
            let story = format!("{matched}, but the server is shutting down");
            Answer::new(respond::shutting_down(global), story)
        }
        None => {
            let story = format!("{matched}, but the run's end is unknown");
            Answer::new(respond::ended(None, settings, global), story)
        }
    }
}

fn ended_story(matched: String, outcome: &Outcome) -> String {
    match outcome.is_success() {
        true => matched,
        false => format!("{matched}, but the command failed: {}", outcome.ending),
    }
}

/// A delivery that is not run, and not going to be.
struct Refused {
    received: Received,
    response: HttpResponse,
    because: &'static str,
}

fn refused<T>(received: Received, response: HttpResponse, because: &'static str) -> Result<T, Box<Refused>> {
    Err(Box::new(Refused { received, response, because }))
}

fn run_name(hook: &Hook, invocation: &Invocation) -> RunName {
    let case = hook.case.clone().unwrap_or_default();
    RunName { hook: hook.id.clone(), case, request: invocation.request_id.clone() }
}

/// Lets the delivery in and, if its turn is now, starts the command.
fn begin(
    delivery: &Arc<Delivery>,
    (hook, settings): (&Arc<Hook>, &ResponseSettings),
    invocation: Box<Invocation>,
    received: Received,
    concealer: Concealer,
) -> Result<(Attempts, Stage), Box<Refused>> {
    let global = &delivery.settings.global_headers;
    let name = run_name(hook, &invocation);
    let attempt = Attempt { number: 1, of: hook.retry.as_ref().map_or(1, |retry| retry.attempts) };
    let Some(active) = delivery.runs.enter(name) else {
        return refused(received, respond::shutting_down(global), "the server is shutting down");
    };
    let limit = hook.concurrency.as_ref();
    let may_wait = delivery.turns.is_limiting(limit);
    // What cannot be started is not let in, for its sender can still be told.
    if may_wait && let Err(failure) = rehearse(delivery, &invocation) {
        tell_not_started(&invocation, attempt, &failure);
        return refused(received, respond::not_started(settings, global), "the command cannot be started");
    }
    if (may_wait || !attempt.is_last())
        && let Err(error) = received.reservation.grow_to(invocation.bytes())
    {
        tell_no_memory(delivery.limited_of(active.name()), &error);
        return refused(received, respond::body_refused(&error, global), "there is no memory for it");
    }
    let mut turn = match delivery.turns.enter(limit) {
        Ok(turn) => turn,
        Err(refusal) => {
            tell_refused(delivery.limited_of(active.name()), refusal);
            return refused(received, respond::busy(refusal, global), "it is busy");
        }
    };
    let is_now = turn.has_come();
    let Received { request, reservation: memory, at_unix_ms } = received;
    let (delivery, hook) = (delivery.clone(), hook.clone());
    let mut attempts =
        Attempts { delivery, hook, active, turn, concealer, admission: None, following: None, attempt };
    let held = Box::new(Held { invocation, memory });
    let started = match is_now {
        true => attempts.start(held),
        false => {
            attempts.active.wait();
            Ok(Stage::Queued(held))
        }
    };
    let stage = match started.or_else(|(failure, held)| attempts.after_failed_start(&failure, held)) {
        Ok(stage) => stage,
        Err(held) => {
            let received = Received { request, reservation: held.memory, at_unix_ms };
            let response = respond::not_started(settings, global);
            return refused(received, response, "the command did not start");
        }
    };
    drop(request);
    stage.shrink();
    Ok((attempts, stage))
}

/// Looks at files, and a disk may be slow.
fn rehearse(delivery: &Delivery, invocation: &Invocation) -> Result<(), StartFailure> {
    off_the_others_way(true, || run::rehearse(invocation, &delivery.settings.surroundings)).map(drop)
}
