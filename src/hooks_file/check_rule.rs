//! Trigger rules as written, checked: what can only be a mistake refuses the hook, instead of leaving
//! it open or dead.

use super::check_match::match_rule;
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::rule::Rule;

/// Operators in one another. Evaluation recurses.
const RULE_DEPTH_MAX: usize = 100;

pub(super) fn rule(reader: &mut Reader<'_>, node: &Node) -> Option<Rule> {
    rule_at(reader, node, 0)
}

fn rule_at(reader: &mut Reader<'_>, node: &Node, depth: usize) -> Option<Rule> {
    if depth == RULE_DEPTH_MAX {
        reader.report(
            Kind::DeepRule,
            format!("rules are nested deeper than {RULE_DEPTH_MAX}"),
            "write it with fewer `and`, `or` and `not` in one another",
        );
        return None;
    }
    let operators = keys::names(keys::RULE);
    if is_bare_match(node, &operators) {
        let message = "the comparison stands where a rule is wanted";
        reader.report(Kind::EmptyRule, message, "write `match:` above it, and indent it under that");
        return None;
    }
    let record = reader.record(node, "a rule", keys::RULE)?;
    let present: Vec<&str> = operators.into_iter().filter(|operator| record.has(operator)).collect();
    match present.as_slice() {
        [operator] => operation(reader, record, operator, depth),
        [] => {
            reader.report(Kind::EmptyRule, "the rule is empty", "write one of `and`, `or`, `not`, `match`");
            None
        }
        several => {
            let message = format!("the rule has {} operators: `{}`", several.len(), several.join("`, `"));
            reader.report(Kind::SeveralOperators, message, "keep one; combine them with `and: [{…}, {…}]`");
            // Read for what else is wrong in them.
            for operator in several {
                operation(reader, record, operator, depth);
            }
            None
        }
    }
}

/// The keys of a match, without `match` above them.
fn is_bare_match(node: &Node, operators: &[&str]) -> bool {
    let Node::Mapping(entries) = node else { return false };
    let has = |wanted: &str| entries.iter().any(|(key, _)| key.eq_ignore_ascii_case(wanted));
    has("type") && !operators.iter().any(|operator| has(operator))
}

fn operation(reader: &mut Reader<'_>, record: Record<'_>, operator: &str, depth: usize) -> Option<Rule> {
    let Some((index, part)) = record.get(operator) else {
        reader.report(Kind::EmptyRule, format!("`{operator}` is empty"), "write a rule below it");
        return None;
    };
    reader.entry(index, operator, |reader| match operator {
        "and" => parts(reader, part, depth).map(Rule::And),
        "or" => parts(reader, part, depth).map(Rule::Or),
        "not" => rule_at(reader, part, depth + 1).map(|rule| Rule::Not(Box::new(rule))),
        _ => match_rule(reader, part).map(|part| Rule::Match(Box::new(part))),
    })
}

fn parts(reader: &mut Reader<'_>, node: &Node, depth: usize) -> Option<Vec<Rule>> {
    let Node::Sequence(items) = node else {
        return reader.wrong_type(node, "a list of rules");
    };
    if items.is_empty() {
        reader.report(Kind::EmptyRule, "the list of rules is empty", "write at least one rule in it");
        return None;
    }
    let mut rules = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        rules.push(reader.item(index, |reader| rule_at(reader, item, depth + 1)));
    }
    rules.into_iter().collect()
}
