//! What of a document somebody will look up, so that the reader builds nothing else.
//!
//! A tree over the keys and indices that the rule in `lookup` can try for a set of names. It may hold
//! more than is asked for (`1` and `01` share a place, being one index), never less.

use super::NESTING_MAX;
use crate::lookup;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The whole value, whatever is in it; `children` is empty then.
    all: bool,
    children: Vec<Child>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Child {
    key: Box<[u8]>,
    /// The place in an array that `key` also stands for.
    index: Option<usize>,
    below: Wanted,
}

impl Wanted {
    pub(crate) const fn everything() -> Self {
        Self { all: true, children: Vec::new() }
    }

    pub(crate) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut wanted = Self::default();
        for name in names {
            wanted.add(name);
        }
        wanted
    }

    pub(crate) fn add(&mut self, name: &str) {
        let mut place = self;
        let mut name = name;
        // A document has no places deeper than that.
        for _ in 0..NESTING_MAX {
            if place.all {
                return;
            }
            *place.child(name) = Self::everything();
            let Some((part, rest)) = name.split_once('.') else {
                return;
            };
            place = place.child(part);
            name = rest;
        }
    }

    /// What is wanted of the value under `key` of an object; `None` when nothing is.
    #[inline]
    pub(super) fn under_key(&self, key: &[u8]) -> Option<&Self> {
        if self.all {
            return Some(self);
        }
        let child = self.children.iter().find(|child| child.has_key(key))?;
        Some(&child.below)
    }

    /// What is wanted of an array's element; `None` when nothing is.
    #[inline]
    pub(super) fn under_index(&self, index: usize) -> Option<&Self> {
        if self.all {
            return Some(self);
        }
        let child = self.children.iter().find(|child| child.index == Some(index))?;
        Some(&child.below)
    }

    fn child(&mut self, key: &str) -> &mut Self {
        let key = key.as_bytes();
        let place = self.children.iter().position(|child| child.has_key(key)).unwrap_or(self.children.len());
        if place == self.children.len() {
            let child = Child { key: key.into(), index: lookup::index(key), below: Self::default() };
            self.children.push(child);
        }
        &mut self.children[place].below
    }
}

impl Child {
    #[inline]
    fn has_key(&self, key: &[u8]) -> bool {
        *self.key == *key || (self.index.is_some() && self.index == lookup::index(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `path` is what the reader meets on its way down: `#3` for an element, anything else for a key.
    fn check(names: &[&str], path: &[&str], expected: Option<bool>) {
        let wanted = Wanted::names(names.iter().copied());
        let below = path.iter().try_fold(&wanted, |place, step| match step.strip_prefix('#') {
            Some(index) => place.under_index(index.parse().unwrap()),
            None => place.under_key(step.as_bytes()),
        });
        assert_eq!(below.map(|place| place.all), expected, "{names:?} at {path:?}");
    }

    #[test]
    fn names_become_places() {
        const SOME: Option<bool> = Some(false);
        const ALL: Option<bool> = Some(true);
        for (names, path, expected) in [
            (&["a.b.c"][..], &["a"][..], SOME),
            (&["a.b.c"], &["a.b.c"], ALL),
            (&["a.b.c"], &["a.b"], None),
            (&["a.b.c"], &["a", "b.c"], ALL),
            (&["a.b.c"], &["a", "b", "c"], ALL),
            (&["a.b.c"], &["a", "b", "d"], None),
            (&["a.b.c"], &["a", "b", "c", "anything", "#7"], ALL),
            (&["a.b.c"], &["#0"], None),
            (&["a.0.x"], &["a", "#0", "x"], ALL),
            (&["a.0.x"], &["a", "0", "x"], ALL),
            (&["a.0.x"], &["a", "#1"], None),
            (&["a.007"], &["a", "#7"], ALL),
            (&["a.1.x", "a.01.y"], &["a", "#1", "x"], ALL),
            (&["a.1.x", "a.01.y"], &["a", "#1", "y"], ALL),
            (&["a.1.x", "a.01.y"], &["a", "01", "y"], ALL),
            (&["a.+1"], &["a", "#1"], None),
            (&["a", "a.b"], &["a"], ALL),
            (&["a.b", "a"], &["a", "z"], ALL),
            (&["a.b", "a.c"], &["a", "b"], ALL),
            (&[".x"], &["", "x"], ALL),
            (&["x."], &["x", ""], ALL),
            (&[""], &[""], ALL),
            (&[], &["a"], None),
        ] {
            check(names, path, expected);
        }
    }

    #[test]
    fn nothing_is_added_to_everything() {
        let mut wanted = Wanted::everything();
        wanted.add("a.b");
        assert_eq!(wanted, Wanted::everything());
    }

    #[test]
    fn a_name_of_many_parts_stays_small() {
        let wanted = Wanted::names([".".repeat(5000).as_str(), "0.".repeat(5000).as_str()]);
        assert_eq!(wanted.clone(), wanted);
    }
}
