//! XML bodies as values: attributes under `-name`, text beside attributes or elements under `#text`,
//! repeated elements as an array, everything else as text.
//!
//! What is accepted and what becomes of it is what Go's `encoding/xml` and the mxj package make of
//! it; `quick-xml` finds the tags. Any character beyond ASCII may stand in a name, which is laxer; of
//! `<!…>` only comments, sections and `<!DOCTYPE>` are known, which is stricter.

mod text;

use std::borrow::Cow;
use std::collections::btree_map::Entry;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use self::text::{Malformed, decoded, is_name_start, local_name, push_characters, push_plain, referenced};
use super::VALUES_MAX;
use crate::value::{Object, Value};

/// Elements inside each other: values are dropped and printed by recursion, and real documents stay below 50.
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
    #[error("more than {VALUES_MAX} elements and attributes")]
    TooManyValues,
    #[error("the XML declares another encoding than UTF-8")]
    Encoding,
    #[error("the XML declares another version than {VERSION}")]
    Version,
}

/// Parses the first element of `body`. Text and comments around it, and all after it, are ignored.
pub(crate) fn parse(body: &[u8]) -> Result<Value<'static>, XmlError> {
    let mut reader = Reader::from_reader(body);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    // Text and references up to the next tag, comment or section are one text.
    let mut run = String::new();
    let mut values = 0;
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
            Event::Start(tag) => {
                let element = Element::new(&tag).map_err(malformed)?;
                values += 1 + element.members.len();
                if values > VALUES_MAX {
                    return Err(XmlError::TooManyValues);
                }
                open.push(element);
            }
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
            let value = text_value(decoded(&attribute.value)?);
            members.insert(Cow::Owned(key.into_bytes()), value);
        }
        Ok(Self { key: Cow::Owned(key), text: None, members })
    }

    fn add_text(&mut self, new: &str) {
        if self.members.is_empty() {
            self.text = Some(new.to_owned());
        } else {
            self.members.insert(Cow::Borrowed(b"#text"), text_value(new.to_owned()));
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
            Some(only) if self.members.is_empty() => text_value(only),
            None if self.members.is_empty() => text_value(String::new()),
            before => {
                if let Some(before) = before {
                    self.members.insert(Cow::Borrowed(b"#text"), text_value(before));
                }
                Value::Object(self.members)
            }
        };
        (self.key, value)
    }
}

fn text_value(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text.into_bytes()))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(xml: &str, expected: Result<&str, &str>) {
        let outcome = parse(xml.as_bytes()).map_err(|error| error.to_string());
        let outcome = outcome.as_ref().map(shown);
        assert_eq!(outcome.as_deref().map_err(|error| error.as_str()), expected, "{xml}");
    }

    /// JSON with `'` for `"`.
    fn shown(value: &Value<'_>) -> String {
        let quoted = |text: &[u8]| format!("'{}'", String::from_utf8_lossy(text).escape_debug());
        match value {
            Value::Text(text) => quoted(text),
            Value::Array(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(",")),
            Value::Object(members) => {
                let mut shown_members = Vec::new();
                for (key, value) in members {
                    shown_members.push(format!("{}:{}", quoted(key), shown(value)));
                }
                format!("{{{}}}", shown_members.join(","))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn elements_become_values() {
        #[rustfmt::skip]
        let rows = [
            ("<a>t</a>", "{'a':'t'}"), ("<a></a>", "{'a':''}"), ("<a/>", "{'a':''}"),
            ("<a x='1'/>", "{'a':{'-x':'1'}}"), ("<a>  pad  </a>", "{'a':'pad'}"),
            ("<a>\n\t <b>1</b>\r\n</a>", "{'a':{'b':'1'}}"),
            ("<a><b>1</b><b>2</b></a>", "{'a':{'b':['1','2']}}"),
            ("<a><b>1</b><c/><b>2</b><b/></a>", "{'a':{'b':['1','2',''],'c':''}}"),
            ("<a><b></b><c x=\"1\"/></a>", "{'a':{'b':'','c':{'-x':'1'}}}"),
            (
                "<app><users><user id=\"1\" name=\"Jeff\"/><user id=\"2\" name=\"Sally\"/></users></app>",
                "{'app':{'users':{'user':[{'-id':'1','-name':'Jeff'},{'-id':'2','-name':'Sally'}]}}}",
            ),
            ("<message id=\"1\">Hello!!</message>", "{'message':{'#text':'Hello!!','-id':'1'}}"),
            // Text before the first member wins over text after it, unless there are attributes.
            ("<a>x<b/>y</a>", "{'a':{'#text':'x','b':''}}"), ("<a><b/>y</a>", "{'a':{'#text':'y','b':''}}"),
            ("<a><b/>x<c/>y</a>", "{'a':{'#text':'y','b':'','c':''}}"),
            ("<a k=\"1\">x<b/>y</a>", "{'a':{'#text':'y','-k':'1','b':''}}"),
            ("<a k=\"1\">x<b/> </a>", "{'a':{'#text':'x','-k':'1','b':''}}"),
            // A comment, an instruction or a section splits a text, and the last part counts.
            ("<a>x<!-- c -->y</a>", "{'a':'y'}"), ("<a>x<!----> </a>", "{'a':'x'}"),
            ("<a>x<?p i?>y</a>", "{'a':'y'}"), ("<a>x<![CDATA[ <y> & ]]></a>", "{'a':'<y> &'}"),
            ("<a><![CDATA[x]]>y</a>", "{'a':'y'}"), ("<a><![CDATA[x]]><![CDATA[]]></a>", "{'a':'x'}"),
            ("<a>x&amp;&lt;&gt;&apos;&quot;y</a>", "{'a':'x&<>\\'\\\"y'}"),
            ("<a>&#65;&#x42;&#0067;</a>", "{'a':'ABC'}"), ("<a>&#xD800;</a>", "{'a':'\u{FFFD}'}"),
            ("<a>x&#13;&#10;y&#32;</a>", "{'a':'x\\r\\ny'}"), ("<a>x\r\ny\rz</a>", "{'a':'x\\ny\\nz'}"),
            ("<a>x\r&#10;y</a>", "{'a':'x\\n\\ny'}"),
            ("<a k='&lt;1&#50; \r\n '/>", "{'a':{'-k':'<12 \\n '}}"),
            ("<a k='x>y' j=\"'\"/>", "{'a':{'-j':'\\'','-k':'x>y'}}"),
            ("<a k='1' k='2'/>", "{'a':{'-k':'2'}}"), ("<a k = '1'j='2' />", "{'a':{'-j':'2','-k':'1'}}"),
            ("<ns:a xmlns:ns=\"u\"><ns:b>1</ns:b></ns:a>", "{'a':{'-ns':'u','b':'1'}}"),
            ("<a xmlns=\"u\" n:k='1'><n:b/><b/></a>", "{'a':{'-k':'1','-xmlns':'u','b':['','']}}"),
            ("<a:b:c><:d/><e:/></a:b:c>", "{'a:b:c':{':d':'','e:':''}}"),
            ("<a i='1'><n:-i>2</n:-i></a>", "{'a':{'-i':['1','2']}}"),
            ("<a-1._b></a-1._b\n>", "{'a-1._b':''}"), ("<é>ü</é>", "{'é':'ü'}"),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>", "{'a':''}"),
            ("<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>", "{'a':''}"),
            ("\u{FEFF}<?xml version=''?><a/>", "{'a':''}"),
            ("<!DOCTYPE a [<!ENTITY x \"y>\">]><a/>", "{'a':''}"),
            ("text &amp; text <!-- c --><a/>", "{'a':''}"), ("<a/>&bad; </b> <c/>", "{'a':''}"),
        ];
        for (xml, expected) in rows {
            check(xml, Ok(expected));
        }
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        #[rustfmt::skip]
        let malformed = [
            ("<a></b>", 7), ("<a><b></a></b>", 10), ("</a>", 4), ("<a", 2), ("< a/>", 5), ("<1/>", 4),
            ("<a/ >", 5), ("<a></ a>", 8), ("<a></a b>", 9), ("<a k/>", 6), ("<a k=1/>", 8),
            ("<a k='1/>", 9), ("<a -k='1'/>", 11), ("<a k='<'/>", 10), ("<a k='&x;'/>", 12),
            ("<a k='&lt'/>", 12), ("<a>&x;</a>", 6), ("<a>&;</a>", 5), ("<a>& </a>", 5), ("<a>&#;</a>", 6),
            ("<a>&#+1;</a>", 8), ("<a>&#X41;</a>", 9), ("<a>&#0;</a>", 7), ("<a>&#x110000;</a>", 13),
            ("<a>\u{1}</a>", 4), ("<a>]]></a>", 6), ("<a><![CDATA[x</a>", 17), ("<a><![cdata[x]]></a>", 16),
            ("<a><!-- -- --></a>", 14), ("<a><!-></a>", 11), ("<??><a/>", 4), ("&bad;<a/>", 5),
        ];
        for (xml, position) in malformed {
            check(xml, Err(&format!("malformed XML before byte {position}")));
        }
        #[rustfmt::skip]
        let rows = [
            ("", "no XML element found"),
            ("not xml", "no XML element found"),
            ("<!-- c -->", "no XML element found"),
            ("<a>", "the XML ends inside an element"),
            ("<a><b></b>", "the XML ends inside an element"),
            ("<?xml version='1.1'?><a/>", "the XML declares another version than 1.0"),
            ("<?xml version='1.0' encoding='latin1'?><a/>", "the XML declares another encoding than UTF-8"),
        ];
        for (xml, expected) in rows {
            check(xml, Err(expected));
        }
        let not_utf8: [&[u8]; 4] = [b"<a>\xff</a>", b"<a k='\xff'/>", b"<\xff/>", b"\xff\xfe<\0a\0/\0>\0"];
        for body in not_utf8 {
            let outcome = parse(body);
            assert!(matches!(outcome, Err(XmlError::Malformed { .. })), "{outcome:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        let outcome = parse(nested(DEPTH_MAX + 1).as_bytes());
        assert_eq!(outcome, Err(XmlError::TooDeep { position: 771 }));
    }

    proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>) {
            let _ = parse(&body);
        }

        #[test]
        fn no_near_xml_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16)) {
            let _ = parse(pieces.concat().as_bytes());
        }
    }

    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "<", ">", "/", "!", "?", "-", "--", "]", "]]>", "[", "&", ";", "#", "x", "=", "'", "\"", " ", "\r", "\n",
        "é", ":", "<a>", "</a>", "<a/>", "<b k='", "<!--", "-->", "<![CDATA[", "<?xml ", "?>", "<!DOCTYPE ",
        "&lt;", "&#", "version=",
    ];
}
