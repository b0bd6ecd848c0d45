//! Where the output goes that nobody wants: one pipe for all runs, which is read and dropped. A pipe for each
//! would be one open file for each, and the more are open the longer a process takes to start.
//!
//! Not `/dev/null`: some programs do less when they see it. GNU grep stops at its first match, and what writes to
//! it in a pipeline is killed.

use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use tokio::net::unix::pipe;

/// One read, as much as Linux lets a pipe hold.
const READ_BYTES: usize = 64 * 1024;

/// The pipe is made when it is needed first, and lasts as long as its copies or a process that writes into it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sink(Arc<OnceLock<PipeWriter>>);

impl Sink {
    /// An end to write into that shares no flags with others: a command may make its own non-blocking. Fails where
    /// there is no `/proc`.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        let writer = match self.0.get() {
            Some(writer) => writer,
            None => {
                let (reader, writer) = io::pipe()?;
                tokio::spawn(drain(pipe::Receiver::from_owned_fd(reader.into())?));
                // Of two that were made at the same time the second is closed here.
                self.0.get_or_init(|| writer)
            }
        };
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        Ok(File::options().write(true).open(path)?.into())
    }
}

/// Reads up to the end of all who write. Room is taken only while something comes.
async fn drain(reader: pipe::Receiver) {
    while reader.readable().await.is_ok() {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match reader.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => tokio::task::consume_budget().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_written_is_taken_whoever_writes() {
        let sink = Sink::default();
        let ends = [sink.open().unwrap(), sink.clone().open().unwrap()];
        let [one, other] = &ends;
        assert_eq!(fstat(one).unwrap().st_ino, fstat(other).unwrap().st_ino);
        drop(sink);
        for end in ends {
            // More than a pipe holds.
            let written = tokio::task::spawn_blocking(move || File::from(end).write_all(&[b'x'; 1 << 20]));
            written.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn what_one_makes_of_its_end_does_not_reach_others() {
        let sink = Sink::default();
        let (one, other) = (sink.open().unwrap(), sink.open().unwrap());
        fcntl_setfl(&one, fcntl_getfl(&one).unwrap() | OFlags::NONBLOCK).unwrap();
        assert!(!fcntl_getfl(&other).unwrap().contains(OFlags::NONBLOCK));
    }
}
