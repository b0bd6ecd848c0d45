//! A stream that ends when nothing moves: a deadline for each request's head, one for an idle
//! connection, one for a peer that does not take its answer. hyper has one timer for the first two, and
//! closes without an answer.

use std::future::Future;
use std::io;
use std::mem::take;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Sent when a head takes too long.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// How long what is left of a refused body is read and dropped, so that the peer reads its answer
/// before it sees the connection end.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_READ_BYTES: usize = 16 * 1024;
/// A short answer is copied together: one piece is cheaper to write than two.
const JOINED_BYTES: usize = 512;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the first byte of a request to the end of its head.
    pub(crate) header: Duration,
    /// Without a byte in either direction between requests, or while an answer waits to be taken.
    pub(crate) idle: Duration,
}

/// What the connection is at, shared by the stream and the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    has_body_left: AtomicBool,
    is_broken_off: AtomicBool,
}

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const TIMED_OUT: u8 = 3;

impl Phase {
    /// A request is being answered; its body and its run have deadlines of their own.
    pub(crate) fn busy(&self) {
        self.set(BUSY);
    }

    pub(crate) fn idle(&self) {
        self.set(IDLE);
    }

    /// The answer goes out before the request's body has been read.
    pub(crate) fn body_left(&self) {
        self.0.has_body_left.store(true, Ordering::Relaxed);
    }

    /// The answer does not come to its end: the connection ends where it is, with what was written so far.
    pub(crate) fn break_off(&self) {
        self.0.is_broken_off.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_broken_off(&self) -> bool {
        self.0.is_broken_off.load(Ordering::Relaxed)
    }

    /// Whether a request's head took too long.
    pub(crate) fn is_timed_out(&self) -> bool {
        self.get() == TIMED_OUT
    }

    fn set(&self, phase: u8) {
        self.0.phase.store(phase, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.phase.load(Ordering::Relaxed)
    }
}

pub(crate) struct TimedStream<S> {
    stream: S,
    phase: Phase,
    timeouts: Timeouts,
    deadline: Instant,
    /// A head has begun, and no deadline was set for it: most come whole and need none.
    owes_head: bool,
    /// Fires at the deadline or before; moved only when it would fire too late.
    timer: Pin<Box<Sleep>>,
    /// Running while the peer takes nothing of what is to be written.
    stall: Option<Pin<Box<Sleep>>>,
    /// Running while the rest of a refused body is dropped.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, phase: Phase, timeouts: Timeouts) -> Self {
        // A fresh connection owes a request as much as one that has begun to send it.
        let deadline = Instant::now() + timeouts.header;
        let timer = Box::pin(sleep_until(deadline));
        Self { stream, phase, timeouts, deadline, owes_head: false, timer, stall: None, linger: None }
    }

    fn extend(&mut self, by: Duration) {
        self.deadline = Instant::now() + by;
        if self.timer.deadline() > self.deadline {
            self.timer.as_mut().reset(self.deadline);
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }

    /// What is written keeps the connection from being idle.
    fn note_progress(&mut self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.extend(self.timeouts.idle);
        }
    }

    /// Turns a write that waits too long for the peer into an error.
    fn timed_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let idle = self.timeouts.idle;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(idle)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not take its answer")))
    }
}

/// All of `slices` in one, if there is room.
fn join<'b>(slices: &[io::IoSlice<'_>], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut length = 0;
    for slice in slices {
        buffer.get_mut(length..length + slice.len())?.copy_from_slice(slice);
        length += slice.len();
    }
    buffer.get(..length)
}

impl<S: AsyncRead + Unpin> TimedStream<S> {
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; LINGER_READ_BYTES];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before && this.phase.get() == IDLE {
                this.phase.set(HEAD);
                this.owes_head = true;
            }
            return Poll::Ready(read);
        }
        let phase = this.phase.get();
        if phase == HEAD && take(&mut this.owes_head) {
            this.extend(this.timeouts.header);
        }
        if phase == BUSY || this.poll_deadline(cx).is_pending() {
            return Poll::Pending;
        }
        if phase == HEAD {
            this.phase.set(TIMED_OUT);
            // One try: a peer that does not even read its answer gets none.
            let _ = Pin::new(&mut this.stream).poll_write(cx, REQUEST_TIMEOUT);
        }
        // To hyper it is the end of the stream.
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_progress(&written);
        self.timed_write(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        ready!(self.timed_write(cx, flushed))?;
        // hyper flushes once it has written all it has.
        if self.phase.is_broken_off() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
            ready!(self.timed_write(cx, shut))?;
        }
        if self.phase.0.has_body_left.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut joined = [0; JOINED_BYTES];
        let stream = Pin::new(&mut self.stream);
        let written = match join(slices, &mut joined) {
            Some(bytes) => stream.poll_write(cx, bytes),
            None => stream.poll_write_vectored(cx, slices),
        };
        self.note_progress(&written);
        self.timed_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_joined_and_nothing_is_cut() {
        #[track_caller]
        fn check(pieces: &[&str], expected: Option<&str>) {
            let slices: Vec<_> = pieces.iter().map(|piece| io::IoSlice::new(piece.as_bytes())).collect();
            assert_eq!(join(&slices, &mut [0; 5]), expected.map(str::as_bytes), "{pieces:?}");
        }
        check(&["ab", "", "cde"], Some("abcde"));
        check(&["ab", "c"], Some("abc"));
        check(&["ab", "cdef"], None);
        check(&["abcdef"], None);
        check(&[], Some(""));
    }
}
