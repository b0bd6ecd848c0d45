//! Who can run a hook, by what its rule and its sender ask for.

use super::super::secrets::is_secret;
use crate::hook::{Hook, OutputInResponse};
use crate::reference::{IfMissing, Reference, Subject};
use crate::rule::{Comparison, Match, Rule};
use crate::sender::OPEN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Everybody.
    Open,
    /// Everybody, because the hook says so.
    OpenOnPurpose,
    /// Whoever has the right address.
    Address,
    /// Whoever knows a secret, as far as one can tell.
    Secret,
}

pub(super) fn of(hook: &Hook) -> Guard {
    let of_rule = hook.rule.as_ref().map_or(Guard::Open, of_rule);
    match &hook.verify {
        Some(verify) if verify.sender == OPEN && of_rule != Guard::Secret => Guard::OpenOnPurpose,
        Some(_) => Guard::Secret,
        None => of_rule,
    }
}

fn of_rule(rule: &Rule) -> Guard {
    let (mut has_secret, mut has_address) = (false, false);
    each_match(rule, &mut |part| match part {
        Match::IpWhitelist { .. } => has_address = true,
        part => has_secret |= may_be_secret(part),
    });
    match (has_secret, has_address) {
        (true, _) => Guard::Secret,
        (false, true) => Guard::Address,
        (false, false) => Guard::Open,
    }
}

/// A header or query parameter may be a token under any name; a place in the payload is one if its name
/// says so.
fn may_be_secret(part: &Match) -> bool {
    match part {
        part if part.is_signature() => true,
        Match::Text { parameter, comparison } => {
            let is_named = matches!(parameter.subject, Subject::Header(_) | Subject::Query(_));
            (is_named || is_secret(parameter)) && !is_met_by_default(parameter, comparison)
        }
        Match::IpWhitelist { .. } | Match::ScalrSignature { .. } => false,
    }
}

/// Whether a request without the value meets the comparison.
pub(super) fn is_met_by_default(parameter: &Reference, comparison: &Comparison) -> bool {
    match &parameter.if_missing {
        IfMissing::Default(text) => comparison.holds_for(text.as_bytes()),
        IfMissing::None | IfMissing::Refuse => false,
    }
}

fn each_match<'r>(rule: &'r Rule, see: &mut impl FnMut(&'r Match)) {
    match rule {
        Rule::And(parts) | Rule::Or(parts) => parts.iter().for_each(|part| each_match(part, see)),
        Rule::Not(part) => each_match(part, see),
        Rule::Match(part) => see(part),
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
    is_allowed && !is_verified && hook.rule.as_ref().is_none_or(a_link_may_meet)
}

fn a_link_may_meet(rule: &Rule) -> bool {
    match rule {
        Rule::And(parts) => parts.iter().all(a_link_may_meet),
        Rule::Or(parts) => parts.iter().any(a_link_may_meet),
        Rule::Not(_) => true,
        Rule::Match(part) => match part.as_ref() {
            part if part.is_signature() => false,
            Match::IpWhitelist { .. } | Match::ScalrSignature { .. } => true,
            Match::Text { parameter, comparison } => match parameter.subject {
                Subject::Method => comparison.holds_for(b"GET"),
                Subject::Header(_)
                | Subject::Payload(_)
                | Subject::RawBody
                | Subject::EntirePayload
                | Subject::DeliveryId
                | Subject::DeliveryEvent => is_met_by_default(parameter, comparison),
                _ => true,
            },
        },
    }
}
