//! A process, and how its exit is noticed.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

/// Processes without an output pipe whose exit the system tells each by itself, for which each takes an open file.
/// Linux copies the table of open files for every process that starts, so with thousands of them each start would take
/// longer.
const TOLD_MAX: usize = 64;
/// The others are all looked at when the system says that some process has exited. That takes at most this part of the
/// time: after each look there is a pause of so many times as long.
const PAUSE_FACTOR: u32 = 20;
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Whoever started the server may have had SIGCHLD ignored, which goes on here: the system then forgets how commands
/// ended. With a handler it does not, and commands have the signal as usual.
pub(crate) fn keep_exits() -> io::Result<()> {
    // With a handler every exit wakes a thread, so there is one only where it is needed.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    if ignored & (1 << (SignalKind::child().as_raw_value() - 1)) != 0 {
        // The handler stays when nobody listens.
        drop(signal(SignalKind::child())?);
    }
    Ok(())
}

/// A process that is waited for.
pub(in crate::run) enum Process {
    Told { child: tokio::process::Child, _room: Option<OwnedSemaphorePermit> },
    LookedAt { id: u32, child: Arc<Mutex<Child>>, exit: oneshot::Receiver<io::Result<ExitStatus>> },
}

/// Notices the exit of processes of which the system does not tell it. It has as many as the system lets run.
#[derive(Debug, Clone)]
pub(crate) struct Lookout {
    told: Arc<Semaphore>,
    looked_at: Arc<Mutex<Vec<LookedAt>>>,
}

#[derive(Debug)]
struct LookedAt {
    child: Arc<Mutex<Child>>,
    exit: oneshot::Sender<io::Result<ExitStatus>>,
}

impl Process {
    /// The exit of one with a pipe is always told.
    pub(super) fn spawn(mut command: Command, has_pipe: bool, lookout: &Lookout) -> io::Result<Self> {
        let room = if has_pipe { Ok(None) } else { lookout.told.clone().try_acquire_owned().map(Some) };
        match room {
            Ok(room) => {
                Ok(Self::Told { child: tokio::process::Command::from(command).spawn()?, _room: room })
            }
            Err(_) => Ok(lookout.look_at(command.spawn()?)),
        }
    }

    /// `None` may be after its end.
    pub(in crate::run) fn id(&self) -> Option<u32> {
        match self {
            Self::Told { child, .. } => child.id(),
            Self::LookedAt { id, .. } => Some(*id),
        }
    }

    /// The exit, if there was one and [`Self::exit`] has not given it yet.
    pub(super) fn look(&mut self) -> Option<io::Result<ExitStatus>> {
        match self {
            Self::Told { child, .. } => child.try_wait().transpose(),
            Self::LookedAt { child, .. } => lock(child).try_wait().transpose(),
        }
    }

    /// Waits for the exit, once. May be dropped and begun anew.
    pub(super) async fn exit(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::Told { child, .. } => child.wait().await,
            Self::LookedAt { exit, .. } => exit.await.map_err(io::Error::other).flatten(),
        }
    }

    pub(super) fn kill(&mut self) {
        // One that has ended needs no killing.
        let _ = match self {
            Self::Told { child, .. } => child.start_kill(),
            Self::LookedAt { child, .. } => lock(child).kill(),
        };
    }
}

impl Default for Lookout {
    fn default() -> Self {
        Self { told: Arc::new(Semaphore::new(TOLD_MAX)), looked_at: Arc::default() }
    }
}

impl Lookout {
    fn look_at(&self, child: Child) -> Process {
        let id = child.id();
        let child = Arc::new(Mutex::new(child));
        let (told, exit) = oneshot::channel();
        let mut looked_at = lock(&self.looked_at);
        match lock(&child).try_wait().transpose() {
            // The look after this exit may be over.
            Some(ended) => drop(told.send(ended)),
            None => {
                if looked_at.is_empty() {
                    tokio::spawn(look_until_all_ended(self.looked_at.clone()));
                }
                looked_at.push(LookedAt { child: child.clone(), exit: told });
            }
        }
        Process::LookedAt { id, child, exit }
    }
}

async fn look_until_all_ended(looked_at: Arc<Mutex<Vec<LookedAt>>>) {
    // Before the first look, so that no exit is missed.
    let mut exits = signal(SignalKind::child()).ok();
    loop {
        let began = Instant::now();
        if !look(&mut lock(&looked_at)) {
            return;
        }
        sleep((began.elapsed() * PAUSE_FACTOR).clamp(PAUSE_MIN, PAUSE_MAX)).await;
        match &mut exits {
            // Whoever started the server may have blocked the signal.
            Some(exits) => drop(timeout(PAUSE_MAX, exits.recv()).await),
            None => sleep(PAUSE_MAX).await,
        }
    }
}

/// Tells of those that have exited, and forgets them. Gives whether there are others.
fn look(looked_at: &mut Vec<LookedAt>) -> bool {
    let mut index = 0;
    while let Some(LookedAt { child, .. }) = looked_at.get(index) {
        let ended = lock(child).try_wait().transpose();
        match ended {
            // Nobody may wait for it any more.
            Some(ended) => drop(looked_at.swap_remove(index).exit.send(ended)),
            None => index += 1,
        }
    }
    !looked_at.is_empty()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is right at every moment, also after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[expect(clippy::disallowed_methods, reason = "`start` has commands only")]
    fn looked_at(program: &str) -> Process {
        let lookout = Lookout { told: Arc::new(Semaphore::new(0)), looked_at: Arc::default() };
        let mut command = Command::new(program);
        command.stdin(Stdio::piped());
        Process::spawn(command, false, &lookout).unwrap()
    }

    async fn exit(mut process: Process) -> ExitStatus {
        timeout(PATIENCE, process.exit()).await.unwrap().unwrap()
    }

    /// On one thread the look comes only when something is waited for.
    #[tokio::test]
    async fn an_exit_can_be_seen_before_it_is_told_and_is_told_all_the_same() {
        let mut process = looked_at("cat");
        assert!(process.look().is_none());
        let Process::LookedAt { child, .. } = &process else { panic!("it is told") };
        drop(lock(child).stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while process.look().is_none() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        assert!(process.look().unwrap().unwrap().success());
        assert!(exit(process).await.success());
    }

    #[tokio::test]
    async fn one_that_is_killed_is_told_of() {
        let mut process = looked_at("cat");
        process.kill();
        assert!(!exit(process).await.success());
    }
}
