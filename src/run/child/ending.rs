//! How a run is brought to its end: its time, the signals to its process group, and the wait for what the
//! command leaves behind.

use std::io;
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::group::Group;
use crate::circumstances::Circumstances;
use crate::outcome::{Ending, KILL_GRACE};

/// How long after the command's exit its output may stay open: long enough for what is still in the
/// pipe, short enough for a client that waits.
const LEAK_GRACE: Duration = Duration::from_secs(1);
/// How often is looked whether anything is left of a group that is being ended. The number of a group that
/// is gone cannot be another's within this time: the system gives out all others first.
const GROUP_LOOK: Duration = Duration::from_millis(20);
/// How long after the first search for what is left of such a group the second is, to see whether all of it has
/// ended and only waits to be reaped. A search goes through all processes of the system, so each pause is twice
/// the one before.
const FIRST_SEARCH_PAUSE: Duration = Duration::from_millis(20);

/// How far a run has come towards its end.
pub(super) struct Progress {
    group: Group,
    kill_grace: Duration,
    exited: Option<io::Result<ExitStatus>>,
    killing: Option<Killing>,
    /// When [`Progress::alarm`] is to be called.
    alarm_at: Option<Instant>,
}

/// A run that is made to end.
struct Killing {
    because: Ending,
    /// `None` once SIGKILL was sent, or nobody was left to get it.
    kill_at: Option<Instant>,
    search_at: Instant,
    search_pause: Duration,
}

impl Killing {
    /// Whether all of the group has ended, as far as it is time to look.
    fn is_over(&mut self, group: Group, now: Instant) -> bool {
        if group.is_gone() {
            return true;
        }
        if now < self.search_at {
            return false;
        }
        self.search_at = now + self.search_pause;
        self.search_pause *= 2;
        group.has_ended()
    }
}

impl Progress {
    pub(super) fn new(group: Group, started: Instant, circumstances: &Circumstances) -> Self {
        let alarm_at = circumstances.timeout.map(|timeout| started + timeout);
        Self { group, kill_grace: circumstances.kill_grace, exited: None, killing: None, alarm_at }
    }

    pub(super) fn has_exited(&self) -> bool {
        self.exited.is_some()
    }

    /// Whether the command is still waited for, or its group still has time to end.
    pub(super) fn is_under_way(&self) -> bool {
        self.exited.is_none() || self.is_asked_to_end()
    }

    fn is_asked_to_end(&self) -> bool {
        self.killing.as_ref().is_some_and(|killing| killing.kill_at.is_some())
    }

    pub(super) fn alarm_at(&self) -> Option<Instant> {
        self.alarm_at
    }

    pub(super) fn exited(&mut self, status: io::Result<ExitStatus>) {
        self.exited = Some(status);
        let rest = if self.is_asked_to_end() { Duration::ZERO } else { LEAK_GRACE };
        self.alarm_at = Some(Instant::now() + rest);
    }

    /// The server cannot wait any longer.
    pub(super) fn cut(&mut self) {
        let kill_at = Instant::now() + self.kill_grace.min(KILL_GRACE);
        match &mut self.killing {
            None if self.exited.is_none() => self.ask_to_end(Ending::Cut, kill_at),
            Some(Killing { kill_at: Some(later), .. }) => {
                *later = kill_at.min(*later);
                self.alarm_at = self.alarm_at.map(|alarm| alarm.min(kill_at));
            }
            None | Some(_) => {}
        }
    }

    /// Does what is due. Breaks when what still holds the output is not waited for any longer.
    pub(super) fn alarm(&mut self) -> ControlFlow<()> {
        let now = Instant::now();
        self.alarm_at = None;
        match &mut self.killing {
            None if self.exited.is_none() => self.ask_to_end(Ending::TimedOut, now + self.kill_grace),
            Some(killing @ Killing { kill_at: Some(_), .. }) => {
                let is_over = self.exited.is_some() && killing.is_over(self.group, now);
                match killing.kill_at.filter(|kill_at| !is_over && now < *kill_at) {
                    Some(kill_at) => self.alarm_at = Some(kill_at.min(now + GROUP_LOOK)),
                    None => self.kill(),
                }
            }
            None | Some(_) => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// It is somebody else that is waited for: what holds the output has its time once more.
    pub(super) fn wait_again(&mut self) {
        self.alarm_at = Some(Instant::now() + LEAK_GRACE);
    }

    fn ask_to_end(&mut self, because: Ending, kill_at: Instant) {
        self.group.signal(Signal::SIGTERM);
        let (search_at, search_pause) = (Instant::now(), FIRST_SEARCH_PAUSE);
        self.killing = Some(Killing { because, kill_at: Some(kill_at), search_at, search_pause });
        self.alarm_at = Some(kill_at);
    }

    /// Also when nobody seems to be left: a process may be hidden from who looks.
    fn kill(&mut self) {
        if !(self.exited.is_some() && self.group.is_gone()) {
            self.group.signal(Signal::SIGKILL);
        }
        if let Some(killing) = &mut self.killing {
            killing.kill_at = None;
        }
        // What left the group may hold the output, as after any other exit.
        self.alarm_at = self.exited.as_ref().map(|_| Instant::now() + LEAK_GRACE);
    }

    pub(super) fn ending(self) -> Ending {
        match (self.killing, self.exited) {
            (Some(killing), _) => killing.because,
            (None, Some(Ok(status))) => ending(status),
            (None, Some(Err(_)) | None) => Ending::Lost,
        }
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        (None, None) => Ending::Lost,
    }
}
