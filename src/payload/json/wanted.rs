//! What of a document somebody will look up, so that the reader builds nothing else.
//!
//! A tree over the keys and indices that the rule in `lookup` can try for a set of names. It may hold
//! more than is asked for (`1` and `01` share a place, being one index), never less.

use std::borrow::Cow;

use super::NESTING_MAX;
use crate::lookup;
use crate::reference::EACH;
use crate::value::{Object, Value};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The whole value, whatever is in it; `children` is empty then.
    all: bool,
    children: Vec<Child>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Child {
    key: Box<[u8]>,
    /// The elements of an array that `key` also stands for.
    elements: Elements,
    below: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Elements {
    None,
    At(usize),
    All,
}

/// What is wanted of an element that two children stand for.
static EVERYTHING: Wanted = Wanted::everything();

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
        let mut standing = self.children.iter().filter(|child| child.elements.have(index));
        let child = standing.next()?;
        // To have one tree of the two would take up to the product of their sizes.
        Some(if standing.next().is_some() { &EVERYTHING } else { &child.below })
    }

    /// The fields of `object` that are wanted, without what is not, independent of the body.
    pub(crate) fn copy_of_object(&self, object: &Object<'_>) -> Object<'static> {
        let wanted = object
            .iter()
            .filter_map(|(key, value)| Some((Cow::Owned(key.to_vec()), self.under_key(key)?.copy_of(value))));
        wanted.collect()
    }

    fn copy_of(&self, value: &Value<'_>) -> Value<'static> {
        match value {
            Value::Object(object) => Value::Object(self.copy_of_object(object)),
            Value::Array(array) => {
                let each = array.iter().enumerate();
                let copy = |(index, element)| {
                    self.under_index(index).map_or(Value::Null, |wanted: &Self| wanted.copy_of(element))
                };
                Value::Array(each.map(copy).collect())
            }
            scalar => scalar.clone().into_owned(),
        }
    }

    fn child(&mut self, key: &str) -> &mut Self {
        let key = key.as_bytes();
        let place = self.children.iter().position(|child| child.has_key(key)).unwrap_or(self.children.len());
        if place == self.children.len() {
            let child = Child { key: key.into(), elements: Elements::of(key), below: Self::default() };
            self.children.push(child);
        }
        &mut self.children[place].below
    }
}

impl Child {
    #[inline]
    fn has_key(&self, key: &[u8]) -> bool {
        *self.key == *key || matches!(self.elements, Elements::At(index) if lookup::index(key) == Some(index))
    }
}

impl Elements {
    fn of(key: &[u8]) -> Self {
        match lookup::index(key) {
            Some(index) => Self::At(index),
            None if key == EACH.as_bytes() => Self::All,
            None => Self::None,
        }
    }

    #[inline]
    fn have(self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::At(at) => at == index,
            Self::All => true,
        }
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
            (&["a.*.x"], &["a", "#7", "x"], ALL),
            (&["a.*.x"], &["a", "#7", "y"], None),
            (&["a.*.x"], &["a", "*", "x"], ALL),
            (&["a.*.x"], &["a", "b"], None),
            (&["a.*"], &["a", "#0"], ALL),
            (&["a.*.x", "a.1.y"], &["a", "#0", "y"], None),
            (&["a.*.x", "a.1.y"], &["a", "#1", "x"], ALL),
            (&["a.*.x", "a.1.y"], &["a", "#1", "y"], ALL),
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
        let wanted = Wanted::names([
            ".".repeat(5000).as_str(),
            "0.".repeat(5000).as_str(),
            "*.".repeat(5000).as_str(),
        ]);
        assert_eq!(wanted.clone(), wanted);
    }
}
