//! Parts of a rule that exclude each other.

use super::super::problem::Kind;
use super::super::record::{Reader, Record};
use crate::reference::Reference;
use crate::rule::{Comparison, GoRegex, Match, Operand, Rule};

/// Two parts of an `and` that never hold together, two of an `or` of which one always holds.
pub(super) fn opposites(reader: &mut Reader<'_>, record: Record<'_>, (operator, parts): (&str, &[Rule])) {
    let is_and = operator == "and";
    for (at, part) in parts.iter().enumerate() {
        let demand =
            |rule| demand(rule).and_then(|demand| if is_and { Some(demand) } else { demand.turned() });
        let Some(this) = demand(part) else { continue };
        let mut before = parts.iter().take(at).filter_map(demand);
        if !before.any(|other| other.excludes(&this)) {
            continue;
        }
        let parameter = this.parameter;
        let (kind, message, help) = match is_and {
            true => (
                Kind::NeverMet,
                format!("two parts of the `and` want different things of `{parameter}`"),
                "keep one, or write `or`",
            ),
            false => (
                Kind::AlwaysMet,
                format!("whatever `{parameter}` is, it meets one of two parts of the `or`"),
                "write `and` if none of these values may come",
            ),
        };
        reader.at(record, operator, |reader, _| {
            reader.item(at, |reader| reader.report(kind, message, help));
        });
    }
}

/// What a part of a rule demands of one parameter.
struct Demand<'r> {
    parameter: &'r Reference,
    wish: Wish<'r>,
}

enum Wish<'r> {
    Is(&'r str),
    IsNot(&'r str),
    Matches(&'r GoRegex),
}

fn demand(rule: &Rule) -> Option<Demand<'_>> {
    match rule {
        Rule::Match(part) => match part.as_ref() {
            // Of a list's values one may be this, another that.
            Match::Text { parameter, .. } if parameter.subject.may_be_each() => None,
            Match::Text { parameter, comparison: Comparison::Value(Operand::Text(value)), .. } => {
                Some(Demand { parameter, wish: Wish::Is(value) })
            }
            Match::Text { parameter, comparison: Comparison::Regex(regex), .. } => {
                Some(Demand { parameter, wish: Wish::Matches(regex) })
            }
            _ => None,
        },
        Rule::Not(part) => demand(part)?.turned(),
        Rule::And(_) | Rule::Or(_) => None,
    }
}

impl<'r> Demand<'r> {
    fn turned(self) -> Option<Self> {
        let wish = match self.wish {
            Wish::Is(value) => Wish::IsNot(value),
            Wish::IsNot(value) => Wish::Is(value),
            Wish::Matches(_) => return None,
        };
        Some(Self { wish, ..self })
    }

    /// Whether no text is as both demand.
    fn excludes(&self, other: &Demand<'r>) -> bool {
        let is_refused = |value: &str, wish: &Wish<'_>| match wish {
            Wish::Is(other) => value != *other,
            Wish::IsNot(other) => value == *other,
            Wish::Matches(regex) => !regex.is_match(value.as_bytes()),
        };
        self.parameter == other.parameter
            && match (&self.wish, &other.wish) {
                (Wish::Is(value), wish) | (wish, Wish::Is(value)) => is_refused(value, wish),
                _ => false,
            }
    }
}
