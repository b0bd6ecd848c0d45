//! What a command reads.

use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

/// Bytes on their way into a command's stdin.
pub(super) struct Feed {
    pipe: pipe::Sender,
    left: Bytes,
}

impl Feed {
    /// `pipe` is the writing end of the command's stdin, which closes when all is written.
    pub(super) fn new(pipe: PipeWriter, bytes: Bytes) -> io::Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { pipe: pipe::Sender::from_owned_fd(OwnedFd::from(pipe))?, left: bytes }))
    }
}

/// Writes the next piece. Nothing is left of `feed` when that was the last, or when nobody reads any more:
/// a command need not read what it is given.
pub(super) async fn write_on(feed: &mut Option<Feed>) {
    let Some(Feed { pipe, left }) = feed else { return };
    match pipe.write(left).await {
        Ok(written) if written > 0 && written < left.len() => left.advance(written),
        Ok(_) | Err(_) => *feed = None,
    }
}
