//! Ids that stand for many addresses: `deploy/{env}/{service}`.
//!
//! An id is a pattern when a part of it between slashes is a name in braces; that part stands for any text
//! without a slash, but not for none. Any other id, also one with braces in it, means itself only.

use std::collections::HashMap;

/// Parts of one pattern. Whoever has more has no use for them, and a search goes that deep.
pub(crate) const PARTS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Parameter(Box<str>),
}

impl Part {
    fn of(text: &str) -> Self {
        let is_name = |name: &&str| {
            let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
            name.starts_with(is_first)
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
        };
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).filter(is_name) {
            Some(name) => Self::Parameter(name.into()),
            None => Self::Literal(text.into()),
        }
    }

    fn stands_for(&self, part: &str) -> bool {
        match self {
            Self::Literal(text) => **text == *part,
            Self::Parameter(_) => !part.is_empty(),
        }
    }
}

impl Pattern {
    /// `None`: the id means itself only.
    pub(crate) fn of(id: &str) -> Option<Self> {
        if !id.contains('{') {
            return None;
        }
        let parts: Vec<Part> = id.split('/').map(Part::of).collect();
        parts.iter().any(|part| matches!(part, Part::Parameter(_))).then_some(Self { parts })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(&**name),
            Part::Literal(_) => None,
        })
    }

    pub(crate) fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Equal for patterns that stand for the same addresses, and for no id.
    pub(crate) fn shape(&self) -> String {
        let shapes = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text,
            Part::Parameter(_) => "{\0}",
        });
        shapes.collect::<Vec<_>>().join("/")
    }

    /// What the names stand for at the end of `path`; what is before is not looked at.
    pub(crate) fn values<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let mut values = Vec::new();
        let mut texts = path.rsplit('/');
        for part in self.parts.iter().rev() {
            let text = texts.next().filter(|text| part.stands_for(text))?;
            if let Part::Parameter(name) = part {
                values.push((&**name, text));
            }
        }
        values.reverse();
        Some(values)
    }

    /// The address at the end of `path`, as the pattern's id with its values put in.
    pub(crate) fn address(&self, path: &str) -> Option<String> {
        let values: Vec<&str> = self.values(path)?.into_iter().map(|(_, value)| value).collect();
        let mut values = values.into_iter();
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => Some(&**text),
            Part::Parameter(_) => values.next(),
        });
        Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
    }
}

/// Finds the pattern that stands for an address. Where several do, the one counts that has a text where the
/// others have a name, from left to right.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    by_text: HashMap<Box<str>, Node>,
    by_name: Option<Box<Node>>,
    /// The id of the pattern that ends here.
    id: Option<Box<str>>,
}

impl Patterns {
    pub(crate) fn add(&mut self, id: &str, pattern: &Pattern) {
        let end = pattern.parts.iter().fold(&mut self.root, |node, part| match part {
            Part::Literal(text) => node.by_text.entry(text.clone()).or_default(),
            Part::Parameter(_) => node.by_name.get_or_insert_default(),
        });
        end.id = Some(id.into());
    }

    /// The id of the pattern that stands for `address`. The search comes to each part of each pattern once at
    /// most, and is no deeper than a pattern has parts.
    pub(crate) fn find(&self, address: &str) -> Option<&str> {
        self.root.find(address.split('/'))
    }
}

impl Node {
    fn find<'p>(&self, mut parts: impl Iterator<Item = &'p str> + Clone) -> Option<&str> {
        let Some(part) = parts.next() else { return self.id.as_deref() };
        let by_text = self.by_text.get(part).and_then(|node| node.find_rest(&parts));
        by_text.or_else(|| {
            let by_name = self.by_name.as_ref().filter(|_| !part.is_empty());
            by_name.and_then(|node| node.find_rest(&parts))
        })
    }

    fn find_rest<'p>(&self, rest: &(impl Iterator<Item = &'p str> + Clone)) -> Option<&str> {
        self.find(rest.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_make_a_pattern() {
        #[track_caller]
        fn check(id: &str, expected: Option<&[&str]>) {
            let pattern = Pattern::of(id);
            let names = pattern.as_ref().map(|pattern| pattern.names().collect::<Vec<_>>());
            assert_eq!(names.as_deref(), expected, "{id}");
        }
        check("deploy/{env}/{service}", Some(&["env", "service"]));
        check("{a}", Some(&["a"]));
        check("a/{b-c_1}/", Some(&["b-c_1"]));
        check("a{b}", None);
        check("{a}b", None);
        check("{a}-{b}", None);
        check("{}", None);
        check("{1}", None);
        check("{a b}", None);
        check("a/{b", None);
        check("a", None);
        check("", None);
    }

    #[test]
    fn values_are_whole_parts() {
        #[track_caller]
        fn check(id: &str, path: &str, expected: Option<&[(&str, &str)]>) {
            assert_eq!(Pattern::of(id).unwrap().values(path).as_deref(), expected, "{id} {path}");
        }
        check(
            "deploy/{env}/{service}",
            "/hooks/deploy/live/shop",
            Some(&[("env", "live"), ("service", "shop")]),
        );
        check("deploy/{env}", "deploy/a b%", Some(&[("env", "a b%")]));
        check("deploy/{env}", "/hooks/other/live", None);
        check("deploy/{env}", "/hooks/deploy/", None);
        check("{env}", "", None);
        check("a/{b}/c", "b/c", None);
        check("deploy/{env}", "deploy/{env}", Some(&[("env", "{env}")]));
    }

    #[test]
    fn the_most_literal_pattern_is_found() {
        let mut patterns = Patterns::default();
        for id in ["{a}", "a/{b}", "{a}/b", "{a}/{b}", "a/{b}/c", "a/b/{c}", "{a}/b/d", "x/{y}/"] {
            patterns.add(id, &Pattern::of(id).unwrap());
        }
        #[track_caller]
        fn check(patterns: &Patterns, address: &str, expected: Option<&str>) {
            assert_eq!(patterns.find(address), expected, "{address}");
        }
        for (address, expected) in [
            ("z", Some("{a}")),
            ("a/z", Some("a/{b}")),
            ("a/b", Some("a/{b}")),
            ("z/b", Some("{a}/b")),
            ("z/z", Some("{a}/{b}")),
            ("a/b/c", Some("a/b/{c}")),
            ("a/z/c", Some("a/{b}/c")),
            ("a/b/d", Some("a/b/{c}")),
            ("z/b/d", Some("{a}/b/d")),
            ("z/z/z", None),
            ("a/", None),
            ("", None),
            ("x/y/", Some("x/{y}/")),
        ] {
            check(&patterns, address, expected);
        }
    }

    #[test]
    fn patterns_for_the_same_addresses_have_one_shape() {
        let shape = |id: &str| Pattern::of(id).unwrap().shape();
        assert_eq!(shape("a/{b}/c"), shape("a/{x}/c"));
        assert_ne!(shape("a/{b}/c"), shape("a/{b}/d"));
        assert_ne!(shape("a/{b}"), shape("{a}/{b}"));
    }
}
