//! How a hook answers, as written, checked.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::check_reference::template;
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::hook::{self, CommandOutput, OutputInResponse, ResponseSettings, ResponseTemplates};
use crate::nearest::nearest;
use crate::reference::{IfMissing, Reference, Subject};

/// Statuses that end an exchange.
const STATUSES: RangeInclusive<i64> = 200..=599;

pub(super) fn response_settings(reader: &mut Reader<'_>, record: Record<'_>) -> ResponseSettings {
    let on_success = reader.flag(record, "include-command-output-in-response");
    let on_error = reader.flag(record, "include-command-output-in-response-on-error");
    let streamed = reader.flag(record, "stream-command-output");
    let is_template = reader.flag(record, "response-template");
    let (message, headers, templates) = if is_template {
        (String::new(), Vec::new(), Some(Arc::new(response_templates(reader, record))))
    } else {
        let message = reader.text(record, "response-message").unwrap_or_default();
        (message, reader.list(record, "response-headers", response_header), None)
    };
    ResponseSettings {
        message,
        templates,
        error_message: reader.text(record, "response-message-on-error"),
        headers,
        success_code: reader.integer(record, "success-http-response-code"),
        // Zero is how the reference writes "not set".
        mismatch_code: reader
            .integer(record, "trigger-rule-mismatch-http-response-code")
            .filter(|code| *code != 0)
            .or(reader.reading.mismatch_code),
        exit_codes: reader.at(record, "response-on-exit", exit_codes).unwrap_or_default(),
        waits: reader.flag(record, "wait-for-command"),
        output: match (streamed, on_success, on_error) {
            // A file for both programs has the others beside it.
            (true, ..) => OutputInResponse::Streamed,
            (false, true, true) => OutputInResponse::Always,
            (false, true, false) => OutputInResponse::OnSuccess,
            (false, false, _) => OutputInResponse::No,
        },
    }
}

/// A word that is not known refuses the hook: stderr may be what the client is not to read.
pub(super) fn command_output(reader: &mut Reader<'_>, record: Record<'_>) -> CommandOutput {
    match reader.text(record, "command-output").as_deref() {
        None | Some("combined") => CommandOutput::Combined,
        Some("stdout") => CommandOutput::Stdout,
        Some(word) => {
            let help = match nearest(word, &keys::COMMAND_OUTPUTS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", keys::COMMAND_OUTPUTS.join(", ")),
            };
            let message = format!("unknown output `{word}`");
            reader.report_at_entry((record, "command-output"), Kind::UnknownOutput, message, help);
            CommandOutput::Stdout
        }
    }
}

fn response_templates(reader: &mut Reader<'_>, record: Record<'_>) -> ResponseTemplates {
    let template = |reader: &mut Reader<'_>, record: Record<'_>, key: &str| {
        let template = template(reader, record, key)?;
        Some(Reference { subject: Subject::Template(Arc::new(template)), if_missing: IfMissing::None })
    };
    let has_message = record.get("response-message").is_some();
    let message = if has_message { template(reader, record, "response-message") } else { None };
    let headers = reader.list(record, "response-headers", |reader, node| {
        let record = reader.record(node, "a header", keys::HEADER)?;
        let name = header_name(reader, record)?;
        Some((name, template(reader, record, "value")?))
    });
    // Of a hook with cases it may be they that say it.
    let is_for_cases = record.has("cases") && !reader.is_in_case;
    if !has_message && headers.is_empty() && !is_for_cases {
        let message = "there is neither a `response-message` nor a header that could be a template";
        let help = "write one, or remove `response-template`";
        reader.report_at_entry((record, "response-template"), Kind::BadTemplate, message, help);
    }
    ResponseTemplates { message, headers }
}

fn response_header(reader: &mut Reader<'_>, node: &Node) -> Option<(HeaderName, HeaderValue)> {
    let record = reader.record(node, "a header", keys::HEADER)?;
    let name = header_name(reader, record)?;
    // A block of YAML ends with a line break.
    let value = reader.text(record, "value").unwrap_or_default().replace(['\r', '\n'], " ");
    match HeaderValue::from_str(value.trim_matches([' ', '\t'])) {
        Ok(value) => Some((name, value)),
        Err(_) => {
            let message = format!("the value of header `{name}` cannot be sent");
            reader.report(Kind::BadHeader, message, "write one line without control characters");
            None
        }
    }
}

/// The name of a header that can be sent.
fn header_name(reader: &mut Reader<'_>, record: Record<'_>) -> Option<HeaderName> {
    let name = reader.text(record, "name").unwrap_or_default();
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) if hook::is_framing(&name) => {
            let message =
                format!("`{name}` belongs to the connection and is set by the server: it is not sent");
            reader.report(Kind::BadHeader, message, "remove it");
            None
        }
        Ok(name) => Some(name),
        Err(_) => {
            let message = format!("`{name}` cannot be the name of a header: it is not sent");
            reader.report(Kind::BadHeader, message, "write letters, digits and `-`");
            None
        }
    }
}

fn exit_codes(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<u8, i64> {
    let Node::Mapping(entries) = node else {
        reader.wrong_type::<()>(node, "statuses by exit code, with keys like `75: 503`");
        return BTreeMap::new();
    };
    let mut codes = BTreeMap::new();
    for (index, (name, node)) in entries.iter().enumerate() {
        // What YAML's merge key left behind.
        if name == "<<" {
            continue;
        }
        let Some((exit_code, status)) =
            reader.entry(index, name, |reader| Some((exit_code(reader, name)?, status(reader, node)?)))
        else {
            continue;
        };
        if codes.insert(exit_code, status).is_some() {
            let message = format!("the exit code {exit_code} is written twice");
            reader.entry(index, name, |reader| {
                reader.report_key(Kind::RepeatedKey, message, "keep one of the two");
            });
        }
    }
    codes
}

fn exit_code(reader: &mut Reader<'_>, written: &str) -> Option<u8> {
    let exit_code = written.parse().ok();
    if exit_code.is_none() {
        let message = format!("`{written}` is no exit code: this entry is left out");
        reader.report_key(Kind::BadExitCode, message, "write a number from 0 to 255");
    }
    exit_code
}

fn status(reader: &mut Reader<'_>, node: &Node) -> Option<i64> {
    let status = match node {
        Node::Number { text, .. } => text.parse().ok().filter(|status| STATUSES.contains(status)),
        _ => None,
    };
    if status.is_none() {
        let message = "this is no status of an answer: the entry is left out";
        reader.report(Kind::BadExitCode, message, "write a registered one, from 200 to 511");
    }
    status
}
