//! Looks on while a rule is evaluated, and lays what it saw over the rule's tree.

use super::mask::is_secret;
use super::report::{MASK, Node, NodeResult};
use crate::facts::Facts;
use crate::hook::Hook;
use crate::judge::Onlooker;
use crate::rule::{Comparison, Fault, Match, MatchResult, Observed, Rule, Step};

pub(super) struct Trace<'h> {
    hook: &'h Hook,
    seen: Vec<(Vec<Step>, Seen)>,
}

/// One part of the rule that was reached.
struct Seen {
    result: NodeResult,
    reason: Option<String>,
    found: Option<String>,
}

impl<'h> Trace<'h> {
    pub(super) fn new(hook: &'h Hook) -> Self {
        Self { hook, seen: Vec::new() }
    }

    /// `rule` is the hook's.
    pub(super) fn tree(&self, rule: &Rule) -> Node {
        self.node(rule, &mut Vec::new())
    }

    fn node(&self, rule: &Rule, steps: &mut Vec<Step>) -> Node {
        let seen = self.seen.iter().find(|(of, _)| of == steps).map(|(_, seen)| seen);
        let result = seen.map_or(NodeResult::NotReached, |seen| seen.result);
        let reason = seen.and_then(|seen| seen.reason.clone());
        let mut below = |step, part| {
            steps.push(step);
            let node = self.node(part, steps);
            steps.pop();
            node
        };
        let (operator, rules) = match rule {
            Rule::Match(part) => {
                return Node::Match {
                    r#match: part.kind(),
                    parameter: subject(part),
                    found: seen.and_then(|seen| seen.found.clone()),
                    wanted: wanted(part, is_secret(part, self.hook)),
                    result,
                    reason,
                };
            }
            Rule::And(parts) => {
                ("and", parts.iter().enumerate().map(|(index, part)| below(Step::And(index), part)).collect())
            }
            Rule::Or(parts) => {
                ("or", parts.iter().enumerate().map(|(index, part)| below(Step::Or(index), part)).collect())
            }
            Rule::Not(part) => ("not", vec![below(Step::Not, part)]),
        };
        Node::Operator { operator, result, reason, rules }
    }
}

impl Onlooker for Trace<'_> {
    fn rule(&mut self, steps: &[Step], observed: &Observed<'_>, facts: &Facts<'_>) {
        let seen = match observed {
            Observed::Operator { truth, fault } => {
                Seen { result: result(*truth, *fault), reason: fault.map(ToString::to_string), found: None }
            }
            Observed::Match(part, came_out) => Seen {
                result: match came_out {
                    MatchResult::Holds => NodeResult::Holds,
                    MatchResult::Fails(_) => NodeResult::Fails,
                    MatchResult::Fault(fault) => result(false, Some(fault)),
                },
                reason: (**came_out != MatchResult::Holds).then(|| came_out.to_string()),
                found: found(part, facts, is_secret(part, self.hook)),
            },
        };
        self.seen.push((steps.to_vec(), seen));
    }
}

/// A parameter that was not found is a note beside the truth, no error.
fn result(truth: bool, fault: Option<&Fault>) -> NodeResult {
    match (fault, truth) {
        (Some(Fault::Signature | Fault::Required(_) | Fault::Other(_)), _) => NodeResult::Error,
        (None | Some(Fault::NotFound(_)), true) => NodeResult::Holds,
        (None | Some(Fault::NotFound(_)), false) => NodeResult::Fails,
    }
}

/// What is looked at; `None` is the peer.
fn subject(part: &Match) -> Option<String> {
    match part {
        Match::ScalrSignature { .. } => Some("header X-Signature".to_owned()),
        _ => part.parameter().map(ToString::to_string),
    }
}

fn found(part: &Match, facts: &Facts<'_>, is_secret: bool) -> Option<String> {
    let text = match part {
        Match::Text { parameter, .. } => {
            let text = facts.text_of(parameter).ok()?;
            String::from_utf8_lossy(&text).into_owned()
        }
        Match::IpWhitelist { .. } => facts.request.peer.ip()?.to_string(),
        Match::ScalrSignature { .. } => {
            String::from_utf8_lossy(facts.request.headers.get("x-signature")?.as_bytes()).into_owned()
        }
    };
    Some(if is_secret { MASK.to_owned() } else { text })
}

fn wanted(part: &Match, is_secret: bool) -> String {
    match part {
        _ if is_secret => MASK.to_owned(),
        Match::Text { comparison, .. } => match comparison {
            Comparison::Value(value) => value.clone(),
            Comparison::Regex(regex) => regex.pattern().to_owned(),
            Comparison::Hmac(_) => MASK.to_owned(),
        },
        Match::IpWhitelist { networks } => {
            networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        }
        Match::ScalrSignature { .. } => MASK.to_owned(),
    }
}
