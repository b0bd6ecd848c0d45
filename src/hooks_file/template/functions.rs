//! The functions of a template.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::rc::Rc;

use super::problem::Problem;
use super::value::Value;
use super::{FILE_BYTES_MAX, Surroundings, TEXT_BYTES_MAX, escape, printf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Or,
    Not,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Len,
    Index,
    Slice,
    Print,
    Printf,
    Println,
    Html,
    Js,
    UrlQuery,
    Getenv,
    Cat,
    Credential,
}

const FUNCTIONS: [(&str, Function); 21] = [
    ("and", Function::And),
    ("or", Function::Or),
    ("not", Function::Not),
    ("eq", Function::Eq),
    ("ne", Function::Ne),
    ("lt", Function::Lt),
    ("le", Function::Le),
    ("gt", Function::Gt),
    ("ge", Function::Ge),
    ("len", Function::Len),
    ("index", Function::Index),
    ("slice", Function::Slice),
    ("print", Function::Print),
    ("printf", Function::Printf),
    ("println", Function::Println),
    ("html", Function::Html),
    ("js", Function::Js),
    ("urlquery", Function::UrlQuery),
    ("getenv", Function::Getenv),
    ("cat", Function::Cat),
    ("credential", Function::Credential),
];

/// The names of all functions, for a message.
pub(super) fn known() -> String {
    FUNCTIONS.map(|(name, _)| name).join(", ")
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        FUNCTIONS.into_iter().find(|(known, _)| *known == name).map(|(_, function)| function)
    }

    fn name(self) -> &'static str {
        FUNCTIONS.into_iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }

    fn wrong_count(self, wanted: &'static str, found: usize) -> Problem {
        Problem::WrongCount { function: self.name(), wanted, found }
    }

    fn wrong_kind(self, wanted: &'static str, found: &Value) -> Problem {
        Problem::WrongKind { function: self.name(), wanted, found: found.kind() }
    }

    /// Whether `value` is the result, so that the arguments after it are not evaluated.
    pub(super) fn is_decided_by(self, value: &Value) -> bool {
        match self {
            Self::And => !value.is_true(),
            Self::Or => value.is_true(),
            _ => false,
        }
    }

    pub(super) fn call(self, arguments: &[Value], surroundings: &Surroundings) -> Result<Value, Problem> {
        match self {
            // None of the arguments decided, or there is none.
            Self::And | Self::Or => {
                arguments.last().cloned().ok_or_else(|| self.wrong_count("at least one argument", 0))
            }
            Self::Not => Ok(Value::Bool(!self.one(arguments)?.is_true())),
            Self::Eq => self.eq(arguments).map(Value::Bool),
            Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => self.compare(arguments).map(Value::Bool),
            Self::Len => match self.one(arguments)? {
                Value::Text(text) => Ok(Value::Int(i64::try_from(text.len()).unwrap_or(i64::MAX))),
                other => Err(self.wrong_kind("string", other)),
            },
            Self::Index => self.index(arguments),
            Self::Slice => self.slice(arguments),
            Self::Print => Ok(Value::Text(print(arguments)?)),
            Self::Println => println(arguments),
            Self::Printf => {
                let (format, rest) =
                    arguments.split_first().ok_or_else(|| self.wrong_count("a format", 0))?;
                printf::printf(&self.text(format)?, rest).map(|text| Value::Text(text.into()))
            }
            Self::Html => escaped(arguments, escape::html),
            Self::Js => escaped(arguments, escape::js),
            Self::UrlQuery => escaped(arguments, escape::url_query),
            Self::Getenv => Ok(variable(&self.text(self.one(arguments)?)?, surroundings)),
            Self::Cat => {
                let name = self.text(self.one(arguments)?)?;
                Ok(Value::Text(read(path(&name))?.unwrap_or_default().into()))
            }
            Self::Credential => credential(&self.text(self.one(arguments)?)?, surroundings),
        }
    }

    fn one(self, arguments: &[Value]) -> Result<&Value, Problem> {
        match arguments {
            [argument] => Ok(argument),
            _ => Err(self.wrong_count("one argument", arguments.len())),
        }
    }

    fn text(self, value: &Value) -> Result<Rc<[u8]>, Problem> {
        match value {
            Value::Text(text) => Ok(Rc::clone(text)),
            other => Err(self.wrong_kind("string", other)),
        }
    }

    /// Whether the first equals any of the others.
    fn eq(self, arguments: &[Value]) -> Result<bool, Problem> {
        let Some((first, others @ [_, ..])) = arguments.split_first() else {
            return Err(self.wrong_count("at least two arguments", arguments.len()));
        };
        for other in others {
            if first.equals(other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare(self, arguments: &[Value]) -> Result<bool, Problem> {
        let [left, right] = arguments else {
            return Err(self.wrong_count("two arguments", arguments.len()));
        };
        match self {
            Self::Ne => left.equals(right).map(|equal| !equal),
            Self::Lt => left.is_less_than(right),
            Self::Ge => left.is_less_than(right).map(|less| !less),
            Self::Le => Ok(left.is_less_than(right)? || left.equals(right)?),
            _ => Ok(!left.is_less_than(right)? && !left.equals(right)?),
        }
    }

    /// `index TEXT I` is a byte, as a number; `index ANY` is the thing itself.
    fn index(self, arguments: &[Value]) -> Result<Value, Problem> {
        match arguments {
            [] => Err(self.wrong_count("at least one argument", 0)),
            [item @ Value::Nil, ..] => Err(self.wrong_kind("string", item)),
            [item] => Ok(item.clone()),
            [Value::Text(text), index] => {
                let index = self.position(index)?;
                let byte = usize::try_from(index).ok().and_then(|index| text.get(index));
                byte.map(|byte| Value::Int((*byte).into())).ok_or(Problem::OutOfRange { index })
            }
            [Value::Text(_), _, _, ..] => Err(self.wrong_count("one index", arguments.len() - 1)),
            [other, ..] => Err(self.wrong_kind("string", other)),
        }
    }

    fn slice(self, arguments: &[Value]) -> Result<Value, Problem> {
        let (item, indexes) = arguments.split_first().ok_or_else(|| self.wrong_count("a string", 0))?;
        let text = self.text(item)?;
        if indexes.len() > 2 {
            return Err(self.wrong_count("at most two indexes", indexes.len()));
        }
        let mut bounds = [0, text.len()];
        for (bound, index) in bounds.iter_mut().zip(indexes) {
            let index = self.position(index)?;
            let within = usize::try_from(index).ok().filter(|&index| index <= text.len());
            *bound = within.ok_or(Problem::OutOfRange { index })?;
        }
        let [from, to] = bounds;
        text.get(from..to).map(|part| Value::Text(part.into())).ok_or(Problem::BadSlice { from, to })
    }

    fn position(self, index: &Value) -> Result<i64, Problem> {
        match index {
            Value::Int(index) => Ok(*index),
            other => Err(self.wrong_kind("number", other)),
        }
    }
}

fn escaped(arguments: &[Value], escape: fn(&[u8]) -> Vec<u8>) -> Result<Value, Problem> {
    let arguments: Vec<Value> = arguments.iter().cloned().map(Value::or_no_value).collect();
    let mut output = Limited::default();
    output.push(&escape(&print(&arguments)?))?;
    Ok(Value::Text(output.bytes.into()))
}

/// A text that does not grow without end.
#[derive(Default)]
pub(super) struct Limited {
    pub(super) bytes: Vec<u8>,
}

impl Limited {
    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), Problem> {
        if self.bytes.len() + more.len() > TEXT_BYTES_MAX {
            return Err(Problem::TooMuchText { max: TEXT_BYTES_MAX });
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }
}

/// One after another, with a space between two that are both no texts.
fn print(arguments: &[Value]) -> Result<Rc<[u8]>, Problem> {
    if let [Value::Text(text)] = arguments {
        return Ok(Rc::clone(text));
    }
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let mut output = Limited::default();
    let mut after_text = true;
    for argument in arguments {
        if !after_text && !is_text(argument) {
            output.push(b" ")?;
        }
        output.push(&argument.text())?;
        after_text = is_text(argument);
    }
    Ok(output.bytes.into())
}

fn println(arguments: &[Value]) -> Result<Value, Problem> {
    let mut output = Limited::default();
    for (position, argument) in arguments.iter().enumerate() {
        if position > 0 {
            output.push(b" ")?;
        }
        output.push(&argument.text())?;
    }
    output.push(b"\n")?;
    Ok(Value::Text(output.bytes.into()))
}

fn variable(name: &[u8], surroundings: &Surroundings) -> Value {
    let found = std::str::from_utf8(name).ok().and_then(|name| surroundings.environment.get(name));
    Value::Text(found.map_or(Rc::from([]), |text| text.as_bytes().into()))
}

/// The systemd credential of that name, or else the environment variable.
fn credential(name: &[u8], surroundings: &Surroundings) -> Result<Value, Problem> {
    let directory = surroundings.credentials_directory.as_ref();
    if let Some(directory) = directory.filter(|directory| !directory.as_os_str().is_empty()) {
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path(name).components().all(is_inside) {
            return Err(Problem::CredentialOutside);
        }
        if let Some(content) = read(&directory.join(path(name)))? {
            return Ok(Value::Text(content.into()));
        }
    }
    Ok(variable(name, surroundings))
}

fn path(name: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(name))
}

/// A file's content without one newline at its end; `None` when it cannot be read.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    let result: io::Result<usize> =
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut content));
    if result.is_err() {
        return Ok(None);
    }
    if content.len() > FILE_BYTES_MAX {
        return Err(Problem::FileTooLarge { max: FILE_BYTES_MAX });
    }
    content.pop_if(|last| *last == b'\n');
    Ok(Some(content))
}
