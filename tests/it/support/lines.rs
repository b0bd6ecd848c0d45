//! Lines that another thread receives, and waiting for one of them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::PATIENCE;

#[derive(Default)]
pub(crate) struct Lines {
    received: Mutex<Received>,
    changed: Condvar,
}

#[derive(Default)]
struct Received {
    lines: Vec<String>,
    /// Nothing more will come, so that waiting longer is pointless.
    ended: bool,
}

impl Lines {
    pub(crate) fn push(&self, line: String) {
        self.lock().lines.push(line);
        self.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().lines.len()
    }

    pub(crate) fn since(&self, from: usize) -> Vec<String> {
        self.lock().lines.get(from..).unwrap_or_default().to_vec()
    }

    /// The first line at or after `from` that fits, and its number; `None` when the lines end, or patience
    /// does, without one.
    pub(crate) fn find(&self, from: usize, fits: impl Fn(&str) -> bool) -> Option<(usize, String)> {
        let first = |received: &Received| {
            let mut numbered = received.lines.iter().enumerate().skip(from);
            numbered.find(|(_, line)| fits(line)).map(|(number, line)| (number, line.clone()))
        };
        let (received, _) = self
            .changed
            .wait_timeout_while(self.lock(), PATIENCE, |received| {
                !received.ended && first(received).is_none()
            })
            .unwrap();
        first(&received)
    }

    /// Waits for the end.
    pub(crate) fn all(&self) -> Vec<String> {
        let (received, _) =
            self.changed.wait_timeout_while(self.lock(), PATIENCE, |received| !received.ended).unwrap();
        received.lines.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
