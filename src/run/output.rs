//! The pipes of a command and what becomes of its output: kept up to a limit, handed to a client that follows
//! it, or dropped.

use std::fs::File;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use bytes::BytesMut;
use rustix::fs::makedev;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::follow::Follower;
use crate::outcome::{Output, Streamed};

/// One read from a pipe; as much as Linux lets a pipe hold.
const READ_BYTES: usize = 64 * 1024;
/// The first read: most commands say little or nothing.
const FIRST_READ_BYTES: usize = 4 * 1024;

/// Takes what nobody wants to know, and the system drops it: a run then needs no pipe, of which thousands make each
/// start slower.
///
/// It is not `/dev/null`, where some programs do less: GNU grep stops at its first match, and what feeds it is killed.
const SINK: &str = "/dev/zero";

/// `None`: the system has no such device in that place.
pub(crate) fn sink() -> Option<File> {
    sink_at(Path::new(SINK))
}

fn sink_at(path: &Path) -> Option<File> {
    let file = File::options().write(true).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let is_the_device = metadata.file_type().is_char_device() && metadata.rdev() == makedev(1, 5);
    is_the_device.then_some(file)
}

/// What is to become of a run's output.
#[derive(Debug)]
pub(crate) struct OutputWanted<'f> {
    /// Bytes of the output that are kept; `None`: none, and it is not counted.
    pub(crate) output_max: Option<usize>,
    /// The same for stderr, where it is apart.
    pub(crate) errors_max: Option<usize>,
    /// The client that gets the output as it comes.
    pub(crate) follower: Option<&'f mut Follower>,
}

/// Both pipes of a run; one, when stdout and stderr share it; none, when nobody wants its output.
pub(super) struct Pipes<'f> {
    output: Option<Source>,
    errors: Option<Source>,
    follower: Option<&'f mut Follower>,
    /// Read from the output since the command's exit.
    bytes_after_exit: Option<usize>,
}

struct Source {
    pipe: pipe::Receiver,
    is_open: bool,
    buffer: BytesMut,
    /// What the next read has room for.
    room: usize,
    kept_max: Option<usize>,
    output: Output,
}

/// What has come through the pipes.
pub(super) struct Received {
    pub(super) output: Output,
    pub(super) errors: Output,
    pub(super) streamed: Streamed,
    /// Pipes that a process still holds.
    pub(super) open: Vec<pipe::Receiver>,
}

impl<'f> Pipes<'f> {
    pub(super) fn new(
        output: Option<pipe::Receiver>,
        errors: Option<pipe::Receiver>,
        wanted: OutputWanted<'f>,
    ) -> Self {
        let OutputWanted { output_max, errors_max, follower } = wanted;
        let output = output.map(|pipe| Source::new(pipe, output_max));
        let errors = errors.map(|pipe| Source::new(pipe, errors_max));
        Self { output, errors, follower, bytes_after_exit: None }
    }

    /// Whether something may still come, or go to the client.
    pub(super) fn is_open(&self) -> bool {
        [&self.output, &self.errors].into_iter().flatten().any(|source| source.is_open) || self.is_waiting()
    }

    /// Reads once, or hands over once. May be dropped and begun anew. Only while [`Self::is_open`].
    pub(super) async fn advance(&mut self) {
        let is_waiting = self.is_waiting();
        let least = if self.follower.is_some() { FIRST_READ_BYTES } else { READ_BYTES };
        tokio::select! {
            () = hand_over(&mut self.follower), if is_waiting => {}
            output = read(&mut self.output, least), if !is_waiting => {
                let bytes = output.keep();
                if let Some(after_exit) = &mut self.bytes_after_exit {
                    *after_exit += bytes;
                }
                match &mut self.follower {
                    Some(follower) if bytes > 0 => follower.offer(output.buffer.split().freeze()),
                    _ => output.buffer.clear(),
                }
            }
            errors = read(&mut self.errors, READ_BYTES) => {
                errors.keep();
                errors.buffer.clear();
            }
        }
    }

    pub(super) fn command_exited(&mut self) {
        self.bytes_after_exit = Some(0);
    }

    /// Whether it is the client, and not a process that the command left behind, that is waited for: what
    /// came since the command's exit fits into the pipe.
    pub(super) fn is_held_up(&self) -> bool {
        self.is_waiting() && self.bytes_after_exit.is_some_and(|bytes| bytes <= READ_BYTES)
    }

    /// No more is read.
    pub(super) fn end(self) -> Received {
        let Self { output, errors, follower, .. } = self;
        let streamed = follower.map_or(Streamed::No, |follower| follower.streamed());
        let mut open = Vec::new();
        let mut done = |source: Source| {
            if source.is_open {
                open.push(source.pipe);
            }
            source.output
        };
        let output = output.map(&mut done).unwrap_or_default();
        let errors = errors.map(done).unwrap_or_default();
        Received { output, errors, streamed, open }
    }

    fn is_waiting(&self) -> bool {
        self.follower.as_ref().is_some_and(|follower| follower.is_waiting())
    }
}

/// Both are pending when there is nothing to wait for.
async fn hand_over(follower: &mut Option<&mut Follower>) {
    match follower {
        Some(follower) => follower.hand_over().await,
        None => std::future::pending().await,
    }
}

async fn read(source: &mut Option<Source>, least: usize) -> &mut Source {
    match source.as_mut().filter(|source| source.is_open) {
        Some(source) => {
            source.read(least).await;
            source
        }
        None => std::future::pending().await,
    }
}

impl Source {
    fn new(pipe: pipe::Receiver, kept_max: Option<usize>) -> Self {
        let (buffer, output) = (BytesMut::new(), Output::default());
        Self { pipe, is_open: true, buffer, room: FIRST_READ_BYTES, kept_max, output }
    }

    /// Reads what is there into the buffer. One with `least` bytes of room is not replaced by a larger one.
    async fn read(&mut self, least: usize) {
        let room = self.buffer.capacity() - self.buffer.len();
        if room < least.min(self.room) {
            self.buffer.reserve(self.room);
        }
        let read = self.pipe.read_buf(&mut self.buffer).await;
        self.is_open = matches!(read, Ok(bytes) if bytes > 0);
        self.room = READ_BYTES;
    }

    /// Keeps what is wanted of the buffer, and gives its length.
    fn keep(&mut self) -> usize {
        if let Some(bytes_max) = self.kept_max {
            let room = bytes_max.saturating_sub(self.output.bytes.len());
            let kept = self.buffer.len().min(room);
            self.output.bytes.extend_from_slice(&self.buffer[..kept]);
            self.output.dropped_bytes += (self.buffer.len() - kept) as u64;
        }
        self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::run::follow;

    async fn pipe_of(bytes: usize) -> (pipe::Sender, pipe::Receiver) {
        let (mut sender, receiver) = pipe::pipe().unwrap();
        sender.write_all(&vec![b'x'; bytes]).await.unwrap();
        (sender, receiver)
    }

    async fn read_all(pipes: &mut Pipes<'_>) {
        while pipes.is_open() {
            pipes.advance().await;
        }
    }

    #[test]
    fn only_the_device_itself_is_a_sink() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(sink_at(Path::new(SINK)).is_some());
        for other in [Path::new("/dev/null"), file.path(), Path::new("/dev/absent")] {
            assert!(sink_at(other).is_none(), "{other:?}");
        }
    }

    #[tokio::test]
    async fn each_pipe_is_kept_up_to_its_own_limit() {
        let (output_sender, output) = pipe_of(10_000).await;
        let (errors_sender, errors) = pipe_of(20_000).await;
        let wanted = OutputWanted { output_max: Some(9_000), errors_max: Some(5), follower: None };
        let mut pipes = Pipes::new(Some(output), Some(errors), wanted);
        drop((output_sender, errors_sender));
        read_all(&mut pipes).await;
        let Received { output, errors, streamed, open } = pipes.end();
        assert_eq!((output.bytes.len(), output.dropped_bytes), (9_000, 1_000));
        assert_eq!((errors.bytes.len(), errors.dropped_bytes), (5, 19_995));
        assert_eq!((streamed, open.len()), (Streamed::No, 0));
    }

    #[tokio::test]
    async fn what_is_not_wanted_is_read_and_not_counted() {
        let (sender, output) = pipe_of(10_000).await;
        let wanted = OutputWanted { output_max: None, errors_max: None, follower: None };
        let mut pipes = Pipes::new(Some(output), None, wanted);
        drop(sender);
        read_all(&mut pipes).await;
        let output = pipes.end().output;
        assert_eq!((output.bytes.len(), output.dropped_bytes), (0, 0));
    }

    #[tokio::test]
    async fn a_client_that_does_not_take_its_pieces_holds_the_reading_up() {
        let (mut sender, output) = pipe_of(1).await;
        let (mut follower, followed) = follow(Duration::from_secs(3_600));
        let wanted = OutputWanted { output_max: None, errors_max: None, follower: Some(&mut follower) };
        let mut pipes = Pipes::new(Some(output), None, wanted);
        while !pipes.is_waiting() {
            pipes.advance().await;
            sender.write_all(b"x").await.unwrap();
        }
        assert!(!pipes.is_held_up(), "the command still runs");
        pipes.command_exited();
        assert!(pipes.is_held_up());
        drop((sender, followed));
        read_all(&mut pipes).await;
        assert!(!pipes.is_held_up());
        assert_eq!(pipes.end().streamed, Streamed::InPart);
    }

    #[tokio::test]
    async fn a_pipe_that_is_still_held_is_given_back() {
        let (_sender, output) = pipe_of(1).await;
        let (_errors_sender, errors) = pipe_of(0).await;
        let wanted = OutputWanted { output_max: Some(10), errors_max: None, follower: None };
        let mut pipes = Pipes::new(Some(output), Some(errors), wanted);
        pipes.advance().await;
        let Received { output, open, .. } = pipes.end();
        assert_eq!((output.bytes.as_slice(), open.len()), (b"x".as_slice(), 2));
    }
}
