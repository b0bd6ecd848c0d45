//! One request's way through all stages: the only place that knows their order.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use tracing::{debug, error, info, warn};

use crate::body::{self, BodyBudget, BodyError, BodyLimits};
use crate::facts::Facts;
use crate::hook::{Hook, HookTable, OutputInResponse};
use crate::invocation::{self, Invocation};
use crate::outcome::{Ending, Outcome, StartFailure};
use crate::payload::{self, Problem, Reading};
use crate::reference::Reference;
use crate::request::{Peer, Request};
use crate::request_id::RequestIds;
use crate::respond::{self, GlobalHeaders, HttpResponse};
use crate::route::{Route, Routing};
use crate::rule::{self, Conditions, MatchResult, Verdict, display_path};
use crate::run::{self, LeakedPipes, OutputWanted, Surroundings};
use crate::runs::{RunName, Runs};

/// Failing matches named in one log line.
const FAILED_MATCHES_MAX: usize = 8;

/// What all requests share.
pub(crate) struct Delivery {
    pub(crate) settings: Settings,
    pub(crate) table: ArcSwap<HookTable>,
    pub(crate) body_budget: BodyBudget,
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

/// How the request line in the log ends.
type Story = String;

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
    let path = request.uri().path().to_owned();
    debug!(request = %id, "incoming HTTP {method} request from {peer}");
    let (hook, response, story) = decide(delivery, peer, id.clone(), request).await;
    let status = response.status().as_u16();
    let took = Took(received.elapsed());
    info!(request = %id, hook, status, duration = %took, "{method} {path}: {story}");
    response
}

async fn decide(
    delivery: &Arc<Delivery>,
    peer: Peer,
    id: String,
    request: hyper::Request<Incoming>,
) -> (String, HttpResponse, Story) {
    let global = &delivery.settings.global_headers;
    let table = delivery.table.load_full();
    let routing = &delivery.settings.routing;
    let none = String::new;
    match routing.route(request.method().as_str(), request.uri().path(), &table) {
        Route::Index => (none(), respond::index(global), "the server is up".to_owned()),
        Route::NotFound => (
            none(),
            respond::path_not_found(),
            format!("no hook lives there, but at {}", routing.pattern()),
        ),
        Route::UnknownHook { id } => (
            none(),
            respond::hook_not_found(),
            format!("no hook has the id {id:?}"),
        ),
        Route::MethodNotAllowed { id, allowed } => {
            let story = format!("{id} got matched, but allows only {}", allowed.join(", "));
            (id, respond::method_not_allowed(&allowed), story)
        }
        Route::Refused { id: hook, reason } => {
            error!(request = %id, hook = %hook, "the hook was refused when it was loaded: {reason}");
            (
                hook.to_string(),
                respond::rule_error(global),
                "the hook is refused".to_owned(),
            )
        }
        Route::Hook(hook) => {
            let (response, story) = deliver_to(delivery, &hook, peer, id, request).await;
            (hook.id.clone(), response, story)
        }
    }
}

async fn deliver_to(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    peer: Peer,
    id: String,
    request: hyper::Request<Incoming>,
) -> (HttpResponse, Story) {
    let global = &delivery.settings.global_headers;
    let (head, incoming) = request.into_parts();
    let (body, _reservation) = match body::read(incoming, delivery.settings.body, &delivery.body_budget).await
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
    match judge(hook, &request) {
        Judgement::BrokenMultipart => (
            respond::multipart_broken(global),
            format!("{} got matched, but its form is broken", hook.id),
        ),
        Judgement::RuleError => (
            respond::rule_error(global),
            format!("{} got matched, but its rule could not be evaluated", hook.id),
        ),
        Judgement::NotMet { because } => {
            let story = format!(
                "{} got matched, but didn't get triggered because the trigger rules were not satisfied: {because}",
                hook.id
            );
            (respond::not_met(&hook.response, global), story)
        }
        Judgement::Met(invocation) => {
            drop(request);
            drop(_reservation);
            start(delivery, hook, invocation).await
        }
    }
}

/// What is decided about a request before anything is done.
enum Judgement {
    BrokenMultipart,
    RuleError,
    NotMet { because: String },
    Met(Invocation),
}

fn judge(hook: &Hook, request: &Request) -> Judgement {
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
        wanted: &hook.wanted,
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
    let mut facts = Facts::new(request, payload);
    for reference in &hook.parse_as_json {
        if let Err(not_parsed) = facts.parse_as_json(reference) {
            info!(request = %id, hook = %hook.id, "error parsing JSON parameter: {not_parsed}");
        }
    }
    if let Some(not_met) = judge_rule(hook, &facts) {
        return not_met;
    }
    let (invocation, missing) = invocation::build(hook, &facts);
    for no_value in missing {
        info!(request = %id, hook = %hook.id, "{no_value}");
    }
    Judgement::Met(invocation)
}

/// `None` when the hook's rule is met, or when it has none.
fn judge_rule(hook: &Hook, facts: &Facts<'_>) -> Option<Judgement> {
    let rule = hook.rule.as_ref()?;
    let conditions = Conditions {
        soft_signature_failures: hook.soft_signature_failures,
        now_unix_s: unix_seconds_now(),
    };
    let mut failed = Vec::new();
    let verdict = rule::evaluate(rule, facts, conditions, &mut |steps, part, result| {
        let is_negated = steps.iter().filter(|step| **step == rule::Step::Not).count() % 2 == 1;
        if (*result == MatchResult::Holds) == is_negated && failed.len() < FAILED_MATCHES_MAX {
            failed.push(format!("{} {part}: {result}", display_path(steps)));
        }
    });
    match verdict {
        Verdict::Fired => None,
        Verdict::NotFired => Some(Judgement::NotMet {
            because: failed.join("; "),
        }),
        Verdict::Failed(_) => {
            let because = failed.join("; ");
            let id = &facts.request.id;
            warn!(request = %id, hook = %hook.id, "error evaluating hook: {because}");
            Some(Judgement::RuleError)
        }
    }
}

/// A missing payload matters when the hook refers to it; then the line also says what mends it.
fn tell_problem(hook: &Hook, id: &str, problem: &Problem) {
    let refers_to_payload = hook.refers_to_payload;
    match problem {
        Problem::UnsupportedContentType { .. } if refers_to_payload => {
            let hint = "the payload is empty; if the body is JSON, set `incoming-payload-content-type: application/json`";
            warn!(request = %id, hook = %hook.id, "{problem}; {hint}");
        }
        _ if refers_to_payload => warn!(request = %id, hook = %hook.id, "{problem}; the payload is empty"),
        _ => debug!(request = %id, hook = %hook.id, "{problem}"),
    }
}

/// Starts the command, and answers at once or when it has ended, as the hook says.
async fn start(delivery: &Arc<Delivery>, hook: &Arc<Hook>, invocation: Invocation) -> (HttpResponse, Story) {
    let global = &delivery.settings.global_headers;
    let (request, id) = (invocation.request_id.clone(), hook.id.clone());
    let triggered = format!("{id} got matched, hook triggered successfully");
    tell_start(&invocation);
    let active = delivery.runs.enter(RunName {
        hook: id.clone(),
        request: request.clone(),
    });
    let running = match run::start(&invocation, &delivery.settings.surroundings) {
        Ok(running) => running,
        Err(failure) => {
            tell_not_started(&invocation, &failure);
            return (
                respond::not_started(&hook.response, global),
                format!("{triggered}, but the command did not start"),
            );
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
        outcome
    });
    if !is_awaited {
        return (respond::accepted(&hook.response, global), triggered);
    }
    let outcome = run.await.ok();
    let story = match &outcome {
        Some(outcome) if outcome.is_success() => triggered,
        Some(outcome) => format!("{triggered}, but the command failed: {}", outcome.ending),
        None => format!("{triggered}, but the run's end is unknown"),
    };
    (respond::ended(outcome, &hook.response, global), story)
}

fn tell_start(invocation: &Invocation) {
    let Invocation {
        hook_id,
        request_id,
        program,
        arguments,
        environment,
        files,
        working_directory,
    } = invocation;
    let directory = working_directory
        .as_deref()
        .unwrap_or(std::path::Path::new(""))
        .display();
    let variables: Vec<&str> = files.iter().map(|file| file.variable.as_str()).collect();
    debug!(
        request = %request_id, hook = %hook_id,
        "executing {program:?} with arguments {arguments:?} and environment {environment:?} and files {variables:?} \
         using {directory} as cwd",
    );
}

fn tell_not_started(invocation: &Invocation, failure: &StartFailure) {
    let program = invocation.program.display().to_string();
    let (request, hook) = (&invocation.request_id, &invocation.hook_id);
    let hint = match program.split_ascii_whitespace().next() {
        Some(first) if first != program => {
            format!("; use 'pass-arguments-to-command' to specify args for '{first}'")
        }
        _ => String::new(),
    };
    error!(request = %request, hook = %hook, "error in exec: \"{program}\": {failure}{hint}");
}

fn tell_outcome(request: &str, hook: &str, outcome: &Outcome) {
    let Outcome {
        ending,
        is_leaked,
        output,
        duration,
    } = outcome;
    let took = Took(*duration);
    if !output.bytes.is_empty() {
        debug!(request = %request, hook = %hook, "command output: {}", String::from_utf8_lossy(&output.bytes));
    }
    if output.dropped_bytes > 0 {
        let dropped = output.dropped_bytes;
        warn!(request = %request, hook = %hook, "output truncated: {dropped} bytes beyond `-max-output` were dropped");
    }
    if *is_leaked {
        warn!(
            request = %request, hook = %hook,
            "leaked: the command exited, and a process it left behind holds its output open; not waiting for that"
        );
    }
    match ending {
        Ending::Exited(0) => {
            info!(request = %request, hook = %hook, outcome = %ending, duration = %took, "finished handling {hook}");
        }
        _ => {
            let message = format!("error occurred: {ending}; finished handling {hook}");
            warn!(request = %request, hook = %hook, outcome = %ending, duration = %took, "{message}");
        }
    }
}

/// A duration in milliseconds, for logs.
struct Took(Duration);

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}ms", self.0.as_secs_f64() * 1_000.0)
    }
}

fn unix_seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
