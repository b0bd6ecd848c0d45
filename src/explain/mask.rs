//! Which values are not shown: signatures, tokens and whatever is named like one.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::hook::Hook;
use crate::reference::Subject;
use crate::rule::Match;
use crate::secrecy::{is_secret_name, looks_random};
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
        Subject::Header(name) => is_signature_header(name, hook) || is_secret_name(name),
        Subject::Query(name) | Subject::Payload(name) => is_secret_name(name),
        // It is the hooks file's own, and may be a secret there; all headers have the signature's too.
        Subject::Literal(_) | Subject::EntireHeaders => true,
        _ => false,
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
