//! What a rule can come to, when it is known what its matches can: for judging a rule without a request.
//!
//! The matches are taken to be independent of one another, so that a rule may be said to have an ending that
//! no request brings about; it never has one that is not said.

use super::{Fault, Match, Rule};

/// A fault as far as it decides what becomes of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Note,
    Signature,
    Other,
}

const KINDS: [Kind; 4] = [Kind::None, Kind::Note, Kind::Signature, Kind::Other];

/// A set of endings: truth, and the fault beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endings(u8);

impl Endings {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const HOLDS: Self = Self::one(true, Kind::None);
    pub(crate) const FAILS: Self = Self::one(false, Kind::None);
    /// The parameter is not in the request.
    pub(crate) const MISSES: Self = Self::one(false, Kind::Note);
    pub(crate) const WRONG_SIGNATURE: Self = Self::one(false, Kind::Signature);
    pub(crate) const ERROR: Self = Self::one(false, Kind::Other);

    const fn one(truth: bool, kind: Kind) -> Self {
        Self(1 << (kind as u8 + if truth { 4 } else { 0 }))
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn each(self) -> impl Iterator<Item = (bool, Kind)> {
        let all = [true, false].into_iter().flat_map(|truth| KINDS.map(|kind| (truth, kind)));
        all.filter(move |(truth, kind)| self.has(Self::one(*truth, *kind)))
    }

    fn of_each(self, ending: impl Fn(bool, Kind) -> Self) -> Self {
        self.each().fold(Self::NONE, |all, (truth, kind)| all.or(ending(truth, kind)))
    }

    /// Whether a rule with these endings can be met: a note beside the truth takes nothing from it.
    pub(crate) fn can_be_met(self) -> bool {
        self.has(Self::HOLDS.or(Self::one(true, Kind::Note)))
    }

    /// Whether it can be met as a part of an `and`, which a note ends.
    pub(crate) fn can_hold(self) -> bool {
        self.has(Self::HOLDS)
    }

    pub(crate) fn is_always_met(self) -> bool {
        self.each().all(|(truth, kind)| truth && matches!(kind, Kind::None | Kind::Note))
    }
}

/// The endings of `rule`. `soft` is the hook's `trigger-signature-soft-failures`, `endings` are those of a match.
pub(crate) fn endings(rule: &Rule, soft: bool, of_match: &dyn Fn(&Match) -> Endings) -> Endings {
    match rule {
        Rule::And(parts) => of_and(parts.iter().map(|part| endings(part, soft, of_match))),
        Rule::Or(parts) => of_or(parts.iter().map(|part| endings(part, soft, of_match)), soft),
        Rule::Not(part) => endings(part, soft, of_match).of_each(|truth, kind| Endings::one(!truth, kind)),
        Rule::Match(part) => of_match(part),
    }
}

/// Any fault ends an `and`, a note too.
fn of_and(parts: impl Iterator<Item = Endings>) -> Endings {
    let mut all = Endings::NONE;
    for part in parts {
        all = all.or(part.of_each(|truth, kind| match (truth, kind) {
            (true, Kind::None) => Endings::NONE,
            (_, kind) => Endings::one(false, kind),
        }));
        if !part.can_hold() {
            return all;
        }
    }
    all.or(Endings::HOLDS)
}

/// A note does not end an `or`, nor a wrong signature when it is `soft`.
fn of_or(parts: impl Iterator<Item = Endings>, soft: bool) -> Endings {
    let mut all = Endings::NONE;
    for part in parts {
        let mut goes_on = false;
        for (truth, kind) in part.each() {
            let ends = kind == Kind::Other || (kind == Kind::Signature && !soft);
            all = match (ends, truth) {
                (true, _) => all.or(Endings::one(false, kind)),
                (false, true) => all.or(Endings::HOLDS),
                (false, false) => all,
            };
            goes_on |= !ends && !truth;
        }
        if !goes_on {
            return all;
        }
    }
    all.or(Endings::FAILS)
}

impl From<(bool, Option<&Fault>)> for Endings {
    fn from((truth, fault): (bool, Option<&Fault>)) -> Self {
        Self::one(
            truth,
            match fault {
                None => Kind::None,
                Some(Fault::NotFound(_)) => Kind::Note,
                Some(Fault::Signature | Fault::Outdated { .. }) => Kind::Signature,
                Some(Fault::Required(_) | Fault::Other(_)) => Kind::Other,
            },
        )
    }
}
