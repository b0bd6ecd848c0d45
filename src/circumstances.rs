//! What a command runs under, beside what it is given.

use std::ffi::OsString;
use std::time::Duration;

use crate::outcome::KILL_GRACE;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// From the start of the process; `None`: as long as it likes.
    pub(crate) timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub(crate) kill_grace: Duration,
    pub(crate) inherited: Inherited,
    /// `None`: as the server.
    pub(crate) account: Option<Account>,
    pub(crate) limits: Limits,
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            timeout: None,
            kill_grace: KILL_GRACE,
            inherited: Inherited::All,
            account: None,
            limits: Limits::default(),
        }
    }
}

impl Circumstances {
    /// Whether the process itself is changed before it is the command.
    pub(crate) fn change_process(&self) -> bool {
        self.account.is_some() || self.limits != Limits::default()
    }
}

/// What a command has of the server's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inherited {
    All,
    /// [`CLEAN_VARIABLES`], and those named here.
    Clean {
        keep: Vec<String>,
    },
}

/// What programs expect to find, and nothing that may be a secret.
pub(crate) const CLEAN_VARIABLES: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"];

/// What belongs to the server's process alone and must not reach a command (systemd's sd_listen_fds(3) and
/// sd_notify(3)).
pub(crate) const WITHHELD_VARIABLES: [&str; 6] =
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// Whom a command runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// The user's; its number when it has none.
    pub(crate) name: String,
    pub(crate) home: OsString,
    /// Whether the system knows the user, and so which other groups it is in.
    pub(crate) is_known: bool,
}

/// What one process of a command may take at most; `None`: as the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) cpu_seconds: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) file_size_bytes: Option<u64>,
    pub(crate) processes: Option<u64>,
}
