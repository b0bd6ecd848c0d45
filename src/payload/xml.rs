//! XML bodies as values: attributes under `-name`, text beside attributes or elements under `#text`, repeated
//! elements as an array, everything else as text.
//!
//! What is accepted and what becomes of it is what Go's `encoding/xml` and the mxj package make of it; `quick-xml`
//! finds the tags. One thing is laxer: any character beyond ASCII may stand in a name.

use std::borrow::Cow;
use std::collections::btree_map::Entry;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use crate::value::{Object, Value};

/// Elements inside each other. Values are dropped and printed by recursion, and real documents stay below 50.
const DEPTH_MAX: usize = 256;

const ENCODING: &str = "utf-8";

const VERSION: &str = "1.0";

/// Positions are in bytes, just after what is wrong. Nothing of the body is repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum XmlError {
    #[error("no XML element found")]
    NoElement,
    #[error("the XML ends inside an element")]
    Unclosed,
    #[error("malformed XML before byte {position}")]
    Malformed { position: u64 },
    #[error("elements nested deeper than {DEPTH_MAX} before byte {position}")]
    TooDeep { position: u64 },
    #[error("the XML declares another encoding than UTF-8")]
    Encoding,
    #[error("the XML declares another version than {VERSION}")]
    Version,
}

/// Why a piece is refused; whoever reads the piece knows where it is.
struct Malformed;

/// Parses the first element of `body`. What stands around it is ignored: text, comments, another element after it.
pub(crate) fn parse(body: &[u8]) -> Result<Value<'static>, XmlError> {
    let mut reader = Reader::from_reader(body);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    // Text and references up to the next tag, comment or section are one text.
    let mut run = String::new();
    loop {
        let event = reader.read_event();
        let position = reader.buffer_position();
        let malformed = |_| XmlError::Malformed { position };
        let event = event.map_err(|_| XmlError::Malformed { position })?;
        match &event {
            Event::Text(raw) => {
                push_plain(raw, &mut run).map_err(malformed)?;
                continue;
            }
            Event::GeneralRef(name) => {
                run.push(referenced(name).map_err(malformed)?);
                continue;
            }
            _ => add_text(&mut open, &mut run),
        }
        match event {
            Event::Start(_) if open.len() == DEPTH_MAX => return Err(XmlError::TooDeep { position }),
            Event::Start(tag) => open.push(Element::new(&tag).map_err(malformed)?),
            Event::End(_) => {
                let (key, value) = open.pop().ok_or(Malformed).map_err(malformed)?.close();
                match open.last_mut() {
                    Some(parent) => parent.add_child(key, value),
                    None => return Ok(Value::Object(Object::from([(key, value)]))),
                }
            }
            Event::CData(raw) => {
                push_characters(&raw, &mut run).map_err(malformed)?;
                add_text(&mut open, &mut run);
            }
            Event::Decl(declaration) => check_declaration(&declaration)?,
            Event::PI(instruction) if !instruction.starts_with(is_name_start) => {
                return Err(malformed(Malformed));
            }
            Event::Eof if open.is_empty() => return Err(XmlError::NoElement),
            Event::Eof => return Err(XmlError::Unclosed),
            _ => {}
        }
    }
}

fn add_text(open: &mut [Element], run: &mut String) {
    let text = run.trim_matches(['\t', '\r', '\u{8}', '\n', ' ']);
    if let Some(element) = open.last_mut()
        && !text.is_empty()
    {
        element.add_text(text);
    }
    run.clear();
}

type Key = Cow<'static, [u8]>;

/// An element whose end is still to come.
struct Element {
    key: Key,
    /// Text that came before any member; it wins over text that comes after.
    text: Option<String>,
    /// Attributes, children, and `#text` that came after one of them.
    members: Object<'static>,
}

impl Element {
    fn new(tag: &BytesStart<'_>) -> Result<Self, Malformed> {
        let key = local_name(tag.name().into_inner())?.as_bytes().to_vec();
        let mut members = Object::new();
        // The last of two attributes with one name wins, and the check for that is quadratic.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| Malformed)?;
            let key = format!("-{}", local_name(attribute.key.into_inner())?);
            members.insert(Cow::Owned(key.into_bytes()), text(decoded(&attribute.value)?));
        }
        Ok(Self {
            key: Cow::Owned(key),
            text: None,
            members,
        })
    }

    fn add_text(&mut self, new: &str) {
        if self.members.is_empty() {
            self.text = Some(new.to_owned());
        } else {
            self.members.insert(Cow::Borrowed(b"#text"), text(new.to_owned()));
        }
    }

    fn add_child(&mut self, key: Key, value: Value<'static>) {
        match self.members.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(value);
            }
            Entry::Occupied(mut occupied) => match occupied.get_mut() {
                Value::Array(values) => values.push(value),
                single => {
                    let first = std::mem::replace(single, Value::Null);
                    *single = Value::Array(vec![first, value]);
                }
            },
        }
    }

    fn close(mut self) -> (Key, Value<'static>) {
        let value = match self.text {
            Some(only) if self.members.is_empty() => text(only),
            None if self.members.is_empty() => text(String::new()),
            before => {
                if let Some(before) = before {
                    self.members.insert(Cow::Borrowed(b"#text"), text(before));
                }
                Value::Object(self.members)
            }
        };
        (self.key, value)
    }
}

fn text(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text.into_bytes()))
}

/// What follows the prefix of a name. With two colons or an empty half there is no prefix.
fn local_name(name: &str) -> Result<&str, Malformed> {
    let is_name = name.starts_with(is_name_start)
        && name
            .chars()
            .all(|character| is_name_start(character) || matches!(character, '0'..='9' | '-' | '.'));
    if !is_name {
        return Err(Malformed);
    }
    match name.split_once(':') {
        Some((prefix, local)) if !prefix.is_empty() && !local.is_empty() && !local.contains(':') => Ok(local),
        _ => Ok(name),
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '_' | ':') || !character.is_ascii()
}

fn decoded(value: &str) -> Result<String, Malformed> {
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, reference)) = rest.split_once('&') {
        push_plain(plain, &mut decoded)?;
        let (name, after) = reference.split_once(';').ok_or(Malformed)?;
        decoded.push(referenced(name)?);
        rest = after;
    }
    push_plain(rest, &mut decoded)?;
    Ok(decoded)
}

fn push_plain(raw: &str, out: &mut String) -> Result<(), Malformed> {
    if raw.contains('<') || raw.contains("]]>") {
        return Err(Malformed);
    }
    push_characters(raw, out)
}

/// Appends `raw` with its line ends as `\n`.
fn push_characters(raw: &str, out: &mut String) -> Result<(), Malformed> {
    if !raw.chars().all(is_allowed) {
        return Err(Malformed);
    }
    let mut lines = raw.split('\r');
    out.push_str(lines.next().unwrap_or_default());
    for line in lines {
        out.push('\n');
        out.push_str(line.strip_prefix('\n').unwrap_or(line));
    }
    Ok(())
}

/// The character that `&name;` stands for; entities of the document's own are not known.
fn referenced(name: &str) -> Result<char, Malformed> {
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#').ok_or(Malformed)?;
            let (digits, radix) = number
                .strip_prefix('x')
                .map_or((number, 10), |digits| (digits, 16));
            if !digits.chars().all(|digit| digit.is_digit(radix)) {
                return Err(Malformed);
            }
            let code = u64::from_str_radix(digits, radix)
                .ok()
                .and_then(|code| u32::try_from(code).ok());
            let code = code
                .filter(|code| *code <= u32::from(char::MAX))
                .ok_or(Malformed)?;
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    };
    if is_allowed(character) {
        Ok(character)
    } else {
        Err(Malformed)
    }
}

/// The `Char` production of XML 1.0.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn check_declaration(declaration: &str) -> Result<(), XmlError> {
    if pseudo_attribute(declaration, "version=").is_some_and(|version| version != VERSION) {
        return Err(XmlError::Version);
    }
    match pseudo_attribute(declaration, "encoding=") {
        Some(encoding) if !encoding.eq_ignore_ascii_case(ENCODING) => Err(XmlError::Encoding),
        _ => Ok(()),
    }
}

/// The quoted value right after `key`; one that is empty or not quoted counts as absent.
fn pseudo_attribute<'d>(declaration: &'d str, key: &str) -> Option<&'d str> {
    let (_, value) = declaration.split_once(key)?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let value = value.strip_prefix(quote)?.split_once(quote)?.0;
    (!value.is_empty()).then_some(value)
}
