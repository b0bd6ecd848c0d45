//! Processes that runs left behind, which the system hands to this one when it is the first of its container
//! or a subreaper: they are waited for when they end, and no command's end is taken from its run.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use super::child::Process;

/// The processes that this one has started itself. Nothing is kept where nothing is reaped.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnChildren(Option<Arc<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Held while a process starts, so that none is looked at before it is known.
    starting: RwLock<()>,
    ids: Mutex<HashSet<u32>>,
}

/// A process of ours, for as long as it is waited for.
#[derive(Debug)]
pub(super) struct OwnChild {
    known: Option<Arc<Known>>,
    id: Option<u32>,
}

impl OwnChildren {
    /// For a process that gets the orphans.
    pub(crate) fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    pub(super) fn start(
        &self,
        start: impl FnOnce() -> io::Result<Process>,
    ) -> io::Result<(Process, OwnChild)> {
        let Some(known) = &self.0 else { return Ok((start()?, OwnChild { known: None, id: None })) };
        let _starting = known.starting.read().unwrap_or_else(PoisonError::into_inner);
        let child = start()?;
        let id = child.id();
        known.ids().extend(id);
        Ok((child, OwnChild { known: Some(known.clone()), id }))
    }
}

impl Known {
    fn ids(&self) -> MutexGuard<'_, HashSet<u32>> {
        // The set is right at every moment, also after a panic elsewhere.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for those orphans that have ended.
    fn reap(&self) {
        let _none_starts = self.starting.write().unwrap_or_else(PoisonError::into_inner);
        for id in children() {
            let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid.filter(|_| !self.ids().contains(&id)) {
                // One that has not ended stays; one that is gone was waited for already.
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        if let (Some(known), Some(id)) = (&self.known, self.id) {
            known.ids().remove(&id);
        }
    }
}

/// All children of this process. Each stands with the thread that got it.
fn children() -> Vec<u32> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Reaps orphans for as long as the server lives.
pub(crate) async fn reap_orphans(children: OwnChildren) {
    let OwnChildren(Some(known)) = children else { return };
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    loop {
        known.reap();
        if ended.recv().await.is_none() {
            return;
        }
    }
}
