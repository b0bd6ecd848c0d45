//! What a request comes to, before anything is done about it: verification, payload, rule, invocation.
//! The server acts on a judgement, `explain` prints one. Nothing is logged here: what is worth a line is
//! in the judgement.

use std::fmt::Write;
use std::sync::Arc;

use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;

use crate::facts::{Facts, NoValue, NotParsed, Origin};
use crate::hook::{DuplicateKey, Hook, ResponseSettings};
use crate::invocation::{self, Invocation, Shortfall, Unfit};
use crate::pattern::Pattern;
use crate::payload::{self, MultipartError, Problem, Reading};
use crate::reference::Subject;
use crate::request::Request;
use crate::rule::{self, Conditions, Fault, MatchResult, Observed, Step, Verdict, Way};
use crate::sender::{Answered, Decision, Labels, Refusal, Verified};

/// Failing matches named in one log line.
const FAILED_MATCHES_MAX: usize = 8;
/// The same of cases.
const UNMET_CASES_MAX: usize = 8;
/// Room for the words about one failing match; few need more.
const FAILED_MATCH_BYTES: usize = 80;
/// What templates may give for one answer, all together: a run that waits for its turn may hold it.
const ANSWER_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Judgement {
    /// `None` when the hook does not ask who sent it, or it was not a delivery of the sender's.
    pub(crate) verified: Option<Verified>,
    /// What came short on the way and decided nothing by itself.
    pub(crate) notes: Vec<Note>,
    /// Of a hook with cases the one that is to run.
    pub(crate) case: Option<Arc<Hook>>,
    pub(crate) ruling: Ruling,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Ruling {
    Handshake(Answered),
    MethodNotAllowed {
        allowed: Vec<String>,
    },
    NotVerified(Refusal),
    MultipartBroken(MultipartError),
    RuleError {
        because: String,
    },
    /// It is without a value that the hook requires.
    Incomplete {
        because: String,
    },
    /// It has more of something than a command takes.
    TooMuch {
        because: String,
    },
    NotMet {
        because: String,
    },
    /// Run it, unless the delivery with this value was accepted before.
    Met {
        invocation: Box<Invocation>,
        delivery: Option<Vec<u8>>,
        /// In place of the hook's, when parts of the answer are made for each request.
        response: Option<Box<ResponseSettings>>,
    },
    /// The answer cannot be made, so nothing runs.
    NoAnswer {
        because: String,
    },
}

#[derive(Debug)]
pub(crate) enum Note {
    Payload(Problem),
    Json(NotParsed),
    Shortfall(Shortfall),
    /// Of several secrets of a match, the one that fits, counted from 1.
    Rotation {
        parameter: String,
        position: usize,
    },
    /// The hook takes each delivery once, and nothing in the request tells which it is.
    NoDelivery,
    /// A header of the answer would not have been one line of text, and is left out.
    NoHeader {
        name: String,
    },
}

/// Somebody who looks on while a request is judged.
pub(crate) trait Onlooker {
    /// The body has been read, and the rule comes next.
    fn facts(&mut self, _facts: &Facts<'_>) {}
    /// The next case of the hook is looked at.
    fn case(&mut self) {}
    /// A part of the rule has ended.
    fn rule(&mut self, _steps: &[Step], _observed: &Observed<'_>, _facts: &Facts<'_>) {}
}

/// The server does not look.
pub(crate) struct Nobody;

impl Onlooker for Nobody {}

/// `handshake_only` has the methods that are allowed, when the request's is none of them.
pub(crate) fn judge(
    hook: &Hook,
    request: &Request,
    handshake_only: Option<&[String]>,
    now_unix_ms: i64,
    onlooker: &mut dyn Onlooker,
) -> Judgement {
    let at_once = |ruling| Judgement { verified: None, notes: Vec::new(), case: None, ruling };
    let decision = hook.verify.as_ref().map(|verify| verify.verifier.decide(request, now_unix_ms));
    let verified = match (decision, handshake_only) {
        (Some(Decision::Handshake(answered)), _) => return at_once(Ruling::Handshake(answered)),
        (_, Some(allowed)) => return at_once(Ruling::MethodNotAllowed { allowed: allowed.to_vec() }),
        (Some(Decision::Refused(refusal)), None) => return at_once(Ruling::NotVerified(refusal)),
        (Some(Decision::Verified(verified)), None) => Some(verified),
        (None, None) => None,
    };
    let mut notes = Vec::new();
    let mut case = None;
    let ruling = judge_content(hook, request, now_unix_ms, (&mut notes, &mut case), onlooker);
    Judgement { verified, notes, case, ruling }
}

/// How the hook wants bodies read. `json_parts` is for [`json_parts`].
pub(crate) fn reading<'h>(hook: &'h Hook, json_parts: &'h [&'h str]) -> Reading<'h> {
    Reading {
        content_type: hook.content_type.as_deref(),
        wanted: &hook.needs.wanted,
        json_parts,
        uploads: &hook.needs.uploads,
    }
}

/// Names of multipart file parts to read as JSON whatever their type.
pub(crate) fn json_parts(hook: &Hook) -> Vec<&str> {
    let names = hook.parse_as_json.iter().filter_map(|reference| match &reference.subject {
        Subject::Payload(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

/// The sender is known, or nobody asks.
fn judge_content(
    hook: &Hook,
    request: &Request,
    now_unix_ms: i64,
    (notes, case): (&mut Vec<Note>, &mut Option<Arc<Hook>>),
    onlooker: &mut dyn Onlooker,
) -> Ruling {
    let json_parts = json_parts(hook);
    let mut payload = match payload::parse(request, reading(hook, &json_parts)) {
        Ok(payload) => payload,
        Err(broken) => return Ruling::MultipartBroken(broken),
    };
    notes.extend(payload.problem.take().map(Note::Payload));
    let mut facts = Facts::new(request, payload, origin(hook, request));
    if let Some(pattern) = &hook.pattern {
        facts.path = path_values(pattern, request);
    }
    for reference in &hook.parse_as_json {
        match facts.parse_as_json(reference) {
            Ok(()) => {}
            Err(NotParsed::NoValue(missing @ NoValue::Required(_))) => return incomplete(&missing),
            Err(not_parsed) => notes.push(Note::Json(not_parsed)),
        }
    }
    onlooker.facts(&facts);
    match choose(hook, &facts, now_unix_ms, onlooker) {
        Ok(chosen) => *case = chosen,
        Err(unmet) => return unmet.ruling(),
    }
    let hook = case.as_deref().unwrap_or(hook);
    if let Some(rule) = &hook.rule {
        let used = rule::secrets_used(rule, &facts);
        notes.extend(used.into_iter().map(|(parameter, position)| Note::Rotation { parameter, position }));
    }
    let (invocation, shortfalls) = match invocation::build(hook, &facts) {
        Ok(built) => built,
        Err(Unfit::Required(missing)) => return incomplete(&missing),
        Err(unfit @ Unfit::TooManyArguments { .. }) => return Ruling::TooMuch { because: unfit.to_string() },
    };
    notes.extend(shortfalls.into_iter().map(Note::Shortfall));
    let delivery = match delivery(hook, &facts) {
        Ok(delivery) => delivery,
        Err(missing) => return incomplete(&missing),
    };
    if hook.deduplicate.is_some() && delivery.is_none() {
        notes.push(Note::NoDelivery);
    }
    match response(hook, &facts, notes) {
        Ok(response) => Ruling::Met { invocation: Box::new(invocation), delivery, response },
        Err(because) => Ruling::NoAnswer { because },
    }
}

/// The settings with what the hook's templates give for this request; `None` when it has none.
fn response(
    hook: &Hook,
    facts: &Facts<'_>,
    notes: &mut Vec<Note>,
) -> Result<Option<Box<ResponseSettings>>, String> {
    let Some(templates) = &hook.response.templates else { return Ok(None) };
    let mut left = ANSWER_BYTES_MAX;
    let mut text_of = |reference| {
        let text = facts.text_of(reference).map_err(|missing| missing.to_string())?;
        left = left
            .checked_sub(text.len())
            .ok_or_else(|| format!("its texts are longer than {ANSWER_BYTES_MAX} bytes"))?;
        Ok::<_, String>(text)
    };
    let mut settings = Box::new(hook.response.clone());
    if let Some(message) = &templates.message {
        settings.message = String::from_utf8_lossy(&text_of(message)?).into_owned();
    }
    for (name, value) in &templates.headers {
        // A block of YAML ends with a line break.
        match HeaderValue::from_bytes(text_of(value)?.trim_ascii()) {
            Ok(value) => settings.headers.push((name.clone(), value)),
            Err(_) => notes.push(Note::NoHeader { name: name.to_string() }),
        }
    }
    Ok(Some(settings))
}

fn incomplete(missing: &NoValue) -> Ruling {
    Ruling::Incomplete { because: missing.to_string() }
}

/// Empty when the request is for another address and the hook was chosen by hand.
fn path_values<'h>(pattern: &'h Pattern, request: &Request) -> Vec<(&'h str, String)> {
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let values = pattern.values(&path).unwrap_or_default();
    values.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

fn origin<'h>(hook: &'h Hook, request: &Request) -> Origin<'h> {
    let Some(verify) = &hook.verify else { return Origin::default() };
    let labels = if hook.needs.delivery { verify.verifier.labels(request) } else { Labels::default() };
    Origin { sender: Some(&verify.sender), labels }
}

/// The first case whose rule is met; `None` for a hook without cases whose own is. As in an `or`, an error
/// ends the search, but for a wrong signature that the case is soft on.
fn choose(
    hook: &Hook,
    facts: &Facts<'_>,
    now_unix_ms: i64,
    onlooker: &mut dyn Onlooker,
) -> Result<Option<Arc<Hook>>, Unmet> {
    if hook.cases.is_empty() {
        return judge_rule(hook, facts, now_unix_ms, onlooker).map(|()| None);
    }
    let mut unmet = Vec::new();
    for case in &hook.cases {
        onlooker.case();
        let Err(Unmet { because, fault }) = judge_rule(case, facts, now_unix_ms, onlooker) else {
            return Ok(Some(case.clone()));
        };
        let because = format!("case {}: {because}", case.case.as_deref().unwrap_or_default());
        match fault {
            None => {}
            Some(fault) if fault.is_of_signature() && case.soft_signature_failures => {}
            fault => return Err(Unmet { because, fault }),
        }
        // The last one is as good as any.
        unmet.truncate(UNMET_CASES_MAX - 1);
        unmet.push(because);
    }
    Err(Unmet { because: unmet.join("; "), fault: None })
}

/// Why a rule is not met.
struct Unmet {
    because: String,
    /// What the evaluation ended in, unless it simply came out false.
    fault: Option<Fault>,
}

impl Unmet {
    fn ruling(self) -> Ruling {
        let Self { because, fault } = self;
        match fault {
            None => Ruling::NotMet { because },
            Some(Fault::Required(missing)) => Ruling::Incomplete { because: missing },
            Some(_) => Ruling::RuleError { because },
        }
    }
}

/// `Ok` when the hook's rule is met, or when it has none.
fn judge_rule(
    hook: &Hook,
    facts: &Facts<'_>,
    now_unix_ms: i64,
    onlooker: &mut dyn Onlooker,
) -> Result<(), Unmet> {
    let Some(rule) = &hook.rule else { return Ok(()) };
    let conditions = Conditions {
        soft_signature_failures: hook.soft_signature_failures,
        now_unix_s: now_unix_ms.div_euclid(1_000),
    };
    let mut failed = Vec::new();
    let verdict = rule::evaluate(rule, facts, conditions, &mut |steps, observed| {
        onlooker.rule(steps, &observed, facts);
        let Observed::Match(part, result) = observed else { return };
        let is_negated = steps.iter().filter(|step| **step == Step::Not).count() % 2 == 1;
        // A fault counts on either side of a `not`, which turns only the truth.
        let is_fault = matches!(result, MatchResult::Fault(_));
        if is_fault || (*result == MatchResult::Holds) == is_negated {
            // The last one decides.
            failed.truncate(FAILED_MATCHES_MAX - 1);
            let mut text = String::with_capacity(FAILED_MATCH_BYTES);
            let _ = write!(text, "{} {part}: {}", Way(steps), part.told(result));
            failed.push(text);
        }
    });
    let fault = match verdict {
        Verdict::Fired => return Ok(()),
        Verdict::NotFired => None,
        Verdict::Failed(fault) => Some(fault),
    };
    let because = if failed.len() > 1 { failed.join("; ") } else { failed.pop().unwrap_or_default() };
    Err(Unmet { because, fault })
}

/// What tells this delivery from others, if the hook wants to know and the request says. An error when the
/// hook requires it.
fn delivery(hook: &Hook, facts: &Facts<'_>) -> Result<Option<Vec<u8>>, NoValue> {
    let Some(deduplicate) = &hook.deduplicate else { return Ok(None) };
    let verifier = hook.verify.as_ref().map(|verify| &verify.verifier);
    Ok(match &deduplicate.by {
        DuplicateKey::DeliveryId => {
            verifier.and_then(|verifier| verifier.labels(facts.request).delivery_id).map(String::into_bytes)
        }
        DuplicateKey::Signature => {
            verifier.and_then(|verifier| verifier.fingerprint(facts.request)).map(|digest| digest.to_vec())
        }
        DuplicateKey::Value(reference) => facts.text_if_any(reference)?.ok().map(|text| text.into_owned()),
    })
}
