//! Deliveries that were accepted, so that the same one coming again does not run again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// Deliveries remembered by the whole server; beyond, the oldest is forgotten. One takes about 100 bytes.
const ENTRIES_MAX: usize = 100_000;

/// Stands for a delivery: a digest of the hook and what tells its deliveries apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DeliveryKey([u8; 32]);

impl DeliveryKey {
    pub(crate) fn new(hook: &str, value: &[u8]) -> Self {
        let mut digest = Sha256::new();
        // The length keeps hook and value apart.
        digest.update((hook.len() as u64).to_le_bytes());
        digest.update(hook);
        digest.update(value);
        Self(digest.finalize().into())
    }
}

/// Survives reloads; shared by all requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Duplicates(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    /// By key: when it may be forgotten, and which admission it is.
    known: HashMap<DeliveryKey, (Instant, u64)>,
    /// In the order of admission.
    order: VecDeque<(DeliveryKey, u64)>,
    next: u64,
}

/// A delivery that was admitted. Its run's failure makes it forgotten.
#[derive(Debug)]
pub(crate) struct Admission {
    duplicates: Duplicates,
    key: DeliveryKey,
    number: u64,
}

impl Duplicates {
    /// `None`: the same delivery was admitted before, and its run has not failed.
    pub(crate) fn admit(&self, key: DeliveryKey, lifetime: Duration, now: Instant) -> Option<Admission> {
        let mut memory = self.memory();
        if memory.known.get(&key).is_some_and(|(until, _)| *until > now) {
            return None;
        }
        memory.forget_old(now);
        let number = memory.next;
        memory.next += 1;
        memory.known.insert(key, (now + lifetime, number));
        memory.order.push_back((key, number));
        drop(memory);
        Some(Admission { duplicates: self.clone(), key, number })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // What it holds is right at every moment, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Makes room for one more, and drops what is over at the old end.
    fn forget_old(&mut self, now: Instant) {
        while let Some((key, number)) = self.order.front().copied() {
            // An entry that was forgotten or admitted anew left its place in the order behind.
            let current = self.known.get(&key).filter(|(_, known)| *known == number);
            let is_over = current.is_none_or(|(until, _)| *until <= now);
            if !is_over && self.order.len() < ENTRIES_MAX {
                return;
            }
            if current.is_some() {
                self.known.remove(&key);
            }
            self.order.pop_front();
        }
    }
}

impl Admission {
    /// The run failed: the sender's next try shall run.
    pub(crate) fn forget(self) {
        let mut memory = self.duplicates.memory();
        if memory.known.get(&self.key).is_some_and(|(_, number)| *number == self.number) {
            memory.known.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn key(value: usize) -> DeliveryKey {
        DeliveryKey::new("hook", value.to_string().as_bytes())
    }

    #[test]
    fn a_delivery_is_admitted_once_in_its_lifetime() {
        let (duplicates, start) = (Duplicates::default(), Instant::now());
        assert!(duplicates.admit(key(1), HOUR, start).is_some());
        assert!(duplicates.admit(key(1), HOUR, start + HOUR / 2).is_none());
        assert!(duplicates.admit(key(2), HOUR, start).is_some());
        assert!(duplicates.admit(DeliveryKey::new("other", b"1"), HOUR, start).is_some());
        assert!(duplicates.admit(key(1), HOUR, start + HOUR).is_some());
        assert!(duplicates.admit(key(1), HOUR, start + HOUR).is_none());
    }

    #[test]
    fn a_failed_run_is_forgotten_and_a_later_one_is_not() {
        let (duplicates, start) = (Duplicates::default(), Instant::now());
        let first = duplicates.admit(key(1), HOUR, start).unwrap();
        first.forget();
        let second = duplicates.admit(key(1), HOUR, start).unwrap();
        assert!(duplicates.admit(key(1), HOUR, start).is_none());
        let third = duplicates.admit(key(1), HOUR, start + HOUR).unwrap();
        second.forget();
        assert!(duplicates.admit(key(1), HOUR, start + HOUR).is_none(), "the older one forgot the newer");
        third.forget();
        assert!(duplicates.admit(key(1), HOUR, start + HOUR).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let (duplicates, start) = (Duplicates::default(), Instant::now());
        for value in 0..ENTRIES_MAX + 10 {
            assert!(duplicates.admit(key(value), HOUR, start).is_some());
        }
        assert_eq!(duplicates.memory().known.len(), ENTRIES_MAX);
        assert_eq!(duplicates.memory().order.len(), ENTRIES_MAX);
        assert!(duplicates.admit(key(0), HOUR, start).is_some(), "the oldest is forgotten");
        assert!(duplicates.admit(key(ENTRIES_MAX), HOUR, start).is_none());
    }
}
