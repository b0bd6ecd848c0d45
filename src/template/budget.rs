//! What one rendering may copy of the request.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Texts, keys and the steps to them. The engine does not count what a lookup copies, and a loop may look
/// a long text up in each of its rounds. Enough for a body of some MiB a dozen times, in some ten milliseconds.
pub(super) const COPIED_BYTES_MAX: usize = 64 << 20;

#[derive(Default)]
pub(super) struct Budget {
    copied: AtomicUsize,
}

impl Budget {
    /// `None` once more was taken than there is.
    pub(super) fn take(&self, bytes: usize) -> Option<()> {
        if self.is_spent() {
            return None;
        }
        self.copied.fetch_add(bytes, Ordering::Relaxed);
        (!self.is_spent()).then_some(())
    }

    pub(super) fn is_spent(&self) -> bool {
        self.copied.load(Ordering::Relaxed) > COPIED_BYTES_MAX
    }
}
