//! Rules that load and do not mean what they seem to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::keys;
use super::super::node::Node;
use super::super::problem::Kind;
use super::super::record::{Reader, Record};
use super::super::secrets::is_secret;
use super::guard::is_met_by_default;
use crate::hook::Hook;
use crate::reference::{IfMissing, Reference, Subject};
use crate::rule::{Comparison, GoRegex, Match, Rule};
use crate::sender::{Scheme, Source, table};

/// A pattern that all of these match is taken to match every text.
const PROBES: [&[u8]; 9] =
    [b"", b"a", b"Z", b"0", b" ", b"\n", b"true", b"refs/heads/main", b"\x00\xffline\nline \xe2\x98\x83"];

/// What is around the rule that is looked at.
#[derive(Clone, Copy)]
struct Around<'h> {
    hook: &'h Hook,
    /// A signature is required beside it, whatever comes out of it.
    is_signed: bool,
    is_in_and: bool,
}

/// Lints `rule`, which stands at the current place as `node`.
pub(super) fn lint(reader: &mut Reader<'_>, node: &Node, rule: &Rule, hook: &Hook) {
    let is_signed = hook.verify.as_ref().is_some_and(|verify| verify.verifier.secret_count() > 0);
    walk(reader, node, rule, Around { hook, is_signed, is_in_and: false });
}

fn walk(reader: &mut Reader<'_>, node: &Node, rule: &Rule, around: Around<'_>) {
    let Some(record) = Record::of(node, keys::RULE) else { return };
    match rule {
        Rule::And(parts) => {
            contradiction(reader, record, parts);
            each(reader, record, "and", parts, |at| {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != at);
                let is_signed =
                    around.is_signed || others.into_iter().any(|(_, part)| requires_signature(part));
                Around { is_signed, is_in_and: true, ..around }
            });
        }
        Rule::Or(parts) => {
            optional_signature(reader, record, parts, around);
            each(reader, record, "or", parts, |_| Around { is_in_and: false, ..around });
        }
        Rule::Not(part) => {
            not_of_missing(reader, record, part, around.is_in_and);
            let around = Around { is_in_and: false, ..around };
            reader.at(record, "not", |reader, node| walk(reader, node, part, around));
        }
        Rule::Match(part) => {
            reader.at(record, "match", |reader, node| {
                if let Some(record) = Record::of(node, keys::MATCH) {
                    comparison(reader, record, part, around.hook);
                }
            });
        }
    }
}

fn each<'h>(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    operator: &str,
    parts: &[Rule],
    around: impl Fn(usize) -> Around<'h>,
) {
    reader.at(record, operator, |reader, node| {
        let Node::Sequence(items) = node else { return };
        for (index, (item, part)) in items.iter().zip(parts).enumerate() {
            reader.item(index, |reader| walk(reader, item, part, around(index)));
        }
    });
}

/// Two parts that never hold together.
fn contradiction(reader: &mut Reader<'_>, record: Record<'_>, parts: &[Rule]) {
    for (at, part) in parts.iter().enumerate() {
        let before = parts.iter().take(at);
        let Some(parameter) = before.into_iter().find_map(|other| contradicted(other, part)) else {
            continue;
        };
        let message = format!("two parts of the `and` want different things of `{parameter}`");
        reader.at(record, "and", |reader, _| {
            reader.item(at, |reader| reader.report(Kind::NeverMet, message, "keep one, or write `or`"));
        });
    }
}

fn contradicted<'r>(one: &'r Rule, other: &'r Rule) -> Option<&'r Reference> {
    let is_one = |rule: &'r Rule, wanted: &str| match rule {
        Rule::Match(part) => match part.as_ref() {
            Match::Text { parameter, comparison: Comparison::Value(value) } => {
                Some((parameter, value == wanted))
            }
            Match::Text { parameter, comparison: Comparison::Regex(regex) } => {
                Some((parameter, regex.is_match(wanted.as_bytes())))
            }
            _ => None,
        },
        Rule::Not(part) => match part.as_ref() {
            Rule::Match(part) => match part.as_ref() {
                Match::Text { parameter, comparison: Comparison::Value(value) } => {
                    Some((parameter, value != wanted))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let wants = |rule: &'r Rule| match rule {
        Rule::Match(part) => match part.as_ref() {
            Match::Text { parameter, comparison: Comparison::Value(value) } => {
                Some((parameter, value.as_str()))
            }
            _ => None,
        },
        _ => None,
    };
    [(one, other), (other, one)].into_iter().find_map(|(one, other)| {
        let (parameter, wanted) = wants(one)?;
        let (of_other, holds) = is_one(other, wanted)?;
        (parameter == of_other && !holds).then_some(parameter)
    })
}

fn requires_signature(rule: &Rule) -> bool {
    match rule {
        Rule::And(parts) => parts.iter().any(requires_signature),
        Rule::Or(parts) => parts.iter().all(requires_signature),
        Rule::Not(_) => false,
        Rule::Match(part) => part.is_signature(),
    }
}

fn has_signature(rule: &Rule) -> bool {
    match rule {
        Rule::And(parts) | Rule::Or(parts) => parts.iter().any(has_signature),
        Rule::Not(part) => has_signature(part),
        Rule::Match(_) => requires_signature(rule),
    }
}

fn optional_signature(reader: &mut Reader<'_>, record: Record<'_>, parts: &[Rule], around: Around<'_>) {
    let is_optional = parts.iter().any(has_signature) && !parts.iter().all(requires_signature);
    if around.is_signed || !is_optional {
        return;
    }
    reader.at(record, "or", |reader, _| {
        let message = "the signature is optional: another part of the `or` is enough";
        let help = "put the signature into an `and` with the rest";
        reader.report_key(Kind::OptionalSignature, message, help);
    });
}

/// `not` is met, or ends an `and`, when the request does not have what its rule looks at.
fn not_of_missing(reader: &mut Reader<'_>, record: Record<'_>, part: &Rule, is_in_and: bool) {
    let mut parameters = Vec::new();
    part.collect_parameters(&mut parameters);
    let may_miss = |reference: &&&Reference| {
        matches!(reference.subject, Subject::Header(_) | Subject::Query(_) | Subject::Payload(_))
            && reference.if_missing == IfMissing::None
    };
    let Some(parameter) = parameters.iter().find(may_miss) else { return };
    let ends_and = is_in_and && matches!(part, Rule::Match(_) | Rule::And(_));
    let (message, help) = match ends_and {
        true => (
            format!("a request without `{parameter}` ends the `and` around this `not`: it is not met then"),
            "put this part last, and test first that the value is there, with a `regex` of `.`",
        ),
        false => (
            format!("a request without `{parameter}` meets this `not`"),
            "say what is wanted with `value` or `regex`, or test also that the value is there",
        ),
    };
    reader.at(record, "not", |reader, _| reader.report_key(Kind::NotOfMissing, message, help));
}

fn comparison(reader: &mut Reader<'_>, record: Record<'_>, part: &Match, hook: &Hook) {
    if let Match::Text { parameter, comparison } = part {
        met_by_default(reader, record, parameter, comparison);
    }
    match part {
        Match::Text { parameter, comparison: Comparison::Value(value) } => {
            if !value_of(reader, record, parameter, value) {
                constant(reader, record, "value", parameter, hook, &|text| text == value.as_bytes());
            }
            secret_in_query(reader, record, parameter);
        }
        Match::Text { parameter, comparison: Comparison::Regex(regex) } => {
            let is_trivial = matches_everything(regex);
            if is_trivial {
                let message = "the pattern matches every text";
                let help = "say what is wanted, with ^ and $ around it";
                reader.at(record, "regex", |reader, _| reader.report(Kind::AlwaysMet, message, help));
            } else {
                constant(reader, record, "regex", parameter, hook, &|text| regex.is_match(text));
            }
            secret_in_query(reader, record, parameter);
        }
        Match::Text { parameter, comparison: Comparison::Hmac(_) } => {
            constant(reader, record, "parameter", parameter, hook, &|_| false);
        }
        Match::IpWhitelist { networks } => {
            let everybody = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
            let is_everybody =
                |network: &&ipnet::IpNet| network.prefix_len() == 0 && everybody.contains(&network.addr());
            if let Some(network) = networks.iter().find(is_everybody) {
                let message = format!("`{network}` has every address in it");
                let help = "write the networks that are meant, or remove this part";
                reader.at(record, "ip-range", |reader, _| reader.report(Kind::AlwaysMet, message, help));
            }
        }
        Match::ScalrSignature { .. } => {}
    }
}

fn met_by_default(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    parameter: &Reference,
    comparison: &Comparison,
) {
    if !is_met_by_default(parameter, comparison) {
        return;
    }
    let message = format!("a request without `{parameter}` meets this match: its `default` does");
    let help = "remove the `default`, or give one that does not meet it";
    reader.at(record, "parameter", |reader, node| {
        let Some(parameter) = Record::of(node, keys::REFERENCE) else { return };
        reader.report_at_entry((parameter, "default"), Kind::MetByDefault, message, help);
    });
}

fn matches_everything(regex: &GoRegex) -> bool {
    PROBES.iter().all(|probe| regex.is_match(probe))
}

/// Parameters with few values, or one: whether the comparison holds for none or all of them.
fn constant(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    key: &str,
    parameter: &Reference,
    hook: &Hook,
    holds: &dyn Fn(&[u8]) -> bool,
) {
    let (kind, message, help) = match &parameter.subject {
        Subject::Literal(text) => {
            let kind = if holds(text.as_bytes()) { Kind::AlwaysMet } else { Kind::NeverMet };
            let help =
                "the source `string` is the name itself: name a part of the request, such as `payload`";
            (kind, "both sides of the comparison stand in the file", help)
        }
        // Not among the headers of a request, here as in the reference.
        Subject::Header(name) if name == "Host" => {
            (Kind::NeverMet, "`Host` is not among the headers that a rule sees", "remove this part")
        }
        Subject::Method => {
            let Some(methods) = &hook.methods else { return };
            let holding = methods.iter().filter(|method| holds(method.as_bytes())).count();
            let help = "`http-methods` is enough to allow methods: remove this part";
            match holding {
                0 => (Kind::NeverMet, "none of the `http-methods` is this one", help),
                all if all == methods.len() => (Kind::AlwaysMet, "`http-methods` allows no other", help),
                _ => return,
            }
        }
        _ => return,
    };
    reader.at(record, key, |reader, _| reader.report(kind, message, help));
}

/// Values that a parameter never has. Says whether it is one.
fn value_of(reader: &mut Reader<'_>, record: Record<'_>, parameter: &Reference, value: &str) -> bool {
    let (kind, message, help) = match &parameter.subject {
        Subject::Method if value != value.to_uppercase() => (
            Kind::NeverMet,
            "methods are written in capitals".to_owned(),
            format!("write `{}`", value.to_uppercase()),
        ),
        Subject::RemoteAddress if value.parse::<SocketAddr>().is_err() => (
            Kind::NeverMet,
            "`remote-addr` is an address with a port, as 192.0.2.7:51234".to_owned(),
            "use a match of type `ip-whitelist`".to_owned(),
        ),
        Subject::Header(_) if value.trim() != value => (
            Kind::NeverMet,
            "a header's value has no spaces around it".to_owned(),
            "remove those of `value`".to_owned(),
        ),
        Subject::Header(name) => {
            let Some(help) = signature_advice(name) else { return false };
            let message =
                format!("`{name}` is a signature, another one for each body: no fixed value equals it");
            (Kind::ValueForSignature, message, help)
        }
        _ => return false,
    };
    reader.at(record, "value", |reader, _| reader.report(kind, message, help));
    true
}

/// What to write instead, when a header of this name holds a signature.
fn signature_advice(name: &str) -> Option<String> {
    let is_signature = |row: &&crate::sender::Row| {
        let signs = matches!(row.spec.algorithm.scheme(), Scheme::Hmac | Scheme::Hash | Scheme::PublicKey);
        let is_there = |source: &Source| match source {
            Source::Header(field) => field.text.eq_ignore_ascii_case(name),
            _ => false,
        };
        signs && row.spec.signature.as_ref().is_some_and(is_there)
    };
    // Headers that some senders sign in and others send a token in.
    if ["Authorization", "X-Webhook-Token"].contains(&name) {
        return None;
    }
    let words = name.to_lowercase();
    match table().iter().find(is_signature) {
        Some(row) => Some(format!(
            "write `verify: {{sender: {}, secret: …}}` instead, if that is the sender",
            row.name
        )),
        None if words.contains("signature") || words.contains("hmac") => {
            Some("write `verify:` with the sender's name and secret instead".to_owned())
        }
        None => None,
    }
}

fn secret_in_query(reader: &mut Reader<'_>, record: Record<'_>, parameter: &Reference) {
    if !matches!(parameter.subject, Subject::Query(_)) || !is_secret(parameter) {
        return;
    }
    let message = "a secret in the address ends up in logs of proxies and in browsers' histories";
    let help =
        "let the sender sign, or send the secret in a header; if it can do neither, make the secret long";
    reader.at(record, "parameter", |reader, _| reader.report(Kind::SecretInQuery, message, help));
}
