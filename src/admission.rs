//! Which runs may go on now, which wait, and in what order: the limit of a group of hooks, the limit of the
//! server, and a line before each. It decides only; how somebody waits is not its business.
//!
//! A run first takes a place in its group, then one in the server. While it waits for the second it keeps the
//! first: to its group it counts as running.

mod concurrency;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub(crate) use concurrency::{Concurrency, Group, WhenBusy};

/// Runs that wait at once in the whole server; beyond, deliveries are refused. Ten bursts of 10,000: one takes
/// two to three KiB beside what the body budget counts.
pub(crate) const WAITING_MAX: usize = 100_000;

/// Why a delivery may not even wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many run as may, and the hook lets none wait.
    Busy,
    /// As many wait as may.
    LineFull,
}

/// What somebody who waits is told, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Turn,
    /// A newer delivery took the place.
    Superseded,
}

/// Who is to be told what now.
pub(crate) type Calls<W> = Vec<(W, Call)>;

/// Names a run from its entry to its leave; a later one has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(u64);

/// The order in a line: by place.
type Line = BTreeMap<u64, Number>;

/// All runs that are limited. `W` is what wakes somebody who waits.
#[derive(Debug)]
pub(crate) struct Admission<W> {
    /// Runs of the whole server at once.
    max: usize,
    running: usize,
    waiting: usize,
    /// Those that have a place in their group, or need none, and wait for one in the server.
    line: Line,
    groups: HashMap<Group, Members>,
    entries: HashMap<Number, Entry<W>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<W> {
    /// `None`: only the server's limit counts.
    of: Option<Arc<Concurrency>>,
    stage: Stage,
    waker: Option<W>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the group's line.
    InGroup {
        place: u64,
    },
    /// In the server's line.
    InServer {
        place: u64,
    },
    Running,
    /// Out of all lines: about to enter one, waiting to be tried again, or superseded.
    Outside,
}

/// A group that somebody is in.
#[derive(Debug, Default)]
struct Members {
    /// Places taken, also by those that wait for one in the server.
    taken: usize,
    line: Line,
    hooks: HashMap<Arc<str>, Member>,
}

/// A hook of a group.
#[derive(Debug)]
struct Member {
    max: usize,
    /// Entries in any stage.
    present: usize,
    /// Entries in the group's line.
    waiting: usize,
    /// The newest delivery whose command has started.
    begun: Option<Number>,
    /// With `latest`: those that have paused, until they leave.
    paused: BTreeSet<Number>,
    /// The last that took a place in the group's line; with `latest` there is no other.
    last_in_line: Option<Number>,
}

impl<W> Admission<W> {
    /// `max`: runs of the whole server at once, if that has a limit.
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self {
            max: max.unwrap_or(usize::MAX),
            running: 0,
            waiting: 0,
            line: Line::new(),
            groups: HashMap::new(),
            entries: HashMap::new(),
            next: 0,
        }
    }

    /// Lets a delivery in. The calls are its own, if its turn has come, and that of the one it replaces.
    pub(crate) fn enter(
        &mut self,
        of: Option<&Arc<Concurrency>>,
        waker: W,
    ) -> Result<(Number, Calls<W>), Refusal> {
        let replaced = self.check(of.map(Arc::as_ref))?;
        let number = Number(count(&mut self.next));
        let entry = Entry { of: of.cloned(), stage: Stage::Outside, waker: Some(waker) };
        self.entries.insert(number, entry);
        if let Some(of) = of {
            let members = self.groups.entry(of.group.clone()).or_default();
            let member = members.hooks.entry(of.hook.clone()).or_insert(Member {
                max: of.max,
                present: 0,
                waiting: 0,
                begun: None,
                paused: BTreeSet::new(),
                last_in_line: None,
            });
            // Its limit stays: this delivery may have come before the last reload.
            member.present += 1;
        }
        let mut calls = Calls::new();
        let place = replaced.and_then(|replaced| self.supersede(replaced, &mut calls));
        self.stand_in_line(number, place);
        self.go_on(of.map(|of| &of.group), &mut calls);
        Ok((number, calls))
    }

    /// The command of a delivery has started: with `latest`, older ones are not tried again.
    pub(crate) fn began(&mut self, number: Number) -> Calls<W> {
        let mut calls = Calls::new();
        let Some((of, member)) = self.latest(number) else { return calls };
        member.begun = member.begun.max(Some(number));
        let older: Vec<Number> = member.paused.range(..number).copied().collect();
        for older in older {
            // One whose turn has come is about to start.
            if self.entries.get(&older).is_some_and(|entry| entry.stage != Stage::Running) {
                self.supersede(older, &mut calls);
            }
        }
        self.go_on(Some(&of.group), &mut calls);
        calls
    }

    /// A delivery gives its place back and stays known, to come again. It is called meanwhile if it need not.
    pub(crate) fn pause(&mut self, number: Number, waker: W) -> Calls<W> {
        let mut calls = Calls::new();
        self.step_outside(number);
        let Some(entry) = self.entries.get_mut(&number) else { return calls };
        entry.waker = Some(waker);
        let of = entry.of.clone();
        if let Some((_, member)) = self.latest(number) {
            member.paused.insert(number);
            if member.begun > Some(number) {
                self.supersede(number, &mut calls);
            }
        }
        self.go_on(of.as_ref().map(|of| &of.group), &mut calls);
        calls
    }

    /// A delivery that has paused comes again. No limit of a line counts for it: it was accepted.
    pub(crate) fn again(&mut self, number: Number) -> Calls<W> {
        let mut calls = Calls::new();
        let Some(entry) = self.entries.get(&number).filter(|entry| entry.waker.is_some()) else {
            // It is superseded.
            return calls;
        };
        let of = entry.of.clone();
        let place = match self.latest(number).and_then(|(_, member)| member.last_in_line) {
            Some(last) if last > number => {
                self.supersede(number, &mut calls);
                return calls;
            }
            Some(last) => self.supersede(last, &mut calls),
            None => None,
        };
        self.stand_in_line(number, place);
        self.go_on(of.as_ref().map(|of| &of.group), &mut calls);
        calls
    }

    /// A delivery is done with, whatever it was doing.
    pub(crate) fn leave(&mut self, number: Number) -> Calls<W> {
        self.step_outside(number);
        let of = self.entries.remove(&number).and_then(|entry| entry.of);
        let mut calls = Calls::new();
        self.go_on(of.as_ref().map(|of| &of.group), &mut calls);
        if let Some(of) = of
            && let Some(members) = self.groups.get_mut(&of.group)
        {
            if let Some(member) = members.hooks.get_mut(&of.hook) {
                member.present -= 1;
                member.paused.remove(&number);
                if member.present == 0 {
                    members.hooks.remove(&of.hook);
                }
            }
            if members.hooks.is_empty() {
                self.groups.remove(&of.group);
            }
        }
        calls
    }

    /// The hook has another limit from now on, also for those that wait.
    pub(crate) fn adjust(&mut self, to: &Concurrency) -> Calls<W> {
        let mut calls = Calls::new();
        let members = self.groups.get_mut(&to.group);
        if let Some(member) = members.and_then(|members| members.hooks.get_mut(&to.hook)) {
            member.max = to.max;
            self.go_on(Some(&to.group), &mut calls);
        }
        calls
    }

    /// Whether a delivery may come in, and whom it then replaces.
    fn check(&self, of: Option<&Concurrency>) -> Result<Option<Number>, Refusal> {
        let members = of.and_then(|of| self.groups.get(&of.group));
        let member = of.and_then(|of| members?.hooks.get(&of.hook));
        // Nobody overtakes those who wait.
        let is_group_busy = |of: &Concurrency| {
            let max = member.map_or(of.max, |member| member.max);
            members.is_some_and(|members| !members.line.is_empty() || members.taken >= max)
        };
        if let Some(of) = of.filter(|of| is_group_busy(of)) {
            match of.when_busy {
                WhenBusy::Reject => return Err(Refusal::Busy),
                WhenBusy::Queue { limit } if member.map_or(0, |member| member.waiting) >= limit => {
                    return Err(Refusal::LineFull);
                }
                WhenBusy::Latest => {
                    if let Some(last) = member.and_then(|member| member.last_in_line) {
                        return Ok(Some(last));
                    }
                }
                WhenBusy::Queue { .. } => {}
            }
        }
        let waits = of.is_some_and(is_group_busy) || self.running >= self.max || !self.line.is_empty();
        if waits && self.waiting >= WAITING_MAX { Err(Refusal::LineFull) } else { Ok(None) }
    }

    /// The hook of `number`, if only its newest delivery is to wait.
    fn latest(&mut self, number: Number) -> Option<(Arc<Concurrency>, &mut Member)> {
        let of = self.entries.get(&number)?.of.clone().filter(|of| of.when_busy == WhenBusy::Latest)?;
        let member = self.groups.get_mut(&of.group)?.hooks.get_mut(&of.hook)?;
        Some((of, member))
    }

    /// Takes `number` out of its line, and gives its place if that was its group's.
    fn supersede(&mut self, number: Number, calls: &mut Calls<W>) -> Option<u64> {
        let stage = self.entries.get(&number)?.stage;
        self.step_outside(number);
        let waker = self.entries.get_mut(&number)?.waker.take();
        calls.extend(waker.map(|waker| (waker, Call::Superseded)));
        match stage {
            Stage::InGroup { place } => Some(place),
            Stage::InServer { .. } | Stage::Running | Stage::Outside => None,
        }
    }

    /// At the end of the line, or at `place`.
    fn stand_in_line(&mut self, number: Number, place: Option<u64>) {
        let place = place.unwrap_or_else(|| count(&mut self.next));
        let Some(entry) = self.entries.get_mut(&number) else { return };
        self.waiting += 1;
        let Some(of) = &entry.of else {
            entry.stage = Stage::InServer { place };
            self.line.insert(place, number);
            return;
        };
        entry.stage = Stage::InGroup { place };
        let Some(members) = self.groups.get_mut(&of.group) else { return };
        members.line.insert(place, number);
        if let Some(member) = members.hooks.get_mut(&of.hook) {
            member.waiting += 1;
            member.last_in_line = Some(number);
        }
    }

    /// Gives back what the stage of `number` holds.
    fn step_outside(&mut self, number: Number) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let stage = std::mem::replace(&mut entry.stage, Stage::Outside);
        let members = entry.of.as_ref().and_then(|of| self.groups.get_mut(&of.group));
        match stage {
            Stage::Outside => {}
            Stage::InGroup { place } => {
                self.waiting -= 1;
                if let (Some(of), Some(members)) = (&entry.of, members) {
                    members.take_out(place, number, of);
                }
            }
            Stage::InServer { place } => {
                self.waiting -= 1;
                self.line.remove(&place);
                if let Some(members) = members {
                    members.taken -= 1;
                }
            }
            Stage::Running => {
                self.running -= 1;
                if let Some(members) = members {
                    members.taken -= 1;
                }
            }
        }
    }

    /// Hands free places to the next in line. Those that have a place in their group came first.
    fn go_on(&mut self, group: Option<&Group>, calls: &mut Calls<W>) {
        self.go_on_in_server(calls);
        if let Some(group) = group {
            self.go_on_in_group(group);
            self.go_on_in_server(calls);
        }
    }

    fn go_on_in_group(&mut self, group: &Group) {
        let Some(members) = self.groups.get_mut(group) else { return };
        while let Some((&place, &number)) = members.line.first_key_value() {
            let Some(entry) = self.entries.get_mut(&number) else { return };
            let Some(of) = &entry.of else { return };
            if members.hooks.get(&of.hook).is_none_or(|member| members.taken >= member.max) {
                return;
            }
            members.take_out(place, number, of);
            members.taken += 1;
            let place = count(&mut self.next);
            entry.stage = Stage::InServer { place };
            self.line.insert(place, number);
        }
    }

    fn go_on_in_server(&mut self, calls: &mut Calls<W>) {
        while self.running < self.max
            && let Some((_, number)) = self.line.pop_first()
        {
            self.waiting -= 1;
            self.running += 1;
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            entry.stage = Stage::Running;
            calls.extend(entry.waker.take().map(|waker| (waker, Call::Turn)));
        }
    }
}

/// The number, which then is the next one.
fn count(next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}

impl Members {
    fn take_out(&mut self, place: u64, number: Number, of: &Concurrency) {
        self.line.remove(&place);
        if let Some(member) = self.hooks.get_mut(&of.hook) {
            member.waiting -= 1;
            member.last_in_line = member.last_in_line.filter(|last| *last != number);
        }
    }
}

#[cfg(test)]
mod tests;
