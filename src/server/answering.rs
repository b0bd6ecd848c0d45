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
        if this.phase.is_broken_off() {
            return Poll::Pending;
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Err(BrokenOff))) => {
                // hyper would throw away what it has not written yet. So it is the stream below that breaks,
                // once all is out; waking makes hyper flush it also when nothing is left to write.
                this.phase.break_off();
                cx.waker().wake_by_ref();
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

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use hyper::HeaderMap;

    use super::*;
    use crate::hook::ResponseSettings;
    use crate::respond::{StreamForm, streaming};
    use crate::run::follow;

    #[test]
    fn a_stream_that_breaks_off_never_ends() {
        let (follower, followed) = follow(Duration::ZERO);
        let form = StreamForm::asked_for(&HeaderMap::new());
        let response = streaming(Some(followed), form, &ResponseSettings::default(), &Vec::new());
        let phase = Phase::default();
        let mut answering = Answering::new(response.into_body(), phase.clone());
        let mut poll = || Pin::new(&mut answering).poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        assert!(!phase.is_broken_off());
        drop(follower);
        for _ in 0..3 {
            assert!(poll().is_pending());
            assert!(phase.is_broken_off());
        }
    }
}
