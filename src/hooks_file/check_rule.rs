//! Trigger rules as written, checked: what can only be a mistake refuses the hook, instead of leaving
//! it open or dead.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::check::reference;
use super::keys::{self, MATCH_TYPES};
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use super::secrets::{is_secret, secrets};
use crate::nearest::nearest;
use crate::reference::Reference;
use crate::rule::{Comparison, GoRegex, HmacAlgorithm, HmacKey, Match, Rule};
use crate::secrecy::{is_token, literals};

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
            "flatten them",
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

fn match_rule(reader: &mut Reader<'_>, node: &Node) -> Option<Match> {
    let record = reader.record(node, "a match", keys::MATCH)?;
    let kind = reader.text(record, "type").unwrap_or_default();
    keep_secrets(reader, record, &kind);
    let algorithm = match kind.as_str() {
        "ip-whitelist" => return ip_whitelist(reader, record),
        "scalr-signature" => {
            let keys = hmac_keys(reader, record, HmacAlgorithm::Sha1)?;
            return Some(Match::ScalrSignature { keys });
        }
        "value" => return value(reader, record),
        "regex" => return regex(reader, record),
        "payload-hmac-sha1" | "payload-hash-sha1" => HmacAlgorithm::Sha1,
        "payload-hmac-sha256" | "payload-hash-sha256" => HmacAlgorithm::Sha256,
        "payload-hmac-sha512" | "payload-hash-sha512" => HmacAlgorithm::Sha512,
        unknown => {
            let help = match nearest(unknown, &MATCH_TYPES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", MATCH_TYPES.join(", ")),
            };
            let message = match unknown {
                "" => "the match has no `type`".to_owned(),
                unknown => format!("unknown match type `{unknown}`"),
            };
            reader.report_at_entry((record, "type"), Kind::UnknownMatchType, message, help);
            return None;
        }
    };
    if kind.contains("-hash-") {
        let help = format!("write `{}`", kind.replace("-hash-", "-hmac-"));
        reader.report_at_entry(
            (record, "type"),
            Kind::OldMatchType,
            format!("`{kind}` is an old name"),
            help,
        );
    }
    let keys = hmac_keys(reader, record, algorithm);
    let parameter = parameter(reader, record)?;
    Some(Match::Text { parameter, comparison: Comparison::Hmac(keys?) })
}

/// Keeps what is compared with, when that is a secret: by the name of the parameter, or because it was written
/// beside the secret of a signature.
fn keep_secrets(reader: &mut Reader<'_>, record: Record<'_>, kind: &str) {
    let parameter = record.get("parameter").and_then(|(_, node)| match node {
        Node::Mapping(entries) => {
            let text = |key: &str| match entries.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(key))? {
                (_, Node::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            Some(Reference::new(text("source")?, text("name")?))
        }
        _ => None,
    });
    let is_signature = kind.contains("-hmac-") || kind.contains("-hash-") || kind == "scalr-signature";
    if !is_signature && !parameter.as_ref().is_some_and(is_secret) {
        return;
    }
    for key in ["value", "regex"] {
        reader.at(record, key, |reader, node| match node {
            Node::Text(text) | Node::Number(text) if is_token(&literals(text)) => {
                reader.keep_literal_secret(text);
            }
            _ => {}
        });
    }
}

fn parameter(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Reference> {
    let Some((index, node)) = record.get("parameter") else {
        let help = "say what to compare: `parameter: {source: …, name: …}`";
        reader.report(Kind::IncompleteMatch, "the match has no `parameter`", help);
        return None;
    };
    reader.entry(index, "parameter", |reader| {
        let record = reader.record(node, "a reference", keys::REFERENCE)?;
        Some(reference(reader, record))
    })
}

fn value(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Match> {
    let parameter = parameter(reader, record);
    if record.get("value").is_none() {
        let help = match record.has("secret") {
            true => "write the text to compare with as `value`, not as `secret`",
            false => "write the text to compare with; without it an empty value would pass",
        };
        reader.report(Kind::IncompleteMatch, "a match of type `value` has no `value`", help);
        return None;
    }
    let value = reader.text(record, "value").unwrap_or_default();
    Some(Match::Text { parameter: parameter?, comparison: Comparison::Value(value) })
}

fn regex(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Match> {
    let parameter = parameter(reader, record);
    let Some((index, _)) = record.get("regex") else {
        let help = "write the pattern; without it everything would match";
        reader.report(Kind::IncompleteMatch, "a match of type `regex` has no `regex`", help);
        return None;
    };
    let pattern = reader.text(record, "regex")?;
    match GoRegex::new(&pattern) {
        Ok(regex) => Some(Match::Text { parameter: parameter?, comparison: Comparison::Regex(regex) }),
        Err(error) => {
            let at = (pattern.as_str(), error.offset().unwrap_or(0));
            let help = "patterns are Go's (RE2): https://github.com/google/re2/wiki/Syntax";
            reader.entry(index, "regex", |reader| {
                reader.report_inside(at, Kind::BadRegex, error.to_string(), help);
            });
            None
        }
    }
}

fn hmac_keys(reader: &mut Reader<'_>, record: Record<'_>, algorithm: HmacAlgorithm) -> Option<Vec<HmacKey>> {
    if record.get("secret").is_none() {
        let help = match record.has("value") {
            true => "write the secret that the sender signs with as `secret`, not as `value`",
            false => "write the secret that the sender signs with",
        };
        reader.report(Kind::NoSecret, "the match has no `secret`", help);
        return None;
    }
    let secrets = secrets(reader, record, "secret");
    (!secrets.is_empty()).then(|| secrets.iter().map(|secret| HmacKey::new(algorithm, secret)).collect())
}

fn ip_whitelist(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Match> {
    let help = "write addresses or networks, separated by spaces";
    let Some((index, _)) = record.get("ip-range") else {
        reader.report(Kind::IncompleteMatch, "the match has no `ip-range`", help);
        return None;
    };
    let ranges = reader.text(record, "ip-range")?;
    let mut networks = Vec::new();
    let mut is_bad = false;
    for range in ranges.split_ascii_whitespace() {
        let Some(network) = network(range) else {
            is_bad = true;
            let at = (ranges.as_str(), range.as_ptr() as usize - ranges.as_ptr() as usize);
            let message = format!("`{range}` is neither an address nor a network");
            let help = match range.contains([',', ';']) {
                true => "separate them by spaces alone: `192.0.2.7 192.0.2.0/24`",
                false => "write `192.0.2.7` or `192.0.2.0/24`",
            };
            reader
                .entry(index, "ip-range", |reader| reader.report_inside(at, Kind::BadNetwork, message, help));
            continue;
        };
        networks.push(network);
    }
    if networks.is_empty() && !is_bad {
        reader.report(Kind::BadNetwork, "`ip-range` is empty", help);
    }
    (!networks.is_empty() && !is_bad).then_some(Match::IpWhitelist { networks })
}

/// An address means itself. IPv4 written as IPv6 is IPv4, as the peer's address is.
fn network(range: &str) -> Option<IpNet> {
    let network = match range.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => range.parse::<IpNet>().ok()?,
    };
    Some(match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::V4(Ipv4Net::new(v4, v6.prefix_len() - 96).ok()?),
            None => network,
        },
        _ => network,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_taken_as_written() {
        #[track_caller]
        fn check(range: &str, expected: Option<&str>) {
            assert_eq!(network(range).map(|network| network.to_string()).as_deref(), expected, "{range}");
        }
        check("127.0.0.1", Some("127.0.0.1/32"));
        check("10.0.0.0/8", Some("10.0.0.0/8"));
        check("::1", Some("::1/128"));
        check("::ffff:127.0.0.1/128", Some("127.0.0.1/32"));
        check("2001:db8::/32", Some("2001:db8::/32"));
        check("127.0.0.1/33", None);
        check("bogus", None);
        check("1.2.3", None);
    }
}
