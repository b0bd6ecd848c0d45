//! When a delivery is sent again, and how long after.

use std::time::Duration;

use crate::retry;
use crate::sender::{Unit, parse_ms};

/// The wait before the first repetition; each further one is twice as long.
const WAIT_FIRST: Duration = Duration::from_secs(1);

/// The longest wait of our own choice.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The longest wait that `Retry-After` can ask for: somebody sits in front of this command.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// To be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// After a wait of our own choice.
    InTheirTime,
    After(Duration),
}

/// `None`: this answer is final.
pub(super) fn after_answer(status: u16, retry_after: Option<&str>, now_ms: i64) -> Option<Again> {
    let may_pass = matches!(status, 429 | 500..=599);
    let asked = retry_after.and_then(|text| asked(text, now_ms));
    may_pass.then(|| asked.map_or(Again::InTheirTime, Again::After))
}

/// `Retry-After` is a number of seconds or a date.
fn asked(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    let wait_ms = match parse_ms(text.as_bytes(), Unit::Seconds) {
        Some(wait_ms) => wait_ms,
        None => parse_ms(text.as_bytes(), Unit::HttpDate)?.saturating_sub(now_ms).max(0),
    };
    Some(Duration::from_millis(wait_ms.unsigned_abs()))
}

/// The wait after this attempt, counted from 0. `chance` only ever adds to it.
pub(super) fn wait(attempt: u32, again: Again, chance: u16) -> Duration {
    match again {
        Again::InTheirTime => retry::doubled(WAIT_FIRST, attempt, WAIT_MAX, chance),
        Again::After(wait) => retry::with_jitter(wait.clamp(WAIT_FIRST, RETRY_AFTER_MAX), chance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_504_765_804_000;

    #[test]
    fn only_what_may_pass_is_sent_again() {
        #[track_caller]
        fn check(status: u16, retry_after: Option<&str>, expected: Option<Again>) {
            assert_eq!(after_answer(status, retry_after, NOW_MS), expected, "{status} {retry_after:?}");
        }
        let after = |seconds| Some(Again::After(Duration::from_secs(seconds)));
        for status in [200, 204, 301, 400, 401, 404, 408, 410] {
            check(status, Some("1"), None);
        }
        for status in [429, 500, 502, 503, 504, 599] {
            check(status, None, Some(Again::InTheirTime));
            check(status, Some("7"), after(7));
        }
        check(429, Some(" 0 "), after(0));
        check(503, Some("Thu, 07 Sep 2017 06:30:34 GMT"), after(30));
        check(503, Some("Thu, 07 Sep 2017 06:29:04 GMT"), after(0));
        for text in ["soon", "-1", "1.5", "", "99999999999999999999"] {
            check(503, Some(text), Some(Again::InTheirTime));
        }
    }

    #[test]
    fn waits_double_and_chance_only_adds() {
        #[track_caller]
        fn check(attempt: u32, again: Again, least_s: u64) {
            let least = Duration::from_secs(least_s);
            assert_eq!(wait(attempt, again, 0), least, "{attempt} {again:?}");
            assert_eq!(wait(attempt, again, u16::MAX), least.mul_f64(1.25), "{attempt} {again:?}");
        }
        for (attempt, seconds) in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
            check(attempt as u32, Again::InTheirTime, seconds);
        }
        check(u32::MAX, Again::InTheirTime, 60);
        check(5, Again::After(Duration::ZERO), 1);
        check(0, Again::After(Duration::from_secs(120)), 120);
        check(0, Again::After(Duration::from_secs(1 << 40)), 600);
    }
}
