//! An answer on its way out, and what the connection must know of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::timed::Phase;
use crate::respond::{AnswerBody, BrokenOff};

/// A body. While it is a stream the connection counts as busy: nothing may come for as long as the command
/// says nothing.
pub(super) struct Answering {
    body: AnswerBody,
    phase: Phase,
}

impl Answering {
    pub(super) fn new(body: AnswerBody, phase: Phase) -> Self {
        if !body.is_stream() {
            phase.idle();
        }
        Self { body, phase }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.body.is_stream() {
            self.phase.idle();
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Err(BrokenOff))) => {
                // hyper would throw away what it has not written yet. So the stream breaks, once all is out.
                this.phase.break_off();
                Poll::Pending
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
