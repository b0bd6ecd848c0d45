//! One child process from its start to its end.

mod ending;
mod group;
mod helper;
mod process;
mod start;
mod stdin;

use std::sync::Arc;

use tempfile::TempPath;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::orphans::OwnChild;
use super::output::{OutputWanted, Pipes, Received};
use crate::circumstances::Circumstances;
use crate::outcome::{Cut, Ending, Outcome};
use ending::Progress;
use group::Group;
use stdin::Feed;

pub(crate) use helper::be_helper;
pub(super) use process::Process;
pub(crate) use process::{Lookout, keep_exits};
pub(crate) use start::{rehearse, start};

/// Processes left behind whose inherited output is still read after their run, so that they can write
/// on. Each costs one descriptor; those beyond get a closed pipe.
const LEAKED_PIPES_MAX: usize = 256;
/// Their output is read in parts of this size.
const LEAKED_READ_BYTES: usize = 64 * 1024;

/// Room for reading the output of processes that outlived their run.
#[derive(Debug, Clone)]
pub(crate) struct LeakedPipes(Arc<Semaphore>);

impl Default for LeakedPipes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LEAKED_PIPES_MAX)))
    }
}

/// A command that has been started.
pub(crate) struct Running {
    process: Process,
    group: Group,
    circumstances: Arc<Circumstances>,
    /// `None`: nobody wants the output.
    pipe: Option<pipe::Receiver>,
    stdin: Option<Feed>,
    /// For stderr, where it is apart.
    errors_pipe: Option<pipe::Receiver>,
    started: Instant,
    /// Removed when the run is over.
    _files: Vec<TempPath>,
    _own_child: OwnChild,
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
                status = self.process.exit(), if !progress.has_exited() => {
                    progress.exited(status);
                    pipes.command_exited();
                }
                () = at(progress.alarm_at()) => {
                    if !has_exited_unnoticed(&mut self.process, &mut progress, &mut pipes)
                        && progress.alarm().is_break()
                    {
                        if was_cut || !pipes.is_held_up() {
                            break;
                        }
                        progress.wait_again();
                    }
                }
                () = until_cut(&mut cut), if !was_cut && (progress.is_under_way() || pipes.is_held_up()) => {
                    was_cut = true;
                    has_exited_unnoticed(&mut self.process, &mut progress, &mut pipes);
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

/// Exits may be told late, and what has ended in time must not be made to end.
fn has_exited_unnoticed(process: &mut Process, progress: &mut Progress, pipes: &mut Pipes<'_>) -> bool {
    let exit = if progress.has_exited() { None } else { process.look() };
    let is_new = exit.is_some();
    if let Some(status) = exit {
        progress.exited(status);
        pipes.command_exited();
    }
    is_new
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
