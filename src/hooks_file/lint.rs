//! What `check` says about a hook that loads and is still likely to be a mistake. Nothing here asks the
//! machine anything: that is `inspect`'s part.

mod guard;
mod rule;

use super::problem::Kind;
use super::record::{Reader, Record};
use crate::hook::{Hook, OutputInResponse};
use guard::Guard;

/// `is_sent`: whether a configured status is.
pub(super) fn hook(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, is_sent: fn(i64) -> bool) {
    guards(reader, record, hook);
    responses(reader, record, hook, is_sent);
    if let Some(written) = &hook.rule {
        reader.at(record, "trigger-rule", |reader, node| rule::lint(reader, node, written, hook));
    }
}

/// A variable's name, at the reference that makes it.
pub(super) fn variable_name(reader: &mut Reader<'_>, name: &str) {
    let is_first = |character: char| character.is_ascii_alphabetic() || character == '_';
    let is_rest = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.starts_with(is_first) && name.chars().all(is_rest) {
        return;
    }
    let plain: String =
        name.chars().map(|character| if is_rest(character) { character } else { '_' }).collect();
    let message = format!("the variable is called `{name}`, which a shell cannot read");
    reader.report(Kind::ShellName, message, format!("write `envname: {plain}`"));
}

fn guards(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook) {
    // A guard that is written and wrong is reported as that.
    let has_broken_guard = (hook.verify.is_none() && record.has("verify"))
        || (hook.rule.is_none() && record.has("trigger-rule"));
    if has_broken_guard {
        return;
    }
    match guard::of(hook) {
        Guard::Open if record.has("trigger-rule") => {
            let message =
                "the rule looks only at what anybody can send: whoever finds the address can run the hook";
            let help = "add `verify:` with the sender's name and secret, or `verify: {sender: none}` if that is meant";
            reader.at(record, "trigger-rule", |reader, _| reader.report_key(Kind::NoGuard, message, help));
        }
        Guard::Open => {
            let message = "neither `verify` nor a rule: whoever finds the address can run the hook";
            let help = "add `verify:` with the sender's name and secret, or `verify: {sender: none}` if that is meant";
            reader.report(Kind::NoGuard, message, help);
        }
        Guard::Address => {
            let message = "only the client's address guards the hook: behind a proxy it is the proxy's, for every client";
            let help = "add `verify:` or a rule with a secret, if there is a proxy before the server";
            reader
                .at(record, "trigger-rule", |reader, _| reader.report_key(Kind::AddressGuard, message, help));
        }
        Guard::Secret | Guard::OpenOnPurpose => {}
    }
    if guard::opens_by_link(hook) {
        let message = "the address alone runs the hook with GET: so do link previews, crawlers and a browser's prefetch";
        let help = "write `http-methods: [POST]`";
        let at = |reader: &mut Reader<'_>| reader.report(Kind::GetAllowed, message, help);
        if reader.at(record, "http-methods", |reader, _| at(reader)).is_none() {
            at(reader);
        }
    }
}

fn responses(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, is_sent: fn(i64) -> bool) {
    const ON_ERROR: &str = "include-command-output-in-response-on-error";
    const MISMATCH: &str = "trigger-rule-mismatch-http-response-code";
    const SUCCESS: &str = "success-http-response-code";
    if hook.response.output == OutputInResponse::No && reader.flag(record, ON_ERROR) {
        let message = "without `include-command-output-in-response` this has no effect";
        let help = "add `include-command-output-in-response: true`, or remove this";
        reader.at(record, ON_ERROR, |reader, _| reader.report_key(Kind::ErrorOutputAlone, message, help));
    }
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
