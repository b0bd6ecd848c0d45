//! Runs commands: the only place where processes start and end.

mod child;
mod follow;
mod output;
mod program;

pub(crate) use child::{LeakedPipes, Running, rehearse, start};
pub(crate) use follow::{Followed, Follower, Next, follow};
pub(crate) use output::OutputWanted;
pub(crate) use program::examine;

use std::ffi::OsString;
use std::path::PathBuf;

/// What the machine offers to commands, read once at the start.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// Where a bare command name is looked for.
    pub(crate) path: Option<OsString>,
    pub(crate) temporary_directory: PathBuf,
    /// Those of [`OWN_VARIABLES`] that the server has: taking away what is not there costs a copy of the
    /// whole environment for each run.
    pub(crate) withheld: Vec<&'static str>,
}

/// What belongs to this process alone and must not reach a command (systemd's sd_listen_fds(3) and
/// sd_notify(3)).
pub(crate) const OWN_VARIABLES: [&str; 6] =
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
