//! Rules that load and do not mean what they seem to.

use std::net::SocketAddr;

use super::super::keys;
use super::super::node::Node;
use super::super::problem::Kind;
use super::super::record::{Reader, Record};
use super::comparison::{exists, may_miss, null, of_text};
use super::guard::{self, Guard, Who, asks_for_secret, is_everybody, is_met_by_default};
use super::opposites::opposites;
use crate::hook::Hook;
use crate::reference::{Reference, Subject};
use crate::rule::{Comparison, Endings, Match, Rule, endings};
use crate::sender::{Scheme, Source, table};

/// What is around the rule that is looked at.
#[derive(Clone, Copy)]
struct Around<'h> {
    hook: &'h Hook,
    /// A secret is required beside it, whatever comes out of it.
    is_guarded: bool,
    is_in_and: bool,
}

/// Lints `rule`, which stands at the current place as `node`.
pub(super) fn lint(reader: &mut Reader<'_>, node: &Node, rule: &Rule, hook: &Hook) {
    let is_guarded = hook.verify.as_ref().is_some_and(|verify| verify.verifier.secret_count() > 0);
    let before = reader.problems.len();
    walk(reader, node, rule, Around { hook, is_guarded, is_in_and: false });
    let is_said = |reader: &Reader<'_>, kind: Kind| {
        reader.problems.iter().skip(before).any(|(problem, _)| problem.kind == kind)
    };
    let endings = of_anybody(rule, hook.soft_signature_failures);
    if !endings.can_be_met() && !is_said(reader, Kind::NeverMet) {
        let help = "`hookrunner explain` shows for a request where it fails";
        reader.report_key(Kind::NeverMet, "no request can meet this rule", help);
    }
    if endings.is_always_met() && !is_said(reader, Kind::AlwaysMet) {
        let help = "say what is wanted, or remove the rule";
        reader.report_key(Kind::AlwaysMet, "every request meets this rule", help);
    }
}

fn walk(reader: &mut Reader<'_>, node: &Node, rule: &Rule, around: Around<'_>) {
    let Some(record) = Record::of(node, keys::RULE) else { return };
    let soft = around.hook.soft_signature_failures;
    match rule {
        Rule::And(parts) => {
            opposites(reader, record, ("and", parts));
            never_in_and(reader, record, parts, soft);
            each(reader, record, "and", parts, |at| {
                let mut others = parts.iter().enumerate().filter(|(other, _)| *other != at);
                let is_guarded =
                    around.is_guarded || others.any(|(_, part)| guard::of_rule(part, soft) == Guard::Secret);
                Around { is_guarded, is_in_and: true, ..around }
            });
        }
        Rule::Or(parts) => {
            opposites(reader, record, ("or", parts));
            if !around.is_guarded {
                optional_secret(reader, record, parts, soft);
            }
            each(reader, record, "or", parts, |_| Around { is_in_and: false, ..around });
        }
        Rule::Not(part) => {
            // A part that never holds in its `and` is reported as that.
            if !around.is_in_and || of_anybody(rule, soft).can_hold() {
                not_of_missing(reader, record, part, around);
            }
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

fn of_anybody(rule: &Rule, soft: bool) -> Endings {
    endings(rule, soft, &|part| guard::of_match(part, Who::Anybody))
}

/// A part that is met at the top of a rule or in an `or` and never in an `and`: by a value that is missing.
fn never_in_and(reader: &mut Reader<'_>, record: Record<'_>, parts: &[Rule], soft: bool) {
    let never_holds = |part: &Rule| {
        let endings = of_anybody(part, soft);
        endings.can_be_met() && !endings.can_hold()
    };
    let Some((at, part)) = parts.iter().enumerate().find(|(_, part)| never_holds(part)) else { return };
    let mut parameters = Vec::new();
    part.collect_parameters(&mut parameters);
    let what = parameters.first().map_or("the value".to_owned(), |parameter| format!("`{parameter}`"));
    let message = format!(
        "only a request without {what} meets this part, and what is missing ends an `and` as not met"
    );
    let help = "say with `value` or `regex` what is wanted instead";
    reader.at(record, "and", |reader, _| {
        reader.item(at, |reader| reader.report(Kind::NeverMet, message, help));
    });
}

/// Whether `rule` has an `or` that is reported for being met without the secret in it.
pub(super) fn has_optional_secret(rule: &Rule, hook: &Hook) -> bool {
    match rule {
        Rule::Or(parts) => {
            without_secret(parts, hook.soft_signature_failures).is_some()
                || parts.iter().any(|part| has_optional_secret(part, hook))
        }
        Rule::And(parts) => parts.iter().any(|part| has_optional_secret(part, hook)),
        Rule::Not(_) | Rule::Match(_) => false,
    }
}

/// The part of an `or` that is met without the secret that another part asks for.
fn without_secret(parts: &[Rule], soft: bool) -> Option<usize> {
    let guards: Vec<Guard> = parts.iter().map(|part| guard::of_rule(part, soft)).collect();
    let may_be_met = |at: &usize| parts.get(*at).is_some_and(|part| of_anybody(part, soft).can_be_met());
    let secret = (0..parts.len()).filter(may_be_met).any(|at| guards.get(at) == Some(&Guard::Secret));
    let open = guards.iter().position(|guard| *guard != Guard::Secret);
    open.filter(|_| secret)
}

fn optional_secret(reader: &mut Reader<'_>, record: Record<'_>, parts: &[Rule], soft: bool) {
    let Some(open) = without_secret(parts, soft) else { return };
    let Some(part) = parts.get(open) else { return };
    let way_in = match guard::of_rule(part, soft) {
        Guard::Address => "for requests from its `ip-range`".to_owned(),
        _ => format!("and {}", guard::way_in(part, soft)),
    };
    let message = format!("the secret is optional: `or[{open}]` is enough, {way_in}");
    let help = "write an `and` of the signature or token and the rest";
    reader.at(record, "or", |reader, _| reader.report_key(Kind::OptionalSignature, message, help));
}

/// `not` is met, or ends an `and`, when the request does not have what its rule looks at.
fn not_of_missing(reader: &mut Reader<'_>, record: Record<'_>, part: &Rule, around: Around<'_>) {
    let Some(parameter) = may_miss(part) else { return };
    let soft = around.hook.soft_signature_failures;
    let is_of_secret = guard::of_rule(part, soft) == Guard::Secret && of_anybody(part, soft).can_be_met();
    let ends_and = around.is_in_and && matches!(part, Rule::Match(_) | Rule::And(_));
    let (message, help) = match ends_and {
        true => (
            format!("a request without `{parameter}` ends the `and` around this `not`: it is not met then"),
            "put this part last, and test first that the value is there, with `exists`",
        ),
        false if is_of_secret => (
            format!(
                "a request without `{parameter}` meets this `not`: it lets in those who do not know the secret"
            ),
            "remove the `not`: a signature or token is asked for by its match alone",
        ),
        false => (
            format!("a request without `{parameter}` meets this `not`"),
            "say what is wanted with `value` or `regex`, or test also that the value is there",
        ),
    };
    reader.at(record, "not", |reader, _| reader.report_key(Kind::NotOfMissing, message, help));
}

fn comparison(reader: &mut Reader<'_>, record: Record<'_>, part: &Match, hook: &Hook) {
    if let Match::Text { parameter, comparison, .. } = part {
        met_by_default(reader, record, parameter, comparison);
    }
    match part {
        Match::Text { parameter, comparison, .. } => {
            of_text(reader, record, part, (parameter, comparison), hook)
        }
        Match::Exists { parameter } => exists(reader, record, parameter),
        Match::Null { parameter } => null(reader, record, parameter, hook),
        Match::IpWhitelist { networks } => {
            if let Some(network) = networks.iter().find(|network| is_everybody(network)) {
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

/// Parameters with few values, or one: whether the comparison holds for none or all of them.
pub(super) fn constant(
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
pub(super) fn value_of(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    parameter: &Reference,
    value: &str,
) -> bool {
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
    match table().into_iter().find(is_signature) {
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

pub(super) fn secret_in_query(reader: &mut Reader<'_>, record: Record<'_>, part: &Match) {
    let is_in_query =
        part.parameter().is_some_and(|parameter| matches!(parameter.subject, Subject::Query(_)));
    if !is_in_query || !asks_for_secret(part) {
        return;
    }
    let message = "a secret in the address ends up in logs of proxies and in browsers' histories";
    let help =
        "let the sender sign, or send the secret in a header; if it can do neither, make the secret long";
    reader.at(record, "parameter", |reader, _| reader.report(Kind::SecretInQuery, message, help));
}
