//! Reading records of known keys from a tree of nodes, with every mistake reported at its place.

mod mapping;
mod values;

use std::sync::Arc;

use super::Reading;
use super::check::place_of_hook;
use super::keys::{self, Key};
use super::node::{Node, Segment, Target};
use super::problem::{Effect, Kind, Problem};
use crate::nearest::nearest;

pub(super) use mapping::{At, Record};

/// Problems reported of one file when it is loaded; further ones are counted only.
const PROBLEMS_MAX: usize = 200;
/// The same for `check`. Each costs a search for its place, which for a file of ten thousand hooks is a
/// fifth of a second.
const CHECKED_PROBLEMS_MAX: usize = 1000;

/// What a report points at.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) target: Target,
    /// A byte of the scalar at the target, and what the scalar reads as.
    pub(super) inside: Option<(String, usize)>,
}

/// A secret that stands in the file itself.
pub(super) struct LiteralSecret {
    pub(super) text: String,
    pub(super) at: (Vec<Segment>, Vec<String>, Option<String>),
}

/// Keys named in a message; more do not help.
const KEYS_NAMED_MAX: usize = 8;

/// The state of reading one file.
pub(super) struct Reader<'t> {
    file: Arc<str>,
    text: &'t str,
    pub(super) reading: &'t Reading,
    pub(super) problems: Vec<(Problem, Place)>,
    pub(super) problems_dropped: usize,
    /// The id of the hook being read.
    pub(super) hook: Option<String>,
    /// Why the hook being read is refused, if it is.
    pub(super) refusal: Option<String>,
    pub(super) file_refused: bool,
    /// Within `verify` or `deduplicate`: a wrong type there refuses the hook, not the file.
    pub(super) is_in_guard: bool,
    /// Within a case of a hook.
    pub(super) is_in_case: bool,
    pub(super) literal_secrets: Vec<LiteralSecret>,
    path: Vec<Segment>,
    names: Vec<String>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: Arc<str>, text: &'t str, reading: &'t Reading) -> Self {
        Self {
            file,
            text,
            reading,
            problems: Vec::new(),
            problems_dropped: 0,
            hook: None,
            refusal: None,
            file_refused: false,
            is_in_guard: false,
            is_in_case: false,
            literal_secrets: Vec::new(),
            path: Vec::new(),
            names: Vec::new(),
        }
    }

    pub(super) fn item<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.step_down(Segment::Item(index), format!("[{index}]"));
        let value = read(self);
        self.step_up();
        value
    }

    pub(super) fn entry<T>(&mut self, at: impl Into<At>, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let At { index, steps_up } = at.into();
        let way_back = self.step_out(steps_up);
        self.step_down(Segment::Entry(index), name.to_owned());
        let value = read(self);
        self.step_up();
        self.step_back(way_back);
        value
    }

    #[inline(never)]
    fn step_down(&mut self, to: Segment, name: String) {
        self.path.push(to);
        self.names.push(name);
    }

    fn step_up(&mut self) {
        self.names.pop();
        self.path.pop();
    }

    /// Some steps up; gives the way back.
    #[inline(never)]
    fn step_out(&mut self, steps: usize) -> (Vec<Segment>, Vec<String>) {
        let depth = self.path.len().saturating_sub(steps);
        (self.path.split_off(depth), self.names.split_off(depth))
    }

    fn step_back(&mut self, (path, names): (Vec<Segment>, Vec<String>)) {
        self.path.extend(path);
        self.names.extend(names);
    }

    /// `FILE:LINE` of the hook at `index`.
    pub(super) fn place_of_item(&self, index: usize) -> String {
        format!("{}:{}", self.file, place_of_hook(self.text, index).line)
    }

    /// Reads on at the entry `key` of `record`, if it is there.
    pub(super) fn at<T>(
        &mut self,
        record: Record<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Node) -> T,
    ) -> Option<T> {
        let (index, node) = record.get(key)?;
        Some(self.entry(index, key, |reader| read(reader, node)))
    }

    /// Reports a problem at the entry `key` of `record`, or at the record when it has none.
    pub(super) fn report_at_entry(
        &mut self,
        (record, key): (Record<'_>, &str),
        kind: Kind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        match record.get(key) {
            Some((index, _)) => self.entry(index, key, |reader| reader.report(kind, message, help)),
            None => self.report(kind, message, help),
        }
    }

    /// Keeps a secret that is written at the current place.
    pub(super) fn keep_literal_secret(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let at = (self.path.clone(), self.names.clone(), self.hook.clone());
        self.literal_secrets.push(LiteralSecret { text: text.to_owned(), at });
    }

    /// Goes to a place that was kept, to report it there.
    pub(super) fn go_to(&mut self, at: (Vec<Segment>, Vec<String>, Option<String>)) {
        (self.path, self.names, self.hook) = at;
    }

    /// Reports a problem with the value at the current place, and what to write instead.
    pub(super) fn report(&mut self, kind: Kind, message: impl Into<String>, help: impl Into<String>) {
        let target = Target { path: self.path.clone(), at_key: false };
        self.report_at(Place { target, inside: None }, kind, message.into(), help.into());
    }

    /// Reports a problem with the key at the current place.
    pub(super) fn report_key(&mut self, kind: Kind, message: impl Into<String>, help: impl Into<String>) {
        let target = Target { path: self.path.clone(), at_key: true };
        self.report_at(Place { target, inside: None }, kind, message.into(), help.into());
    }

    /// Reports a problem with what begins at the byte `offset` of the text at the current place.
    pub(super) fn report_inside(
        &mut self,
        (text, offset): (&str, usize),
        kind: Kind,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let target = Target { path: self.path.clone(), at_key: false };
        let place = Place { target, inside: Some((text.to_owned(), offset)) };
        self.report_at(place, kind, message.into(), help.into());
    }

    #[cold]
    fn report_at(&mut self, place: Place, kind: Kind, message: String, help: String) {
        debug_assert!(self.reading.examination.is_some() || !kind.is_lint(), "a lint at load");
        let key = self.key_path();
        match kind.effect() {
            Effect::FileRefused => self.file_refused = true,
            Effect::HookRefused => {
                let reason = if key.is_empty() { message.clone() } else { format!("{key}: {message}") };
                self.refusal.get_or_insert(reason);
            }
            Effect::Error | Effect::Warning => {}
        }
        let most = if self.reading.examination.is_some() { CHECKED_PROBLEMS_MAX } else { PROBLEMS_MAX };
        // What a case has from its hook is read with each case.
        let is_known = |(problem, known): &(Problem, Place)| {
            problem.kind == kind && problem.message == message && known.target == place.target
        };
        if self.is_in_case && self.problems.iter().any(is_known) {
            return;
        }
        if self.problems.len() == most {
            self.problems_dropped += 1;
            return;
        }
        let hook = self.hook.clone();
        let problem = Problem { hook, key, help, ..Problem::of_file(kind, self.file.clone(), message, "") };
        self.problems.push((problem, place));
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

    /// The mapping at the current place with its keys checked against `keys`; nothing is an empty one, as
    /// in the reference. `what` names it for the user: "a rule", "a reference".
    pub(super) fn record<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &'static [Key],
    ) -> Option<Record<'n>> {
        let entries: &[(String, Node)] = match node {
            Node::Mapping(entries) => entries,
            Node::Null => &[],
            _ => {
                let names = keys::names(keys);
                let names = if names.len() > KEYS_NAMED_MAX { "…".to_owned() } else { names.join(", ") };
                return self.wrong_type(node, &format!("{what} with keys ({names})"));
            }
        };
        for (index, (name, _)) in entries.iter().enumerate() {
            self.entry(index, name, |reader| reader.check_key(&entries[..index], name, keys));
        }
        Some(Record::new(entries, keys))
    }

    fn check_key(&mut self, before: &[(String, Node)], name: &str, keys: &[Key]) {
        if keys::is_known(keys, name) {
            if before.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                let message = format!("the key `{name}` is written twice");
                self.report_key(Kind::RepeatedKey, message, "keep one of the two");
            }
        } else if let Some(near) = nearest(name, &keys::names(keys)) {
            let help = format!("did you mean `{near}`?");
            self.report_key(Kind::MisspeltKey, format!("unknown key `{name}`"), help);
        } else if name != "<<" {
            let message = format!("unknown key `{name}`: it has no effect");
            self.report_key(Kind::UnknownKey, message, "remove it, or make it a comment");
        }
    }
}
