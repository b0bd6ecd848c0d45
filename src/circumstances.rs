//! What a command runs under, beside what it is given.

use std::time::Duration;

use crate::outcome::KILL_GRACE;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// From the start of the process; `None`: as long as it likes.
    pub(crate) timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub(crate) kill_grace: Duration,
}

impl Default for Circumstances {
    fn default() -> Self {
        Self { timeout: None, kill_grace: KILL_GRACE }
    }
}
