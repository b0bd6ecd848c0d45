//! Who can run a hook: what its sender and its rule ask for, by the rule's own logic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::super::secrets::is_secret;
use crate::hook::{Hook, OutputInResponse};
use crate::reference::{IfMissing, Reference, Subject};
use crate::rule::{Comparison, Endings, Match, Rule, endings};
use crate::secrecy::{is_token, looks_random};
use crate::sender::OPEN;

/// A pattern that all of these match is taken to match every text, one that some match to ask for no secret.
const PROBES: [&[u8]; 9] =
    [b"", b"a", b"Z", b"0", b" ", b"\n", b"true", b"refs/heads/main", b"\x00\xffline\nline \xe2\x98\x83"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Everybody.
    Open,
    /// Everybody, because the hook says so.
    OpenOnPurpose,
    /// Everybody, because the sender signs nothing.
    OpenBySender,
    /// Whoever has the right address.
    Address,
    /// Whoever knows a secret, as far as one can tell.
    Secret,
}

pub(super) fn of(hook: &Hook) -> Guard {
    let soft = hook.soft_signature_failures;
    let of_rule = hook.rule.as_ref().map_or(Guard::Open, |rule| of_rule(rule, soft));
    let Some(verify) = &hook.verify else { return of_rule };
    let is_unsigned = verify.verifier.secret_count() == 0 && verify.set_up_file.is_none();
    match of_rule {
        _ if !is_unsigned => Guard::Secret,
        Guard::Open | Guard::Address if verify.sender == OPEN => Guard::OpenOnPurpose,
        // Nobody finds the address by chance.
        Guard::Open if looks_random(&hook.id) => Guard::Secret,
        Guard::Open => Guard::OpenBySender,
        of_rule => of_rule,
    }
}

/// Who can meet `rule`.
pub(super) fn of_rule(rule: &Rule, soft: bool) -> Guard {
    let can_be_met_by = |who: Who| endings(rule, soft, &|part| of_match(part, who)).can_be_met();
    match () {
        () if can_be_met_by(Who::Stranger) => Guard::Open,
        () if can_be_met_by(Who::Neighbour) => Guard::Address,
        () => Guard::Secret,
    }
}

/// Somebody who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Knows no secret and has an address that no list has.
    Stranger,
    /// Knows no secret and has an address of the list.
    Neighbour,
    /// A browser that follows a link.
    Visitor,
    /// Anybody at all.
    Anybody,
}

/// What a match can come to for a request that `who` sends.
pub(super) fn of_match(part: &Match, who: Who) -> Endings {
    match part {
        Match::Text { parameter, comparison, .. } => {
            let compared = match comparison.other_parameter() {
                Some(other) => of_two(parameter, other, who),
                None => of_text(part, comparison, &parameter.subject, who),
            };
            let error =
                if matches!(comparison, Comparison::Number(..)) { Endings::ERROR } else { Endings::NONE };
            // A list may be empty.
            let of_none = if parameter.subject.may_be_each() { Endings::FAILS } else { Endings::NONE };
            compared.or(of_none).or(of_missing(parameter, comparison)).or(error)
        }
        Match::Exists { parameter } => match &parameter.subject {
            Subject::Unusable { .. } => Endings::ERROR,
            subject if !subject.may_be_missing() => Endings::HOLDS,
            subject => can_be_sent(subject, who).or(match parameter.if_missing {
                IfMissing::None => Endings::FAILS,
                IfMissing::Default(_) => Endings::HOLDS,
                IfMissing::Refuse => Endings::ERROR,
            }),
        },
        Match::Null { parameter } => match &parameter.subject {
            Subject::Unusable { .. } => Endings::ERROR,
            subject if parameter.if_missing == IfMissing::Refuse => {
                can_be_sent(subject, who).or(Endings::FAILS).or(Endings::ERROR)
            }
            subject => can_be_sent(subject, who).or(Endings::FAILS),
        },
        Match::IpWhitelist { networks } => match who {
            _ if networks.iter().any(is_everybody) => Endings::HOLDS,
            Who::Stranger => Endings::FAILS,
            Who::Neighbour | Who::Visitor | Who::Anybody => Endings::HOLDS.or(Endings::FAILS),
        },
        Match::ScalrSignature { .. } => {
            signed(who).or(Endings::FAILS).or(Endings::WRONG_SIGNATURE).or(Endings::ERROR)
        }
    }
}

/// Holds, if `who` can send a request that has `subject`.
fn can_be_sent(subject: &Subject, who: Who) -> Endings {
    let is_of_more_than_a_link = matches!(
        subject,
        Subject::Header(_) | Subject::Payload(_) | Subject::DeliveryId | Subject::DeliveryEvent
    );
    match subject {
        Subject::Header(name) if name == "Host" => Endings::NONE,
        _ if who == Who::Visitor && is_of_more_than_a_link => Endings::NONE,
        _ => Endings::HOLDS,
    }
}

/// Two values of one request: whoever sends it sends both.
fn of_two(parameter: &Reference, other: &Reference, who: Who) -> Endings {
    let both_are_sent = [parameter, other].into_iter().all(|reference| {
        reference.if_missing != IfMissing::None || can_be_sent(&reference.subject, who) == Endings::HOLDS
    });
    let compared = if both_are_sent { Endings::HOLDS.or(Endings::FAILS) } else { Endings::NONE };
    let other_misses = match other.if_missing {
        IfMissing::None if other.subject.may_be_missing() => Endings::MISSES,
        IfMissing::Refuse => Endings::ERROR,
        IfMissing::None | IfMissing::Default(_) => Endings::NONE,
    };
    compared.or(other_misses).or(Endings::ERROR)
}

fn signed(who: Who) -> Endings {
    if who == Who::Anybody { Endings::HOLDS } else { Endings::NONE }
}

/// When there is a text to compare.
fn of_text(part: &Match, comparison: &Comparison, subject: &Subject, who: Who) -> Endings {
    if part.is_signature() {
        return signed(who).or(Endings::WRONG_SIGNATURE);
    }
    let decided = |text: &[u8]| if comparison.holds_for(text) { Endings::HOLDS } else { Endings::FAILS };
    match subject {
        Subject::Literal(text) => return decided(text.as_bytes()),
        Subject::Unusable { .. } => return Endings::ERROR,
        // Not among the headers of a request, here as in the reference.
        Subject::Header(name) if name == "Host" => return Endings::NONE,
        Subject::RemoteAddress if who == Who::Stranger => return Endings::FAILS,
        _ => {}
    }
    match (who, subject) {
        (Who::Visitor, Subject::Method) => return decided(b"GET"),
        (Who::Visitor, Subject::RawBody) => return decided(b""),
        (Who::Visitor, Subject::EntirePayload) => return decided(b"null"),
        (
            Who::Visitor,
            Subject::Header(_) | Subject::Payload(_) | Subject::DeliveryId | Subject::DeliveryEvent,
        ) => return Endings::NONE,
        _ => {}
    }
    // A link has the secrets of its query in it.
    let is_unknown = matches!(who, Who::Stranger | Who::Neighbour) && asks_for_secret(part);
    let holds = if is_unknown { Endings::NONE } else { Endings::HOLDS };
    let fails = if matches_everything(comparison) { Endings::NONE } else { Endings::FAILS };
    // The way to a place in the payload may lead into null, and what a template does may fail.
    let is_fallible = matches!(subject, Subject::Payload(_) | Subject::Template(_));
    let error = if is_fallible { Endings::ERROR } else { Endings::NONE };
    holds.or(fails).or(error)
}

/// When there is none.
fn of_missing(parameter: &Reference, comparison: &Comparison) -> Endings {
    match &parameter.if_missing {
        _ if !parameter.subject.may_be_missing() => Endings::NONE,
        IfMissing::None => Endings::MISSES,
        IfMissing::Default(_) if matches!(comparison, Comparison::Hmac(_)) => Endings::WRONG_SIGNATURE,
        IfMissing::Default(_) if comparison.other_parameter().is_some() => Endings::HOLDS.or(Endings::FAILS),
        IfMissing::Default(_) if is_met_by_default(parameter, comparison) => Endings::HOLDS,
        IfMissing::Default(_) => Endings::FAILS,
        IfMissing::Refuse => Endings::ERROR,
    }
}

/// Whether a request without the value meets the comparison.
pub(super) fn is_met_by_default(parameter: &Reference, comparison: &Comparison) -> bool {
    match &parameter.if_missing {
        IfMissing::Default(text) => comparison.holds_for(text.as_bytes()),
        IfMissing::None | IfMissing::Refuse => false,
    }
}

/// Whether only those who know a secret can meet `part`, as far as names and texts tell.
pub(super) fn asks_for_secret(part: &Match) -> bool {
    let Match::Text { parameter, comparison, .. } = part else { return part.is_signature() };
    if part.is_signature() {
        return true;
    }
    if PROBES.iter().any(|probe| comparison.holds_for(probe)) {
        return false;
    }
    let texts = comparison.spelled_out();
    match &parameter.subject {
        _ if texts.is_empty() => false,
        _ if is_secret(parameter) => texts.iter().all(|text| is_token(text)),
        // What a payload has may be long, without sense and known to all: a commit, an id.
        Subject::Payload(_) | Subject::Literal(_) => false,
        _ => texts.iter().all(|text| looks_random(text)),
    }
}

pub(super) fn matches_everything(comparison: &Comparison) -> bool {
    PROBES.iter().all(|probe| comparison.holds_for(probe))
}

pub(super) fn is_everybody(network: &IpNet) -> bool {
    let unspecified = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    network.prefix_len() == 0 && unspecified.contains(&network.addr())
}

/// How a stranger meets `rule`, in words: what is sent, and what is left out.
pub(super) fn way_in(rule: &Rule, soft: bool) -> String {
    let (mut sent, mut left_out) = (Vec::new(), Vec::new());
    walk_in(rule, soft, &mut sent, &mut left_out);
    let list = |parts: &[&Match], name: fn(&Match) -> String| {
        parts.iter().take(PARTS_NAMED_MAX).map(|part| name(part)).collect::<Vec<_>>().join(", ")
    };
    let sent = (!sent.is_empty()).then(|| format!("anybody can send {}", list(&sent, what)));
    let left_out = (!left_out.is_empty()).then(|| {
        let lack = |part: &Match| match part {
            Match::IpWhitelist { .. } => "from outside the `ip-range`".to_owned(),
            part => format!("without {}", what(part)),
        };
        format!("`not` lets in requests {}", list(&left_out, lack))
    });
    sent.into_iter().chain(left_out).collect::<Vec<_>>().join(", and ")
}

/// Parts of a rule named in a message; more do not help.
const PARTS_NAMED_MAX: usize = 4;

fn what(part: &Match) -> String {
    match part {
        Match::IpWhitelist { .. } => "from any address".to_owned(),
        Match::ScalrSignature { .. } => "`header X-Signature`".to_owned(),
        part => format!("`{part}`"),
    }
}

fn walk_in<'r>(rule: &'r Rule, soft: bool, sent: &mut Vec<&'r Match>, left_out: &mut Vec<&'r Match>) {
    match rule {
        Rule::And(parts) => parts.iter().for_each(|part| walk_in(part, soft, sent, left_out)),
        Rule::Or(parts) => match parts.iter().find(|part| of_rule(part, soft) == Guard::Open) {
            Some(part) => walk_in(part, soft, sent, left_out),
            None => parts.iter().for_each(|part| walk_in(part, soft, sent, left_out)),
        },
        Rule::Not(part) => walk_in(part, soft, left_out, sent),
        Rule::Match(part) => sent.push(part),
    }
}

/// Whether a GET of the address, without body or headers of its own, can run the hook. One that says GET
/// and answers with the output is made to be read.
pub(super) fn opens_by_link(hook: &Hook) -> bool {
    let is_allowed = match &hook.methods {
        None => true,
        Some(methods) => {
            methods.iter().any(|method| method == "GET") && hook.response.output == OutputInResponse::No
        }
    };
    let is_verified = hook.verify.as_ref().is_some_and(|verify| verify.sender != OPEN);
    let may_meet = |rule: &Rule| {
        endings(rule, hook.soft_signature_failures, &|part| of_match(part, Who::Visitor)).can_be_met()
    };
    is_allowed && !is_verified && hook.rule.as_ref().is_none_or(may_meet)
}
