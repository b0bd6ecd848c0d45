//! One request's way through all stages: the only place that knows their order.

mod tell;

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use tracing::{debug, error, info, warn};

use crate::body::{self, BodyBudget, BodyError, BodyLimits};
use crate::duplicates::{Admission, DeliveryKey, Duplicates};
use crate::facts::{Facts, Origin};
use crate::hook::{DuplicateKey, Hook, HookTable, OutputInResponse};
use crate::invocation::{self, Invocation};
use crate::log_text::clipped;
use crate::payload::{self, Reading};
use crate::reference::Reference;
use crate::request::{Peer, Request};
use crate::request_id::RequestIds;
use crate::respond::{self, GlobalHeaders, HttpResponse};
use crate::route::{Route, Routing};
use crate::rule::{self, Conditions, MatchResult, Step, Verdict, display_path};
use crate::run::{self, LeakedPipes, OutputWanted, Surroundings};
use crate::runs::{RunName, Runs};
use crate::sender::{Answered, Decision, Labels, Refusal};
use crate::set_up;
use tell::{milliseconds, tell_not_started, tell_outcome, tell_problem, tell_start};

/// Failing matches named in one log line.
const FAILED_MATCHES_MAX: usize = 8;

/// A body that takes a millisecond or more to verify and parse.
const LONG_BODY_BYTES: usize = 64 * 1024;

/// What all requests share.
pub(crate) struct Delivery {
    pub(crate) settings: Settings,
    pub(crate) table: ArcSwap<HookTable>,
    pub(crate) body_budget: BodyBudget,
    pub(crate) duplicates: Duplicates,
    pub(crate) runs: Arc<Runs>,
    pub(crate) leaked_pipes: LeakedPipes,
    pub(crate) request_ids: RequestIds,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) routing: Routing,
    pub(crate) global_headers: GlobalHeaders,
    pub(crate) body: BodyLimits,
    /// Bytes of a run's output that are kept.
    pub(crate) output_max: usize,
    pub(crate) surroundings: Surroundings,
}

/// An answer, and how the request's line in the log ends.
type Answer = (HttpResponse, String);

/// Takes one request from its head to its answer. The run it may start does not depend on this future:
/// a client that leaves stops nothing.
pub(crate) async fn deliver(
    delivery: &Arc<Delivery>,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> HttpResponse {
    let received = Instant::now();
    let id = delivery.request_ids.id_of(request.headers());
    let method = request.method().clone();
    let path = clipped(request.uri().path());
    debug!(request = %id, "incoming HTTP {method} request from {peer}");
    let global = &delivery.settings.global_headers;
    let routing = &delivery.settings.routing;
    let route = routing.route(method.as_str(), request.uri().path(), &delivery.table.load());
    let (hook, (response, story)) = match route {
        Route::Index => (None, (respond::index(global), "the server is up".to_owned())),
        Route::NotFound => (None, (respond::path_not_found(), format!("hooks are at {}", routing.pattern()))),
        Route::UnknownHook { id } => {
            (None, (respond::hook_not_found(), format!("no hook has the id {:?}", clipped(&id))))
        }
        Route::MethodNotAllowed { id, allowed } => {
            let answer = method_not_allowed(&id, &allowed);
            (Some(id), answer)
        }
        Route::Refused { id: hook, reason } => {
            error!(request = %id, hook = %hook, "the hook was refused when it was loaded: {reason}");
            (Some(hook.to_string()), (respond::rule_error(global), "the hook is refused".to_owned()))
        }
        Route::HandshakeOnly { hook, allowed } => {
            let answer = deliver_to(delivery, &hook, Some(&allowed), peer, id.clone(), request).await;
            (Some(hook.id.clone()), answer)
        }
        Route::Hook(hook) => {
            let answer = deliver_to(delivery, &hook, None, peer, id.clone(), request).await;
            (Some(hook.id.clone()), answer)
        }
    };
    let status = response.status().as_u16();
    let (hook, duration_ms) = (hook.unwrap_or_default(), milliseconds(received.elapsed()));
    info!(request = %id, hook, status, duration_ms, "{method} {path}: {story}");
    response
}

fn method_not_allowed(hook_id: &str, allowed: &[String]) -> Answer {
    let story = format!("{hook_id} got matched, but allows only {}", allowed.join(", "));
    (respond::method_not_allowed(allowed), story)
}

/// `handshake_only` has the methods that are allowed, when the request's is none of them.
async fn deliver_to(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    handshake_only: Option<&[String]>,
    peer: Peer,
    id: String,
    request: hyper::Request<Incoming>,
) -> Answer {
    let global = &delivery.settings.global_headers;
    let (head, incoming) = request.into_parts();
    let (body, reservation) = match body::read(incoming, delivery.settings.body, &delivery.body_budget).await
    {
        Ok(read) => read,
        Err(refused) => {
            if !matches!(refused, BodyError::Broken(_)) {
                warn!(request = %id, hook = %hook.id, "{refused}");
            }
            return (
                respond::body_refused(&refused, global),
                format!("{} got matched, but {refused}", hook.id),
            );
        }
    };
    let request = Request {
        id,
        peer,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
    };
    let now_unix_ms = unix_ms_now();
    let is_long = request.body.len() > LONG_BODY_BYTES;
    let source = off_the_others_way(is_long, || verify(hook, &request, now_unix_ms));
    let origin = match (source, handshake_only) {
        (Ok(Source::Handshake(answered)), _) => return answer_handshake(hook, &request.id, answered, global),
        (_, Some(allowed)) => return method_not_allowed(&hook.id, allowed),
        (Ok(Source::Delivery(origin)), None) => origin,
        (Err(refusal), None) => {
            warn!(request = %request.id, hook = %hook.id, "not verified: {refusal}");
            return (respond::not_verified(global), format!("{} got matched, but {refusal}", hook.id));
        }
    };
    match off_the_others_way(is_long, || judge(hook, &request, origin, now_unix_ms)) {
        Judgement::BrokenMultipart => {
            (respond::multipart_broken(global), format!("{} got matched, but its form is broken", hook.id))
        }
        Judgement::RuleError => (
            respond::rule_error(global),
            format!("{} got matched, but its rule could not be evaluated", hook.id),
        ),
        Judgement::NotMet { because } => {
            let not_met = "didn't get triggered because the trigger rules were not satisfied";
            (
                respond::not_met(&hook.response, global),
                format!("{} got matched, but {not_met}: {because}", hook.id),
            )
        }
        Judgement::Met { invocation, key } => {
            drop(request);
            drop(reservation);
            match admit(delivery, hook, key) {
                Ok(admission) => start(delivery, hook, invocation, admission).await,
                Err(Duplicate) => {
                    let story = format!("{} got matched, but this delivery was accepted before", hook.id);
                    (respond::accepted(&hook.response, global), story)
                }
            }
        }
    }
}

/// What a request turned out to be.
enum Source<'h> {
    Handshake(Answered),
    Delivery(Origin<'h>),
}

fn verify<'h>(hook: &'h Hook, request: &Request, now_unix_ms: i64) -> Result<Source<'h>, Refusal> {
    let Some(verify) = &hook.verify else { return Ok(Source::Delivery(Origin::default())) };
    match verify.verifier.decide(request, now_unix_ms) {
        Decision::Handshake(answered) => Ok(Source::Handshake(answered)),
        Decision::Refused(refusal) => Err(refusal),
        Decision::Verified(verified) => {
            if let Some(position) = verified.secret_position.filter(|_| verify.verifier.secret_count() > 1) {
                info!(request = %request.id, hook = %hook.id, "verified with secret {}", position + 1);
            }
            let labels = match hook.needs.delivery {
                true => verify.verifier.labels(request),
                false => Labels::default(),
            };
            Ok(Source::Delivery(Origin { sender: Some(&verify.sender), labels }))
        }
    }
}

fn answer_handshake(hook: &Hook, id: &str, answered: Answered, global: &GlobalHeaders) -> Answer {
    let Answered { answer, offered } = answered;
    let set_up_file = hook.verify.as_ref().and_then(|verify| verify.set_up_file.as_deref());
    if let (Some(secret), Some(file)) = (&offered, set_up_file) {
        if let Err(error) = set_up::keep(file, secret) {
            error!(request = %id, hook = %hook.id, "the secret in the sender's handshake was not taken: {error}");
            return (
                respond::handshake_refused(global),
                format!("{} got a handshake and refused it", hook.id),
            );
        }
        warn!(
            request = %id, hook = %hook.id,
            "the sender's secret is in {} now: reload (SIGHUP), then remove `set-up-file`", file.display()
        );
    }
    let story = format!("{} got matched, and answered the sender's handshake", hook.id);
    (respond::handshake(answer, global), story)
}

/// What is decided about a request before anything is done.
enum Judgement {
    BrokenMultipart,
    RuleError,
    NotMet { because: String },
    Met { invocation: Invocation, key: Option<DeliveryKey> },
}

fn judge(hook: &Hook, request: &Request, origin: Origin<'_>, now_unix_ms: i64) -> Judgement {
    let id = &request.id;
    let json_parts: Vec<&str> = hook
        .parse_as_json
        .iter()
        .filter_map(|reference| match reference {
            Reference::Payload(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let reading = Reading {
        content_type: hook.content_type.as_deref(),
        wanted: &hook.needs.wanted,
        json_parts: &json_parts,
    };
    let payload = match payload::parse(request, reading) {
        Ok(payload) => payload,
        Err(broken) => {
            warn!(request = %id, hook = %hook.id, "error parsing multipart form: {broken}");
            return Judgement::BrokenMultipart;
        }
    };
    if let Some(problem) = &payload.problem {
        tell_problem(hook, id, problem);
    }
    let mut facts = Facts::new(request, payload, origin);
    for reference in &hook.parse_as_json {
        if let Err(not_parsed) = facts.parse_as_json(reference) {
            info!(request = %id, hook = %hook.id, "error parsing JSON parameter: {not_parsed}");
        }
    }
    if let Some(not_met) = judge_rule(hook, &facts, now_unix_ms) {
        return not_met;
    }
    let (invocation, shortfalls) = invocation::build(hook, &facts);
    for shortfall in shortfalls {
        info!(request = %id, hook = %hook.id, "{shortfall}");
    }
    Judgement::Met { invocation, key: delivery_key(hook, &facts) }
}

/// `None` when the hook's rule is met, or when it has none.
fn judge_rule(hook: &Hook, facts: &Facts<'_>, now_unix_ms: i64) -> Option<Judgement> {
    let rule = hook.rule.as_ref()?;
    let conditions = Conditions {
        soft_signature_failures: hook.soft_signature_failures,
        now_unix_s: now_unix_ms.div_euclid(1_000),
    };
    let mut failed = Vec::new();
    let verdict = rule::evaluate(rule, facts, conditions, &mut |steps, part, result| {
        let is_negated = steps.iter().filter(|step| **step == Step::Not).count() % 2 == 1;
        // A fault counts on either side of a `not`, which turns only the truth.
        let is_fault = matches!(result, MatchResult::Fault(_));
        if is_fault || (*result == MatchResult::Holds) == is_negated {
            // The last one decides.
            failed.truncate(FAILED_MATCHES_MAX - 1);
            failed.push(format!("{} {part}: {result}", display_path(steps)));
        }
    });
    match verdict {
        Verdict::Fired => None,
        Verdict::NotFired => Some(Judgement::NotMet { because: failed.join("; ") }),
        Verdict::Failed(_) => {
            let because = failed.join("; ");
            warn!(request = %facts.request.id, hook = %hook.id, "error evaluating hook: {because}");
            Some(Judgement::RuleError)
        }
    }
}

/// What tells this delivery from others, if the hook wants to know and the request says.
fn delivery_key(hook: &Hook, facts: &Facts<'_>) -> Option<DeliveryKey> {
    let deduplicate = hook.deduplicate.as_ref()?;
    let verifier = hook.verify.as_ref().map(|verify| &verify.verifier);
    let value = match &deduplicate.by {
        DuplicateKey::DeliveryId => {
            verifier.and_then(|verifier| verifier.labels(facts.request).delivery_id).map(String::into_bytes)
        }
        DuplicateKey::Signature => {
            verifier.and_then(|verifier| verifier.fingerprint(facts.request)).map(|digest| digest.to_vec())
        }
        DuplicateKey::Value(reference) => facts.text_of(reference).ok().map(|text| text.into_owned()),
    };
    if value.is_none() {
        let id = &facts.request.id;
        warn!(request = %id, hook = %hook.id, "nothing in the request tells whether it is a duplicate: it counts as new");
    }
    value.map(|value| DeliveryKey::new(&hook.id, &value))
}

/// The same delivery was accepted before.
struct Duplicate;

fn admit(delivery: &Delivery, hook: &Hook, key: Option<DeliveryKey>) -> Result<Option<Admission>, Duplicate> {
    let (Some(deduplicate), Some(key)) = (&hook.deduplicate, key) else { return Ok(None) };
    delivery.duplicates.admit(key, deduplicate.lifetime, Instant::now()).map(Some).ok_or(Duplicate)
}

/// Starts the command, and answers at once or when it has ended, as the hook says.
async fn start(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    invocation: Invocation,
    admission: Option<Admission>,
) -> Answer {
    let global = &delivery.settings.global_headers;
    let (request, id) = (invocation.request_id.clone(), hook.id.clone());
    let matched = format!("{id} got matched");
    let Some(active) = delivery.runs.enter(RunName { hook: id.clone(), request: request.clone() }) else {
        if let Some(admission) = admission {
            admission.forget();
        }
        return (respond::shutting_down(global), format!("{matched}, but the server is shutting down"));
    };
    tell_start(&invocation);
    let starting = || run::start(&invocation, &delivery.settings.surroundings);
    let running = match off_the_others_way(!invocation.files.is_empty(), starting) {
        Ok(running) => running,
        Err(failure) => {
            tell_not_started(&invocation, &failure);
            if let Some(admission) = admission {
                admission.forget();
            }
            let story = format!("{matched}, but the command did not start");
            return (respond::not_started(&hook.response, global), story);
        }
    };
    drop(invocation);
    let is_awaited = hook.response.output != OutputInResponse::No;
    let wanted = match is_awaited || tracing::enabled!(tracing::Level::DEBUG) {
        true => OutputWanted::UpTo(delivery.settings.output_max),
        false => OutputWanted::None,
    };
    let leaked_pipes = delivery.leaked_pipes.clone();
    let run = tokio::spawn(async move {
        let outcome = running.wait(wanted, active.cut(), &leaked_pipes).await;
        tell_outcome(&request, &id, &outcome);
        if let Some(admission) = admission.filter(|_| !outcome.is_success()) {
            admission.forget();
        }
        outcome
    });
    if !is_awaited {
        return (respond::accepted(&hook.response, global), matched);
    }
    let outcome = run.await.ok();
    let story = match &outcome {
        Some(outcome) if outcome.is_success() => matched,
        Some(outcome) => format!("{matched}, but the command failed: {}", outcome.ending),
        None => format!("{matched}, but the run's end is unknown"),
    };
    (respond::ended(outcome, &hook.response, global), story)
}

/// Does work that takes long without holding up the other requests of this thread.
fn off_the_others_way<T>(takes_long: bool, work: impl FnOnce() -> T) -> T {
    if takes_long { tokio::task::block_in_place(work) } else { work() }
}

fn unix_ms_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
