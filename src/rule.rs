//! Trigger rules: their checked form, and how they are evaluated.
//!
//! A rule ends true, false or in a fault. A fault is either a note (a parameter that was not found)
//! or an error; which of the two an operator passes on is the reference's behaviour, kept exactly.

mod comparison;
mod endings;
mod go_regex;
mod hmac_key;
mod matching;
mod number;
mod scalr;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::facts::{Facts, NoValue};
use crate::reference::Reference;
use crate::secret::Secret;

use matching::evaluate_match;

pub(crate) use comparison::{Choices, Comparison, Operand, Order, Place};
pub(crate) use endings::{Endings, endings};
pub(crate) use go_regex::GoRegex;
pub(crate) use hmac_key::{HmacAlgorithm, HmacKey};
pub(crate) use matching::{Match, MatchResult};
pub(crate) use number::Number;

#[derive(Debug)]
pub(crate) enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Match(Box<Match>),
}

impl Rule {
    /// Adds the texts that its matches ask for as proof of who sends.
    pub(crate) fn collect_secrets(&self, into: &mut Vec<Secret>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect_secrets(into)),
            Self::Not(part) => part.collect_secrets(into),
            Self::Match(part) => into.extend(part.secrets()),
        }
    }

    /// Adds every reference of the rule.
    pub(crate) fn collect_parameters<'r>(&'r self, into: &mut Vec<&'r Reference>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect_parameters(into)),
            Self::Not(part) => part.collect_parameters(into),
            Self::Match(part) => into.extend(part.parameter().into_iter().chain(part.other_parameter())),
        }
    }
}

/// Which secret fits, counted from 1, of each signature match that has several: while secrets change, that
/// tells when the old one is used no longer.
pub(crate) fn secrets_used(rule: &Rule, facts: &Facts<'_>) -> Vec<(String, usize)> {
    match rule {
        Rule::And(parts) | Rule::Or(parts) => {
            parts.iter().flat_map(|part| secrets_used(part, facts)).collect()
        }
        Rule::Not(part) => secrets_used(part, facts),
        Rule::Match(part) => match part.as_ref() {
            Match::Text { parameter, comparison: Comparison::Hmac(keys), .. } if keys.len() > 1 => {
                let signature = facts.text_of(parameter).ok();
                let fits = |key: &HmacKey| {
                    signature.as_ref().is_some_and(|signature| key.signs(&[&facts.request.body], signature))
                };
                let position = keys.iter().position(fits);
                position.map(|position| (parameter.to_string(), position + 1)).into_iter().collect()
            }
            _ => Vec::new(),
        },
    }
}

/// Why a match, or the rule around it, is neither simply true nor simply false.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// A note, not an error: the parameter is not in the request.
    #[error("parameter node not found: {0}")]
    NotFound(String),
    #[error("the signature does not match")]
    Signature,
    /// The signature matches, but not the clock. A hook that is soft on wrong signatures is soft on it.
    #[error("the header `Date` is {away_s} s away from now")]
    Outdated { away_s: u64 },
    /// The parameter is not in the request, and it is required.
    #[error("{0}")]
    Required(String),
    #[error("{0}")]
    Other(String),
}

impl Fault {
    pub(crate) fn is_of_signature(&self) -> bool {
        matches!(self, Self::Signature | Self::Outdated { .. })
    }
}

impl From<NoValue> for Fault {
    fn from(no_value: NoValue) -> Self {
        match no_value {
            NoValue::NotFound(name) => Self::NotFound(name),
            NoValue::Required(_) => Self::Required(no_value.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

/// How a whole rule came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fired,
    NotFired,
    Failed(Fault),
}

/// One step from a rule to the match below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    And(usize),
    Or(usize),
    Not,
}

/// The way from the top of a rule to a match, shown as `and[1].not.match`.
pub(crate) struct Way<'s>(pub(crate) &'s [Step]);

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.0 {
            match step {
                Step::And(index) => write!(f, "and[{index}].")?,
                Step::Or(index) => write!(f, "or[{index}].")?,
                Step::Not => f.write_str("not.")?,
            }
        }
        f.write_str("match")
    }
}

/// What evaluation needs beside the facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) soft_signature_failures: bool,
    pub(crate) now_unix_s: i64,
}

/// What an evaluation lets others see of itself, with the way to it.
pub(crate) enum Observed<'o> {
    Match(&'o Match, &'o MatchResult),
    /// An `and`, `or` or `not` has ended: its truth, and the fault it passes on.
    Operator {
        truth: bool,
        fault: Option<&'o Fault>,
    },
}

/// Evaluates `rule`. `observe` is called for every part that was reached, when it has ended.
pub(crate) fn evaluate(
    rule: &Rule,
    facts: &Facts<'_>,
    conditions: Conditions,
    observe: &mut dyn FnMut(&[Step], Observed<'_>),
) -> Verdict {
    let mut evaluation = Evaluation { facts, conditions, steps: Vec::new(), observe };
    match evaluation.rule(rule) {
        (true, None | Some(Fault::NotFound(_))) => Verdict::Fired,
        (false, None | Some(Fault::NotFound(_))) => Verdict::NotFired,
        (_, Some(fault)) => Verdict::Failed(fault),
    }
}

struct Evaluation<'e, 'f> {
    facts: &'e Facts<'f>,
    conditions: Conditions,
    steps: Vec<Step>,
    observe: &'e mut dyn FnMut(&[Step], Observed<'_>),
}

/// What the reference's evaluators return: a truth, and beside it perhaps a fault.
type Truth = (bool, Option<Fault>);

impl Evaluation<'_, '_> {
    fn rule(&mut self, rule: &Rule) -> Truth {
        let (truth, fault) = match rule {
            Rule::And(parts) => self.and(parts),
            Rule::Or(parts) => self.or(parts),
            Rule::Not(part) => {
                let (truth, fault) = self.step(Step::Not, part);
                (!truth, fault)
            }
            Rule::Match(part) => return self.leaf(part),
        };
        (self.observe)(&self.steps, Observed::Operator { truth, fault: fault.as_ref() });
        (truth, fault)
    }

    fn step(&mut self, step: Step, rule: &Rule) -> Truth {
        self.steps.push(step);
        let truth = self.rule(rule);
        self.steps.pop();
        truth
    }

    /// Any fault ends an `and`, a note too.
    fn and(&mut self, parts: &[Rule]) -> Truth {
        for (index, part) in parts.iter().enumerate() {
            match self.step(Step::And(index), part) {
                (true, None) => {}
                (_, fault) => return (false, fault),
            }
        }
        (true, None)
    }

    /// A note does not end an `or`; a wrong signature does, unless the hook is soft on those.
    fn or(&mut self, parts: &[Rule]) -> Truth {
        for (index, part) in parts.iter().enumerate() {
            let (truth, fault) = self.step(Step::Or(index), part);
            match fault {
                None | Some(Fault::NotFound(_)) => {}
                Some(fault) if fault.is_of_signature() && self.conditions.soft_signature_failures => {}
                fault => return (false, fault),
            }
            if truth {
                return (true, None);
            }
        }
        (false, None)
    }

    fn leaf(&mut self, part: &Match) -> Truth {
        let result = evaluate_match(part, self.facts, self.conditions.now_unix_s);
        (self.observe)(&self.steps, Observed::Match(part, &result));
        match result {
            MatchResult::Holds => (true, None),
            MatchResult::Fails(_) => (false, None),
            MatchResult::Fault(fault) => (false, Some(fault)),
        }
    }
}
