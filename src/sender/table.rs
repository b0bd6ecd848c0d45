//! The senders we know, one row each, from `senders.json`, of which each line is a row.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::family::Family;
use super::message::Message;
use super::record::{RawSpec, SpecError};
use super::spec::Spec;
use super::unfit::unfit;
use super::words::{Algorithm, Encoding, KeyEncoding};

const SENDERS: &str = include_str!("senders.json");

/// The name that says "open on purpose". It is no sender, so it is no row.
pub(crate) const OPEN: &str = "none";

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// What the user must know besides the fields.
    pub(crate) note: Option<String>,
    pub(crate) own: Option<Own>,
    /// For a hook that overrides a field.
    pub(crate) raw: RawSpec,
    pub(crate) spec: Spec,
}

/// A part of the signed text that each receiver has of its own: a hook must write `message` itself.
#[derive(Debug)]
pub(crate) struct Own {
    /// What stands for it in the row.
    pub(crate) word: String,
    /// A value of its form, for the hook to copy.
    pub(crate) example: String,
}

impl Row {
    /// The record with a hook's own keys before the row's.
    pub(crate) fn overridden(&self, overrides: RawSpec) -> Result<Spec, SpecError> {
        let opens = overrides.written("algorithm").and_then(Algorithm::parse) == Some(Algorithm::None);
        if opens && self.spec.algorithm != Algorithm::None {
            return Err(SpecError::Opened);
        }
        Spec::build(Some(&self.raw), overrides)
    }

    /// What a hook with these keys still has to fill in.
    pub(crate) fn unfilled(&self, overrides: &RawSpec) -> Option<SpecError> {
        let Own { word, .. } = self.own.as_ref().filter(|_| overrides.message.is_none())?;
        Some(SpecError::Unfilled { message: self.spec.message.to_string(), word: word.clone() })
    }

    pub(crate) fn family(&self) -> Family {
        Family::of(&self.spec)
    }
}

/// A line of the file. A server needs few of the rows, so each is read when it is first asked for.
struct Line {
    name: &'static str,
    text: &'static str,
    row: OnceLock<Option<Box<Row>>>,
}

impl Line {
    fn of(text: &'static str) -> Option<Self> {
        let text = text.trim_end_matches(',');
        let (name, _) = text.strip_prefix(r#"{"name": ""#)?.split_once('"')?;
        Some(Self { name, text, row: OnceLock::new() })
    }

    fn row(&self) -> Option<&Row> {
        self.row.get_or_init(|| read(serde_json::from_str(self.text).ok()?).ok().map(Box::new)).as_deref()
    }
}

fn lines() -> &'static [Line] {
    static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| SENDERS.lines().filter_map(Line::of).collect());
    &LINES
}

/// In the table's order. A row that is no record is left out; a test sees to it that there is none.
pub(crate) fn table() -> Vec<&'static Row> {
    lines().iter().filter_map(Line::row).collect()
}

/// A sender by its name, or `none`.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    static NONE: LazyLock<Row> = LazyLock::new(open);
    if name == OPEN { Some(&NONE) } else { lines().iter().find(|line| line.name == name)?.row() }
}

/// A sender by its name, or an error that says what to write instead.
pub(crate) fn named(name: &str) -> Result<&'static Row, SpecError> {
    find(name).ok_or_else(|| SpecError::Sender { written: name.to_owned(), hint: hint(name) })
}

/// Why `find` has nothing, and what may have been meant.
pub(crate) fn unknown(name: &str) -> String {
    format!("`{name}` {}", hint(name))
}

fn hint(name: &str) -> String {
    match (unfit(name), nearest(name)) {
        (Some(reason), _) => format!("cannot be verified: {reason}"),
        (None, Some(near)) => format!("is not known; did you mean `{near}`?"),
        (None, None) => "is not known; `hookrunner senders` lists those that are".to_owned(),
    }
}

/// The name that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    let names: Vec<&str> = lines().iter().map(|line| line.name).chain([OPEN]).collect();
    crate::nearest::nearest(name, &names)
}

/// The error names the row and what is wrong with it.
fn read(mut row: BTreeMap<String, Value>) -> Result<Row, String> {
    let mut take = |key: &str| row.remove(key).and_then(|value| value.as_str().map(str::to_owned));
    let name = take("name").ok_or("a row has no name")?;
    let note = take("note");
    let own = take("own").zip(take("own_example")).map(|(word, example)| Own { word, example });
    let mut raw = RawSpec::default();
    for (key, value) in row {
        let field = raw.field_mut(&key).ok_or_else(|| format!("{name}: unknown key `{key}`"))?;
        *field = Some(match value {
            Value::String(text) => text,
            other => other.to_string(),
        });
    }
    let spec = Spec::build(Some(&raw), RawSpec::default()).map_err(|error| format!("{name}: {error}"))?;
    Ok(Row { name, note, own, raw, spec })
}

fn open() -> Row {
    let raw = RawSpec { algorithm: Some(Algorithm::None.as_str().to_owned()), ..RawSpec::default() };
    let spec = Spec {
        algorithm: Algorithm::None,
        key_encoding: KeyEncoding::Utf8,
        signature: None,
        separator: None,
        prefix: String::new(),
        encoding: Encoding::Hex,
        message: Message::default(),
        timestamp: None,
        body_hash: None,
        claim: None,
        delivery_id: None,
        event: None,
        handshake: None,
    };
    let note = "Nothing is checked: whoever finds the URL can run the hook.".to_owned();
    Row { name: OPEN.to_owned(), note: Some(note), own: None, raw, spec }
}

#[cfg(test)]
mod tests {
    use super::super::spec::TimestampPlace;
    use super::*;

    const ROWS: usize = 123;

    #[test]
    fn every_row_is_a_record() {
        let rows: Vec<BTreeMap<String, Value>> = serde_json::from_str(SENDERS).unwrap();
        assert_eq!(rows.len(), ROWS);
        let faults: Vec<String> = rows.into_iter().filter_map(|row| read(row).err()).collect();
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(table().len(), ROWS);
    }

    #[test]
    fn every_row_is_found_by_its_name() {
        for row in table() {
            assert!(std::ptr::eq(find(&row.name).unwrap(), row), "`{}` is there twice", row.name);
            assert_eq!(nearest(&row.name), Some(row.name.as_str()));
            assert_ne!(row.name, OPEN);
        }
        assert_eq!(find(OPEN).unwrap().spec.algorithm, Algorithm::None);
        assert!(find("GitHub").is_none());
        let none = find(OPEN).unwrap();
        assert_eq!(Spec::build(Some(&none.raw), RawSpec::default()).unwrap().algorithm, none.spec.algorithm);
    }

    #[test]
    fn one_line_of_the_file_is_one_row() {
        assert_eq!(SENDERS.lines().filter(|line| line.starts_with("{\"name\": ")).count(), ROWS);
        assert_eq!(SENDERS.lines().count(), ROWS + 2);
    }

    #[test]
    fn timestamps_stand_where_they_are_signed() {
        for row in table() {
            let Some(timestamp) = &row.spec.timestamp else {
                continue;
            };
            let TimestampPlace::At(source) = &timestamp.place else {
                continue;
            };
            let signed = row.spec.message.to_string();
            let covered =
                ["{ts}", &source.to_string(), "{signed_headers:"].iter().any(|part| signed.contains(part));
            assert!(covered || (source.is_in_body() && signed.contains("{body}")), "{}", row.name);
        }
    }

    #[test]
    fn a_near_miss_is_offered() {
        #[track_caller]
        fn check(written: &str, offered: Option<&str>) {
            assert_eq!(nearest(written), offered, "{written}");
        }
        check("GitHub", Some("github"));
        check("git-hub", Some("github"));
        check("githbu", Some("github"));
        check("gihtub", Some("github"));
        check("feature_probe", Some("featureprobe"));
        check("circle-ci", Some("circleci"));
        check("standard_webhooks", Some("standard-webhooks"));
        check("cal.com", Some("cal-com"));
        check("nonr", Some("none"));
        check("something-else", None);
        check("", None);
        assert_eq!(
            named("githbu").unwrap_err().to_string(),
            "`sender` is `githbu`, which is not known; did you mean `github`?"
        );
        for name in ["sns", "adyen", "microsoft-graph", "Adyen"] {
            let error = named(name).unwrap_err().to_string();
            assert!(error.contains("which cannot be verified: "), "{error}");
        }
    }

    #[test]
    fn what_is_each_receivers_own_is_said_to_be() {
        let own: Vec<&Row> = table().into_iter().filter(|row| row.own.is_some()).collect();
        assert_eq!(own.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["paypal"]);
        for row in own {
            let Own { word, .. } = row.own.as_ref().unwrap();
            assert!(row.spec.message.to_string().contains(word.as_str()));
            let error = row.unfilled(&RawSpec::default()).unwrap().to_string();
            assert!(
                error.starts_with("`message` is missing: write `{header:Paypal-Transmission-Id}|"),
                "{error}"
            );
            assert!(error.ends_with("with your own value where it says `WEBHOOK_ID`"), "{error}");
            let message = Some("{header:Paypal-Transmission-Id}|{ts}|8PT|{crc32}".to_owned());
            assert_eq!(row.unfilled(&RawSpec { message, ..RawSpec::default() }), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_no_row() {
        assert!(super::super::unfit::UNFIT.iter().all(|(name, _)| find(name).is_none()));
    }
}
