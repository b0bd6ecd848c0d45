//! What `check` says about a hook that loads and is still likely to be a mistake. Nothing here asks the
//! machine anything: that is `inspect`'s part.

mod circumstances;
mod comparison;
mod guard;
mod opposites;
mod response;
mod retry;
mod rule;

use super::problem::Kind;
use super::record::{Reader, Record};
use crate::hook::Hook;
use crate::reference::{Reference, Subject};
use guard::Guard;

pub(super) use circumstances::kept_variable;

/// `is_sent`: whether a configured status is.
/// `is_refused`: who can run the hook is not known before it is mended.
#[inline(never)]
pub(super) fn hook(
    reader: &mut Reader<'_>,
    record: Record<'_>,
    hook: &Hook,
    is_refused: bool,
    is_sent: fn(i64) -> bool,
) {
    if !is_refused {
        guards(reader, record, hook);
    }
    response::lint(reader, record, hook, is_sent);
    circumstances::lint(reader, record);
    retry::lint(reader, record, hook);
    if let Some(written) = &hook.rule {
        reader.at(record, "trigger-rule", |reader, node| rule::lint(reader, node, written, hook));
    }
}

/// A reference to something that has a name, without one.
pub(super) fn reference(reader: &mut Reader<'_>, reference: &Reference) {
    let (Subject::Header(name) | Subject::Query(name) | Subject::Payload(name) | Subject::Upload(name)) =
        &reference.subject
    else {
        return;
    };
    if name.is_empty() {
        let help = "write `name:` with the header, the query parameter or the place in the payload";
        reader.report(Kind::NoName, "the reference has no `name`, so it never has a value", help);
    }
}

/// The rule of `case`, which stands in the place of its hook's, `own` being all that the case itself says.
pub(super) fn rule_of_case(reader: &mut Reader<'_>, own: Record<'_>, hook: &Hook, case: &Hook) {
    let asks_for_secret = |hook: &Hook| {
        let rule = hook.rule.as_ref();
        rule.is_some_and(|rule| guard::of_rule(rule, hook.soft_signature_failures) == Guard::Secret)
    };
    if guard::of(case) == Guard::Secret && case.verify.is_some()
        || !asks_for_secret(hook)
        || asks_for_secret(case)
    {
        return;
    }
    let message = "the rule of a case stands in the place of the hook's: the secret that the hook's asks for is not asked for here";
    let help = "write the hook's rule into this one, with `and`, or use `verify`, which guards all cases";
    reader.at(own, "trigger-rule", |reader, _| reader.report_key(Kind::DroppedSecret, message, help));
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
    const HELP: &str =
        "add `verify:` with the sender's name and secret, or `verify: {sender: none}` if that is meant";
    const HELP_WITH_RULE: &str = "add `verify:` with the sender's name and secret, or a long token to the rule; \
                                  `verify: {sender: none}` if that is meant";
    match guard::of(hook) {
        // Said of the `or` that makes the secret optional.
        Guard::Open if hook.rule.as_ref().is_some_and(|rule| rule::has_optional_secret(rule, hook)) => {}
        Guard::Open => match &hook.rule {
            Some(rule) => {
                let way_in = guard::way_in(rule, hook.soft_signature_failures);
                let message = format!("whoever finds the address can run the hook: {way_in}");
                reader.at(record, "trigger-rule", |reader, _| {
                    reader.report_key(Kind::NoGuard, message, HELP_WITH_RULE);
                });
            }
            None => {
                let message = "neither `verify` nor a rule: whoever finds the address can run the hook";
                reader.report(Kind::NoGuard, message, HELP);
            }
        },
        Guard::OpenBySender => {
            let message = "this sender signs nothing: whoever finds the address can run the hook";
            let help = "add 32 random letters to the `id`, as `openssl rand -hex 16` prints them: nobody guesses such an address";
            reader.at(record, "verify", |reader, _| reader.report_key(Kind::NoGuard, message, help));
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
