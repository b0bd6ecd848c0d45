//! Matches as written, checked: what can only be a mistake refuses the hook.

use super::check_networks::ip_whitelist;
use super::check_reference::reference;
use super::keys::{self, MATCH_TYPES};
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use super::secrets::{is_secret, secrets};
use crate::nearest::nearest;
use crate::reference::Reference;
use crate::rule::{
    Choices, Comparison, GoRegex, HmacAlgorithm, HmacKey, Match, Number, Operand, Order, Place,
};
use crate::secrecy::{is_token, literals};

/// Texts of one `in`. A request is compared with all of them; who has more keeps them elsewhere.
const CHOICES_MAX: usize = 1_000;

/// Keys that only some types of match have. What a type does not look at would guard nothing.
const KEYS_OF_TYPES: [(&str, &[&str]); 4] = [
    (
        "other-parameter",
        &["value", "greater", "less", "at-least", "at-most", "in", "contains", "starts-with", "ends-with"],
    ),
    (
        "match-all",
        &[
            "value",
            "regex",
            "greater",
            "less",
            "at-least",
            "at-most",
            "in",
            "contains",
            "starts-with",
            "ends-with",
        ],
    ),
    ("values", &["in"]),
    ("ip-file", &["ip-whitelist"]),
];

pub(super) fn match_rule(reader: &mut Reader<'_>, node: &Node) -> Option<Match> {
    let record = reader.record(node, "a match", keys::MATCH)?;
    let kind = reader.text(record, "type").or_else(|| bare_null(record)).unwrap_or_default();
    keep_secrets(reader, record, &kind);
    if !MATCH_TYPES.contains(&kind.as_str()) && !keys::OLD_MATCH_TYPES.contains(&kind.as_str()) {
        unknown_type(reader, record, &kind);
        return None;
    }
    for (key, types) in KEYS_OF_TYPES {
        if record.get(key).is_some() && !types.contains(&kind.as_str()) {
            let message = format!("a match of type `{kind}` does not look at `{key}`");
            let help = format!("remove it, or change the type: {}", types.join(", "));
            reader.report_at_entry((record, key), Kind::BadComparison, message, help);
        }
    }
    match kind.as_str() {
        "ip-whitelist" => return ip_whitelist(reader, record),
        "scalr-signature" => {
            let keys = hmac_keys(reader, record, HmacAlgorithm::Sha1)?;
            return Some(Match::ScalrSignature { keys });
        }
        _ => {}
    }
    let parameter = parameter(reader, record);
    let comparison = match kind.as_str() {
        "exists" => return Some(Match::Exists { parameter: parameter? }),
        "null" => return Some(Match::Null { parameter: parameter? }),
        "regex" => regex(reader, record),
        "in" => choices(reader, record).map(Comparison::In),
        kind if kind.starts_with("payload-") => hmac(reader, record, kind),
        kind => operand(reader, record, kind).and_then(|operand| against(reader, record, kind, operand)),
    };
    let (parameter, comparison) = (parameter?, comparison?);
    if matches!(comparison, Comparison::Hmac(_)) && parameter.subject.may_be_each() {
        let message = "a signature is one text, and a `*` may stand for many";
        let help = "write the number of the element in its place";
        reader.report_at_entry((record, "parameter"), Kind::BadReference, message, help);
        return None;
    }
    let is_of_all = reader.flag(record, "match-all");
    if is_of_all && !parameter.subject.may_be_each() {
        let message = "`match-all` is for a parameter with a `*` in its name";
        let help = "remove it, or write a name such as `commits.*.id`";
        reader.report_at_entry((record, "match-all"), Kind::BadReference, message, help);
    }
    Some(Match::Text { parameter, comparison, is_of_all })
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
    for key in ["value", "values", "regex"] {
        reader.at(record, key, |reader, node| match node {
            Node::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    reader.item(index, |reader| keep_token(reader, item));
                }
            }
            node => keep_token(reader, node),
        });
    }
}

fn keep_token(reader: &mut Reader<'_>, node: &Node) {
    match node {
        Node::Text(text) | Node::Number { written: text, .. } if is_token(&literals(text)) => {
            reader.keep_literal_secret(text)
        }
        _ => {}
    }
}

/// YAML reads `type: null` as no text. It is one where nothing stands that another type would look at.
fn bare_null(record: Record<'_>) -> Option<String> {
    let of_others = ["value", "values", "other-parameter", "regex", "secret", "ip-range", "ip-file"];
    let is_bare = record.has("type") && !of_others.iter().any(|key| record.has(key));
    is_bare.then(|| "null".to_owned())
}

#[cold]
fn unknown_type(reader: &mut Reader<'_>, record: Record<'_>, kind: &str) {
    let help = match nearest(kind, &MATCH_TYPES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", MATCH_TYPES.join(", ")),
    };
    let message = match kind {
        "" => "the match has no `type`".to_owned(),
        unknown => format!("unknown match type `{unknown}`"),
    };
    reader.report_at_entry((record, "type"), Kind::UnknownMatchType, message, help);
}

fn parameter(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Reference> {
    if record.get("parameter").is_none() {
        let help = "say what to compare: `parameter: {source: …, name: …}`";
        reader.report(Kind::IncompleteMatch, "the match has no `parameter`", help);
        return None;
    }
    parameter_at(reader, record, "parameter")
}

fn parameter_at(reader: &mut Reader<'_>, record: Record<'_>, key: &str) -> Option<Reference> {
    reader.at(record, key, |reader, node| {
        let record = reader.record(node, "a reference", keys::REFERENCE)?;
        Some(reference(reader, record))
    })?
}

/// What a match of type `kind` compares with: `value` or `other-parameter`.
fn operand(reader: &mut Reader<'_>, record: Record<'_>, kind: &str) -> Option<Operand> {
    one_of(reader, record, &["value", "other-parameter"])?;
    if record.get("other-parameter").is_some() {
        return parameter_at(reader, record, "other-parameter").map(Operand::Parameter);
    }
    if record.get("value").is_none() {
        let help = match record.has("secret") {
            true => "write the text to compare with as `value`, not as `secret`",
            false => "write the text to compare with; without it an empty value would pass",
        };
        reader.report(Kind::IncompleteMatch, format!("a match of type `{kind}` has no `value`"), help);
        return None;
    }
    let value = match record.get("value") {
        // Digit by digit: only types that the reference does not have compare numbers.
        Some((_, Node::Number { written, .. })) if kind != "value" => written.clone(),
        _ => reader.text(record, "value").unwrap_or_default(),
    };
    Some(Operand::Text(value))
}

/// Reports when several of `keys` are there.
fn one_of(reader: &mut Reader<'_>, record: Record<'_>, keys: &[&str]) -> Option<()> {
    let mut present = keys.iter().filter(|key| record.get(key).is_some());
    let (Some(first), Some(second)) = (present.next(), present.next()) else { return Some(()) };
    let message = format!("the match has `{first}` and `{second}`");
    reader.report_at_entry((record, second), Kind::BadComparison, message, "keep one of the two");
    None
}

/// The comparison of type `kind` with `operand`, if that can be compared with.
fn against(reader: &mut Reader<'_>, record: Record<'_>, kind: &str, operand: Operand) -> Option<Comparison> {
    let number = |order| Comparison::Number(order, operand.clone());
    let part = |place| Comparison::Part(place, operand.clone());
    let comparison = match kind {
        "greater" => number(Order::Greater),
        "less" => number(Order::Less),
        "at-least" => number(Order::AtLeast),
        "at-most" => number(Order::AtMost),
        "contains" => part(Place::Anywhere),
        "starts-with" => part(Place::Start),
        "ends-with" => part(Place::End),
        _ => Comparison::Value(operand.clone()),
    };
    let (message, help) = match (&comparison, &operand) {
        (Comparison::Number(..), Operand::Text(text)) if Number::parse(text.as_bytes()).is_none() => {
            (format!("`{text}` is no number"), "write digits, as 10, -1.5 or 2e3")
        }
        (Comparison::Part(..), Operand::Text(text)) if text.is_empty() => {
            ("an empty text is in every text".to_owned(), "write the text to look for, or use `exists`")
        }
        _ => return Some(comparison),
    };
    reader.report_at_entry((record, "value"), Kind::BadComparison, message, help);
    None
}

/// The texts of an `in`, at `values` or as a list at `value`, or where the request has them.
fn choices(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Choices> {
    one_of(reader, record, &["values", "value", "other-parameter"])?;
    if record.get("other-parameter").is_some() {
        return parameter_at(reader, record, "other-parameter").map(Choices::Parameter);
    }
    let key = if record.get("value").is_some() { "value" } else { "values" };
    if record.get(key).is_none() {
        let help = "write the texts to compare with: `values: [one, another]`";
        reader.report(Kind::IncompleteMatch, "a match of type `in` has no `values`", help);
        return None;
    }
    let texts = reader.list(record, key, Reader::text_of);
    let message = match texts.len() {
        0 => format!("`{key}` is empty: nothing is in it"),
        1..=CHOICES_MAX => return Some(Choices::Texts(texts)),
        more => format!("{more} texts are more than the {CHOICES_MAX} that are compared"),
    };
    let help = "write the texts to compare with, or use a `regex`";
    reader.report_at_entry((record, key), Kind::BadComparison, message, help);
    None
}

fn regex(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Comparison> {
    let Some((index, _)) = record.get("regex") else {
        let help = "write the pattern; without it everything would match";
        reader.report(Kind::IncompleteMatch, "a match of type `regex` has no `regex`", help);
        return None;
    };
    let pattern = reader.text(record, "regex")?;
    match GoRegex::new(&pattern) {
        Ok(regex) => Some(Comparison::Regex(regex)),
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

fn hmac(reader: &mut Reader<'_>, record: Record<'_>, kind: &str) -> Option<Comparison> {
    if kind.contains("-hash-") {
        let help = format!("write `{}`", kind.replace("-hash-", "-hmac-"));
        reader.report_at_entry(
            (record, "type"),
            Kind::OldMatchType,
            format!("`{kind}` is an old name"),
            help,
        );
    }
    let algorithm = match kind.rsplit('-').next() {
        Some("sha1") => HmacAlgorithm::Sha1,
        Some("sha512") => HmacAlgorithm::Sha512,
        _ => HmacAlgorithm::Sha256,
    };
    hmac_keys(reader, record, algorithm).map(Comparison::Hmac)
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
