//! A stream that ends when nothing comes: a deadline for each request's head, another for an idle
//! connection. hyper has one timer for both, and closes without an answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Sent when a head takes too long.
const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the first byte of a request to the end of its head.
    pub(crate) header: Duration,
    /// Without a byte in either direction between requests.
    pub(crate) idle: Duration,
}

/// What the connection is at, shared by the stream and the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase(Arc<AtomicU8>);

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const TIMED_OUT: u8 = 3;

impl Phase {
    /// A request is being answered; its body and its run have deadlines of their own.
    pub(crate) fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    pub(crate) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    /// Whether a request's head took too long.
    pub(crate) fn is_timed_out(&self) -> bool {
        self.get() == TIMED_OUT
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct TimedStream<S> {
    stream: S,
    phase: Phase,
    timeouts: Timeouts,
    deadline: Instant,
    /// Fires at the deadline or before; moved only when it would fire too late.
    timer: Pin<Box<Sleep>>,
}

impl<S> TimedStream<S> {
    pub(crate) fn new(stream: S, phase: Phase, timeouts: Timeouts) -> Self {
        // A fresh connection owes a request as much as one that has begun to send it.
        let deadline = Instant::now() + timeouts.header;
        Self { stream, phase, timeouts, deadline, timer: Box::pin(sleep_until(deadline)) }
    }

    fn extend(&mut self, by: Duration) {
        self.deadline = Instant::now() + by;
        if self.timer.deadline() > self.deadline {
            self.timer.as_mut().reset(self.deadline);
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(self.deadline);
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
                this.phase.0.store(HEAD, Ordering::Relaxed);
                this.extend(this.timeouts.header);
            }
            return Poll::Ready(read);
        }
        let phase = this.phase.get();
        if phase == BUSY || this.poll_deadline(cx).is_pending() {
            return Poll::Pending;
        }
        if phase == HEAD {
            this.phase.0.store(TIMED_OUT, Ordering::Relaxed);
            // One try: a peer that does not even read its answer gets none.
            let _ = Pin::new(&mut this.stream).poll_write(cx, REQUEST_TIMEOUT);
        }
        // To hyper it is the end of the stream.
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(_)) = written {
            let idle = self.timeouts.idle;
            self.extend(idle);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(_)) = written {
            let idle = self.timeouts.idle;
            self.extend(idle);
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
