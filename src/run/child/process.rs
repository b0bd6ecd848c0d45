//! A process, and how its exit is noticed.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::sleep;

/// Processes without a pipe whose exit the system tells, for which each takes an open file. Linux copies the table of
/// open files for every process that starts, so with thousands of them each start would take longer.
const TOLD_MAX: usize = 64;
/// How often the others are looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// A process that is waited for.
pub(in crate::run) enum Process {
    Told { child: tokio::process::Child, _room: Option<OwnedSemaphorePermit> },
    LookedAt { id: u32, child: Arc<Mutex<Child>>, exit: oneshot::Receiver<io::Result<ExitStatus>> },
}

/// Notices the exit of processes of which the system does not tell it.
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

    /// `None` after its end.
    pub(in crate::run) fn id(&self) -> Option<u32> {
        match self {
            Self::Told { child, .. } => child.id(),
            Self::LookedAt { id, .. } => Some(*id),
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
        if looked_at.is_empty() {
            tokio::spawn(look_until_all_ended(self.looked_at.clone()));
        }
        looked_at.push(LookedAt { child: child.clone(), exit: told });
        Process::LookedAt { id, child, exit }
    }
}

async fn look_until_all_ended(looked_at: Arc<Mutex<Vec<LookedAt>>>) {
    loop {
        sleep(PAUSE).await;
        let mut looked_at = lock(&looked_at);
        look(&mut looked_at);
        if looked_at.is_empty() {
            return;
        }
    }
}

/// Tells of those that have exited, and forgets them.
fn look(looked_at: &mut Vec<LookedAt>) {
    let mut index = 0;
    while let Some(LookedAt { child, .. }) = looked_at.get(index) {
        let ended = lock(child).try_wait().transpose();
        match ended {
            // Nobody may wait for it any more.
            Some(ended) => drop(looked_at.swap_remove(index).exit.send(ended)),
            None => index += 1,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is right at every moment, also after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
