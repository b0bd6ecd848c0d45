use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Enter(usize),
    /// The n-th of those that run, wait or pause.
    Leave(usize),
    Begin(usize),
    Pause(usize),
    Again(usize),
    Adjust(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..HOOKS).prop_map(Step::Enter),
        3 => (0..8_usize).prop_map(Step::Leave),
        2 => (0..8_usize).prop_map(Step::Begin),
        1 => (0..8_usize).prop_map(Step::Pause),
        1 => (0..8_usize).prop_map(Step::Again),
        1 => (0..HOOKS - 1, 1..4_usize).prop_map(|(hook, max)| Step::Adjust(hook, max)),
    ];
    proptest::collection::vec(step, 1..120)
}

/// The last one has no limit of its own.
const HOOKS: usize = 6;

fn hooks(maxima: &[usize; HOOKS]) -> Vec<Option<Arc<Concurrency>>> {
    let group = || Group::Named("shared".into());
    vec![
        Some(hook("queue", maxima[0], WhenBusy::Queue { limit: 3 })),
        Some(hook("latest", maxima[1], WhenBusy::Latest)),
        Some(in_group("shared-queue", maxima[2], group(), QUEUE)),
        Some(in_group("shared-latest", maxima[3], group(), WhenBusy::Latest)),
        Some(in_group("shared-reject", maxima[4], group(), WhenBusy::Reject)),
        None,
    ]
}

/// What the outside knows of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Waits,
    Runs,
    Pauses,
    Superseded,
}

/// Looks at the machine from outside, and checks its promises after each step.
struct Watch {
    admission: Admission<usize>,
    server_max: usize,
    maxima: [usize; HOOKS],
    /// The highest that each was: a place that was given is not taken away by a lower limit.
    ceilings: [usize; HOOKS],
    /// By index of entry: the hook, the number, what is known.
    known: Vec<(usize, Number, Known)>,
    ended: BTreeSet<usize>,
}

impl Watch {
    fn group_of(hook: usize) -> usize {
        if (2..5).contains(&hook) { 2 } else { hook }
    }

    fn running(&self, fits: impl Fn(usize) -> bool) -> usize {
        self.known
            .iter()
            .enumerate()
            .filter(|(at, (hook, _, known))| *known == Known::Runs && fits(*hook) && !self.ended.contains(at))
            .count()
    }

    fn take(&mut self, calls: Calls<usize>) {
        for (at, call) in calls {
            let hook = self.known[at].0;
            match call {
                Call::Turn => {
                    assert_eq!(self.known[at].2, Known::Waits, "{at} is called once");
                    let in_group = self.running(|other| Self::group_of(other) == Self::group_of(hook));
                    assert!(
                        hook == HOOKS - 1 || in_group < self.ceilings[hook],
                        "{at} of {hook} is one too many"
                    );
                    assert!(self.running(|_| true) < self.server_max);
                    self.known[at].2 = Known::Runs;
                }
                Call::Superseded => {
                    assert!(matches!(hook, 1 | 3));
                    let newer = self.known[at + 1..].iter().any(|(other, ..)| *other == hook);
                    assert!(newer, "{at} gives way to a newer one");
                    self.known[at].2 = Known::Superseded;
                }
            }
        }
    }

    fn nth(&self, n: usize, fits: impl Fn(&Known) -> bool) -> Option<usize> {
        let all = self.known.iter().enumerate();
        let mut open = all.filter(|(at, (_, _, known))| !self.ended.contains(at) && fits(known));
        open.nth(n).map(|(at, _)| at)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Enter(hook) => {
                let at = self.known.len();
                match self.admission.enter(hooks(&self.maxima)[hook].as_ref(), at) {
                    Ok((number, calls)) => {
                        self.known.push((hook, number, Known::Waits));
                        self.take(calls);
                    }
                    Err(refusal) => {
                        let expected = if hook == 4 { Refusal::Busy } else { Refusal::LineFull };
                        assert!(refusal == expected && matches!(hook, 0 | 4), "{hook} {refusal:?}");
                    }
                }
            }
            Step::Leave(n) => {
                let Some(at) = self.nth(n, |_| true) else { return };
                self.ended.insert(at);
                let calls = self.admission.leave(self.known[at].1);
                self.take(calls);
            }
            Step::Begin(n) => {
                let Some(at) = self.nth(n, |known| *known == Known::Runs) else { return };
                let calls = self.admission.began(self.known[at].1);
                self.take(calls);
            }
            Step::Pause(n) => {
                let Some(at) = self.nth(n, |known| *known == Known::Runs) else { return };
                self.known[at].2 = Known::Pauses;
                let calls = self.admission.pause(self.known[at].1, at);
                self.take(calls);
            }
            Step::Again(n) => {
                let Some(at) = self.nth(n, |known| *known == Known::Pauses) else { return };
                self.known[at].2 = Known::Waits;
                let calls = self.admission.again(self.known[at].1);
                self.take(calls);
            }
            Step::Adjust(hook, max) => {
                self.maxima[hook] = max;
                self.ceilings[hook] = self.ceilings[hook].max(max);
                if let Some(to) = &hooks(&self.maxima)[hook] {
                    let calls = self.admission.adjust(to);
                    self.take(calls);
                }
            }
        }
        self.check();
    }

    fn check(&self) {
        for hook in [1, 3] {
            let waiting = self.known.iter().enumerate().filter(|(at, (other, _, known))| {
                *other == hook && *known == Known::Waits && !self.ended.contains(at)
            });
            // One may have its place in the group and wait for the server's.
            let places = self.ceilings.iter().max().copied().unwrap_or_default();
            assert!(waiting.count() <= 1 + places, "more than the newest of {hook} wait");
        }
        let waits = |(_, _, known): &(usize, Number, Known)| *known == Known::Waits;
        let waiting =
            self.known.iter().enumerate().filter(|(at, entry)| waits(entry) && !self.ended.contains(at));
        assert_eq!(waiting.count(), self.admission.waiting, "who waits is in a line");
        assert_eq!(self.running(|_| true), self.admission.running);
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_limit_is_passed_and_nobody_is_lost(
        steps in steps(), server_max in 1..5_usize, maxima in proptest::array::uniform6(1..4_usize),
    ) {
        let mut watch = Watch {
            admission: Admission::new(Some(server_max)),
            server_max,
            maxima,
            ceilings: maxima,
            known: Vec::new(),
            ended: BTreeSet::new(),
        };
        for step in &steps {
            watch.step(step);
        }
        // Those that pause come again, then each that runs ends: all come to their turn.
        while watch.nth(0, |known| *known == Known::Pauses).is_some() {
            watch.step(&Step::Again(0));
        }
        while let Some(at) = watch.nth(0, |known| matches!(known, Known::Runs | Known::Superseded)) {
            watch.ended.insert(at);
            let calls = watch.admission.leave(watch.known[at].1);
            watch.take(calls);
        }
        prop_assert_eq!(watch.ended.len(), watch.known.len(), "each ended once");
        prop_assert!(watch.admission.entries.is_empty() && watch.admission.groups.is_empty());
        prop_assert_eq!((watch.admission.waiting, watch.admission.running), (0, 0));
    }

    /// Within a hook that queues, whoever came first runs first.
    #[test]
    fn a_queue_keeps_the_order(entries in 1..60_usize, max in 1..5_usize, server_max in 1..5_usize) {
        let deploy = hook("deploy", max, QUEUE);
        let mut admission = Admission::new(Some(server_max));
        let mut order = Vec::new();
        let mut running = VecDeque::new();
        let mut numbers = BTreeMap::new();
        for at in 0..entries {
            let (number, calls) = admission.enter(Some(&deploy), at).unwrap();
            numbers.insert(at, number);
            running.extend(calls.into_iter().map(|(at, _)| at));
        }
        while let Some(at) = running.pop_front() {
            order.push(at);
            running.extend(admission.leave(numbers[&at]).into_iter().map(|(at, _)| at));
        }
        prop_assert_eq!(order, (0..entries).collect::<Vec<_>>());
    }
}
