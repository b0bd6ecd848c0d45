//! One text put together of several parts of a request: `{{ payload.ref }}@{{ header['X-GitHub-Event'] }}`.
//!
//! minijinja compiles a template when its hooks file is read, and renders it for each request. It knows the
//! names of a request and nothing else: no loader, no macros, no functions, no escapes. What a template does
//! is bounded in steps, bytes and depth. Which parts of the request it gets is up to `facts`.

mod budget;
mod names;
mod part;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::Value as Operand;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};

use crate::payload::Wanted;
use crate::value::Value;
use budget::{Budget, COPIED_BYTES_MAX};
use part::Part;

/// Steps of one rendering; 64 bytes of text count as one too. A text of several MiB can be built with that,
/// in some ten milliseconds.
const FUEL: u64 = 200_000;
/// The text that comes out. Linux takes 128 KiB as an argument; as a file or answer more may have a use.
const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Blocks within blocks, which the engine recurses for.
const DEPTH_MAX: usize = 50;
/// The compiled template of each environment has this name.
const ONLY: &str = "";

/// Globals of the engine that have no use here, or build what no request holds.
const REMOVED_GLOBALS: [&str; 4] = ["range", "dict", "debug", "namespace"];

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_debug(false);
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(DEPTH_MAX);
    for name in REMOVED_GLOBALS {
        engine.remove_global(name);
    }
    // A value alone reads as the reference to it does.
    engine.set_formatter(|out, state, value| {
        if value.is_none() {
            return out.write_str("<nil>").map_err(Error::from);
        }
        match bool::try_from(value.clone()) {
            Ok(truth) => out.write_str(if truth { "true" } else { "false" }).map_err(Error::from),
            Err(_) => escape_formatter(out, state, value),
        }
    });
    engine
});

/// The names that a template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Payload,
    Header,
    Query,
    Request,
    Delivery,
    Path,
}

impl Name {
    const ALL: [Self; 6] =
        [Self::Payload, Self::Header, Self::Query, Self::Request, Self::Delivery, Self::Path];

    fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Header => "header",
            Self::Query => "query",
            Self::Request => "request",
            Self::Delivery => "delivery",
            Self::Path => "path",
        }
    }
}

pub(crate) struct Template {
    environment: Environment<'static>,
    source: Box<str>,
    names: Vec<Name>,
    /// What it looks at below `payload`: everything when `None`.
    payload_names: Option<Vec<String>>,
    wanted: Wanted,
    /// The names that it looks up below `path`.
    path_names: Vec<String>,
}

/// Why a text is no template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The byte that it is about.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Why a template gives no text for a request. Its words are the template's, never the request's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unrendered {
    /// The request does not have this.
    Undefined(String),
    Failed(String),
}

impl Template {
    pub(crate) fn new(source: &str) -> Result<Self, TemplateError> {
        let error = |error: &Error| TemplateError {
            offset: error.range().map_or(0, |range| range.start),
            message: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        };
        let mut environment = ENGINE.clone();
        environment.add_template_owned(ONLY, source.to_owned()).map_err(|failed| error(&failed))?;
        let compiled = environment.get_template(ONLY).map_err(|failed| error(&failed))?;
        let mut template = Self {
            environment: environment.clone(),
            source: source.into(),
            names: Vec::new(),
            payload_names: Some(Vec::new()),
            wanted: Wanted::default(),
            path_names: Vec::new(),
        };
        let mut variables: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
        variables.sort();
        for variable in &variables {
            template.take_variable(variable)?;
        }
        template.take_unlisted();
        template.wanted = match &template.payload_names {
            Some(names) => Wanted::names(names.iter().map(String::as_str)),
            None => Wanted::everything(),
        };
        // The engine looks filters and tests up when it comes to them: what a request without anything
        // comes to is seen here.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let tried = environment.get_template(ONLY).and_then(|compiled| compiled.render(()));
        match tried {
            Err(failed) if matches!(failed.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest) => {
                Err(error(&failed))
            }
            _ => Ok(template),
        }
    }

    /// `variable` is a name with what is looked up below it: `payload.ref`.
    fn take_variable(&mut self, variable: &str) -> Result<(), TemplateError> {
        let (root, below) = match variable.split_once('.') {
            Some((root, below)) => (root, Some(below)),
            None => (variable, None),
        };
        let Some(name) = Name::ALL.into_iter().find(|name| name.as_str() == root) else {
            let known = Name::ALL.map(Name::as_str).join(", ");
            return Err(TemplateError {
                offset: self.source.find(root).unwrap_or_default(),
                message: format!("a template does not know `{root}`, only {known}"),
            });
        };
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        if let (Name::Path, Some(below)) = (name, below) {
            self.path_names.push(below.to_owned());
        }
        if name == Name::Payload {
            match (below, &mut self.payload_names) {
                (Some(below), Some(names)) => names.push(below.to_owned()),
                _ => self.payload_names = None,
            }
        }
        Ok(())
    }

    /// Takes what the engine's list does not have.
    fn take_unlisted(&mut self) {
        let unlisted: Vec<Name> =
            names::in_source(&self.source).into_iter().filter(|name| !self.names.contains(name)).collect();
        let has_payload = self.names.contains(&Name::Payload) || unlisted.contains(&Name::Payload);
        if unlisted.contains(&Name::Payload) || has_payload && names::may_hide_some(&self.source) {
            self.payload_names = None;
        }
        self.names.extend(unlisted);
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn has(&self, name: Name) -> bool {
        self.names.contains(&name)
    }

    /// Whether it gives the same text for every request.
    pub(crate) fn is_constant(&self) -> bool {
        self.names.is_empty()
    }

    /// The places of the payload that it looks at: all of it when `None`.
    pub(crate) fn payload_names(&self) -> Option<&[String]> {
        self.payload_names.as_deref()
    }

    /// The same, to take a copy of.
    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The names that it looks up below `path`.
    pub(crate) fn path_names(&self) -> &[String] {
        &self.path_names
    }

    /// `value_of` is asked for each name once that the template has.
    pub(crate) fn render(&self, value_of: impl Fn(Name) -> Value<'static>) -> Result<String, Unrendered> {
        let budget = Arc::new(Budget::default());
        let operand = |name: &Name| (name.as_str(), Part::operand(*name, value_of(*name), budget.clone()));
        let names: BTreeMap<&str, Operand> = self.names.iter().map(operand).collect();
        let text = self.environment.get_template(ONLY).and_then(|compiled| compiled.render(names));
        if budget.is_spent() {
            let reason = format!("it copies more than {COPIED_BYTES_MAX} bytes of the request");
            return Err(Unrendered::Failed(reason));
        }
        let text = text.map_err(|error| self.unrendered(&error))?;
        if text.len() > OUTPUT_BYTES_MAX {
            return Err(Unrendered::Failed(format!("its text is longer than {OUTPUT_BYTES_MAX} bytes")));
        }
        Ok(text)
    }

    fn unrendered(&self, error: &Error) -> Unrendered {
        let is_of_name = |letter: char| letter.is_alphanumeric() || "_.|".contains(letter);
        let expression = error.range().and_then(|range| {
            // Of a chain the engine tells the last link.
            let start = self.source.get(..range.start)?.trim_end_matches(is_of_name).len();
            self.source.get(start..range.end)
        });
        let expression = expression.unwrap_or(&self.source).trim();
        match error.kind() {
            ErrorKind::UndefinedError => Unrendered::Undefined(expression.to_owned()),
            kind => Unrendered::Failed(format!("`{expression}`: {kind}")),
        }
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Template {}

/// Its text may hold a secret.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
