//! Looks on while a rule is evaluated, and lays what it saw over the rule's tree.

use std::sync::Arc;

use super::mask::is_secret;
use super::report::{CaseReport, Node, NodeResult};
use crate::conceal::MASK;
use crate::facts::Facts;
use crate::hook::Hook;
use crate::judge::Onlooker;
use crate::reference::Reference;
use crate::rule::{Choices, Comparison, Fault, Match, MatchResult, Observed, Operand, Rule, Step};

/// Items of a list that are shown of what a match wants; a file of addresses has thousands.
const ITEMS_SHOWN_MAX: usize = 20;

pub(super) struct Trace<'h> {
    hook: &'h Hook,
    /// Of the hook's own rule and then of each case that was looked at.
    rules: Vec<Reached>,
}

/// The parts of one rule that were reached.
type Reached = Vec<(Vec<Step>, Seen)>;

/// One part of the rule that was reached.
struct Seen {
    result: NodeResult,
    reason: Option<String>,
    found: Option<String>,
    /// What was found at a match's other parameter.
    other: Option<String>,
}

impl<'h> Trace<'h> {
    pub(super) fn new(hook: &'h Hook) -> Self {
        Self { hook, rules: vec![Reached::new()] }
    }

    /// The rule of `case`, or of a hook without cases.
    pub(super) fn rule(&self, case: Option<&Hook>) -> Option<Node> {
        let (rule, index) = match case {
            Some(case) => (&case.rule, self.hook.cases.iter().position(|one| one.case == case.case)? + 1),
            None if self.hook.cases.is_empty() => (&self.hook.rule, 0),
            None => return None,
        };
        Some(self.node(rule.as_ref()?, self.rules.get(index)?, &mut Vec::new()))
    }

    pub(super) fn cases(&self) -> Vec<CaseReport> {
        let report = |(index, case): (usize, &Arc<Hook>)| {
            let reached = self.rules.get(index + 1);
            let nothing = Reached::new();
            let rule = case.rule.as_ref();
            let rule = rule.map(|rule| self.node(rule, reached.unwrap_or(&nothing), &mut Vec::new()));
            let result = match (&rule, reached) {
                (_, None) => NodeResult::NotReached,
                (None, Some(_)) => NodeResult::Holds,
                (Some(rule), Some(_)) => rule.result(),
            };
            CaseReport { name: case.case.clone().unwrap_or_default(), result, rule }
        };
        self.hook.cases.iter().enumerate().map(report).collect()
    }

    fn node(&self, rule: &Rule, reached: &Reached, steps: &mut Vec<Step>) -> Node {
        let seen = reached.iter().find(|(of, _)| of == steps).map(|(_, seen)| seen);
        let result = seen.map_or(NodeResult::NotReached, |seen| seen.result);
        let reason = seen.and_then(|seen| seen.reason.clone());
        let mut below = |step, part| {
            steps.push(step);
            let node = self.node(part, reached, steps);
            steps.pop();
            node
        };
        let (operator, rules) = match rule {
            Rule::Match(part) => {
                return Node::Match {
                    r#match: part.kind(),
                    parameter: subject(part),
                    found: seen.and_then(|seen| seen.found.clone()),
                    wanted: wanted(part, seen, is_secret(part, self.hook)),
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
    fn case(&mut self) {
        self.rules.push(Reached::new());
    }

    fn rule(&mut self, steps: &[Step], observed: &Observed<'_>, facts: &Facts<'_>) {
        let seen = match observed {
            Observed::Operator { truth, fault } => Seen {
                result: result(*truth, *fault),
                reason: fault.map(ToString::to_string),
                found: None,
                other: None,
            },
            Observed::Match(part, came_out) => Seen {
                result: match came_out {
                    MatchResult::Holds => NodeResult::Holds,
                    MatchResult::Fails(_) => NodeResult::Fails,
                    MatchResult::Fault(fault) => result(false, Some(fault)),
                },
                reason: (**came_out != MatchResult::Holds).then(|| part.told(came_out).to_string()),
                found: found(part, facts, is_secret(part, self.hook)),
                other: part
                    .other_parameter()
                    .and_then(|other| shown(other, facts, is_secret(part, self.hook))),
            },
        };
        if let Some(reached) = self.rules.last_mut() {
            reached.push((steps.to_vec(), seen));
        }
    }
}

/// A parameter that was not found is a note beside the truth, no error.
fn result(truth: bool, fault: Option<&Fault>) -> NodeResult {
    match (fault, truth) {
        (None | Some(Fault::NotFound(_)), true) => NodeResult::Holds,
        (None | Some(Fault::NotFound(_)), false) => NodeResult::Fails,
        (Some(_), _) => NodeResult::Error,
    }
}

/// What is looked at; `None` is the peer.
fn subject(part: &Match) -> Option<String> {
    match part {
        Match::ScalrSignature { .. } => Some("header X-Signature".to_owned()),
        _ => part.parameter().map(ToString::to_string),
    }
}

fn shown(reference: &Reference, facts: &Facts<'_>, is_secret: bool) -> Option<String> {
    let text = facts.text_of(reference).ok()?;
    Some(if is_secret { MASK.to_owned() } else { String::from_utf8_lossy(&text).into_owned() })
}

fn found(part: &Match, facts: &Facts<'_>, is_secret: bool) -> Option<String> {
    let text = match part {
        Match::Text { parameter, .. } | Match::Exists { parameter } | Match::Null { parameter } => {
            return shown(parameter, facts, is_secret);
        }
        Match::IpWhitelist { .. } => facts.request.peer.ip()?.to_string(),
        Match::ScalrSignature { .. } => {
            String::from_utf8_lossy(facts.request.headers.get("x-signature")?.as_bytes()).into_owned()
        }
    };
    Some(if is_secret { MASK.to_owned() } else { text })
}

/// What stands in the hooks file, or which part of the request; `None` when nothing is compared.
fn wanted(part: &Match, seen: Option<&Seen>, is_secret: bool) -> Option<String> {
    if let Some(other) = part.other_parameter() {
        let found = seen.and_then(|seen| seen.other.as_ref());
        return Some(found.map_or(other.to_string(), |found| format!("{other}, which is {found}")));
    }
    let text = match part {
        Match::Exists { .. } | Match::Null { .. } => return None,
        _ if is_secret => MASK.to_owned(),
        Match::Text { comparison, .. } => match comparison {
            Comparison::Value(operand) | Comparison::Number(_, operand) | Comparison::Part(_, operand) => {
                match operand {
                    Operand::Text(text) => text.clone(),
                    Operand::Parameter(reference) => reference.to_string(),
                }
            }
            Comparison::Regex(regex) => regex.pattern().to_owned(),
            Comparison::In(Choices::Texts(texts)) => some_of(texts),
            Comparison::In(Choices::Parameter(reference)) => reference.to_string(),
            Comparison::Hmac(_) => MASK.to_owned(),
        },
        Match::IpWhitelist { networks } => some_of(networks),
        Match::ScalrSignature { .. } => MASK.to_owned(),
    };
    Some(text)
}

/// With spaces between, and how many more there are.
fn some_of(items: &[impl ToString]) -> String {
    let mut shown: Vec<String> = items.iter().take(ITEMS_SHOWN_MAX).map(ToString::to_string).collect();
    if items.len() > ITEMS_SHOWN_MAX {
        shown.push(format!("and {} more", items.len() - ITEMS_SHOWN_MAX));
    }
    shown.join(" ")
}
