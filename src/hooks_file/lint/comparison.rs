//! Comparisons that load and do not mean what they seem to.

use super::super::problem::Kind;
use super::super::record::{Reader, Record};
use super::guard::matches_everything;
use super::rule::{constant, secret_in_query, value_of};
use crate::hook::Hook;
use crate::reference::{IfMissing, Reference, Subject};
use crate::rule::{Choices, Comparison, Match, Operand, Rule};

/// A value of the request that `rule` looks at, and that a request may lack.
pub(super) fn may_miss(rule: &Rule) -> Option<&Reference> {
    match rule {
        Rule::And(parts) | Rule::Or(parts) => parts.iter().find_map(may_miss),
        Rule::Not(part) => may_miss(part),
        Rule::Match(part) => match part.as_ref() {
            // These say themselves what becomes of a missing value.
            Match::Exists { .. } | Match::Null { .. } => None,
            part => part.parameter().into_iter().chain(part.other_parameter()).find(|reference| {
                matches!(reference.subject, Subject::Header(_) | Subject::Query(_) | Subject::Payload(_))
                    && reference.if_missing == IfMissing::None
            }),
        },
    }
}

pub(super) fn exists(reader: &mut Reader<'_>, record: Record<'_>, parameter: &Reference) {
    if parameter.subject.may_be_missing() && parameter.if_missing == IfMissing::None {
        return;
    }
    let message = format!("no request is without `{parameter}` here");
    let help = "name a header, a query parameter or a place in the payload";
    reader.at(record, "parameter", |reader, _| reader.report(Kind::AlwaysMet, message, help));
}

pub(super) fn null(reader: &mut Reader<'_>, record: Record<'_>, parameter: &Reference, hook: &Hook) {
    if matches!(parameter.subject, Subject::Payload(_)) || hook.parse_as_json.contains(parameter) {
        return;
    }
    let message = format!("`{parameter}` is a text, never JSON's null");
    let help = "name a place in the payload";
    reader.at(record, "parameter", |reader, _| reader.report(Kind::NeverMet, message, help));
}

/// `part` compares the text at `parameter`.
pub(super) fn of_text(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    part: &Match,
    (parameter, comparison): (&Reference, &Comparison),
    hook: &Hook,
) {
    let holds = |text: &[u8]| comparison.holds_for(text);
    match comparison {
        Comparison::Hmac(_) => constant(reader, record, "parameter", parameter, hook, &|_| false),
        Comparison::Regex(_) if matches_everything(comparison) => {
            let message = "the pattern matches every text";
            let help = "say what is wanted, with ^ and $ around it";
            reader.at(record, "regex", |reader, _| reader.report(Kind::AlwaysMet, message, help));
        }
        Comparison::Value(Operand::Text(value)) if value_of(reader, record, parameter, value) => {}
        Comparison::Regex(_) => constant(reader, record, "regex", parameter, hook, &holds),
        Comparison::In(Choices::Texts(_)) => {
            let key = if record.has("values") { "values" } else { "value" };
            constant(reader, record, key, parameter, hook, &holds);
        }
        Comparison::Value(Operand::Text(_))
        | Comparison::Number(_, Operand::Text(_))
        | Comparison::Part(_, Operand::Text(_)) => {
            constant(reader, record, "value", parameter, hook, &holds);
        }
        Comparison::Value(_) | Comparison::Number(..) | Comparison::Part(..) | Comparison::In(_) => {
            if comparison.other_parameter() == Some(parameter) {
                let message = format!("`{parameter}` is compared with itself");
                let help = "name another value of the request";
                reader.at(record, "other-parameter", |reader, _| {
                    reader.report(Kind::AlwaysMet, message, help);
                });
            }
        }
    }
    if !part.is_signature() {
        secret_in_query(reader, record, part);
    }
}
