//! One match of a rule: what of a request it looks at, and whether it holds.

use std::fmt;

use ipnet::IpNet;

use super::comparison::{Comparison, Holds};
use super::{Fault, HmacKey, scalr};
use crate::facts::{Facts, Finding, NoValue};
use crate::json_text;
use crate::network::contain;
use crate::reference::Reference;
use crate::request::{Peer, Request};
use crate::secrecy::{is_token, looks_random};
use crate::secret::Secret;

const NONE_LISTED: &str = "the list is empty";

pub(crate) enum Match {
    /// The text at `parameter`, compared.
    Text {
        parameter: Reference,
        comparison: Comparison,
        /// Of what a `*` leads to, all must hold, not any.
        is_of_all: bool,
    },
    /// The request has the parameter.
    Exists {
        parameter: Reference,
    },
    /// The request has the parameter, as JSON's null.
    Null {
        parameter: Reference,
    },
    IpWhitelist {
        networks: Vec<IpNet>,
    },
    ScalrSignature {
        keys: Vec<HmacKey>,
    },
}

impl Match {
    #[cfg(test)]
    pub(super) fn text(parameter: Reference, comparison: Comparison) -> Self {
        Self::Text { parameter, comparison, is_of_all: false }
    }

    /// Its `type` in a hooks file.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text { comparison, .. } => comparison.kind(),
            Self::Exists { .. } => "exists",
            Self::Null { .. } => "null",
            Self::IpWhitelist { .. } => "ip-whitelist",
            Self::ScalrSignature { .. } => "scalr-signature",
        }
    }

    pub(crate) fn parameter(&self) -> Option<&Reference> {
        match self {
            Self::Text { parameter, .. } | Self::Exists { parameter } | Self::Null { parameter } => {
                Some(parameter)
            }
            Self::IpWhitelist { .. } | Self::ScalrSignature { .. } => None,
        }
    }

    /// The part of the request that the parameter is compared with, if it is.
    pub(crate) fn other_parameter(&self) -> Option<&Reference> {
        match self {
            Self::Text { comparison, .. } => comparison.other_parameter(),
            Self::Exists { .. }
            | Self::Null { .. }
            | Self::IpWhitelist { .. }
            | Self::ScalrSignature { .. } => None,
        }
    }

    /// The texts of the hooks file that it asks for and that are probably secrets.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let Self::Text { parameter, comparison, .. } = self else { return Vec::new() };
        let is_named = parameter.subject.has_secret_name();
        let is_secret = |text: &str| looks_random(text) || (is_named && is_token(text));
        let texts = comparison.spelled_out().into_iter().filter(|text| is_secret(text));
        texts.filter_map(|text| Secret::new(text.as_bytes())).collect()
    }

    /// What became of it, in words that follow its own.
    pub(crate) fn told<'r>(&self, result: &'r MatchResult) -> &'r dyn fmt::Display {
        match result {
            // Which of the two it is.
            MatchResult::Fault(fault @ Fault::NotFound(_)) if self.other_parameter().is_some() => fault,
            result => result,
        }
    }

    /// Whether a secret is needed to meet it.
    pub(crate) fn is_signature(&self) -> bool {
        match self {
            Self::Text { comparison, .. } => matches!(comparison, Comparison::Hmac(_)),
            Self::Exists { .. } | Self::Null { .. } | Self::IpWhitelist { .. } => false,
            Self::ScalrSignature { .. } => true,
        }
    }
}

/// Values and secrets are not for logs.
impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As the log names it: `payload ref`, `payload ref against header X-Ref`, `ip-whitelist`.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.parameter(), self.other_parameter()) {
            (Some(parameter), Some(other)) => write!(f, "{parameter} against {other}"),
            (Some(parameter), None) => parameter.fmt(f),
            (None, _) => f.write_str(self.kind()),
        }
    }
}

/// How one match came out; also what a trace shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MatchResult {
    Holds,
    /// With the reason, in words that show no value.
    Fails(&'static str),
    Fault(Fault),
}

impl fmt::Display for MatchResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("holds"),
            Self::Fails(reason) => f.write_str(reason),
            // The trace names the parameter before it.
            Self::Fault(Fault::NotFound(_)) => f.write_str("parameter node not found"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

pub(super) fn evaluate_match(part: &Match, facts: &Facts<'_>, now_unix_s: i64) -> MatchResult {
    let outcome = match part {
        Match::Text { parameter, comparison, is_of_all } => text(parameter, comparison, *is_of_all, facts),
        Match::Exists { parameter } => exists(parameter, facts),
        Match::Null { parameter } => facts
            .is_null(parameter)
            .map(|is_null| is_null.then_some(()).ok_or("not null"))
            .map_err(Fault::from),
        Match::IpWhitelist { networks } => match facts.request.peer.ip() {
            Some(address) => Ok(contain(networks, address).then_some(()).ok_or("not in the list")),
            None => Err(Fault::Other(without_address(facts.request))),
        },
        Match::ScalrSignature { keys } => scalr::check(keys, facts.request, now_unix_s),
    };
    match outcome {
        Ok(Ok(())) => MatchResult::Holds,
        Ok(Err(reason)) => MatchResult::Fails(reason),
        Err(fault) => MatchResult::Fault(fault),
    }
}

fn without_address(request: &Request) -> String {
    let has = |name| request.headers.contains_key(name);
    let reason = match (request.peer, has("x-forwarded-for"), has("forwarded")) {
        (Peer::Unclear, true, true) => "`X-Forwarded-For` and `Forwarded` do not both name one client",
        (Peer::Unclear, true, false) => "`X-Forwarded-For` cannot be read, or is too long",
        (Peer::Unclear, false, _) => "`Forwarded` cannot be read, or is too long",
        _ => return "a peer on a Unix socket has no address for `ip-whitelist`".to_owned(),
    };
    format!("{reason}: there is no address for `ip-whitelist`")
}

fn text(
    parameter: &Reference,
    comparison: &Comparison,
    is_of_all: bool,
    facts: &Facts<'_>,
) -> Result<Holds, Fault> {
    match facts.find(parameter)? {
        Finding::Each(values) => {
            if values.is_empty() {
                return Ok(Err(NONE_LISTED));
            }
            let prepared = comparison.prepared(parameter, values.len(), facts)?;
            let each = values.into_iter().map(|value| prepared.compare(&json_text::text_of(value)));
            if is_of_all { all(each) } else { any(each) }
        }
        one => comparison.prepared(parameter, 1, facts)?.compare(&one.into_text()),
    }
}

/// The first that does not hold decides. Of none at all nothing can be said, so it does not hold.
fn all(mut each: impl ExactSizeIterator<Item = Result<Holds, Fault>>) -> Result<Holds, Fault> {
    if each.len() == 0 {
        return Ok(Err(NONE_LISTED));
    }
    each.find(|holds| *holds != Ok(Ok(()))).unwrap_or(Ok(Ok(())))
}

/// The first that holds decides, and if none does, the first fault.
fn any(each: impl Iterator<Item = Result<Holds, Fault>>) -> Result<Holds, Fault> {
    let mut outcome = Ok(Err(NONE_LISTED));
    for holds in each {
        match holds {
            Ok(Ok(())) => return holds,
            _ if outcome.is_err() => {}
            holds => outcome = holds,
        }
    }
    outcome
}

/// What is below a null is not there either, nor is a list of nothing.
fn exists(parameter: &Reference, facts: &Facts<'_>) -> Result<Holds, Fault> {
    match facts.find(parameter) {
        Ok(Finding::Each(values)) if values.is_empty() => Ok(Err(NONE_LISTED)),
        Ok(_) => Ok(Ok(())),
        Err(NoValue::NotFound(_) | NoValue::IntoNull(_)) => Ok(Err("not in the request")),
        Err(no_value) => Err(no_value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outcome_is_made_of_many() {
        #[track_caller]
        fn check(each: &str, of_any: char, of_all: char) {
            let outcome = |letter| match letter {
                'h' => Ok(Ok(())),
                'f' => Ok(Err("not equal")),
                _ => Err(Fault::Signature),
            };
            let letter = |outcome: Result<Holds, Fault>| match outcome {
                Ok(Ok(())) => 'h',
                Ok(Err(_)) => 'f',
                Err(_) => 's',
            };
            let outcomes: Vec<_> = each.chars().map(outcome).collect();
            assert_eq!(letter(any(outcomes.clone().into_iter())), of_any, "any of {each}");
            assert_eq!(letter(all(outcomes.into_iter())), of_all, "all of {each}");
        }
        check("", 'f', 'f');
        check("h", 'h', 'h');
        check("hh", 'h', 'h');
        check("fh", 'h', 'f');
        check("hf", 'h', 'f');
        check("sh", 'h', 's');
        check("hs", 'h', 's');
        check("fs", 's', 'f');
        check("sf", 's', 's');
    }
}
