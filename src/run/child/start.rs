//! How a command starts: what it is given, by which process, and why it does not.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::fchown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{AccessFlags, Pid, access};
use tempfile::TempPath;
use tokio::net::unix::pipe;
use tokio::time::Instant;

use super::super::{Surroundings, program};
use super::Running;
use super::group::Group;
use super::helper::{self, Helper, Orders};
use super::process::Process;
use super::stdin::Feed;
use crate::circumstances::{Account, CLEAN_VARIABLES, Circumstances, Inherited};
use crate::hook::CommandOutput;
use crate::invocation::{Invocation, InvocationFile};
use crate::outcome::{ARGUMENT_BYTES_MAX, StartFailure};

/// Starts the command: own process group, stdout and stderr in one pipe or in two, or in none when nobody reads what
/// it writes.
pub(crate) fn start(
    invocation: &Invocation,
    surroundings: &Surroundings,
    is_output_read: bool,
) -> Result<Running, StartFailure> {
    let directory = invocation.working_directory.as_deref();
    let path = program::find(Path::new(&invocation.program), directory, surroundings)?;
    check_sizes(invocation)?;
    program::look_at_directory(directory)?;
    let circumstances = invocation.circumstances.clone();
    let Outputs { stdout, stderr, pipe, errors_pipe } = outputs(invocation, surroundings, is_output_read)?;
    let (helper, mut command) = command(&path, invocation, stderr)?;
    let (stdin, feed) = stdin_of(invocation)?;
    command.args(&invocation.arguments).process_group(0).stdin(stdin).stdout(stdout);
    set_environment(&mut command, invocation, surroundings);
    let mut files = Vec::with_capacity(invocation.files.len());
    for file in &invocation.files {
        let written =
            write_file(file, place_of_files(invocation, surroundings), circumstances.account.as_ref())?;
        command.env(&file.variable, &written);
        files.push(written);
    }
    // The helper begins with the server's rights, and must not be led by what a request brings.
    let environment = helper.as_ref().map(|_| take_environment(&mut command, &circumstances, surroundings));
    let started = Instant::now();
    let spawn = || Process::spawn(command, pipe.is_some(), &surroundings.lookout);
    // The command is dropped with it, which closes this side's copies of what it has.
    let spawned = surroundings.own_children.start(spawn);
    let (mut process, own_child) = spawned.map_err(|error| match &helper {
        None => program::explain(&path, directory, error),
        Some(_) => helper::explain(error),
    })?;
    if let Some(helper) = helper {
        let orders = Orders::new(&path, directory, &circumstances);
        if let Err(refusal) = helper.obey(&orders, &environment.unwrap_or_default()) {
            // It has nothing left to do, or hangs.
            process.kill();
            tokio::spawn(async move {
                let _ = process.exit().await;
                drop(own_child);
            });
            return Err(refusal.explain(&path, directory, circumstances.account.as_ref()));
        }
    }
    let group = Group(process.id().map(|id| Pid::from_raw(id.cast_signed())));
    Ok(Running {
        process,
        group,
        circumstances,
        pipe,
        errors_pipe,
        stdin: feed,
        started,
        _files: files,
        _own_child: own_child,
    })
}

/// The command up to its arguments, by way of the helper if it needs one.
#[expect(clippy::disallowed_methods, reason = "this is a part of the one place where processes start")]
fn command(
    path: &Path,
    invocation: &Invocation,
    stderr: OwnedFd,
) -> io::Result<(Option<Helper>, std::process::Command)> {
    if invocation.circumstances.change_process() {
        let (helper, mut command) = Helper::new(stderr)?;
        command.arg(&invocation.program);
        return Ok((Some(helper), command));
    }
    let mut command = std::process::Command::new(path);
    command.arg0(&invocation.program).stderr(stderr);
    if let Some(directory) = &invocation.working_directory {
        command.current_dir(directory);
    }
    Ok((None, command))
}

/// Both ends of the command's output.
struct Outputs {
    stdout: OwnedFd,
    stderr: OwnedFd,
    pipe: Option<pipe::Receiver>,
    errors_pipe: Option<pipe::Receiver>,
}

fn outputs(
    invocation: &Invocation,
    surroundings: &Surroundings,
    is_output_read: bool,
) -> io::Result<Outputs> {
    // What the command leaves behind may still read these. Whether it is there is known by its hold on the pipe.
    let is_held = !invocation.files.is_empty() || invocation.stdin.is_some();
    match &surroundings.sink {
        Some(sink) if !is_output_read && !is_held => sunk(sink),
        _ => piped(invocation.output, invocation.circumstances.account.as_ref()),
    }
}

fn sunk(sink: &File) -> io::Result<Outputs> {
    let copy = || Ok::<_, io::Error>(OwnedFd::from(sink.try_clone()?));
    Ok(Outputs { stdout: copy()?, stderr: copy()?, pipe: None, errors_pipe: None })
}

/// The pipe for stdout, with stderr in it or in a second one.
fn piped(output: CommandOutput, account: Option<&Account>) -> io::Result<Outputs> {
    let receiver = |reader: PipeReader| pipe::Receiver::from_owned_fd(reader.into());
    let (reader, stdout) = io::pipe()?;
    let (stderr, errors_pipe) = match output {
        CommandOutput::Combined => (stdout.try_clone()?, None),
        CommandOutput::Stdout => {
            let (reader, stderr) = io::pipe()?;
            (stderr, Some(receiver(reader)?))
        }
    };
    if let Some(account) = account {
        give([&stdout, &stderr], account);
    }
    let pipe = Some(receiver(reader)?);
    Ok(Outputs { stdout: stdout.into(), stderr: stderr.into(), pipe, errors_pipe })
}

/// What is inherited, then the user's own variables, then the hook's.
fn set_environment(
    command: &mut std::process::Command,
    invocation: &Invocation,
    surroundings: &Surroundings,
) {
    let Circumstances { inherited, account, .. } = invocation.circumstances.as_ref();
    match inherited {
        Inherited::All => {
            for name in &surroundings.withheld {
                command.env_remove(name);
            }
        }
        Inherited::Clean { keep } => {
            let names = CLEAN_VARIABLES.into_iter().chain(keep.iter().map(String::as_str));
            let found = |name| Some((name, surroundings.variables.get(OsStr::new(name))?));
            command.env_clear().envs(names.filter_map(found));
        }
    }
    if let Some(Account { name, home, .. }) = account {
        command.env("HOME", home).env("USER", name).env("LOGNAME", name);
    }
    command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
}

/// The whole environment of a command as `NAME=VALUE`, each with a NUL at its end; the command has none then.
fn take_environment(
    command: &mut std::process::Command,
    circumstances: &Circumstances,
    surroundings: &Surroundings,
) -> Vec<u8> {
    let mut all: HashMap<&OsStr, &OsStr> = HashMap::new();
    if circumstances.inherited == Inherited::All {
        all.extend(surroundings.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())));
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => all.insert(name, value),
            None => all.remove(name),
        };
    }
    let mut text = Vec::new();
    for (name, value) in all {
        for part in [name.as_encoded_bytes(), b"=", value.as_encoded_bytes(), b"\0"] {
            text.extend_from_slice(part);
        }
    }
    command.env_clear();
    text
}

fn stdin_of(invocation: &Invocation) -> io::Result<(Stdio, Option<Feed>)> {
    let Some(bytes) = &invocation.stdin else { return Ok((Stdio::null(), None)) };
    let (reader, writer) = io::pipe()?;
    if let Some(account) = &invocation.circumstances.account {
        give([&reader], account);
    }
    Ok((reader.into(), Feed::new(writer, bytes.clone())?))
}

/// Makes pipes the user's, so that its command can open them by name, as `/dev/stderr`. Where the server may not do
/// that, they work all the same, but not by name.
fn give<'p, P: AsFd + 'p>(pipes: impl IntoIterator<Item = &'p P>, account: &Account) {
    for pipe in pipes {
        let _ = fchown(pipe, Some(account.user), Some(account.group));
    }
}

/// What is known of a start without starting: the file that would be run, if it can be and takes what it is
/// given.
pub(crate) fn rehearse(
    invocation: &Invocation,
    surroundings: &Surroundings,
) -> Result<PathBuf, StartFailure> {
    let directory = invocation.working_directory.as_deref();
    let program = Path::new(&invocation.program);
    program::examine_start(program, directory, surroundings)?;
    check_sizes(invocation)?;
    if let Some(InvocationFile { variable, .. }) = invocation.files.first() {
        let place = place_of_files(invocation, surroundings);
        access(place, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|error| {
            StartFailure::TemporaryFile { variable: variable.clone(), source: error.into() }
        })?;
    }
    program::find(program, directory, surroundings)
}

/// What the system would refuse, said before with a name to it.
fn check_sizes(invocation: &Invocation) -> Result<(), StartFailure> {
    let check = |what: &dyn Fn() -> String, text: &OsStr, more: usize| {
        let length = text.len() + more;
        if text.as_encoded_bytes().contains(&0) {
            return Err(StartFailure::NulByte { what: what() });
        }
        if length > ARGUMENT_BYTES_MAX {
            return Err(StartFailure::ArgumentTooLong { what: what(), length });
        }
        Ok(())
    };
    check(&|| "the command".to_owned(), &invocation.program, 0)?;
    for (index, argument) in invocation.arguments.iter().enumerate() {
        check(&|| format!("argument {}", index + 1), argument, 0)?;
    }
    for (name, value) in &invocation.environment {
        check(&|| format!("the variable {}", name.display()), value, name.len() + 1)?;
    }
    Ok(())
}

/// Where temporary files are made. Never in another user's working directory: the server still has its own
/// rights then, and whoever controls the directory could put a link in its place.
fn place_of_files<'p>(invocation: &'p Invocation, surroundings: &'p Surroundings) -> &'p Path {
    let own = invocation.working_directory.as_deref().filter(|_| invocation.circumstances.account.is_none());
    own.unwrap_or(&surroundings.temporary_directory)
}

fn write_file(
    file: &InvocationFile,
    directory: &Path,
    account: Option<&Account>,
) -> Result<TempPath, StartFailure> {
    let write = || {
        let prefix: String =
            file.variable.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        let directory = std::path::absolute(directory)?;
        let mut created = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory)?;
        created.write_all(&file.content)?;
        if let Some(account) = account {
            fchown(created.as_file(), Some(account.user), Some(account.group))?;
        }
        Ok(created.into_temp_path())
    };
    write().map_err(|source| StartFailure::TemporaryFile { variable: file.variable.clone(), source })
}
