//! Reads request bodies: under a size limit, a deadline and a budget for all bodies in flight. A body
//! is whole or an error, never cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::TRANSFER_ENCODING;

use crate::log_text::clipped;

#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) size_max: usize,
    pub(crate) timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {size_max} bytes (`-max-body-size`)")]
    TooLarge { size_max: usize },
    #[error("the body did not arrive within {timeout:?} (`-body-timeout`)")]
    Timeout { timeout: Duration },
    #[error("the body comes in the transfer coding {coding:?}: only `chunked` is known")]
    Coding { coding: String },
    #[error("the bodies in flight take all of the {budget} bytes they may (`-max-body-memory`)")]
    NoMemory { budget: usize },
    #[error("the connection broke while the body was read: {0}")]
    Broken(#[from] hyper::Error),
}

/// The memory that all bodies in flight may take together.
#[derive(Debug, Clone)]
pub(crate) struct BodyBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    total: usize,
    taken: AtomicUsize,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl BodyBudget {
    pub(crate) fn new(total: usize) -> Self {
        Self(Arc::new(Budget { total, taken: AtomicUsize::new(0) }))
    }

    fn reserve_nothing(&self) -> Reservation {
        Reservation { budget: self.0.clone(), bytes: AtomicUsize::new(0) }
    }
}

impl Reservation {
    /// Counts at least so many bytes from now on.
    pub(crate) fn grow_to(&self, bytes: usize) -> Result<(), BodyError> {
        self.grow(bytes.saturating_sub(self.bytes.load(Ordering::Relaxed)))
    }

    /// Counts at most so many bytes from now on.
    pub(crate) fn shrink_to(&self, bytes: usize) {
        let before = self.bytes.fetch_min(bytes, Ordering::Relaxed);
        self.budget.taken.fetch_sub(before.saturating_sub(bytes), Ordering::Relaxed);
    }

    fn grow(&self, bytes: usize) -> Result<(), BodyError> {
        let budget = self.budget.total;
        let add = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= budget);
        match self.budget.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(_) => Err(BodyError::NoMemory { budget }),
        }
    }
}

/// Bytes, and the memory that is reserved for them.
struct Held {
    bytes: Bytes,
    _reservation: Arc<Reservation>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// `bytes`, which are of the body or were made of it: its memory stays reserved for as long as they live.
pub(crate) fn held(bytes: Bytes, reservation: &Arc<Reservation>) -> Bytes {
    Bytes::from_owner(Held { bytes, _reservation: reservation.clone() })
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

/// The transfer coding of a body whose length is not announced, unless it is `chunked` and nothing more.
pub(crate) fn unknown_coding(headers: &HeaderMap) -> Option<String> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next()?;
    if codings.next().is_none() && first.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return None;
    }
    let all =
        headers.get_all(TRANSFER_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    Some(clipped(&all.collect::<Vec<_>>().join(", ")).into_owned())
}

/// The whole body, with the memory it takes reserved for as long as the reservation lives.
pub(crate) async fn read(
    body: Incoming,
    headers: &HeaderMap,
    limits: BodyLimits,
    budget: &BodyBudget,
) -> Result<(Bytes, Reservation), BodyError> {
    let BodyLimits { size_max, timeout } = limits;
    let reservation = budget.reserve_nothing();
    if body.size_hint().lower() > size_max as u64 {
        return Err(BodyError::TooLarge { size_max });
    }
    if body.is_end_stream() {
        return Ok((Bytes::new(), reservation));
    }
    if body.size_hint().exact().is_none()
        && let Some(coding) = unknown_coding(headers)
    {
        return Err(BodyError::Coding { coding });
    }
    match tokio::time::timeout(timeout, collect(body, size_max, reservation)).await {
        Ok(collected) => collected,
        Err(_) => Err(BodyError::Timeout { timeout }),
    }
}

/// Memory is reserved as it arrives, not as it is announced: an announcement costs the sender nothing.
async fn collect(
    mut body: Incoming,
    size_max: usize,
    reservation: Reservation,
) -> Result<(Bytes, Reservation), BodyError> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let length = all.len() + first.as_ref().map_or(0, Bytes::len) + data.len();
        if length > size_max {
            return Err(BodyError::TooLarge { size_max });
        }
        reservation.grow(data.len())?;
        match first.take() {
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(head) => {
                all.reserve(head.len() + data.len());
                all.extend_from_slice(&head);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok((first.unwrap_or_else(|| all.freeze()), reservation))
}
