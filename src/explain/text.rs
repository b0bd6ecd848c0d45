//! An explanation for people.

use std::fmt::Write;

use super::quote::{quoted, shell_quoted};
use super::report::{
    Answer, CaseReport, CircumstancesReport, InvocationReport, LimitsReport, Node, NodeResult, PayloadReport,
    Report, UserReport, Verdict, VerifyReport, VerifyResult, When,
};
use crate::capture::rfc3339_ms;
use crate::circumstances::CLEAN_VARIABLES;
use crate::conceal::MASK;
use crate::hook::CommandOutput;
use crate::request::Request;
use crate::secrecy::is_secret_name;

/// Names of a payload's fields that are listed.
const FIELDS_SHOWN_MAX: usize = 20;

const YES: char = '✓';
const NO: char = '✗';
const NOT_REACHED: char = '–';
const ERROR: char = '!';

impl Report {
    /// For people. The request gives the first lines.
    pub(crate) fn text(&self, request: &Request, at_unix_ms: i64) -> String {
        let mut out = Text::default();
        out.request(self, request, at_unix_ms);
        out.head("Hook");
        let Some(hook) = &self.hook else {
            out.line(NO, &self.reason);
            out.answer(self);
            return out.0;
        };
        let is_refused = self.verdict == Verdict::Error && self.is_brief();
        if is_refused {
            out.line(ERROR, &format!("{}: {}", quoted(hook), self.reason));
            out.answer(self);
            return out.0;
        }
        out.line(YES, hook);
        out.head("Method");
        if self.verdict == Verdict::MethodNotAllowed {
            out.line(NO, &format!("{}: {}", request.method, self.reason));
        } else {
            out.line(YES, request.method.as_str());
        }
        let is_reached = self.verdict != Verdict::MethodNotAllowed;
        out.verify(self.verify.as_ref(), is_reached, self);
        out.payload(self.payload.as_ref());
        match self.cases.as_slice() {
            [] => out.rule(self.rule.as_ref(), self.payload.is_some()),
            cases => out.cases(cases),
        }
        out.invocation(self);
        out.answer(self);
        out.0
    }

    /// Whether it ended before the hook's own keys counted.
    fn is_brief(&self) -> bool {
        self.payload.is_none() && self.verify.is_none() && self.invocation.is_none()
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(title);
        self.0.push('\n');
    }

    fn line(&mut self, mark: char, text: &str) {
        self.indented(1, mark, text);
    }

    fn indented(&mut self, level: usize, mark: char, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:indent$}{mark} {text}", "", indent = level * 2);
    }

    fn entry(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "    {name:<9}{text}");
    }

    fn request(&mut self, report: &Report, request: &Request, at_unix_ms: i64) {
        let Request { peer, method, path, query, body, .. } = request;
        let query = query.as_deref().map(masked_query).unwrap_or_default();
        let query = report.concealer.conceal(query.as_bytes());
        let query = String::from_utf8_lossy(&query);
        self.head("Request");
        let _ = writeln!(self.0, "    {method} {path}{query}");
        let _ =
            writeln!(self.0, "    from {peer} at {}, {} bytes of body", rfc3339_ms(at_unix_ms), body.len());
    }

    fn verify(&mut self, verify: Option<&VerifyReport>, is_reached: bool, report: &Report) {
        self.head("Verify");
        let Some(verify) = verify else {
            let text = if is_reached { "the hook does not ask who sent it" } else { "not reached" };
            return self.line(NOT_REACHED, text);
        };
        let VerifyReport { sender, result, reason, age_seconds, secret, delivery_id, event } = verify;
        let reason = reason.as_deref().unwrap_or_default();
        match result {
            VerifyResult::Refused => self.line(NO, &format!("{sender}: {reason}")),
            VerifyResult::NotReached => self.line(NOT_REACHED, &format!("{sender}: not reached")),
            VerifyResult::Handshake => {
                let mark = if report.is_good() { YES } else { NO };
                self.line(mark, &format!("{sender}: {}", report.reason));
            }
            VerifyResult::Verified => {
                let by = match secret {
                    Some(number) => format!("verified with secret {number}"),
                    None => reason.to_owned(),
                };
                self.line(YES, &format!("{sender}: {by}"));
            }
        }
        if let Some(age) = age_seconds {
            let age = if *age < 0.0 { format!("{} s in the future", -age) } else { format!("{age} s old") };
            self.entry("timestamp", &format!(" {age}"));
        }
        for (name, label) in [("delivery", delivery_id), ("event", event)] {
            if let Some(label) = label {
                self.entry(name, &format!(" {}", quoted(label)));
            }
        }
    }

    fn payload(&mut self, payload: Option<&PayloadReport>) {
        self.head("Payload");
        let Some(payload) = payload else { return self.line(NOT_REACHED, "not reached") };
        let PayloadReport { content_type, kind, fields, problem, help, not_parsed, is_wanted } = payload;
        let kind = match kind {
            Some(kind) => format!("{kind} ({})", quoted(content_type)),
            None => format!("content type {}", quoted(content_type)),
        };
        match (problem, fields) {
            (Some(problem), _) if *is_wanted => self.line(ERROR, problem),
            (Some(problem), _) => {
                self.line(NOT_REACHED, &format!("none, and the hook does not look into it: {problem}"));
            }
            (None, None) => self.line(NO, &format!("{kind}: no payload")),
            (None, Some(fields)) => {
                let shown: Vec<String> =
                    fields.iter().take(FIELDS_SHOWN_MAX).map(|name| quoted(name)).collect();
                let more = match fields.len().saturating_sub(FIELDS_SHOWN_MAX) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let shown = if shown.is_empty() { "no fields".to_owned() } else { shown.join(", ") };
                self.line(YES, &format!("{kind}: {shown}{more}"));
            }
        }
        if let Some(help) = help {
            self.entry("help", &format!(" {help}"));
        }
        for reason in not_parsed {
            self.line(ERROR, &format!("parse-parameters-as-json: {reason}"));
        }
    }

    fn rule(&mut self, rule: Option<&Node>, is_reached: bool) {
        self.head("Rule");
        match rule {
            Some(rule) => self.node(rule, 1),
            None if is_reached => self.line(NOT_REACHED, "the hook has no rule"),
            None => self.line(NOT_REACHED, "not reached"),
        }
    }

    fn cases(&mut self, cases: &[CaseReport]) {
        self.head("Cases");
        for CaseReport { name, result, rule } in cases {
            let note = if rule.is_none() { ": it has no rule" } else { "" };
            self.line(mark(*result), &format!("{}{note}", quoted(name)));
            if let Some(rule) = rule.as_ref().filter(|_| *result != NodeResult::NotReached) {
                self.node(rule, 2);
            }
        }
    }

    fn node(&mut self, node: &Node, level: usize) {
        match node {
            Node::Operator { operator, result, reason, rules } => {
                let note = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                self.indented(level, mark(*result), &format!("{operator}{note}"));
                for rule in rules {
                    self.node(rule, level + 1);
                }
            }
            Node::Match { r#match, parameter, found, wanted, result, reason } => {
                let mut text = (*r#match).to_owned();
                let subject = parameter.as_deref().unwrap_or("peer");
                let _ = write!(text, " {subject}");
                if let Some(found) = found {
                    let _ = write!(text, " is {}", masked_or_quoted(found));
                }
                if let Some(wanted) = wanted {
                    let comma = if found.is_some() { "," } else { "" };
                    let _ = write!(text, "{comma} wanted {}", masked_or_quoted(wanted));
                }
                if let Some(reason) = reason {
                    let _ = write!(text, ": {reason}");
                }
                self.indented(level, mark(*result), &text);
            }
        }
    }

    fn invocation(&mut self, report: &Report) {
        self.head("Command");
        let Some(invocation) = &report.invocation else {
            return match report.verdict {
                Verdict::Error => self.line(ERROR, &report.reason),
                _ => self.line(NOT_REACHED, "not reached"),
            };
        };
        let InvocationReport {
            program,
            argv,
            env,
            cwd,
            files,
            stdin: _,
            stdin_bytes,
            output,
            circumstances,
            concurrency,
            retry,
            problem,
            notes,
        } = invocation;
        let argv: Vec<String> = argv.iter().map(|argument| shell_quoted(&argument.0)).collect();
        match problem {
            Some(problem) => self.line(ERROR, problem),
            None => self.line(YES, &shell_quoted(program.as_bytes())),
        }
        self.entry("argv", &argv.join(" "));
        for (name, value) in env {
            self.entry("env", &format!("{}={}", shell_quoted(name.as_bytes()), shell_quoted(&value.0)));
        }
        for file in files {
            let variable = shell_quoted(file.variable.as_bytes());
            self.entry("file", &format!("{variable} names a file of {} bytes", file.bytes));
        }
        self.entry("cwd", &shell_quoted(cwd.as_bytes()));
        match stdin_bytes {
            0 => self.entry("stdin", "empty"),
            bytes => self.entry("stdin", &format!("{bytes} bytes")),
        }
        if *output == CommandOutput::Stdout {
            self.entry("stderr", "goes to the log, at -debug");
        }
        self.circumstances(circumstances);
        if let Some(concurrency) = concurrency {
            self.entry("limit", &concurrency.text());
        }
        if let Some(retry) = retry {
            self.entry("retry", &retry.text());
        }
        for note in notes {
            self.entry("note", note);
        }
    }

    /// Only what the hook asks for.
    fn circumstances(&mut self, circumstances: &CircumstancesReport) {
        let CircumstancesReport { timeout_seconds, kill_grace_seconds, environment, user, limits } =
            circumstances;
        if environment.mode != "inherit" {
            let kept: String = environment.keep.iter().map(|name| format!(", and {name}")).collect();
            self.entry("inherits", &format!("{}{kept}", CLEAN_VARIABLES.join(" ")));
        }
        if let Some(UserReport { name, uid, gid }) = user {
            self.entry("user", &format!("{name} ({uid}), group {gid}"));
        }
        let LimitsReport { memory_bytes, cpu_seconds, open_files, file_size_bytes, processes } = limits;
        for (limit, unit) in [
            (memory_bytes, "bytes of memory"),
            (cpu_seconds, "s of CPU time"),
            (open_files, "open files"),
            (file_size_bytes, "bytes of a file"),
            (processes, "processes"),
        ] {
            if let Some(limit) = limit {
                self.entry("limit", &format!("{limit} {unit}"));
            }
        }
        if let Some(timeout) = timeout_seconds {
            self.entry(
                "timeout",
                &format!("{timeout} s, and {kill_grace_seconds} s between SIGTERM and SIGKILL"),
            );
        }
    }

    fn answer(&mut self, report: &Report) {
        let Answer { status, headers, body, when, on_exit, on_error } = &report.answer;
        self.head("Answer");
        let mark = if report.is_good() { YES } else { NO };
        let body = match body {
            Some(body) if body.is_empty() => "no body".to_owned(),
            Some(body) => masked_or_quoted(body),
            None => "and what the command prints".to_owned(),
        };
        let words = on_error.as_ref().map(|words| format!(" {}", masked_or_quoted(words)));
        let failing = match (when, words.as_deref().unwrap_or_default()) {
            (None, "") => String::new(),
            (None, words) => format!("; 500{words} if the command cannot start"),
            (Some(When::Streamed), words) => format!(" as it comes; 500{words} if it cannot start"),
            (Some(When::AfterRun), words) => {
                let codes =
                    on_exit.iter().map(|(exit_code, status)| format!(", {status} for exit code {exit_code}"));
                format!("; 500{words} if it fails{}", codes.collect::<String>())
            }
        };
        self.line(mark, &format!("{status} {body}{failing}"));
        for (name, value) in headers {
            // A header's value has no control characters but tabs.
            let _ = writeln!(self.0, "    {name}: {value}");
        }
    }
}

fn mark(result: NodeResult) -> char {
    match result {
        NodeResult::Holds => YES,
        NodeResult::Fails => NO,
        NodeResult::Error => ERROR,
        NodeResult::NotReached => NOT_REACHED,
    }
}

/// With the `?`; values of parameters that are named like secrets are masked.
fn masked_query(query: &str) -> String {
    let masked = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    };
    format!("?{}", query.split('&').map(masked).collect::<Vec<_>>().join("&"))
}

fn masked_or_quoted(text: &str) -> String {
    if text == MASK { text.to_owned() } else { quoted(text) }
}
