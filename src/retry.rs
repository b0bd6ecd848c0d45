//! When a run that failed is tried again, and how long after.

use std::time::Duration;

use crate::outcome::Ending;

/// The share of a wait that chance may add, so that those that failed together do not come again together.
const JITTER_SHARE: f64 = 0.25;

/// What a hook says of runs that fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Runs in all, with the first.
    pub(crate) attempts: u32,
    /// The wait before the second run; each further one is twice as long.
    pub(crate) initial: Duration,
    /// The longest wait.
    pub(crate) max: Duration,
    pub(crate) on: Vec<Cause>,
}

/// An ending that is worth another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Timeout,
    /// Any exit code but 0, and a death by a signal: what crashed may do better.
    AnyExitCode,
    ExitCode(u8),
}

impl Cause {
    fn is(self, ending: &Ending) -> bool {
        match (self, ending) {
            (Self::AnyExitCode, Ending::Exited(code)) => *code != 0,
            (Self::AnyExitCode, Ending::Signalled(_)) => true,
            (Self::ExitCode(wanted), Ending::Exited(code)) => i32::from(wanted) == *code,
            (Self::Timeout, Ending::TimedOut) => true,
            // What the server's end cut short, or nobody knows the end of, is not tried again.
            (_, Ending::Cut | Ending::Lost) => false,
            (_, Ending::Exited(_) | Ending::Signalled(_) | Ending::TimedOut) => false,
        }
    }
}

impl Retry {
    pub(crate) fn is_for(&self, ending: &Ending) -> bool {
        self.on.iter().any(|cause| cause.is(ending))
    }

    /// The wait after this attempt, counted from 1. `chance` only ever adds to it.
    pub(crate) fn wait_after(&self, attempt: u32, chance: u16) -> Duration {
        doubled(self.initial, attempt.saturating_sub(1), self.max, chance)
    }
}

/// `first`, doubled so many times, at most `max`; `chance` then adds up to a quarter.
pub(crate) fn doubled(first: Duration, times: u32, max: Duration, chance: u16) -> Duration {
    let wait = first.saturating_mul(2_u32.saturating_pow(times)).min(max);
    with_jitter(wait, chance)
}

/// `chance` adds up to a quarter to `wait`.
pub(crate) fn with_jitter(wait: Duration, chance: u16) -> Duration {
    wait + wait.mul_f64(JITTER_SHARE * f64::from(chance) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(on: &[Cause]) -> Retry {
        let (initial, max) = (Duration::from_secs(1), Duration::from_secs(300));
        Retry { attempts: 5, initial, max, on: on.to_vec() }
    }

    #[test]
    fn an_ending_is_tried_again_where_it_is_listed() {
        #[track_caller]
        fn check(on: &[Cause], ending: Ending, expected: bool) {
            assert_eq!(retry(on).is_for(&ending), expected, "{on:?} {ending:?}");
        }
        for cause in [Cause::Timeout, Cause::AnyExitCode, Cause::ExitCode(75)] {
            check(&[cause], Ending::Exited(0), false);
            check(&[cause], Ending::Cut, false);
            check(&[cause], Ending::Lost, false);
        }
        check(&[Cause::AnyExitCode], Ending::Exited(1), true);
        check(&[Cause::AnyExitCode], Ending::Signalled(11), true);
        check(&[Cause::ExitCode(75), Cause::ExitCode(111)], Ending::Exited(111), true);
        check(&[Cause::ExitCode(75)], Ending::Exited(1), false);
        check(&[Cause::ExitCode(9)], Ending::Signalled(9), false);
        check(&[Cause::Timeout], Ending::Exited(1), false);
        check(&[Cause::Timeout], Ending::TimedOut, true);
        check(&[Cause::AnyExitCode], Ending::TimedOut, false);
        check(&[Cause::Timeout, Cause::ExitCode(1)], Ending::Exited(1), true);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_chance_only_adds() {
        #[track_caller]
        fn check(attempt: u32, least_s: u64) {
            let (retry, least) = (retry(&[]), Duration::from_secs(least_s));
            assert_eq!(retry.wait_after(attempt, 0), least, "{attempt}");
            assert_eq!(retry.wait_after(attempt, u16::MAX), least.mul_f64(1.25), "{attempt}");
        }
        for (attempt, seconds) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].into_iter().enumerate() {
            check(attempt as u32 + 1, seconds);
        }
        check(u32::MAX, 300);
    }
}
