//! The way of a run's output to a client that follows it. The run waits for the client a while, and never
//! depends on it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::outcome::{Ending, Streamed};

/// Pieces between the command and the connection, each of one read at most. More would not make it faster:
/// the connection has a buffer of its own.
const PIECES_MAX: usize = 4;

/// The run's side.
#[derive(Debug)]
pub(crate) struct Follower {
    /// `None` when the client has left, or was given up.
    link: Option<Link>,
    /// The piece that waits for room, and until when.
    waiting: Option<(Bytes, Instant)>,
    /// How long one piece waits.
    patience: Duration,
}

#[derive(Debug)]
struct Link {
    pieces: mpsc::Sender<Bytes>,
    end: oneshot::Sender<Ending>,
}

/// The connection's side.
#[derive(Debug)]
pub(crate) struct Followed {
    pieces: mpsc::Receiver<Bytes>,
    end: oneshot::Receiver<Ending>,
}

/// What comes next to the client.
#[derive(Debug)]
pub(crate) enum Next {
    Piece(Bytes),
    End(Ending),
    /// The run's side gave the client up.
    Lost,
}

/// Both sides. A client that takes nothing for as long as `patience` is given up.
pub(crate) fn follow(patience: Duration) -> (Follower, Followed) {
    let (piece_sender, pieces) = mpsc::channel(PIECES_MAX);
    let (end_sender, end) = oneshot::channel();
    let link = Link { pieces: piece_sender, end: end_sender };
    (Follower { link: Some(link), waiting: None, patience }, Followed { pieces, end })
}

impl Follower {
    /// Whether a piece waits for room: another one must not be read meanwhile.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Hands a piece over, or lets it wait.
    pub(super) fn offer(&mut self, piece: Bytes) {
        let Some(link) = &self.link else { return };
        match link.pieces.try_send(piece) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(piece)) => {
                self.waiting = Some((piece, Instant::now() + self.patience));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => self.link = None,
        }
    }

    /// Returns when no piece waits any more. May be dropped and begun anew.
    pub(super) async fn hand_over(&mut self) {
        let (Some(link), Some((_, until))) = (&self.link, &self.waiting) else { return };
        let room = tokio::time::timeout_at(*until, link.pieces.reserve()).await;
        let is_taken = match (room, self.waiting.take()) {
            (Ok(Ok(place)), Some((piece, _))) => {
                place.send(piece);
                true
            }
            _ => false,
        };
        if !is_taken {
            self.link = None;
        }
    }

    /// Whether the client has got everything up to here.
    pub(super) fn streamed(&self) -> Streamed {
        let is_there = self.link.as_ref().is_some_and(|link| !link.pieces.is_closed());
        if is_there && !self.is_waiting() { Streamed::ToItsEnd } else { Streamed::InPart }
    }

    /// Tells the client how the run ended, if it has got everything else.
    pub(crate) fn end(self, ending: Ending) {
        if let Some(link) = self.link.filter(|_| self.waiting.is_none()) {
            // It may have left; then there is nobody to tell.
            let _ = link.end.send(ending);
        }
    }
}

impl Followed {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(piece) = ready!(self.pieces.poll_recv(cx)) {
            return Poll::Ready(Next::Piece(piece));
        }
        let end = ready!(Pin::new(&mut self.end).poll(cx));
        Poll::Ready(end.map_or(Next::Lost, Next::End))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn next(followed: &mut Followed) -> Next {
        poll_fn(|cx| followed.poll_next(cx)).await
    }

    fn filled(patience: Duration) -> (Follower, Followed) {
        let (mut follower, followed) = follow(patience);
        for number in 0..=PIECES_MAX {
            assert!(!follower.is_waiting());
            follower.offer(vec![number as u8].into());
        }
        assert!(follower.is_waiting());
        (follower, followed)
    }

    #[tokio::test]
    async fn pieces_arrive_in_order_and_the_end_after_them() {
        let (mut follower, mut followed) = filled(Duration::from_secs(3_600));
        assert!(matches!(next(&mut followed).await, Next::Piece(piece) if piece[..] == [0]));
        follower.hand_over().await;
        assert_eq!(follower.streamed(), Streamed::ToItsEnd);
        follower.end(Ending::Exited(7));
        for number in 1..=PIECES_MAX {
            assert!(matches!(next(&mut followed).await, Next::Piece(piece) if piece[..] == [number as u8]));
        }
        assert!(matches!(next(&mut followed).await, Next::End(Ending::Exited(7))));
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut follower, mut followed) = filled(Duration::ZERO);
        follower.hand_over().await;
        assert!(!follower.is_waiting());
        follower.offer(Bytes::from_static(b"more"));
        assert!(!follower.is_waiting());
        assert_eq!(follower.streamed(), Streamed::InPart);
        follower.end(Ending::Exited(0));
        for _ in 0..PIECES_MAX {
            assert!(matches!(next(&mut followed).await, Next::Piece(_)));
        }
        assert!(matches!(next(&mut followed).await, Next::Lost));
    }

    #[tokio::test]
    async fn a_client_that_leaves_holds_nothing_up() {
        let (mut follower, followed) = filled(Duration::from_secs(3_600));
        drop(followed);
        follower.hand_over().await;
        assert!(!follower.is_waiting());
        follower.offer(Bytes::from_static(b"more"));
        assert_eq!(follower.streamed(), Streamed::InPart);
    }

    #[tokio::test]
    async fn a_run_that_is_lost_is_no_end() {
        let (follower, mut followed) = follow(Duration::ZERO);
        drop(follower);
        assert!(matches!(next(&mut followed).await, Next::Lost));
    }
}
