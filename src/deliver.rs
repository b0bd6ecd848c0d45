//! One request's way through all stages: the only place that knows their order.

mod aside;
mod attempts;
mod run;
mod tell;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use hyper::body::{Body, Incoming};
use percent_encoding::percent_decode_str;
use tracing::{debug, info, warn};

use crate::body::{self, BodyBudget, BodyError, BodyLimits, Reservation};
use crate::duplicates::{Admission, DeliveryKey, Duplicates};
use crate::forwarded::TrustedProxies;
use crate::hook::{Hook, HookTable, OutputInResponse, ResponseSettings};
use crate::invocation::Invocation;
use crate::judge::{Judgement, Ruling};
use crate::log::Quota;
use crate::log_text::clipped;
use crate::request::{Peer, Request};
use crate::request_id::RequestIds;
use crate::respond::{self, GlobalHeaders, HttpResponse, StreamForm};
use crate::route::{Route, Routing};
use crate::run::{LeakedPipes, Surroundings};
use crate::runs::{RunName, Runs};
use crate::saved_requests::SavedRequests;
use crate::sender::Answered;
use crate::set_up;
use crate::turns::Turns;
use aside::{judged, off_the_others_way};
use run::{Met, run};
use tell::{Limited, concealer, milliseconds, story_of, tell_judgement, told_of};

pub(crate) use attempts::Pauses;

/// A body that takes a millisecond or more to verify and parse.
const LONG_BODY_BYTES: usize = 64 * 1024;

/// What all requests share.
pub(crate) struct Delivery {
    pub(crate) settings: Settings,
    pub(crate) table: ArcSwap<HookTable>,
    pub(crate) body_budget: BodyBudget,
    pub(crate) duplicates: Duplicates,
    pub(crate) runs: Arc<Runs>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) pauses: Pauses,
    pub(crate) leaked_pipes: LeakedPipes,
    pub(crate) request_ids: RequestIds,
    /// Of lines about requests that did not run.
    pub(crate) not_run: Quota,
    /// Where requests go that were not run, if anywhere.
    pub(crate) saved_requests: Option<SavedRequests>,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) routing: Routing,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) global_headers: GlobalHeaders,
    pub(crate) body: BodyLimits,
    /// Bytes of a run's output that are kept.
    pub(crate) output_max: usize,
    /// How long a run waits for a client that follows its output and takes nothing.
    pub(crate) stream_patience: Duration,
    pub(crate) surroundings: Surroundings,
}

/// An answer, and what the request's line in the log says of it.
struct Answer {
    response: HttpResponse,
    story: Cow<'static, str>,
    /// The file with the request, if it was saved.
    saved: String,
    /// The hook did not run for what the request is, which the log tells without `-verbose` too.
    is_unmet: bool,
}

impl Delivery {
    fn limited<'t>(&'t self, hook: &'t str, id: &'t str) -> Limited<'t> {
        Limited { quota: &self.not_run, hook, id }
    }

    fn limited_of<'t>(&'t self, name: &'t RunName) -> Limited<'t> {
        self.limited(&name.hook, &name.request)
    }
}

impl Answer {
    fn new(response: HttpResponse, story: impl Into<Cow<'static, str>>) -> Self {
        Self { response, story: story.into(), saved: String::new(), is_unmet: false }
    }
}

/// Takes one request from its head to its answer. The run it may start does not depend on this future:
/// a client that leaves stops nothing.
pub(crate) async fn deliver(
    delivery: &Arc<Delivery>,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> HttpResponse {
    let received = Instant::now();
    let peer = delivery.settings.trusted_proxies.client(peer, request.headers());
    let id = delivery.request_ids.id_of(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    debug!(request = %id, "incoming HTTP {} request from {peer}", clipped(method.as_str()));
    let routing = &delivery.settings.routing;
    let route = routing.route(request.method().as_str(), request.uri().path(), &delivery.table.load());
    // A large body that nobody reads must be taken from the peer all the same, or it never sees its answer.
    let leaves_body =
        !matches!(route, Route::Hook(_) | Route::HandshakeOnly { .. }) && is_long(request.body());
    let (hook, answer) = answer(delivery, route, peer, &id, request).await;
    let Answer { mut response, story, saved, is_unmet } = answer;
    if leaves_body {
        respond::close_after(&mut response);
    }
    let status = response.status().as_u16();
    let (hook, duration_ms) = (hook.unwrap_or_default(), milliseconds(received.elapsed()));
    match is_unmet.then(|| delivery.not_run.take(&hook, received)).flatten() {
        Some(untold) => {
            let untold = told_of(untold);
            let (method, path) = (clipped(method.as_str()), clipped(uri.path()));
            warn!(request = %id, hook, client = %peer, status, duration_ms, saved, "{method} {path}: {story}{untold}");
        }
        None => info!(
            request = %id, hook, client = %peer, status, duration_ms, saved,
            "{} {}: {story}", clipped(method.as_str()), clipped(uri.path())
        ),
    }
    response
}

/// With the id of the hook, when there is one.
///
/// The long ways are boxed: hyper moves the future of every request, and most of it would be their room.
async fn answer(
    delivery: &Arc<Delivery>,
    route: Route,
    peer: Peer,
    id: &str,
    request: hyper::Request<Incoming>,
) -> (Option<String>, Answer) {
    let Settings { global_headers: global, routing, .. } = &delivery.settings;
    let answer = match route {
        Route::Hook(hook) => {
            let answer = Box::pin(deliver_to(delivery, &hook, None, peer, id, request)).await;
            return (Some(hook.id.clone()), answer);
        }
        Route::HandshakeOnly { hook, allowed } => {
            let answer = Box::pin(deliver_to(delivery, &hook, Some(&allowed), peer, id, request)).await;
            return (Some(hook.id.clone()), answer);
        }
        Route::MethodNotAllowed { id: hook, allowed } => {
            let mut answer = Answer::new(
                respond::method_not_allowed(&allowed),
                story_of(&hook, &Ruling::MethodNotAllowed { allowed }),
            );
            answer.is_unmet = true;
            answer.saved = Box::pin(save_unread(delivery, &hook, peer, id, request)).await;
            return (Some(hook), answer);
        }
        Route::Refused { id: hook, reason } => {
            let limited = delivery.limited(&hook, id);
            limited.error(format_args!("the hook was refused when it was loaded: {reason}"));
            let mut answer = Answer::new(respond::rule_error(global), "the hook is refused");
            answer.saved = Box::pin(save_unread(delivery, &hook, peer, id, request)).await;
            return (Some(hook.to_string()), answer);
        }
        Route::Index => Answer::new(respond::index(global), "the server is up"),
        Route::NotFound => {
            Answer::new(respond::path_not_found(), format!("hooks are at {}", routing.pattern()))
        }
        Route::UnknownHook { id } => {
            Answer::new(respond::hook_not_found(), format!("no hook has the id {:?}", clipped(&id)))
        }
        Route::Moved { path } => {
            let location = with_query(&path, request.uri().query());
            let story = format!("the path is written shorter: {}", clipped(&path));
            Answer::new(respond::moved(&location), story)
        }
        Route::BadPath => Answer::new(respond::bad_path(), "the path has a bad escape"),
    };
    Box::pin(pass_over(delivery, request)).await;
    (None, answer)
}

fn with_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// Takes a small body that nobody reads from the peer, whose next request follows it.
async fn pass_over(delivery: &Delivery, request: hyper::Request<Incoming>) {
    if !is_long(request.body()) {
        // One that does not come ends the connection.
        let _ = body::read(request.into_body(), delivery.settings.body, &delivery.body_budget).await;
    }
}

fn is_long(body: &Incoming) -> bool {
    body.size_hint().upper().is_none_or(|bytes| bytes > LONG_BODY_BYTES as u64)
}

/// A request with its body, which is counted for as long as it is here.
struct Received {
    request: Request,
    reservation: Arc<Reservation>,
    at_unix_ms: i64,
}

async fn receive(
    delivery: &Delivery,
    peer: Peer,
    id: &str,
    request: hyper::Request<Incoming>,
) -> Result<Received, BodyError> {
    let (head, incoming) = request.into_parts();
    let (body, reservation) = body::read(incoming, delivery.settings.body, &delivery.body_budget).await?;
    let request = Request {
        id: id.to_owned(),
        peer,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
    };
    Ok(Received { request, reservation: Arc::new(reservation), at_unix_ms: unix_ms_now() })
}

/// Gives the file's name, or nothing when none is written.
fn save(delivery: &Delivery, hook_id: &str, received: Received) -> String {
    let Some(saved_requests) = &delivery.saved_requests else { return String::new() };
    let Received { request, reservation, at_unix_ms } = received;
    let id = request.id.clone();
    match saved_requests.save(hook_id, request, at_unix_ms, reservation) {
        Ok(file) => file.display().to_string(),
        Err(full) => {
            delivery.limited(hook_id, &id).warn(format_args!("{full}"));
            String::new()
        }
    }
}

/// Saves a request whose answer needs no body. The body is read only for this, and one that does not come
/// is not told about.
async fn save_unread(
    delivery: &Delivery,
    hook_id: &str,
    peer: Peer,
    id: &str,
    request: hyper::Request<Incoming>,
) -> String {
    if delivery.saved_requests.is_none() {
        pass_over(delivery, request).await;
        return String::new();
    }
    match receive(delivery, peer, id, request).await {
        Ok(received) => save(delivery, hook_id, received),
        Err(_) => String::new(),
    }
}

/// `handshake_only` has the methods that are allowed, when the request's is none of them.
async fn deliver_to(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    handshake_only: Option<&[String]>,
    peer: Peer,
    id: &str,
    request: hyper::Request<Incoming>,
) -> Answer {
    let global = &delivery.settings.global_headers;
    let received = match receive(delivery, peer, id, request).await {
        Ok(received) => received,
        Err(refused) => return body_refused(delivery, hook, id, &refused),
    };
    let (received, judgement) = judged(hook, received, handshake_only).await;
    tell_judgement(delivery.limited(&hook.id, id), hook, &judgement);
    let Judgement { case, ruling, .. } = judgement;
    let hook = case.as_ref().unwrap_or(hook);
    let ruling = match ruling {
        Ruling::Met { invocation, delivery: value, response } => {
            return deliver_met(delivery, hook, received, *invocation, value, response).await;
        }
        ruling => ruling,
    };
    let response = respond::to_ruling(&ruling, hook, &received.request.headers, global);
    let answer = Answer {
        is_unmet: matches!(ruling, Ruling::NotMet { .. } | Ruling::MethodNotAllowed { .. }),
        ..Answer::new(response, story_of(&hook.id, &ruling))
    };
    let answer = match ruling {
        Ruling::Handshake(answered) => match keep_offered(delivery, hook, id, &answered) {
            Ok(()) if !answered.is_refused() => return answer,
            Ok(()) => answer,
            Err(NotKept) => {
                let story = format!("{} got a handshake and refused it", hook.id);
                Answer::new(respond::handshake_refused(global), story)
            }
        },
        _ => answer,
    };
    Answer { saved: save(delivery, &hook.id, received), ..answer }
}

/// Runs the command, unless the delivery with this value was accepted before.
async fn deliver_met(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    received: Received,
    mut invocation: Invocation,
    value: Option<Vec<u8>>,
    response: Option<Box<ResponseSettings>>,
) -> Answer {
    let Received { request, reservation, .. } = &received;
    let concealer = concealer(hook, request);
    invocation.stdin = invocation.stdin.map(|bytes| body::held(bytes, reservation));
    let streams = hook.response.output == OutputInResponse::Streamed;
    let stream = streams.then(|| StreamForm::asked_for(&request.headers));
    let key = value.map(|value| DeliveryKey::new(&address(hook, request), &value));
    match admit(delivery, hook, key) {
        Ok(admission) => {
            run(delivery, hook, Met { invocation, admission, received, response, stream, concealer }).await
        }
        Err(Duplicate) => {
            let story = format!("{} got matched, but this delivery was accepted before", hook.label());
            let settings = response.as_deref().unwrap_or(&hook.response);
            Answer::new(respond::accepted(settings, &delivery.settings.global_headers), story)
        }
    }
}

/// The hook's id; of a pattern, the address that the request came to: each has deliveries of its own.
fn address<'h>(hook: &'h Hook, request: &Request) -> Cow<'h, str> {
    let address = hook
        .pattern
        .as_ref()
        .and_then(|pattern| pattern.address(&percent_decode_str(&request.path).decode_utf8_lossy()));
    address.map_or(Cow::Borrowed(&*hook.id), Cow::Owned)
}

fn body_refused(delivery: &Delivery, hook: &Hook, id: &str, refused: &BodyError) -> Answer {
    if !matches!(refused, BodyError::Broken(_)) {
        delivery.limited(&hook.id, id).warn(format_args!("{refused}"));
    }
    let story = format!("{} got matched, but {refused}", hook.id);
    Answer::new(respond::body_refused(refused, &delivery.settings.global_headers), story)
}

/// The secret that came with a handshake could not be kept.
struct NotKept;

/// Keeps the secret that a handshake brought, if it did and the hook wants it.
fn keep_offered(delivery: &Delivery, hook: &Hook, id: &str, answered: &Answered) -> Result<(), NotKept> {
    let set_up_file = hook.verify.as_ref().and_then(|verify| verify.set_up_file.as_deref());
    let (Some(secret), Some(file)) = (&answered.offered, set_up_file) else { return Ok(()) };
    if let Err(error) = set_up::keep(file, secret) {
        let limited = delivery.limited(&hook.id, id);
        limited.error(format_args!("the secret in the sender's handshake was not taken: {error}"));
        return Err(NotKept);
    }
    warn!(
        request = %id, hook = %hook.id,
        "the sender's secret is in {} now: reload (SIGHUP), then remove `set-up-file`", file.display()
    );
    Ok(())
}

/// The same delivery was accepted before.
struct Duplicate;

fn admit(delivery: &Delivery, hook: &Hook, key: Option<DeliveryKey>) -> Result<Option<Admission>, Duplicate> {
    let (Some(deduplicate), Some(key)) = (&hook.deduplicate, key) else { return Ok(None) };
    delivery.duplicates.admit(key, deduplicate.lifetime, Instant::now()).map(Some).ok_or(Duplicate)
}

fn unix_ms_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
