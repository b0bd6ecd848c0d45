//! How often the log tells what everyday requests and strangers bring about, when it is not asked to tell everything.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines about one hook in a row: enough for whoever is setting it up and tries this and that.
const LINES_AT_ONCE: u32 = 5;
/// After these, one line in this time: a sender that tells of its every event fills no disk.
const LINE_EVERY: Duration = Duration::from_secs(60);
/// Hooks that are remembered, more than anybody has; nothing is told of further ones.
const HOOKS_MAX: usize = 16_384;

/// What each hook may still say.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    accounts: Mutex<HashMap<String, Account>>,
}

#[derive(Debug)]
struct Account {
    left: u32,
    /// Up to when lines were earned.
    earned_until: Instant,
    untold: u64,
}

impl Quota {
    /// How many lines were not told since the last one, if this one is to be told; `None` if it is not.
    pub(crate) fn take(&self, hook: &str, now: Instant) -> Option<u64> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(hook) {
            return account.take(now);
        }
        if accounts.len() >= HOOKS_MAX {
            return None;
        }
        let account = Account { left: LINES_AT_ONCE, earned_until: now, untold: 0 };
        accounts.entry(hook.to_owned()).or_insert(account).take(now)
    }
}

impl Account {
    fn take(&mut self, now: Instant) -> Option<u64> {
        while self.left < LINES_AT_ONCE && now.saturating_duration_since(self.earned_until) >= LINE_EVERY {
            self.left += 1;
            self.earned_until += LINE_EVERY;
        }
        if self.left == LINES_AT_ONCE {
            self.earned_until = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.untold))
            }
            None => {
                self.untold += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_lines_at_once_and_then_one_a_minute() {
        let (quota, start) = (Quota::default(), Instant::now());
        let take = |seconds: u64| quota.take("a", start + Duration::from_secs(seconds));
        assert_eq!([0; 5].map(take), [Some(0); 5]);
        assert_eq!([1, 30, 59].map(take), [None; 3]);
        assert_eq!([60, 61, 119].map(take), [Some(3), None, None]);
        assert_eq!(take(120), Some(2));
        // After a long silence as many as at first, and not more.
        assert_eq!([86_400; 6].map(take), [Some(0), Some(0), Some(0), Some(0), Some(0), None]);
        assert_eq!(quota.take("b", start), Some(0), "each hook has its own");
    }

    #[test]
    fn only_so_many_hooks_are_remembered() {
        let (quota, now) = (Quota::default(), Instant::now());
        for number in 0..HOOKS_MAX {
            assert_eq!(quota.take(&number.to_string(), now), Some(0));
        }
        assert_eq!(quota.take("one more", now), None);
        assert_eq!(quota.take("0", now), Some(0));
    }
}
