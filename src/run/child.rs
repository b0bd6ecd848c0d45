//! One child process from its start to its end.

mod ending;
mod stdin;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use nix::unistd::{AccessFlags, Pid, access};
use tempfile::TempPath;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::output::{OutputWanted, Pipes, Received};
use super::{Surroundings, program};
use crate::circumstances::Circumstances;
use crate::hook::CommandOutput;
use crate::invocation::{Invocation, InvocationFile};
use crate::outcome::{ARGUMENT_BYTES_MAX, Cut, Ending, Outcome, StartFailure};
use ending::{Group, Progress};
use stdin::Feed;

/// Background processes whose inherited output is still read after their run, so that they can write
/// on. Each costs one descriptor; those beyond get a closed pipe.
const LEAKED_PIPES_MAX: usize = 256;
/// Their output is read in parts of this size.
const LEAKED_READ_BYTES: usize = 64 * 1024;

/// Room for reading the output of background processes that outlived their run.
#[derive(Debug, Clone)]
pub(crate) struct LeakedPipes(Arc<Semaphore>);

impl Default for LeakedPipes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LEAKED_PIPES_MAX)))
    }
}

/// A command that has been started.
pub(crate) struct Running {
    child: tokio::process::Child,
    group: Group,
    circumstances: Arc<Circumstances>,
    pipe: pipe::Receiver,
    stdin: Option<Feed>,
    /// For stderr, where it is apart.
    errors_pipe: Option<pipe::Receiver>,
    started: Instant,
    /// Removed when the run is over.
    _files: Vec<TempPath>,
}

/// Starts the command: own process group, stdout and stderr in one pipe or in two.
#[expect(clippy::disallowed_methods, reason = "this is the one place where processes start")]
pub(crate) fn start(invocation: &Invocation, surroundings: &Surroundings) -> Result<Running, StartFailure> {
    let directory = invocation.working_directory.as_deref();
    let path = program::find(Path::new(&invocation.program), directory, surroundings)?;
    check_sizes(invocation)?;
    let mut command = std::process::Command::new(&path);
    command.arg0(&invocation.program).args(&invocation.arguments).process_group(0);
    let (pipe, errors_pipe) = output_of(invocation, &mut command)?;
    let (stdin, feed) = stdin_of(invocation)?;
    command.stdin(stdin);
    for name in &surroundings.withheld {
        command.env_remove(name);
    }
    command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = directory {
        program::look_at_directory(Some(directory))?;
        command.current_dir(directory);
    }
    let mut files = Vec::with_capacity(invocation.files.len());
    for file in &invocation.files {
        let written = write_file(file, directory.unwrap_or(&surroundings.temporary_directory))?;
        command.env(&file.variable, &written);
        files.push(written);
    }
    let started = Instant::now();
    let mut command = tokio::process::Command::from(command);
    let child = command.spawn().map_err(|error| program::explain(&path, directory, error))?;
    // Dropping the command closes this side's copies of the pipe's writing end.
    drop(command);
    let group = Group(child.id().map(|id| Pid::from_raw(id.cast_signed())));
    let circumstances = invocation.circumstances.clone();
    Ok(Running { child, group, circumstances, pipe, errors_pipe, stdin: feed, started, _files: files })
}

/// The pipe for stdout, with stderr in it or in a second one.
fn output_of(
    invocation: &Invocation,
    command: &mut std::process::Command,
) -> io::Result<(pipe::Receiver, Option<pipe::Receiver>)> {
    let (reader, writer) = io::pipe()?;
    let errors_pipe = match invocation.output {
        CommandOutput::Combined => {
            command.stderr(writer.try_clone()?);
            None
        }
        CommandOutput::Stdout => {
            let (errors_reader, errors_writer) = io::pipe()?;
            command.stderr(errors_writer);
            Some(pipe::Receiver::from_owned_fd(errors_reader.into())?)
        }
    };
    command.stdout(writer);
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, errors_pipe))
}

fn stdin_of(invocation: &Invocation) -> io::Result<(Stdio, Option<Feed>)> {
    let Some(bytes) = &invocation.stdin else { return Ok((Stdio::null(), None)) };
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), Feed::new(writer, bytes.clone())?))
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
        let place = directory.unwrap_or(&surroundings.temporary_directory);
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

fn write_file(file: &InvocationFile, directory: &Path) -> Result<TempPath, StartFailure> {
    let write = || {
        let prefix: String =
            file.variable.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        let directory = std::path::absolute(directory)?;
        let mut created = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory)?;
        created.write_all(&file.content)?;
        Ok(created.into_temp_path())
    };
    write().map_err(|source| StartFailure::TemporaryFile { variable: file.variable.clone(), source })
}

impl Running {
    /// Waits for the end. `cut` turns to [`Cut::Now`] when the server cannot wait any longer.
    pub(crate) async fn wait(
        mut self,
        wanted: OutputWanted<'_>,
        mut cut: watch::Receiver<Cut>,
        leaked_pipes: &LeakedPipes,
    ) -> Outcome {
        let mut pipes = Pipes::new(self.pipe, self.errors_pipe, wanted);
        let mut progress = Progress::new(self.group, self.started, &self.circumstances);
        let mut was_cut = false;
        while pipes.is_open() || progress.is_under_way() {
            tokio::select! {
                () = pipes.advance(), if pipes.is_open() => {}
                () = stdin::write_on(&mut self.stdin), if self.stdin.is_some() => {}
                status = self.child.wait(), if !progress.has_exited() => {
                    progress.exited(status);
                    pipes.command_exited();
                }
                () = at(progress.alarm_at()) => if progress.alarm().is_break() {
                    if was_cut || !pipes.is_held_up() {
                        break;
                    }
                    progress.wait_again();
                },
                () = until_cut(&mut cut), if !was_cut && (progress.is_under_way() || pipes.is_held_up()) => {
                    was_cut = true;
                    progress.cut();
                }
            }
        }
        let duration = self.started.elapsed();
        let ending = progress.ending();
        let Received { output, errors, streamed, open } = pipes.end();
        // At the server's end nobody is there to read on.
        let is_leaked = !open.is_empty() && ending != Ending::Cut;
        if is_leaked {
            open.into_iter().for_each(|pipe| leaked_pipes.read_on(pipe));
        }
        Outcome { ending, is_leaked, output, errors, streamed, duration }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn until_cut(cut: &mut watch::Receiver<Cut>) {
    if cut.wait_for(|cut| *cut == Cut::Now).await.is_err() {
        // Nobody is left who could cut.
        std::future::pending::<()>().await;
    }
}

impl LeakedPipes {
    /// Reads and drops what still comes, so that the process on the other side is not killed by SIGPIPE.
    fn read_on(&self, mut pipe: pipe::Receiver) {
        if let Ok(permit) = self.0.clone().try_acquire_owned() {
            tokio::spawn(async move {
                let mut buffer = vec![0; LEAKED_READ_BYTES];
                while matches!(pipe.read(&mut buffer).await, Ok(read) if read > 0) {}
                drop(permit);
            });
        }
    }
}
