//! Names for requests: unique in this process, or the sender's own.

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;

/// A sender's id longer than this is cut: it stands in every log line of the request.
const SENT_ID_CHARACTERS_MAX: usize = 128;

#[derive(Debug)]
pub(crate) struct RequestIds {
    /// Differs from one start of the server to the next.
    process: u32,
    next: AtomicU64,
    /// How much of `X-Request-Id` to take; `None` ignores the header.
    sent_characters_max: Option<usize>,
}

impl RequestIds {
    /// `limit` of 0 or less means no limit of the user's.
    pub(crate) fn new(use_sent: bool, limit: i64) -> Self {
        let limit = usize::try_from(limit).ok().filter(|limit| (1..SENT_ID_CHARACTERS_MAX).contains(limit));
        let limit = limit.unwrap_or(SENT_ID_CHARACTERS_MAX);
        Self {
            process: RandomState::new().build_hasher().finish() as u32,
            next: AtomicU64::new(1),
            sent_characters_max: use_sent.then_some(limit),
        }
    }

    pub(crate) fn id_of(&self, headers: &HeaderMap) -> String {
        let sent = self.sent_characters_max.and_then(|limit| {
            let id = headers.get("x-request-id")?.to_str().ok()?;
            let id: String = id.chars().filter(char::is_ascii_graphic).take(limit).collect();
            (!id.is_empty()).then_some(id)
        });
        sent.unwrap_or_else(|| self.fresh())
    }

    fn fresh(&self) -> String {
        let mut id = String::with_capacity(24);
        // Writing to a String cannot fail.
        let _ = write!(id, "{:08x}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed));
        id
    }
}
