//! A hook as the program uses it: checked, compiled, ready. What the file said and why parts of it
//! were refused is the business of `hooks_file`.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use crate::payload::Wanted;
use crate::reference::Reference;
use crate::rule::Rule;

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) id: String,
    pub(crate) command: Command,
    pub(crate) arguments: Vec<Reference>,
    pub(crate) environment: Vec<Variable>,
    pub(crate) files: Vec<FileVariable>,
    /// `None`: the server's default applies.
    pub(crate) methods: Option<Vec<String>>,
    /// Used instead of the request's own `Content-Type`.
    pub(crate) content_type: Option<String>,
    pub(crate) parse_as_json: Vec<Reference>,
    pub(crate) rule: Option<Rule>,
    /// Under `or`, a wrong signature is false instead of an error.
    pub(crate) soft_signature_failures: bool,
    pub(crate) response: ResponseSettings,
    /// The parts of a JSON payload that anything above refers to.
    pub(crate) wanted: Wanted,
    /// Whether anything above refers to the payload at all.
    pub(crate) refers_to_payload: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// As written; it is also `argv[0]`.
    pub(crate) program: String,
    pub(crate) working_directory: Option<String>,
}

/// An environment variable of the command.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: Reference,
}

/// An environment variable of the command that names a temporary file with the value in it.
#[derive(Debug)]
pub(crate) struct FileVariable {
    pub(crate) name: String,
    pub(crate) value: Reference,
    pub(crate) base64: bool,
}

#[derive(Debug, Default)]
pub(crate) struct ResponseSettings {
    pub(crate) message: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// As written; `respond` says which numbers count.
    pub(crate) success_code: Option<i64>,
    pub(crate) mismatch_code: Option<i64>,
    pub(crate) output: OutputInResponse,
}

/// Whether the client waits for the command and reads its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OutputInResponse {
    #[default]
    No,
    OnSuccess,
    Always,
}

/// What the table knows of an id.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Ready(Arc<Hook>),
    /// The hook has a mistake that would leave it open or dead: it answers with an error and runs nothing.
    Refused {
        id: Arc<str>,
        reason: Arc<str>,
    },
}

impl Entry {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Ready(hook) => &hook.id,
            Self::Refused { id, .. } => id,
        }
    }
}

/// All hooks in force, by id. It is swapped whole; a request keeps the table it started with.
#[derive(Debug, Default)]
pub(crate) struct HookTable {
    entries: HashMap<String, Entry>,
}

impl HookTable {
    /// The ids are distinct: whoever builds the table has checked that.
    pub(crate) fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries
                .into_iter()
                .map(|entry| (entry.id().to_owned(), entry))
                .collect(),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The hooks that can run.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = &Hook> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Ready(hook) => Some(hook.as_ref()),
            Entry::Refused { .. } => None,
        })
    }
}
