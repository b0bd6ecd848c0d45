//! The body of an answer: all there, or the output of a command as it comes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ACCEPT, HeaderName, HeaderValue, TE};

use super::events::Lines;
use crate::outcome::Ending;
use crate::run::{Followed, Next};

/// How the run ended, after its output.
pub(super) const OUTCOME: HeaderName = HeaderName::from_static("x-hookrunner-outcome");

#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Full<Bytes>),
    Stream(Stream),
}

/// Output on its way to a client that follows it.
#[derive(Debug)]
pub(crate) struct Stream {
    followed: Followed,
    shape: Shape,
    is_over: bool,
}

#[derive(Debug)]
enum Shape {
    Plain { has_trailer: bool },
    Events(Lines),
}

/// What the client can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamForm {
    /// The output as it is. That the command failed shows in that the answer is broken off.
    Plain,
    /// The output as it is, and the outcome in a trailer.
    PlainWithTrailer,
    /// Server-sent events.
    Events,
}

/// The end of a stream that has no other way to say that the command failed, or its output is not all there.
#[derive(Debug, thiserror::Error)]
#[error("the streamed command failed, or its output was not taken in time")]
pub(crate) struct BrokenOff;

impl StreamForm {
    /// What a request with these headers asks for.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        if has_item(headers, &ACCEPT, "text/event-stream") {
            return Self::Events;
        }
        if has_item(headers, &TE, "trailers") { Self::PlainWithTrailer } else { Self::Plain }
    }
}

/// Whether a list header has `item`, without `q=0`.
fn has_item(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let is_item = parts.next().is_some_and(|first| first.eq_ignore_ascii_case(item));
        let is_refused = parts.any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0)
        });
        is_item && !is_refused
    })
}

impl AnswerBody {
    pub(super) fn stream(followed: Followed, form: StreamForm) -> Self {
        let shape = match form {
            StreamForm::Plain => Shape::Plain { has_trailer: false },
            StreamForm::PlainWithTrailer => Shape::Plain { has_trailer: true },
            StreamForm::Events => Shape::Events(Lines::default()),
        };
        Self::Stream(Stream { followed, shape, is_over: false })
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never: Infallible| match never {}),
            Self::Stream(stream) => stream.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(stream) => stream.is_over,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl Stream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        while !self.is_over {
            let data = match ready!(self.followed.poll_next(cx)) {
                Next::Piece(piece) => match &mut self.shape {
                    Shape::Plain { .. } => piece,
                    Shape::Events(lines) => lines.events_of(&piece).into(),
                },
                Next::End(ending) => {
                    self.is_over = true;
                    return Poll::Ready(self.end(ending));
                }
                Next::Lost => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(BrokenOff)));
                }
            };
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
        Poll::Ready(None)
    }

    fn end(&mut self, ending: Ending) -> Option<Result<Frame<Bytes>, BrokenOff>> {
        match &mut self.shape {
            Shape::Events(lines) => Some(Ok(Frame::data(lines.end(ending).into()))),
            Shape::Plain { has_trailer: true } => {
                let value = HeaderValue::from_str(&ending.to_string()).ok()?;
                Some(Ok(Frame::trailers([(OUTCOME, value)].into_iter().collect())))
            }
            Shape::Plain { .. } if ending.is_success() => None,
            Shape::Plain { .. } => Some(Err(BrokenOff)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_what_it_can_read() {
        #[track_caller]
        fn check(headers: &[(HeaderName, &'static str)], expected: StreamForm) {
            let headers =
                headers.iter().cloned().map(|(name, value)| (name, HeaderValue::from_static(value)));
            assert_eq!(StreamForm::asked_for(&headers.collect()), expected);
        }
        check(&[], StreamForm::Plain);
        check(&[(ACCEPT, "*/*")], StreamForm::Plain);
        check(&[(ACCEPT, "text/event-stream")], StreamForm::Events);
        check(&[(ACCEPT, "text/html, Text/Event-Stream;q=0.5"), (TE, "trailers")], StreamForm::Events);
        check(&[(ACCEPT, "text/event-stream; q=0")], StreamForm::Plain);
        check(&[(ACCEPT, "text/event-streams")], StreamForm::Plain);
        check(&[(TE, "trailers")], StreamForm::PlainWithTrailer);
        check(&[(TE, "deflate, Trailers")], StreamForm::PlainWithTrailer);
        check(&[(TE, "trailers;q=0.0")], StreamForm::Plain);
    }
}
