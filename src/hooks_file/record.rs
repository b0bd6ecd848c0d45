//! Reading records of known keys from a tree of nodes, with every mistake reported at its place.

use std::sync::Arc;

use super::check::line_of_hook;
use super::node::{Node, Segment, Target};
use super::problem::{Effect, Problem};
use super::template::Surroundings;
use crate::nearest::nearest;

/// Problems reported of one file; further ones are counted only.
const PROBLEMS_MAX: usize = 200;

/// The state of reading one file.
pub(super) struct Reader<'t> {
    file: Arc<str>,
    text: &'t str,
    pub(super) surroundings: &'t Surroundings,
    pub(super) problems: Vec<(Problem, Target)>,
    pub(super) problems_dropped: usize,
    /// The id of the hook being read.
    pub(super) hook: Option<String>,
    /// Why the hook being read is refused, if it is.
    pub(super) refusal: Option<String>,
    pub(super) file_refused: bool,
    path: Vec<Segment>,
    names: Vec<String>,
}

/// A mapping whose keys were checked.
#[derive(Clone, Copy)]
pub(super) struct Record<'n> {
    entries: &'n [(String, Node)],
}

impl<'n> Record<'n> {
    /// The value at `key` and its index; null counts as absent. The last of several counts.
    pub(super) fn get(&self, key: &str) -> Option<(usize, &'n Node)> {
        let at = self.entries.iter().rposition(|(name, _)| name.eq_ignore_ascii_case(key))?;
        let (_, node) = self.entries.get(at)?;
        (*node != Node::Null).then_some((at, node))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.eq_ignore_ascii_case(key))
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: Arc<str>, text: &'t str, surroundings: &'t Surroundings) -> Self {
        Self {
            file,
            text,
            surroundings,
            problems: Vec::new(),
            problems_dropped: 0,
            hook: None,
            refusal: None,
            file_refused: false,
            path: Vec::new(),
            names: Vec::new(),
        }
    }

    pub(super) fn item<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Segment::Item(index));
        self.names.push(format!("[{index}]"));
        let value = read(self);
        self.names.pop();
        self.path.pop();
        value
    }

    pub(super) fn entry<T>(&mut self, index: usize, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Segment::Entry(index));
        self.names.push(name.to_owned());
        let value = read(self);
        self.names.pop();
        self.path.pop();
        value
    }

    /// `FILE:LINE` of the hook at `index`.
    pub(super) fn place_of_item(&self, index: usize) -> String {
        format!("{}:{}", self.file, line_of_hook(self.text, index))
    }

    /// Reports a problem with the value at the current place.
    pub(super) fn report(&mut self, effect: Effect, message: impl Into<String>, help: Option<String>) {
        self.report_at(false, effect, message.into(), help);
    }

    /// Reports a problem with the key at the current place.
    pub(super) fn report_key(&mut self, effect: Effect, message: impl Into<String>, help: Option<String>) {
        self.report_at(true, effect, message.into(), help);
    }

    pub(super) fn refuse(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.report(Effect::HookRefused, message, Some(help.into()));
    }

    fn report_at(&mut self, at_key: bool, effect: Effect, message: String, help: Option<String>) {
        let key = self.key_path();
        match effect {
            Effect::FileRefused => self.file_refused = true,
            Effect::HookRefused => {
                let reason = if key.is_empty() { message.clone() } else { format!("{key}: {message}") };
                self.refusal.get_or_insert(reason);
            }
            Effect::Error | Effect::Warning => {}
        }
        if self.problems.len() == PROBLEMS_MAX {
            self.problems_dropped += 1;
            return;
        }
        let problem = Problem {
            effect,
            file: self.file.clone(),
            position: Default::default(),
            hook: self.hook.clone(),
            key,
            message,
            help,
        };
        self.problems.push((problem, Target { path: self.path.clone(), at_key }));
    }

    /// The current place below the hook, as `trigger-rule.and[1].match`.
    fn key_path(&self) -> String {
        let mut path = String::new();
        for name in self.names.iter().skip(1) {
            if !path.is_empty() && !name.starts_with('[') {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    /// The mapping at the current place with its keys checked against `keys`. `what` names it for the
    /// user: "a rule", "a reference".
    pub(super) fn record<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Record<'n>> {
        let Node::Mapping(entries) = node else {
            self.wrong_type::<()>(node, &format!("{what} with keys ({})", keys.join(", ")));
            return None;
        };
        for (index, (name, _)) in entries.iter().enumerate() {
            self.entry(index, name, |reader| reader.check_key(&entries[..index], name, keys));
        }
        Some(Record { entries })
    }

    fn check_key(&mut self, before: &[(String, Node)], name: &str, keys: &[&str]) {
        if keys.iter().any(|key| key.eq_ignore_ascii_case(name)) {
            if before.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                self.report_key(
                    Effect::HookRefused,
                    format!("the key `{name}` is written twice"),
                    Some("keep one of the two".to_owned()),
                );
            }
        } else if let Some(near) = nearest(name, keys) {
            let help = Some(format!("did you mean `{near}`?"));
            self.report_key(Effect::HookRefused, format!("unknown key `{name}`"), help);
        } else if name != "<<" {
            self.report_key(Effect::Warning, format!("unknown key `{name}`: it has no effect"), None);
        }
    }

    /// The text at `key`; a number or bool becomes the text that was written.
    pub(super) fn text(&mut self, record: Record<'_>, key: &str) -> Option<String> {
        let (index, node) = record.get(key)?;
        match node {
            Node::Text(text) | Node::Number(text) => Some(text.clone()),
            Node::Bool(value) => Some(value.to_string()),
            _ => self.entry(index, key, |reader| reader.wrong_type(node, "a text")),
        }
    }

    /// The bool at `key`, false when absent. YAML 1.1's words for bools count too.
    pub(super) fn flag(&mut self, record: Record<'_>, key: &str) -> bool {
        let Some((index, node)) = record.get(key) else {
            return false;
        };
        match node {
            Node::Bool(value) => *value,
            Node::Text(word) if ["yes", "on", "y"].contains(&word.to_ascii_lowercase().as_str()) => true,
            Node::Text(word) if ["no", "off", "n"].contains(&word.to_ascii_lowercase().as_str()) => false,
            _ => self.entry(index, key, |reader| reader.wrong_type(node, "true or false").unwrap_or(false)),
        }
    }

    pub(super) fn integer(&mut self, record: Record<'_>, key: &str) -> Option<i64> {
        let (index, node) = record.get(key)?;
        let number = match node {
            Node::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => Some(number),
            None => self.entry(index, key, |reader| reader.wrong_type(node, "a whole number")),
        }
    }

    /// The list at `key`, read item by item; absent is empty.
    pub(super) fn list<T>(
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

    pub(super) fn wrong_type<T>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        let found = match node {
            Node::Null => "nothing",
            Node::Bool(_) => "true or false",
            Node::Number(_) => "a number",
            Node::Text(_) => "a text",
            Node::Sequence(_) => "a list",
            Node::Mapping(_) => "a mapping",
        };
        self.report(Effect::FileRefused, format!("{wanted} is wanted here, not {found}"), None);
        None
    }
}
