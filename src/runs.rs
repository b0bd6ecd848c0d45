//! The runs in progress: who they are, and how they end when the server does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::outcome::Cut;

/// All runs in progress.
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
    names: BTreeMap<u64, RunName>,
}

#[derive(Debug, Clone)]
pub(crate) struct RunName {
    pub(crate) hook: String,
    pub(crate) request: String,
}

/// One run in progress; dropping it takes it off the list.
#[derive(Debug)]
pub(crate) struct ActiveRun {
    runs: Arc<Runs>,
    number: u64,
}

impl Runs {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            active: Mutex::default(),
            ended: Notify::new(),
            cut: watch::Sender::new(Cut::NotYet),
        })
    }

    /// `None` once the runs are cut: what starts after that would be lost.
    pub(crate) fn enter(self: &Arc<Self>, name: RunName) -> Option<ActiveRun> {
        let mut active = self.active();
        if active.is_closed {
            return None;
        }
        let number = active.next;
        active.next += 1;
        active.names.insert(number, name);
        drop(active);
        Some(ActiveRun { runs: self.clone(), number })
    }

    /// Tells every run that its time is over, and gives their names.
    pub(crate) fn cut(&self) -> Vec<RunName> {
        let mut active = self.active();
        active.is_closed = true;
        let names = active.names.values().cloned().collect();
        drop(active);
        self.cut.send_replace(Cut::Now);
        names
    }

    pub(crate) fn count(&self) -> usize {
        self.active().names.len()
    }

    /// Returns when no run is in progress.
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

impl ActiveRun {
    pub(crate) fn cut(&self) -> watch::Receiver<Cut> {
        self.runs.cut.subscribe()
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        self.runs.active().names.remove(&self.number);
        self.runs.ended.notify_waiters();
    }
}
