//! The tree of a YAML or JSON text, and the way back from a place in the tree to line and column.
//!
//! `serde_yaml` gives no positions for what it read, only for errors. So a place is found by reading
//! the text again along the path and failing there: slow, and only done to report a problem.

use std::fmt;

use super::scalar::{self, Scalar};
use super::syntax::SyntaxError;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool {
        value: bool,
        /// One of YAML 1.1's other words for it, as `yes`.
        is_word: bool,
    },
    /// What the reference makes of it where a text is wanted, and what was written, but for the base of
    /// an integer.
    Number {
        text: String,
        written: String,
    },
    Text(String),
    Sequence(Vec<Node>),
    /// In the order of the file; a key may stand twice.
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// A number that reads as it is written.
    fn as_written(digits: String) -> Self {
        Self::Number { text: digits.clone(), written: digits }
    }
}

/// A step from a node to one below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment {
    /// The n-th entry of a mapping: its value.
    Entry(usize),
    Item(usize),
}

/// What a report points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: Vec<Segment>,
    /// The key of the last entry instead of its value.
    pub(crate) at_key: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// 1-based; 0 when unknown.
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The first document of `text`, and where another follows it.
pub(crate) fn parse(text: &str) -> Result<(Node, Option<Position>), SyntaxError> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok((Node::Null, None));
    };
    let mut node = Build { text }.deserialize(first)?;
    let next = documents.next().map(|next| position_of(next));
    if has_fraction(&node)
        && let Some(again) = serde_yaml::Deserializer::from_str(text).next()
    {
        ReadDigits(&mut node).deserialize(again)?;
    }
    merge(&mut node);
    Ok((node, next))
}

/// Where `target` stands in `text`.
pub(crate) fn locate(text: &str, target: &Target) -> Position {
    let find = |text| {
        let document = serde_yaml::Deserializer::from_str(text).next()?;
        let found = Find { path: &target.path, at_key: target.at_key }.deserialize(document);
        found.err().map(SyntaxError::from)
    };
    let near = beginning(text, target).and_then(find).filter(|found| found.message.contains(HERE));
    // What a merge key adds stands elsewhere; then it is where the mapping is.
    near.or_else(|| find(text)).map(|found| found.position).unwrap_or_default()
}

/// What of a list `target` needs, where the items begin as most do, each on a line of its own: the library reads a whole
/// text before it gives the first item, and hooks files can have thousands.
fn beginning<'t>(text: &'t str, target: &Target) -> Option<&'t str> {
    let Some(Segment::Item(at)) = target.path.first() else { return None };
    let item = match text.find(|letter: char| !letter.is_whitespace())? {
        list if text[list..].starts_with('[') => {
            let brace = text.find('{')?;
            &text[text[..brace].rfind('\n')?..=brace]
        }
        _ => "\n-",
    };
    // The first item may be that of the first line.
    let (end, _) = text.match_indices(item).nth(at + 1)?;
    text.get(..end)
}

/// Where a document begins, or what follows the first and is none.
fn position_of(document: serde_yaml::Deserializer<'_>) -> Position {
    let found = Find { path: &[], at_key: false }.deserialize(document);
    found.err().map(|error| SyntaxError::from(error).position).unwrap_or_default()
}

fn has_fraction(node: &Node) -> bool {
    match node {
        Node::Number { written, .. } => has_more_than_digits(written),
        Node::Sequence(items) => items.iter().any(has_fraction),
        Node::Mapping(entries) => entries.iter().any(|(_, value)| has_fraction(value)),
        Node::Null | Node::Bool { .. } | Node::Text(_) => false,
    }
}

fn has_more_than_digits(number: &str) -> bool {
    !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// YAML's merge key: `<<: *defaults` adds the entries that the mapping does not have itself.
fn merge(node: &mut Node) {
    match node {
        Node::Sequence(items) => items.iter_mut().for_each(merge),
        Node::Mapping(entries) => {
            entries.iter_mut().for_each(|(_, value)| merge(value));
            let Some(at) = entries.iter().position(|(key, _)| key == "<<") else {
                return;
            };
            let added = match &entries[at].1 {
                Node::Mapping(defaults) => defaults.clone(),
                Node::Sequence(items) => items
                    .iter()
                    .filter_map(|item| match item {
                        Node::Mapping(defaults) => Some(defaults.clone()),
                        _ => None,
                    })
                    .flatten()
                    .collect(),
                _ => return,
            };
            // The entry stays in its place, empty, so that the places of the others hold.
            entries[at].1 = Node::Null;
            for (key, value) in added {
                if !entries.iter().any(|(own, _)| own.eq_ignore_ascii_case(&key)) {
                    entries.push((key, value));
                }
            }
        }
        Node::Null | Node::Bool { .. } | Node::Number { .. } | Node::Text(_) => {}
    }
}

#[derive(Clone, Copy)]
struct Build<'t> {
    text: &'t str,
}

impl Build<'_> {
    /// Whether `scalar`, which is a part of the text, stands there without quotes and without a tag.
    fn is_plain(self, scalar: &str) -> bool {
        let at = scalar.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let Some(before) = at.and_then(|at| self.text.get(..at)) else { return false };
        let line = before.rsplit('\n').next().unwrap_or_default();
        let mut words = line.split_whitespace().rev().skip_while(|word| word.starts_with('&'));
        !before.ends_with(['"', '\'']) && !words.next().is_some_and(|word| word.contains("!!str"))
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value without a YAML tag")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    /// An empty document.
    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool { value, is_word: false })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::as_written(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::as_written(value.to_string()))
    }

    /// Beyond 64 bits the reference has floats.
    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Number { text: scalar::float_text(value as f64), written: value.to_string() })
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Number { text: scalar::float_text(value as f64), written: value.to_string() })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        // Replaced by what is read of its text in the second reading.
        Ok(Node::as_written(format!("{value:?}")))
    }

    /// A scalar that stands in the text as it is.
    fn visit_borrowed_str<E: Error>(self, written: &'de str) -> Result<Node, E> {
        let scalar = if self.is_plain(written) { scalar::plain(written) } else { Scalar::Text };
        Ok(match scalar {
            Scalar::Bool(value) => {
                Node::Bool { value, is_word: !written.eq_ignore_ascii_case(&value.to_string()) }
            }
            Scalar::Number(text) => Node::Number { text, written: written.to_owned() },
            Scalar::Text => Node::Text(written.to_owned()),
        })
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut sequence = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            sequence.push(item);
        }
        Ok(Node::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut mapping = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            mapping.push((key, entries.next_value_seed(self)?));
        }
        Ok(Node::Mapping(mapping))
    }
}

/// Reads the same text again and replaces each number that is no integer by what its digits say.
struct ReadDigits<'n>(&'n mut Node);

impl<'de> DeserializeSeed<'de> for ReadDigits<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Node::Number { .. } => deserializer.deserialize_str(self),
            Node::Sequence(_) => deserializer.deserialize_seq(self),
            Node::Mapping(_) => deserializer.deserialize_map(self),
            Node::Null | Node::Bool { .. } | Node::Text(_) => {
                deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ())
            }
        }
    }
}

impl<'de> Visitor<'de> for ReadDigits<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was read before")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Node::Number { written, .. } = self.0
            && has_more_than_digits(written)
        {
            let read = match scalar::plain(text) {
                Scalar::Number(read) => read,
                Scalar::Bool(_) | Scalar::Text => text.to_owned(),
            };
            *self.0 = Node::Number { text: read, written: text.to_owned() };
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if let Node::Sequence(sequence) = self.0 {
            for node in sequence {
                items.next_element_seed(ReadDigits(node))?;
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if let Node::Mapping(mapping) = self.0 {
            for (_, node) in mapping {
                if entries.next_key::<IgnoredAny>()?.is_some() {
                    entries.next_value_seed(ReadDigits(node))?;
                }
            }
        }
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// What the failure says.
const HERE: &str = "the place that is looked for";

/// Walks to a place and fails there, so that the library's error tells where that is.
#[derive(Clone, Copy)]
struct Find<'p> {
    path: &'p [Segment],
    at_key: bool,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HERE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Segment::Item(at), path)) = self.path.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        for _ in 0..*at {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Find { path, ..self })?;
        Err(A::Error::custom("the sequence ends before the place"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((Segment::Entry(at), path)) = self.path.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        for _ in 0..*at {
            entries.next_entry::<IgnoredAny, IgnoredAny>()?;
        }
        if path.is_empty() && self.at_key {
            entries.next_key_seed(Find { path, ..self })?;
        } else if entries.next_key::<IgnoredAny>()?.is_some() {
            entries.next_value_seed(Find { path, ..self })?;
        }
        Err(A::Error::custom("the mapping ends before the place"))
    }
}

#[cfg(test)]
mod tests;
