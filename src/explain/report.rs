//! What an explanation says. The JSON form is this, field by field, and documented in `docs/explain.md`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::admission::{ConcurrencyReport, RetryReport};
use crate::circumstances::{Account, Circumstances, Inherited, Limits};
use crate::conceal::Concealer;
use crate::hook::CommandOutput;
use crate::invocation::InvocationFile;

#[derive(Debug, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) hook: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) verify: Option<VerifyReport>,
    pub(super) payload: Option<PayloadReport>,
    /// Of a hook with cases, that of the one that would run.
    pub(super) rule: Option<Node>,
    /// The name of the case that would run.
    pub(super) case: Option<String>,
    pub(super) cases: Vec<CaseReport>,
    pub(super) invocation: Option<InvocationReport>,
    pub(super) answer: Answer,
    /// What it was made to hide, for what else of the request is shown.
    #[serde(skip)]
    pub(super) concealer: Concealer,
}

impl Report {
    /// One that ends before the hook's own keys count.
    pub(super) fn brief(hook: Option<&str>, verdict: Verdict, reason: String, answer: Answer) -> Self {
        Self {
            hook: hook.map(str::to_owned),
            verdict,
            status: answer.status,
            reason,
            verify: None,
            payload: None,
            rule: None,
            case: None,
            cases: Vec::new(),
            invocation: None,
            answer,
            concealer: Concealer::default(),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    pub(crate) fn is_run(&self) -> bool {
        self.verdict == Verdict::Run
    }

    /// Whether the sender gets what it wants.
    pub(super) fn is_good(&self) -> bool {
        match self.verdict {
            Verdict::Run => true,
            Verdict::Handshake => self.status < 400,
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Run,
    NotMet,
    NotVerified,
    Handshake,
    Error,
    MethodNotAllowed,
    NotFound,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct VerifyReport {
    pub(super) sender: String,
    pub(super) result: VerifyResult,
    pub(super) reason: Option<String>,
    /// Negative for a timestamp in the future.
    pub(super) age_seconds: Option<f64>,
    /// Which of the hook's secrets fits, from 1.
    pub(super) secret: Option<usize>,
    pub(super) delivery_id: Option<String>,
    pub(super) event: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum VerifyResult {
    Verified,
    Refused,
    Handshake,
    NotReached,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct PayloadReport {
    /// The one that counts: the hook's, or else the request's.
    pub(super) content_type: String,
    pub(super) kind: Option<&'static str>,
    /// The names at the top.
    pub(super) fields: Option<Vec<String>>,
    pub(super) problem: Option<String>,
    pub(super) help: Option<String>,
    /// What `parse-parameters-as-json` could not do.
    pub(super) not_parsed: Vec<String>,
    /// Whether the hook looks into the payload at all.
    #[serde(skip)]
    pub(super) is_wanted: bool,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct CaseReport {
    pub(super) name: String,
    pub(super) result: NodeResult,
    /// `None`: the case has none.
    pub(super) rule: Option<Node>,
}

/// One part of a rule.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Node {
    Operator {
        operator: &'static str,
        result: NodeResult,
        reason: Option<String>,
        rules: Vec<Node>,
    },
    Match {
        r#match: &'static str,
        parameter: Option<String>,
        found: Option<String>,
        /// `None`: nothing is compared.
        wanted: Option<String>,
        result: NodeResult,
        reason: Option<String>,
    },
}

impl Node {
    pub(super) fn result(&self) -> NodeResult {
        match self {
            Self::Operator { result, .. } | Self::Match { result, .. } => *result,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NodeResult {
    Holds,
    Fails,
    Error,
    NotReached,
}

#[derive(Debug)]
pub(super) struct InvocationReport {
    pub(super) program: String,
    pub(super) argv: Vec<Argument>,
    pub(super) env: BTreeMap<String, Argument>,
    pub(super) cwd: String,
    pub(super) files: Vec<FileReport>,
    /// `None`: the hook passes nothing.
    pub(super) stdin: Option<Argument>,
    /// As the command gets it.
    pub(super) stdin_bytes: usize,
    pub(super) output: CommandOutput,
    pub(super) circumstances: CircumstancesReport,
    pub(super) concurrency: Option<ConcurrencyReport>,
    pub(super) retry: Option<RetryReport>,
    /// Why the command could not be started.
    pub(super) problem: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Bytes that a command gets; mostly text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument(pub(super) Vec<u8>);

/// What the command runs under.
#[derive(Debug, serde::Serialize)]
pub(super) struct CircumstancesReport {
    pub(super) timeout_seconds: Option<f64>,
    pub(super) kill_grace_seconds: f64,
    pub(super) environment: EnvironmentReport,
    pub(super) user: Option<UserReport>,
    pub(super) limits: LimitsReport,
}

/// What the command has of the server's environment.
#[derive(Debug, serde::Serialize)]
pub(super) struct EnvironmentReport {
    pub(super) mode: &'static str,
    pub(super) keep: Vec<String>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct UserReport {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct LimitsReport {
    pub(super) memory_bytes: Option<u64>,
    pub(super) cpu_seconds: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) file_size_bytes: Option<u64>,
    pub(super) processes: Option<u64>,
}

#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) variable: String,
    /// Of the content as the command gets it.
    pub(super) bytes: usize,
    pub(super) content: Argument,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct Answer {
    #[serde(skip)]
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    /// `None`: what the command prints.
    pub(super) body: Option<String>,
    /// `None`: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) when: Option<When>,
    /// Statuses that the hook has for exit codes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) on_exit: BTreeMap<u8, i64>,
    /// The hook's own words for a command that failed or could not start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum When {
    AfterRun,
    Streamed,
}

impl From<&Circumstances> for CircumstancesReport {
    fn from(circumstances: &Circumstances) -> Self {
        let Circumstances { timeout, kill_grace, inherited, account, limits } = circumstances;
        let Limits { memory_bytes, cpu_seconds, open_files, file_size_bytes, processes } = *limits;
        let (mode, keep) = match inherited {
            Inherited::All => ("inherit", Vec::new()),
            Inherited::Clean { keep } => ("clean", keep.clone()),
        };
        let user = |account: &Account| UserReport {
            name: account.name.clone(),
            uid: account.user,
            gid: account.group,
        };
        Self {
            timeout_seconds: timeout.map(|timeout| timeout.as_secs_f64()),
            kill_grace_seconds: kill_grace.as_secs_f64(),
            environment: EnvironmentReport { mode, keep },
            user: account.as_ref().map(user),
            limits: LimitsReport { memory_bytes, cpu_seconds, open_files, file_size_bytes, processes },
        }
    }
}

impl From<InvocationFile> for FileReport {
    fn from(file: InvocationFile) -> Self {
        let InvocationFile { variable, content } = file;
        Self { variable, bytes: content.len(), content: Argument(content) }
    }
}

impl From<Vec<u8>> for Argument {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<OsString> for Argument {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

impl Argument {
    fn is_text(&self) -> bool {
        str::from_utf8(&self.0).is_ok()
    }

    fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

/// What is no UTF-8 has U+FFFD for the bytes that are not.
impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Beside texts that are no UTF-8 their bytes stand as base64: all of `argv`, because there places count;
/// of `env` those variables that need it.
impl Serialize for InvocationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            program,
            argv,
            env,
            cwd,
            files,
            stdin,
            stdin_bytes: _,
            output,
            circumstances,
            concurrency,
            retry,
            problem,
            notes,
        } = self;
        let mut fields = serializer.serialize_struct("InvocationReport", 15)?;
        fields.serialize_field("program", program)?;
        fields.serialize_field("argv", argv)?;
        if !argv.iter().all(Argument::is_text) {
            let encoded: Vec<String> = argv.iter().map(Argument::base64).collect();
            fields.serialize_field("argv_base64", &encoded)?;
        }
        fields.serialize_field("env", env)?;
        let encoded: BTreeMap<&str, String> = env
            .iter()
            .filter(|(_, value)| !value.is_text())
            .map(|(name, value)| (name.as_str(), value.base64()))
            .collect();
        if !encoded.is_empty() {
            fields.serialize_field("env_base64", &encoded)?;
        }
        fields.serialize_field("cwd", cwd)?;
        fields.serialize_field("files", files)?;
        match stdin {
            Some(stdin) => fields.serialize_field("stdin", stdin)?,
            None => fields.serialize_field("stdin", "")?,
        }
        if let Some(stdin) = stdin.as_ref().filter(|stdin| !stdin.is_text()) {
            fields.serialize_field("stdin_base64", &stdin.base64())?;
        }
        let output = match output {
            CommandOutput::Combined => "combined",
            CommandOutput::Stdout => "stdout",
        };
        fields.serialize_field("output", output)?;
        fields.serialize_field("circumstances", circumstances)?;
        fields.serialize_field("concurrency", concurrency)?;
        fields.serialize_field("retry", retry)?;
        fields.serialize_field("problem", problem)?;
        fields.serialize_field("notes", notes)?;
        fields.end()
    }
}

impl Serialize for FileReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { variable, bytes, content } = self;
        let mut fields = serializer.serialize_struct("FileReport", 4)?;
        fields.serialize_field("variable", variable)?;
        fields.serialize_field("bytes", bytes)?;
        fields.serialize_field("content", content)?;
        if !content.is_text() {
            fields.serialize_field("content_base64", &content.base64())?;
        }
        fields.end()
    }
}
