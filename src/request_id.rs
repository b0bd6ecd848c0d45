//! Names for requests: unique in this process, or the sender's own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;

/// A sender's id longer than this is cut: it stands in every log line of the request.
const SENT_ID_CHARACTERS_MAX: usize = 128;

/// A `u32` in hex.
const PROCESS_DIGITS: u32 = 8;

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
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
        let mut id = String::with_capacity((PROCESS_DIGITS + 1 + digits) as usize);
        push_hex(&mut id, u64::from(self.process), PROCESS_DIGITS);
        id.push('-');
        push_hex(&mut id, number, digits);
        id
    }
}

/// Every request has an id, so it is written without `fmt`, which takes several times as long.
fn push_hex(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let nibble = (number >> (4 * place)) as u8 & 0xf;
        text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_are_the_process_and_a_number_in_hex() {
        #[track_caller]
        fn check(process: u32, number: u64, expected: &str) {
            let ids = RequestIds { process, next: AtomicU64::new(number), sent_characters_max: None };
            assert_eq!(ids.id_of(&HeaderMap::new()), expected);
        }
        check(0x1b78_fc7a, 1, "1b78fc7a-1");
        check(0xa, 0xdead_beef, "0000000a-deadbeef");
        check(u32::MAX, u64::MAX, "ffffffff-ffffffffffffffff");
        check(0, 0, "00000000-0");
    }
}
