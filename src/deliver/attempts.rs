//! What becomes of a delivery once it is let in: its turn, its attempts, its end. Nobody's connection matters
//! to it any more.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::tell::{
    Attempt, tell_again, tell_dropped, tell_no_room, tell_not_started, tell_outcome, tell_start,
    tell_superseded,
};
use super::{Delivery, off_the_others_way};
use crate::admission::Call;
use crate::body::Reservation;
use crate::conceal::Concealer;
use crate::duplicates::Admission;
use crate::hook::{Hook, OutputInResponse};
use crate::invocation::Invocation;
use crate::outcome::{Cut, Outcome, StartFailure};
use crate::run::{self, Followed, Follower, OutputWanted, Running};
use crate::runs::ActiveRun;
use crate::turns::Turn;

/// Deliveries of the whole server that wait to be tried again. Each holds what it is started with; so many
/// failures at once are a fault that no further attempt mends.
const PAUSES_MAX: usize = 10_000;

/// Room for waiting between two attempts.
#[derive(Debug, Clone)]
pub(crate) struct Pauses(Arc<Semaphore>);

impl Default for Pauses {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PAUSES_MAX)))
    }
}

/// A delivery that was let in.
pub(super) struct Attempts {
    pub(super) delivery: Arc<Delivery>,
    pub(super) hook: Arc<Hook>,
    pub(super) active: ActiveRun,
    pub(super) turn: Turn,
    /// For what the log tells of the runs.
    pub(super) concealer: Concealer,
    /// Forgotten when the last attempt fails, or none takes place.
    pub(super) admission: Option<Admission>,
    /// The client that reads the output as it comes.
    pub(super) following: Option<Following>,
    pub(super) attempt: Attempt,
}

pub(super) struct Following {
    follower: Follower,
    has_started: Option<oneshot::Sender<()>>,
}

/// The client's side.
pub(super) struct ToFollow {
    output: Followed,
    has_started: oneshot::Receiver<()>,
}

impl ToFollow {
    /// `None`: it came to its end without a start.
    pub(super) async fn once_started(self) -> Option<Followed> {
        self.has_started.await.ok().map(|()| self.output)
    }
}

/// What an attempt is started with, and the part of the budget that counts it.
pub(super) struct Held {
    pub(super) invocation: Box<Invocation>,
    pub(super) memory: Arc<Reservation>,
}

pub(super) enum Stage {
    /// Until its turn comes.
    Queued(Box<Held>),
    /// With what a further attempt would need.
    Running(Box<Running>, Option<Box<Held>>),
    /// Until it is time for the next attempt.
    Pausing(Box<Held>, Pause),
}

pub(super) struct Pause {
    wait: Duration,
    _room: OwnedSemaphorePermit,
}

impl Stage {
    /// The request is gone: what still counts is what is held.
    pub(super) fn shrink(&self) {
        let held = match self {
            Self::Queued(held) | Self::Running(_, Some(held)) | Self::Pausing(held, _) => held,
            Self::Running(_, None) => return,
        };
        held.memory.shrink_to(held.invocation.bytes());
    }
}

pub(super) enum End {
    /// That of the last attempt.
    Ended(Outcome),
    NotStarted,
    Superseded,
    /// The server shut down before it ran, or ran again.
    Dropped,
}

impl End {
    fn is_success(&self) -> bool {
        matches!(self, Self::Ended(outcome) if outcome.is_success())
    }
}

impl Attempts {
    /// Goes on from `stage` to the end, and forgets a delivery that came to nothing.
    pub(super) async fn go_on(mut self, mut stage: Stage) -> End {
        let end = loop {
            let next = match stage {
                Stage::Queued(held) => self.wait_for_turn(held).await,
                // Boxed, so that one who only waits does not take the room of one who runs.
                Stage::Running(running, held) => Box::pin(self.wait_for_outcome(running, held)).await,
                Stage::Pausing(held, pause) => self.wait_for_next_attempt(held, pause).await,
            };
            match next {
                Continue(next) => stage = next,
                Break(end) => break end,
            }
        };
        if let Some(admission) = self.admission.take().filter(|_| !end.is_success()) {
            admission.forget();
        }
        let following = self.following.take();
        drop(self);
        // The last step: a client that hears of a failure may come again at once.
        if let (Some(Following { follower, .. }), End::Ended(outcome)) = (following, &end) {
            follower.end(outcome.ending);
        }
        end
    }

    /// Lets a client read the output as it comes.
    pub(super) fn follow(&mut self) -> ToFollow {
        let (follower, output) = run::follow(self.delivery.settings.stream_patience);
        let (start, has_started) = oneshot::channel();
        self.following = Some(Following { follower, has_started: Some(start) });
        ToFollow { output, has_started }
    }

    /// Starts the command. What a further attempt needs is kept, when there may be one.
    pub(super) fn start(&mut self, held: Box<Held>) -> Result<Stage, (StartFailure, Box<Held>)> {
        let invocation = &held.invocation;
        tell_start(invocation, &self.concealer);
        // A client that waits gets its answer when the output is closed, also where it gets none of that.
        let is_output_read = !self.hook.response.is_in_background() || is_output_logged();
        let starting = || run::start(invocation, &self.delivery.settings.surroundings, is_output_read);
        let takes_long = !invocation.files.is_empty() || invocation.circumstances.change_process();
        match off_the_others_way(takes_long, starting) {
            Ok(running) => {
                self.turn.began();
                let for_another = (!self.attempt.is_last()).then_some(held);
                Ok(Stage::Running(Box::new(running), for_another))
            }
            Err(failure) => {
                tell_not_started(invocation, self.attempt, &failure);
                Err((failure, held))
            }
        }
    }

    /// What follows a start that failed: another attempt, when the failure may pass and the hook wants one.
    pub(super) fn after_failed_start(
        &self,
        failure: &StartFailure,
        held: Box<Held>,
    ) -> Result<Stage, Box<Held>> {
        match self.pause_if(failure.may_pass()) {
            Some(pause) => Ok(Stage::Pausing(held, pause)),
            None => Err(held),
        }
    }

    async fn wait_for_turn(&mut self, held: Box<Held>) -> ControlFlow<End, Stage> {
        let is_again = self.attempt.number > 1;
        // A drain lets those come to their turn that have not had one.
        let last_call = if is_again { Cut::Draining } else { Cut::Now };
        let call = tokio::select! {
            call = self.turn.comes() => call,
            () = self.active.until(last_call) => return self.drop_at_shutdown(is_again),
        };
        if call == Call::Superseded {
            return self.give_way();
        }
        if (is_again && self.active.is_draining()) || !self.active.begin() {
            return self.drop_at_shutdown(is_again);
        }
        let started = self.start(held).or_else(|(failure, held)| self.after_failed_start(&failure, held));
        started.map_or(Break(End::NotStarted), Continue)
    }

    async fn wait_for_outcome(
        &mut self,
        running: Box<Running>,
        held: Option<Box<Held>>,
    ) -> ControlFlow<End, Stage> {
        let wanted = output_wanted(&self.delivery, &self.hook, self.following.as_mut());
        let outcome = running.wait(wanted, self.active.cut(), &self.delivery.leaked_pipes).await;
        tell_outcome(self.active.name(), self.attempt, &outcome, &self.concealer);
        let is_worth_it = self.hook.retry.as_ref().is_some_and(|retry| retry.is_for(&outcome.ending));
        match held.and_then(|held| Some((held, self.pause_if(is_worth_it)?))) {
            Some((held, pause)) => Continue(Stage::Pausing(held, pause)),
            None => Break(End::Ended(outcome)),
        }
    }

    /// Others may run meanwhile.
    async fn wait_for_next_attempt(&mut self, held: Box<Held>, pause: Pause) -> ControlFlow<End, Stage> {
        self.active.wait();
        self.turn.pause();
        tokio::select! {
            () = tokio::time::sleep(pause.wait) => {}
            () = self.turn.is_superseded() => return self.give_way(),
            () = self.active.until(Cut::Draining) => return self.drop_at_shutdown(true),
        }
        self.attempt.number += 1;
        self.turn.again();
        Continue(Stage::Queued(held))
    }

    /// The pause before the next attempt, if there is to be one.
    fn pause_if(&self, is_worth_it: bool) -> Option<Pause> {
        let retry = self.hook.retry.as_ref().filter(|_| is_worth_it && !self.attempt.is_last())?;
        let name = self.active.name();
        if self.active.is_draining() {
            tell_dropped(name, true);
            return None;
        }
        let Ok(room) = self.delivery.pauses.0.clone().try_acquire_owned() else {
            tell_no_room(name, PAUSES_MAX);
            return None;
        };
        let wait = retry.wait_after(self.attempt.number, chance());
        tell_again(name, self.attempt, wait);
        Some(Pause { wait, _room: room })
    }

    fn give_way<T>(&self) -> ControlFlow<End, T> {
        tell_superseded(self.delivery.limited_of(self.active.name()));
        Break(End::Superseded)
    }

    fn drop_at_shutdown<T>(&self, has_run: bool) -> ControlFlow<End, T> {
        tell_dropped(self.active.name(), has_run);
        Break(End::Dropped)
    }
}

fn output_wanted<'f>(
    delivery: &Delivery,
    hook: &Hook,
    following: Option<&'f mut Following>,
) -> OutputWanted<'f> {
    let is_answer = matches!(hook.response.output, OutputInResponse::OnSuccess | OutputInResponse::Always);
    let is_logged = is_output_logged();
    let max = delivery.settings.output_max;
    let follower = following.map(|following| {
        if let Some(start) = following.has_started.take() {
            // The client may have left.
            let _ = start.send(());
        }
        &mut following.follower
    });
    OutputWanted {
        output_max: (is_answer || is_logged).then_some(max),
        errors_max: is_logged.then_some(max),
        follower,
    }
}

fn is_output_logged() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// What differs from one wait to the next, so that those that failed together do not come again together.
fn chance() -> u16 {
    RandomState::new().build_hasher().finish() as u16
}
