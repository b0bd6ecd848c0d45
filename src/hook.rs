//! A hook as the program uses it: checked, compiled, ready. What the file said and why parts of it
//! were refused is the business of `hooks_file`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::admission::Concurrency;
use crate::circumstances::Circumstances;
use crate::pattern::{Pattern, Patterns};
use crate::payload::Wanted;
use crate::reference::{Reference, Subject};
use crate::retry::Retry;
use crate::rule::Rule;
use crate::sender::Verifier;

#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) id: String,
    /// The name of the case, when this is one of a hook's: then it has whatever that does not say otherwise.
    pub(crate) case: Option<String>,
    /// Of these the first whose rule is met runs; without any it is the hook itself.
    pub(crate) cases: Vec<Arc<Hook>>,
    /// When the id stands for many addresses.
    pub(crate) pattern: Option<Pattern>,
    pub(crate) command: Command,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) environment: Vec<Variable>,
    pub(crate) files: Vec<FileVariable>,
    /// What the command reads; `None`: nothing.
    pub(crate) stdin: Option<Reference>,
    pub(crate) circumstances: Arc<Circumstances>,
    /// `None`: the server's default applies.
    pub(crate) methods: Option<Vec<String>>,
    /// Used instead of the request's own `Content-Type`.
    pub(crate) content_type: Option<String>,
    pub(crate) parse_as_json: Vec<Reference>,
    /// Who must have sent a request, before anything of it is read.
    pub(crate) verify: Option<Verify>,
    pub(crate) deduplicate: Option<Deduplicate>,
    pub(crate) rule: Option<Rule>,
    /// Under `or`, a wrong signature is false instead of an error.
    pub(crate) soft_signature_failures: bool,
    pub(crate) response: ResponseSettings,
    /// `None`: as many runs at once as come.
    pub(crate) concurrency: Option<Arc<Concurrency>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) needs: Needs,
}

/// What of a request the hook's references ask for; the rest is not worth building.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The parts of a JSON payload.
    pub(crate) wanted: Wanted,
    /// Anything of the payload at all.
    pub(crate) payload: bool,
    /// What the sender calls the delivery.
    pub(crate) delivery: bool,
    /// Parts of a multipart body.
    pub(crate) uploads: Vec<String>,
}

impl Needs {
    pub(crate) fn of(hook: &Hook) -> Self {
        let references = hook.references();
        let subjects = || references.iter().map(|reference| &reference.subject);
        let mut wanted = Wanted::default();
        let mut uploads = Vec::new();
        for subject in subjects() {
            match subject {
                Subject::Payload(name) => wanted.add(name),
                Subject::Upload(name) => uploads.push(name.clone()),
                Subject::EntirePayload => wanted = Wanted::everything(),
                Subject::Template(template) => match template.payload_names() {
                    Some(names) => names.iter().for_each(|name| wanted.add(name)),
                    None => wanted = Wanted::everything(),
                },
                _ => {}
            }
        }
        Self {
            wanted,
            uploads,
            payload: subjects().any(Subject::is_of_payload),
            delivery: subjects().any(Subject::is_of_delivery),
        }
    }
}

impl Hook {
    /// As the log names it: `deploy`, `deploy (case staging)`.
    pub(crate) fn label(&self) -> String {
        match &self.case {
            Some(case) => format!("{} (case {case})", self.id),
            None => self.id.clone(),
        }
    }

    /// What can run: its cases, or itself.
    pub(crate) fn runnable(&self) -> impl Iterator<Item = &Hook> {
        let itself = self.cases.is_empty().then_some(self);
        itself.into_iter().chain(self.cases.iter().map(Arc::as_ref))
    }

    /// Whether requests may come that ask something of the receiver instead of delivering.
    pub(crate) fn has_handshake(&self) -> bool {
        self.verify.as_ref().is_some_and(|verify| verify.verifier.has_handshake())
    }

    /// Every reference of the hook.
    fn references(&self) -> Vec<&Reference> {
        let mut references: Vec<&Reference> = self.parse_as_json.iter().collect();
        references.extend(self.arguments.iter().map(|argument| &argument.value));
        references.extend(self.environment.iter().map(|variable| &variable.value));
        references.extend(self.files.iter().map(|file| &file.value));
        references.extend(&self.stdin);
        if let Some(templates) = &self.response.templates {
            references.extend(&templates.message);
            references.extend(templates.headers.iter().map(|(_, value)| value));
        }
        if let Some(Deduplicate { by: DuplicateKey::Value(reference), .. }) = &self.deduplicate {
            references.push(reference);
        }
        if let Some(rule) = &self.rule {
            rule.collect_parameters(&mut references);
        }
        references.extend(self.cases.iter().flat_map(|case| case.references()));
        references
    }
}

#[derive(Debug)]
pub(crate) struct Verify {
    pub(crate) verifier: Verifier,
    /// The name of the sender, or `custom`.
    pub(crate) sender: String,
    /// Where the secret goes that a sender brings in its handshake.
    pub(crate) set_up_file: Option<PathBuf>,
}

/// Runs a delivery once, however often it comes.
#[derive(Debug)]
pub(crate) struct Deduplicate {
    pub(crate) by: DuplicateKey,
    pub(crate) lifetime: Duration,
}

/// What tells one delivery from another.
#[derive(Debug)]
pub(crate) enum DuplicateKey {
    DeliveryId,
    Signature,
    Value(Reference),
}

#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// As written; it is also `argv[0]`.
    pub(crate) program: String,
    pub(crate) working_directory: Option<String>,
    pub(crate) output: CommandOutput,
}

/// What counts as a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CommandOutput {
    /// stdout and stderr, in the order of writing.
    #[default]
    Combined,
    /// stdout. What comes on stderr is for the log.
    Stdout,
}

/// An argument of the command, or several.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) value: Reference,
    /// Each element is an argument of its own.
    pub(crate) spread: bool,
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

#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseSettings {
    pub(crate) message: String,
    /// What is put together for each request, in place of `message` and before `headers`.
    pub(crate) templates: Option<Arc<ResponseTemplates>>,
    /// Instead of the fixed text, when the command failed or could not be started.
    pub(crate) error_message: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// As written; `respond` says which numbers count.
    pub(crate) success_code: Option<i64>,
    pub(crate) mismatch_code: Option<i64>,
    /// By exit code. As written, like the codes above.
    pub(crate) exit_codes: BTreeMap<u8, i64>,
    pub(crate) output: OutputInResponse,
    /// The answer comes after the run, also where it does not have the output.
    pub(crate) waits: bool,
}

/// References to templates, all of them.
#[derive(Debug)]
pub(crate) struct ResponseTemplates {
    pub(crate) message: Option<Reference>,
    pub(crate) headers: Vec<(HeaderName, Reference)>,
}

impl ResponseSettings {
    /// Whether the answer comes after the run.
    pub(crate) fn is_after_run(&self) -> bool {
        match self.output {
            OutputInResponse::No => self.waits,
            OutputInResponse::OnSuccess | OutputInResponse::Always => true,
            OutputInResponse::Streamed => false,
        }
    }

    /// Whether no client waits for the run or for what it writes.
    pub(crate) fn is_in_background(&self) -> bool {
        self.output == OutputInResponse::No && !self.waits
    }
}

/// Headers of responses with which a configured value would break the response.
pub(crate) fn is_framing(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | CONTENT_LENGTH | TRANSFER_ENCODING | TRAILER | UPGRADE)
}

/// Whether the client waits for the command and reads its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OutputInResponse {
    #[default]
    No,
    OnSuccess,
    Always,
    /// As it comes, after an answer that is sent when the command has started.
    Streamed,
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
    /// Equal for ids that stand for the same addresses.
    pub(crate) fn addresses(&self) -> Cow<'_, str> {
        match Pattern::of(self.id()) {
            Some(pattern) => Cow::Owned(pattern.shape()),
            None => Cow::Borrowed(self.id()),
        }
    }

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
    /// Of the ids that stand for many addresses.
    patterns: Patterns,
}

impl HookTable {
    /// The ids are distinct: whoever builds the table has checked that.
    pub(crate) fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: HashMap<String, Entry> =
            entries.into_iter().map(|entry| (entry.id().to_owned(), entry)).collect();
        let mut patterns = Patterns::default();
        for id in entries.keys() {
            if let Some(pattern) = Pattern::of(id) {
                patterns.add(id, &pattern);
            }
        }
        Self { entries, patterns }
    }

    /// The hook with this id, or else the one whose id stands for it.
    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id).or_else(|| self.entries.get(self.patterns.find(id)?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many hooks there are, for people: `3 hooks`, `5 hooks, 2 of them refused`.
    pub(crate) fn summary(&self) -> String {
        let (all, ready) = (self.entries.len(), self.hooks().count());
        let hooks = if all == 1 { "hook" } else { "hooks" };
        match all - ready {
            0 => format!("{all} {hooks}"),
            refused => format!("{all} {hooks}, {refused} of them refused"),
        }
    }

    /// The hooks that can run, in no order.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = &Hook> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Ready(hook) => Some(hook.as_ref()),
            Entry::Refused { .. } => None,
        })
    }
}
