//! How a run ended: every ending is a value.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    /// The command exited, but a process that it left behind still held its output a while later.
    pub(crate) is_leaked: bool,
    pub(crate) output: Output,
    /// What it wrote to stderr, where that is not part of the output.
    pub(crate) errors: Output,
    pub(crate) streamed: Streamed,
    pub(crate) duration: Duration,
}

/// What the command wrote to stdout and, unless they are apart, to stderr, in order.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    /// Read beyond the limit and dropped.
    pub(crate) dropped_bytes: u64,
}

/// Whether the output went to the client as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streamed {
    No,
    ToItsEnd,
    /// The client left, or did not take it.
    InPart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Signalled(i32),
    /// Made to end because the hook's `timeout` was over.
    TimedOut,
    /// Killed because the server was shut down.
    Cut,
    /// The system could not tell.
    Lost,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.ending.is_success()
    }
}

impl Ending {
    pub(crate) fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit status {code}"),
            Self::Signalled(signal) => write!(f, "killed by signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Cut => f.write_str("killed at shutdown"),
            Self::Lost => f.write_str("ended in a way the system did not tell"),
        }
    }
}

/// Why a command could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartFailure {
    #[error("the hook has no `execute-command`")]
    NoCommand,
    #[error("there is no file {}", .path.display())]
    NotFound { path: PathBuf },
    #[error("executable file not found in $PATH")]
    NotInPath,
    #[error("{} is a directory", .path.display())]
    IsDirectory { path: PathBuf },
    #[error("{} is no regular file, and cannot be run", .path.display())]
    NotAFile { path: PathBuf },
    #[error("{} is not executable: run `chmod +x` on it", .path.display())]
    NotExecutable { path: PathBuf },
    #[error("{} names the interpreter {interpreter} in its #! line, and there is no such file", .path.display())]
    NoInterpreter { path: PathBuf, interpreter: String },
    #[error("{} asks `env` for `{program}` in its #! line, and there is no such program in $PATH", .path.display())]
    NoProgramForEnv { path: PathBuf, program: String },
    #[error(
        "the #! line of {} ends with a carriage return: the file has Windows line ends, convert it with `dos2unix`",
        .path.display()
    )]
    CarriageReturn { path: PathBuf },
    #[error("{} is no program: a script begins with a line like `#!/bin/sh`", .path.display())]
    NotAProgram { path: PathBuf },
    #[error("the working directory {} does not exist", .path.display())]
    NoWorkingDirectory { path: PathBuf },
    #[error(
        "{what} is {length} bytes long, and the system takes {ARGUMENT_BYTES_MAX}: pass it with `pass-file-to-command`"
    )]
    ArgumentTooLong { what: String, length: usize },
    #[error(
        "arguments and environment are together longer than the system takes: pass with `pass-file-to-command`"
    )]
    ArgumentsTooLong,
    #[error("{what} holds a NUL byte, which no argument or variable can")]
    NulByte { what: String },
    #[error("the temporary file for {variable} cannot be written: {source}")]
    TemporaryFile { variable: String, source: std::io::Error },
    #[error("the limit `{name}` cannot be set: {source}")]
    Limit { name: &'static str, source: std::io::Error },
    #[error("the command cannot be run as {account}: {source}")]
    Account { account: String, source: std::io::Error },
    #[error("{account} cannot enter the working directory {}: {source}", .path.display())]
    WorkingDirectory { path: PathBuf, account: String, source: std::io::Error },
    #[error("{account} may not execute {}", .path.display())]
    NotAllowed { path: PathBuf, account: String },
    #[error("{account} has as many processes as `limits` allows")]
    TooManyProcesses { account: String },
    #[error("the process that sets up `run-as` and `limits` failed: {0}")]
    Helper(std::io::Error),
    #[error("{0}")]
    Other(#[from] std::io::Error),
}

impl StartFailure {
    /// Whether the same start may succeed later: the machine was short of something, or the file is being
    /// written.
    pub(crate) fn may_pass(&self) -> bool {
        let (Self::Other(error) | Self::Helper(error) | Self::TemporaryFile { source: error, .. }) = self
        else {
            return false;
        };
        // Too many open files, of this process or of all, have no name of their own.
        const EMFILE: i32 = 24;
        const ENFILE: i32 = 23;
        matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
            || matches!(
                error.kind(),
                ErrorKind::WouldBlock
                    | ErrorKind::OutOfMemory
                    | ErrorKind::StorageFull
                    | ErrorKind::QuotaExceeded
                    | ErrorKind::ExecutableFileBusy
                    | ErrorKind::Interrupted
            )
    }
}

/// What Linux takes as one argument or variable, without the NUL at its end (`MAX_ARG_STRLEN`, execve(2)).
pub(crate) const ARGUMENT_BYTES_MAX: usize = 32 * 4096 - 1;

/// Between SIGTERM and SIGKILL: at shutdown at most, otherwise unless the hook says another time.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(5);

/// How far the server's shutdown has come, for the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    /// Runs may take their time.
    NotYet,
    /// What has begun or was accepted may go on; nothing is tried again.
    Draining,
    /// The time for them is over.
    Now,
}
