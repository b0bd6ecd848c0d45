//! A mapping of known keys, perhaps with another one for what it does not say.

use crate::hooks_file::keys::{self, Key};
use crate::hooks_file::node::Node;

/// A mapping whose keys were checked.
#[derive(Clone, Copy)]
pub(in crate::hooks_file) struct Record<'n> {
    entries: &'n [(String, Node)],
    keys: &'static [Key],
    /// What counts for the keys that are not there.
    defaults: Option<Defaults<'n>>,
}

#[derive(Clone, Copy)]
struct Defaults<'n> {
    entries: &'n [(String, Node)],
    steps_up: usize,
}

/// Where the value of a key stands: in the record itself, or some steps further up.
#[derive(Clone, Copy)]
pub(in crate::hooks_file) struct At {
    pub(super) index: usize,
    pub(super) steps_up: usize,
}

impl From<usize> for At {
    fn from(index: usize) -> Self {
        Self { index, steps_up: 0 }
    }
}

impl<'n> Record<'n> {
    /// The mapping `node`, whose keys are not checked (again).
    pub(in crate::hooks_file) fn of(node: &'n Node, keys: &'static [Key]) -> Option<Self> {
        match node {
            Node::Mapping(entries) => Some(Self::new(entries, keys)),
            _ => None,
        }
    }

    pub(super) fn new(entries: &'n [(String, Node)], keys: &'static [Key]) -> Self {
        Self { entries, keys, defaults: None }
    }

    /// The record with what it does not say taken from `defaults`, which stands `steps_up` further up.
    pub(in crate::hooks_file) fn with_defaults(self, defaults: Self, steps_up: usize) -> Self {
        Self { defaults: Some(Defaults { entries: defaults.entries, steps_up }), ..self }
    }

    /// The value at `key` and where it is; null counts as absent. The last of several counts.
    #[inline(never)]
    pub(in crate::hooks_file) fn get(&self, key: &str) -> Option<(At, &'n Node)> {
        debug_assert!(keys::is_known(self.keys, key), "`{key}` is in no table");
        let own = value_in(self.entries, key).map(|(index, node)| (At::from(index), node));
        own.or_else(|| {
            let Defaults { entries, steps_up } = self.defaults?;
            value_in(entries, key).map(|(index, node)| (At { index, steps_up }, node))
        })
    }

    pub(in crate::hooks_file) fn has(&self, key: &str) -> bool {
        self.has_itself(key) || self.defaults.is_some_and(|defaults| is_in(defaults.entries, key))
    }

    /// Whether the key is there, and not only among the defaults.
    #[inline(never)]
    pub(in crate::hooks_file) fn has_itself(&self, key: &str) -> bool {
        debug_assert!(keys::is_known(self.keys, key), "`{key}` is in no table");
        is_in(self.entries, key)
    }
}

fn is_in(entries: &[(String, Node)], key: &str) -> bool {
    entries.iter().any(|(name, _)| name.eq_ignore_ascii_case(key))
}

fn value_in<'n>(entries: &'n [(String, Node)], key: &str) -> Option<(usize, &'n Node)> {
    let index = entries.iter().rposition(|(name, _)| name.eq_ignore_ascii_case(key))?;
    let (_, node) = entries.get(index)?;
    (*node != Node::Null).then_some((index, node))
}
