//! The values of a record's keys, by the type that is wanted.

use std::time::Duration;

use super::{Reader, Record};
use crate::hooks_file::node::Node;
use crate::hooks_file::problem::Kind;
use crate::sender;
use crate::units::parse_duration;

const WHOLE_NUMBER: &str = "a whole number";

impl Reader<'_> {
    /// The text at `key`; a number or bool becomes the text that the reference makes of it.
    #[inline(never)]
    pub(in crate::hooks_file) fn text(&mut self, record: Record<'_>, key: &str) -> Option<String> {
        match record.get(key)? {
            (_, Node::Text(text)) => Some(text.clone()),
            (index, node) => self.entry(index, key, |reader| reader.text_of(node)),
        }
    }

    /// The same of the node at the current place.
    #[inline(never)]
    pub(in crate::hooks_file) fn text_of(&mut self, node: &Node) -> Option<String> {
        const HELP: &str = "put it in quotes if the text is meant";
        match node {
            Node::Text(text) => Some(text.clone()),
            Node::Number { text, written } => {
                if text != written {
                    let message = "the number reads as another text than it is written";
                    self.report(Kind::RereadNumber, message, HELP);
                }
                Some(text.clone())
            }
            Node::Bool { value, is_word } => {
                if *is_word {
                    self.report(Kind::RereadWord, format!("the word reads as `{value}`"), HELP);
                }
                Some(value.to_string())
            }
            _ => self.wrong_type(node, "a text"),
        }
    }

    /// The bool at `key`, false when absent. YAML 1.1's words for bools count too.
    #[inline(never)]
    pub(in crate::hooks_file) fn flag(&mut self, record: Record<'_>, key: &str) -> bool {
        let Some((index, node)) = record.get(key) else {
            return false;
        };
        match node {
            Node::Bool { value, .. } => *value,
            Node::Text(word) if ["yes", "on", "y"].contains(&word.to_ascii_lowercase().as_str()) => true,
            Node::Text(word) if ["no", "off", "n"].contains(&word.to_ascii_lowercase().as_str()) => false,
            _ => self.entry(index, key, |reader| reader.wrong_type(node, "true or false").unwrap_or(false)),
        }
    }

    #[inline(never)]
    pub(in crate::hooks_file) fn integer(&mut self, record: Record<'_>, key: &str) -> Option<i64> {
        let (index, node) = record.get(key)?;
        let number = match node {
            Node::Number { text, .. } => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => Some(number),
            None => self.entry(index, key, |reader| reader.wrong_type(node, WHOLE_NUMBER)),
        }
    }

    /// A duration with its unit; what is none is a mistake.
    #[inline(never)]
    pub(in crate::hooks_file) fn duration(&mut self, record: Record<'_>, key: &str) -> Option<Duration> {
        let text = self.text(record, key)?;
        match parse_duration(&text) {
            Ok(duration) => Some(duration),
            Err(reason) => {
                let message = format!("`{key}`: {reason}");
                let help = match text.bytes().all(|byte| byte.is_ascii_digit()) {
                    true => format!("write `{text}s` for seconds, `{text}m` for minutes"),
                    false => "write a number and its unit".to_owned(),
                };
                self.report_at_entry((record, key), Kind::BadDuration, message, help);
                None
            }
        }
    }

    /// The list at `key`, read item by item; absent is empty.
    pub(in crate::hooks_file) fn list<T>(
        &mut self,
        record: Record<'_>,
        key: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Vec<T> {
        let Some((index, node)) = record.get(key) else {
            return Vec::new();
        };
        self.entry(index, key, |reader| {
            let Node::Sequence(items) = node else {
                reader.wrong_type::<()>(node, "a list");
                return Vec::new();
            };
            let items = items.iter().enumerate();
            items.filter_map(|(index, item)| reader.item(index, |reader| read(reader, item))).collect()
        })
    }

    #[cold]
    pub(in crate::hooks_file) fn wrong_type<T>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        let found = match node {
            Node::Null => "nothing",
            Node::Bool { .. } => "true or false",
            Node::Number { .. } if wanted == WHOLE_NUMBER => "one with a fraction or beyond 64 bits",
            Node::Number { .. } => "a number",
            Node::Text(_) => "a text",
            Node::Sequence(_) => "a list",
            Node::Mapping(_) => "a mapping",
        };
        let message = format!("{wanted} is wanted here, not {found}");
        let help = match wanted {
            _ if wanted.starts_with("a sender with keys") => {
                let name = match node {
                    Node::Text(name) if sender::named(name).is_ok() => name,
                    _ => "NAME",
                };
                &format!("write `verify: {{ sender: {name}, secret: … }}`")
            }
            _ if wanted.starts_with("a rule for duplicates") => "write `deduplicate: { by: …, for: 24h }`",
            _ if wanted.starts_with("a rule with keys") && matches!(node, Node::Sequence(_)) => {
                "write `and:` above the list if all of it must be met, `or:` if one part is enough"
            }
            _ if wanted.starts_with("a reference with keys") => {
                "write where the value is, as `{ source: payload, name: ref }`"
            }
            _ if wanted.contains("list") && matches!(node, Node::Mapping(_)) => {
                "begin each item with `- `, also when there is only one"
            }
            _ if wanted.contains("list") => {
                "put it in brackets, `[…]`, or begin each item with `- ` on a line of its own"
            }
            "true or false" => "write `true` or `false`, without quotes",
            WHOLE_NUMBER => "write digits, without quotes",
            _ if wanted.contains("keys") => "write its keys as `key: value`, each on a line of its own",
            _ => "write one value, in quotes if it would be read as something else",
        };
        let kind = if self.is_in_guard { Kind::GuardType } else { Kind::WrongType };
        self.report(kind, message, help);
        None
    }
}
