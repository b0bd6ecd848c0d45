//! Which values are not shown: signatures, tokens and whatever is named like one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use super::report::{Argument, InvocationReport, Node, Report, VerifyReport};
use crate::conceal::Concealer;
use crate::hook::Hook;
use crate::reference::Subject;
use crate::rule::Match;
use crate::secrecy::looks_random;
use crate::sender::{self, Source};

/// Whether what `part` finds and what it wants are not to be shown.
pub(super) fn is_secret(part: &Match, hook: &Hook) -> bool {
    let mut places = part.parameter().into_iter().chain(part.other_parameter());
    let is_random = |part: &Match| match part {
        Match::Text { comparison, .. } => comparison.spelled_out().iter().any(|text| looks_random(text)),
        Match::Exists { .. }
        | Match::Null { .. }
        | Match::IpWhitelist { .. }
        | Match::ScalrSignature { .. } => false,
    };
    part.is_signature() || places.any(|place| is_secret_place(&place.subject, hook)) || is_random(part)
}

fn is_secret_place(subject: &Subject, hook: &Hook) -> bool {
    match subject {
        Subject::Header(name) if is_signature_header(name, hook) => true,
        // It is the hooks file's own, and may be a secret there; all headers have the signature's too.
        Subject::Literal(_) | Subject::EntireHeaders => true,
        subject => subject.has_secret_name(),
    }
}

/// Where any sender we know, or the hook's own, puts its signature.
fn is_signature_header(name: &str, hook: &Hook) -> bool {
    static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
        sender::table().iter().filter_map(|row| header_of(row.spec.signature.as_ref()?)).collect()
    });
    let name = name.to_ascii_lowercase();
    let own = hook.verify.as_ref().and_then(|verify| header_of(verify.verifier.signature()?));
    KNOWN.contains(&name) || own.is_some_and(|own| own == name)
}

fn header_of(source: &Source) -> Option<String> {
    match source {
        Source::Header(field) => Some(field.name.as_str().to_owned()),
        _ => None,
    }
}

impl Report {
    /// Hides what proves who sent the request, wherever it stands.
    pub(super) fn conceal(&mut self, concealer: Concealer) {
        let Self { verify, rule, invocation, answer, .. } = self;
        let text = |text: &mut String| {
            if let Cow::Owned(hidden) = concealer.conceal(text.as_bytes()) {
                *text = String::from_utf8_lossy(&hidden).into_owned();
            }
        };
        if let Some(VerifyReport { delivery_id, event, .. }) = verify {
            delivery_id.iter_mut().chain(event).for_each(text);
        }
        if let Some(rule) = rule {
            conceal_found(rule, &text);
        }
        if let Some(invocation) = invocation {
            conceal_invocation(invocation, &concealer);
        }
        answer.body.iter_mut().chain(&mut answer.on_error).chain(answer.headers.values_mut()).for_each(text);
        self.concealer = concealer;
    }
}

fn conceal_invocation(invocation: &mut InvocationReport, concealer: &Concealer) {
    // Each part is named, so that a new one is not forgotten.
    let InvocationReport {
        argv,
        env,
        files,
        stdin,
        program: _,
        cwd: _,
        stdin_bytes: _,
        output: _,
        circumstances: _,
        problem: _,
        concurrency: _,
        retry: _,
        notes: _,
    } = invocation;
    let contents = files.iter_mut().map(|file| &mut file.content);
    for Argument(bytes) in argv.iter_mut().chain(env.values_mut()).chain(contents).chain(stdin) {
        if let Cow::Owned(hidden) = concealer.conceal(bytes) {
            *bytes = hidden;
        }
    }
}

fn conceal_found(node: &mut Node, text: &impl Fn(&mut String)) {
    match node {
        Node::Operator { rules, .. } => rules.iter_mut().for_each(|rule| conceal_found(rule, text)),
        Node::Match { found, .. } => found.iter_mut().for_each(text),
    }
}
