//! The deliveries that were let in and have not ended: who they are, whether they run, and how they end when
//! the server does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::outcome::Cut;

/// Runs that a line names.
const NAMES_MAX: usize = 20;

/// All runs in progress, and those that wait.
#[derive(Debug)]
pub(crate) struct Runs {
    active: Mutex<Active>,
    ended: Notify,
    cut: watch::Sender<Cut>,
}

#[derive(Debug, Default)]
struct Active {
    /// No run may start any more.
    is_closed: bool,
    next: u64,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    name: Arc<RunName>,
    /// It has, or is about to have, a process.
    is_running: bool,
}

#[derive(Debug)]
pub(crate) struct RunName {
    pub(crate) hook: String,
    /// Of a hook with cases; else empty.
    pub(crate) case: String,
    pub(crate) request: String,
}

/// For a line of the log, which has the first of them.
#[derive(Debug)]
pub(crate) struct RunNames(Vec<Arc<RunName>>);

/// One of them; dropping it takes it off the list.
#[derive(Debug)]
pub(crate) struct ActiveRun {
    runs: Arc<Runs>,
    number: u64,
    name: Arc<RunName>,
}

impl Runs {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            active: Mutex::default(),
            ended: Notify::new(),
            cut: watch::Sender::new(Cut::NotYet),
        })
    }

    /// A run that is about to start. `None` once the runs are cut: what starts after that would be lost.
    pub(crate) fn enter(self: &Arc<Self>, name: RunName) -> Option<ActiveRun> {
        let name = Arc::new(name);
        let mut active = self.active();
        if active.is_closed {
            return None;
        }
        let number = active.next;
        active.next += 1;
        active.known.insert(number, Known { name: name.clone(), is_running: true });
        drop(active);
        Some(ActiveRun { runs: self.clone(), number, name })
    }

    /// Nothing is tried again from now on.
    pub(crate) fn drain(&self) {
        self.cut.send_if_modified(|cut| {
            let is_first = *cut < Cut::Draining;
            if is_first {
                *cut = Cut::Draining;
            }
            is_first
        });
    }

    /// Tells every run that its time is over, and gives the names of those that run; those that wait tell
    /// their end themselves.
    pub(crate) fn cut(&self) -> RunNames {
        let mut active = self.active();
        active.is_closed = true;
        let running = active.known.values().filter(|known| known.is_running);
        let names = RunNames(running.map(|known| known.name.clone()).collect());
        drop(active);
        self.cut.send_replace(Cut::Now);
        names
    }

    /// Of those that run and those that wait.
    pub(crate) fn names(&self) -> RunNames {
        RunNames(self.active().known.values().map(|known| known.name.clone()).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.active().known.len()
    }

    /// Returns when no run is in progress, and none waits.
    pub(crate) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        // The list is right at every moment, also after a panic elsewhere.
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunNames {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for RunNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().take(NAMES_MAX);
        let named: Vec<String> = named.map(|run| format!("{} (request {})", run.hook, run.request)).collect();
        f.write_str(&named.join(", "))?;
        match self.0.len().saturating_sub(NAMES_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl ActiveRun {
    pub(crate) fn name(&self) -> &RunName {
        &self.name
    }

    /// It does not run for now.
    pub(crate) fn wait(&self) {
        if let Some(known) = self.runs.active().known.get_mut(&self.number) {
            known.is_running = false;
        }
    }

    /// It is about to run. False once the runs are cut.
    pub(crate) fn begin(&self) -> bool {
        let mut active = self.runs.active();
        let may_run = !active.is_closed;
        if let Some(known) = active.known.get_mut(&self.number) {
            known.is_running = may_run;
        }
        may_run
    }

    pub(crate) fn cut(&self) -> watch::Receiver<Cut> {
        self.runs.cut.subscribe()
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.runs.cut.borrow() >= Cut::Draining
    }

    /// Returns when the shutdown has come as far as `stage`.
    pub(crate) async fn until(&self, stage: Cut) {
        // It cannot fail: `runs` holds the sender.
        let _ = self.cut().wait_for(|cut| *cut >= stage).await;
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        self.runs.active().known.remove(&self.number);
        self.runs.ended.notify_waiters();
    }
}
