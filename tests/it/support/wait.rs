//! Waiting for what cannot announce itself.

use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Far longer than anything here takes, so that only a defect or a stuck machine reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at that no descriptor and no channel reports.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Returns once `holds` does; panics with `what` when it has not within [`PATIENCE`].
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let (_silent, pause) = mpsc::channel::<()>();
    while !holds() {
        assert!(Instant::now() < deadline, "did not happen within {PATIENCE:?}: {what}");
        let _ = pause.recv_timeout(POLL_INTERVAL);
    }
}
