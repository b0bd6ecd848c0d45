//! Commands that run as another user or under limits. A process sets these up for itself, so the server
//! starts its own program once more: that one, the helper, sets itself up and then becomes the command.
//!
//! The helper finds a socket in the place of its stderr. Over it come the command's stderr, the orders and the
//! environment, and back goes what failed; when nothing does, the socket closes as the helper becomes the
//! command. The arguments are the command's own from the start, so they may be as long as ever.

use std::ffi::{CString, OsString};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, execve, initgroups, setgid, setgroups, setuid};
use rustix::cmsg_space;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::stdio::{dup2_stderr, stderr};
use rustix::thread::clear_ambient_capability_set;

use super::super::program;
use crate::circumstances::{Account, Circumstances, Limits};
use crate::outcome::StartFailure;

/// The running program, also when its file was replaced or removed.
const PROGRAM: &str = "/proc/self/exe";
/// What the helper is called, by which it knows itself.
const NAME: &str = "hookrunner-helper";
/// The helper never ends with it: either it is the command by then, or has said why not.
const FAILED: u8 = 127;
/// Longer than a directory of users takes to say which groups one is in; a helper that takes longer hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Paths, a name, a few numbers, and several times the environment that the system takes.
const ORDERS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Of CPU time, between SIGXCPU and SIGKILL: time to clean up for a command that wants to.
const CPU_GRACE_SECONDS: u64 = 5;

/// The helper as the server sees it.
pub(super) struct Helper {
    socket: UnixStream,
    stderr: OwnedFd,
}

/// What the helper is to do.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Orders {
    limits: [Option<u64>; 5],
    user: Option<(u32, u32)>,
    /// Of the user, if the system knows it.
    name: Option<String>,
    directory: Option<OsString>,
    program: OsString,
}

/// A step that may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Orders,
    Memory,
    CpuTime,
    OpenFiles,
    FileSize,
    Processes,
    Groups,
    Group,
    User,
    Directory,
    Exec,
}

const STEPS: [Step; 11] = [
    Step::Orders,
    Step::Memory,
    Step::CpuTime,
    Step::OpenFiles,
    Step::FileSize,
    Step::Processes,
    Step::Groups,
    Step::Group,
    Step::User,
    Step::Directory,
    Step::Exec,
];

/// What failed, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) step: Step,
    pub(super) error: io::Error,
}

impl Orders {
    pub(super) fn new(program: &Path, directory: Option<&Path>, circumstances: &Circumstances) -> Self {
        let Circumstances { account, limits, timeout: _, kill_grace: _, inherited: _ } = circumstances;
        let Limits { memory_bytes, cpu_seconds, open_files, file_size_bytes, processes } = *limits;
        Self {
            limits: [memory_bytes, cpu_seconds, open_files, file_size_bytes, processes],
            user: account.as_ref().map(|account| (account.user, account.group)),
            name: account.as_ref().filter(|account| account.is_known).map(|account| account.name.clone()),
            directory: directory.map(|directory| directory.as_os_str().to_owned()),
            program: program.as_os_str().to_owned(),
        }
    }
}

impl Helper {
    /// The helper, and the command that starts it: arguments, environment and the rest are the caller's.
    #[expect(clippy::disallowed_methods, reason = "this is a part of the one place where processes start")]
    pub(super) fn new(stderr: OwnedFd) -> io::Result<(Self, Command)> {
        let (socket, its_end) = UnixStream::pair()?;
        socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        socket.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut command = Command::new(PROGRAM);
        command.arg0(NAME).stderr(OwnedFd::from(its_end));
        Ok((Self { socket, stderr }, command))
    }

    /// Returns once the helper has become the command. This side's copy of the helper's end must be closed.
    /// `environment` has a NUL after each variable.
    pub(super) fn obey(self, orders: &Orders, environment: &[u8]) -> Result<(), Refusal> {
        let refused = |error| Refusal { step: Step::Orders, error };
        let handed_over = self.hand_over(orders, environment);
        let mut answer = [0; 5];
        let mut length = 0;
        while length < answer.len() {
            match (&self.socket).read(&mut answer[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(refused(error)),
            }
        }
        match answer {
            [step, errno @ ..] if length == answer.len() => Err(Refusal {
                step: STEPS.get(usize::from(step)).copied().unwrap_or(Step::Orders),
                error: io::Error::from_raw_os_error(i32::from_le_bytes(errno)),
            }),
            _ => handed_over.map_err(refused),
        }
    }

    fn hand_over(&self, orders: &Orders, environment: &[u8]) -> io::Result<()> {
        let rights = [self.stderr.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = SendAncillaryBuffer::new(&mut space);
        message.push(SendAncillaryMessage::ScmRights(&rights));
        sendmsg(&self.socket, &[IoSlice::new(b"\n")], &mut message, SendFlags::NOSIGNAL)?;
        // JSON has no NUL.
        let message = [&serde_json::to_vec(orders)?, b"\0".as_slice(), environment].concat();
        (&self.socket).write_all(&message)?;
        self.socket.shutdown(Shutdown::Write)
    }
}

/// Is the helper, when the process was started as that. Does not return when all goes well.
pub(crate) fn be_helper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    if arguments.next()? != NAME {
        return None;
    }
    let failed = Some(ExitCode::from(FAILED));
    let Ok(socket) = fcntl_dupfd_cloexec(stderr(), 3) else { return failed };
    let mut socket = UnixStream::from(socket);
    let arguments: Vec<OsString> = arguments.collect();
    let (step, errno) = carry_out(&mut socket, arguments);
    let number = STEPS.iter().position(|other| *other == step).unwrap_or_default();
    let mut answer = [u8::try_from(number).unwrap_or_default(); 5];
    answer[1..].copy_from_slice(&(errno as i32).to_le_bytes());
    // Who does not listen has given up on this helper.
    let _ = socket.write_all(&answer);
    failed
}

/// Gives the step that failed.
fn carry_out(socket: &mut UnixStream, arguments: Vec<OsString>) -> (Step, Errno) {
    let prepared = receive(socket).and_then(|(orders, environment)| {
        let text = |text: OsString| CString::new(text.into_vec()).map_err(io::Error::from);
        let program = text(orders.program.clone())?;
        let name = orders.name.clone().map(|name| text(name.into())).transpose()?;
        let arguments = arguments.into_iter().map(text).collect::<io::Result<Vec<CString>>>()?;
        Ok((orders, program, name, arguments, environment))
    });
    let (orders, program, name, arguments, environment) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return (Step::Orders, error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)),
    };
    let Orders { limits, user, name: _, directory, program: _ } = orders;
    let [memory, cpu, files, size, processes] = limits;
    // The groups before the limits: with few open files the system's list of them cannot be read. The user
    // after the limits: it may not raise them.
    let done = user
        .map_or(Ok(()), |(_, group)| change_groups(group, name))
        .and_then(|()| limit(Step::CpuTime, Resource::Cpu, cpu, CPU_GRACE_SECONDS))
        .and_then(|()| limit(Step::OpenFiles, Resource::Nofile, files, 0))
        .and_then(|()| limit(Step::FileSize, Resource::Fsize, size, 0))
        .and_then(|()| limit(Step::Processes, Resource::Nproc, processes, 0))
        .and_then(|()| user.map_or(Ok(()), |(user, _)| change_user(user)))
        .and_then(|()| directory.map_or(Ok(()), |directory| enter(&directory)))
        // Last, because it holds for this process too.
        .and_then(|()| limit(Step::Memory, Resource::As, memory, 0));
    if let Err(failed) = done {
        return failed;
    }
    // The runtime of a Rust program ignores it, and what is ignored stays so in the command.
    sigpipe::reset();
    match execve(&program, &arguments, &environment) {
        Err(errno) => (Step::Exec, errno),
        Ok(never) => match never {},
    }
}

/// The orders and the environment; the command's stderr is put in its place.
fn receive(socket: &mut UnixStream) -> io::Result<(Orders, Vec<CString>)> {
    let mut first = [0; 1];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    recvmsg(&*socket, &mut [IoSliceMut::new(&mut first)], &mut message, RecvFlags::CMSG_CLOEXEC)?;
    let mut received = message.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    dup2_stderr(received.next().ok_or(io::ErrorKind::InvalidData)?)?;
    let mut text = Vec::new();
    socket.take(ORDERS_BYTES_MAX).read_to_end(&mut text)?;
    let mut parts = text.split(|byte| *byte == 0);
    let orders = serde_json::from_slice(parts.next().unwrap_or_default())?;
    // What follows the last NUL is nothing.
    let variables = parts.filter(|variable| !variable.is_empty());
    let environment = variables.map(|variable| CString::new(variable).map_err(io::Error::from));
    Ok((orders, environment.collect::<io::Result<_>>()?))
}

type Done = Result<(), (Step, Errno)>;

/// `grace` is between the limit that warns and the one that kills.
fn limit(step: Step, resource: Resource, value: Option<u64>, grace: u64) -> Done {
    let Some(value) = value else { return Ok(()) };
    let limit = Rlimit { current: Some(value), maximum: Some(value.saturating_add(grace)) };
    setrlimit(resource, limit).map_err(|error| (step, Errno::from_raw(error.raw_os_error())))
}

fn change_groups(group: u32, name: Option<CString>) -> Done {
    let group = Gid::from_raw(group);
    let groups = match name {
        Some(name) => initgroups(&name, group),
        None => setgroups(&[]),
    };
    groups.map_err(|errno| (Step::Groups, errno))?;
    setgid(group).map_err(|errno| (Step::Group, errno))
}

fn change_user(user: u32) -> Done {
    setuid(Uid::from_raw(user)).map_err(|errno| (Step::User, errno))?;
    // Root's capabilities are gone by now. Those of a server that has them without being root are not.
    clear_ambient_capability_set().map_err(|error| (Step::User, Errno::from_raw(error.raw_os_error())))
}

/// As the user that the process is by now.
fn enter(directory: &OsString) -> Done {
    nix::unistd::chdir(directory.as_os_str()).map_err(|errno| (Step::Directory, errno))
}

/// The helper has the command's arguments and environment, and so their limit.
pub(super) fn explain(error: io::Error) -> StartFailure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::E2BIG) => StartFailure::ArgumentsTooLong,
        _ => StartFailure::Helper(error),
    }
}

impl Refusal {
    /// In the words of the hooks file.
    pub(super) fn explain(
        self,
        path: &Path,
        directory: Option<&Path>,
        account: Option<&Account>,
    ) -> StartFailure {
        let Self { step, error: source } = self;
        let account = account
            .map_or_else(|| "the server's user".to_owned(), |account| format!("the user {}", account.name));
        match step {
            Step::Orders => StartFailure::Helper(source),
            Step::Memory => StartFailure::Limit { name: "memory", source },
            Step::CpuTime => StartFailure::Limit { name: "cpu-time", source },
            Step::OpenFiles => StartFailure::Limit { name: "open-files", source },
            Step::FileSize => StartFailure::Limit { name: "file-size", source },
            Step::Processes => StartFailure::Limit { name: "processes", source },
            Step::Groups | Step::Group | Step::User => StartFailure::Account { account, source },
            Step::Directory => {
                let path = directory.unwrap_or(Path::new(".")).to_owned();
                StartFailure::WorkingDirectory { path, account, source }
            }
            Step::Exec => match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN) => StartFailure::TooManyProcesses { account },
                Some(Errno::EACCES) if program::look_at(path).is_ok() => {
                    StartFailure::NotAllowed { path: path.to_owned(), account }
                }
                _ => program::explain(path, directory, source),
            },
        }
    }
}
