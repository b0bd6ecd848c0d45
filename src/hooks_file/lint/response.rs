//! Answers that are written and never given.

use super::super::node::Node;
use super::super::problem::Kind;
use super::super::record::{Reader, Record};
use crate::hook::{Hook, OutputInResponse};

const OUTPUT: &str = "include-command-output-in-response";
const ON_ERROR: &str = "include-command-output-in-response-on-error";
const WAIT: &str = "wait-for-command";
const ON_EXIT: &str = "response-on-exit";
const MISMATCH: &str = "trigger-rule-mismatch-http-response-code";
const SUCCESS: &str = "success-http-response-code";

pub(super) fn lint(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, is_sent: fn(i64) -> bool) {
    statuses(reader, record, hook, is_sent);
    exit_codes(reader, record, hook, is_sent);
    match hook.response.output {
        OutputInResponse::Streamed => {
            for key in [ON_ERROR, WAIT, ON_EXIT].into_iter().filter(|key| record.has(key)) {
                unused(
                    reader,
                    record,
                    key,
                    "the output is streamed, and the answer begins before the command ends",
                );
            }
            return;
        }
        OutputInResponse::No => {
            if reader.flag(record, ON_ERROR) {
                let message = "without `include-command-output-in-response` this has no effect";
                let help = "add `include-command-output-in-response: true`, or remove this";
                reader.at(record, ON_ERROR, |reader, _| {
                    reader.report_key(Kind::ErrorOutputAlone, message, help)
                });
            }
        }
        OutputInResponse::OnSuccess | OutputInResponse::Always => {
            if hook.response.waits {
                unused(reader, record, WAIT, "the output is the answer, which waits for the command anyway");
            }
        }
    }
    if !hook.response.is_after_run() && record.has(ON_EXIT) {
        let message = "the answer is sent before the command has ended: its exit code is not known then";
        let help = format!("add `{WAIT}: true` or `{OUTPUT}: true`, or remove this");
        reader.at(record, ON_EXIT, |reader, _| reader.report_key(Kind::UnusedAnswer, message, help));
    }
}

fn unused(reader: &mut Reader<'_>, record: Record<'_>, key: &str, because: &str) {
    let message = format!("this has no effect: {because}");
    reader.at(record, key, |reader, _| reader.report_key(Kind::UnusedAnswer, message, "remove it"));
}

fn statuses(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, is_sent: fn(i64) -> bool) {
    for (key, code) in [(SUCCESS, hook.response.success_code), (MISMATCH, hook.response.mismatch_code)] {
        let Some(code) = code.filter(|code| !is_sent(*code)) else { continue };
        let message = format!("{code} is no status that can be sent: the answer is 200 instead");
        let help = "write a registered one, from 200 to 511";
        reader.at(record, key, |reader, _| reader.report(Kind::UnusedStatus, message, help));
    }
    if hook.response.mismatch_code.is_some() && !record.has("trigger-rule") {
        let message = "this status is never sent: there is no `trigger-rule`";
        let help = "remove it, or add the rule; what `verify` refuses is answered 401";
        reader.at(record, MISMATCH, |reader, _| reader.report_key(Kind::UnusedStatus, message, help));
    }
}

/// What is no status at all is reported at load.
fn exit_codes(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, is_sent: fn(i64) -> bool) {
    reader.at(record, ON_EXIT, |reader, node| {
        let Node::Mapping(entries) = node else { return };
        for (index, (name, _)) in entries.iter().enumerate() {
            let status = name.parse().ok().and_then(|code: u8| hook.response.exit_codes.get(&code));
            let Some(status) = status.filter(|status| !is_sent(**status)) else { continue };
            let message = format!(
                "{status} is no status that can be sent: the exit code counts as if it were not here"
            );
            let help = "write a registered one, from 200 to 511";
            reader.entry(index, name, |reader| reader.report(Kind::UnusedStatus, message, help));
        }
    });
}
