//! One request's way through all stages: the only place that knows their order.

mod aside;
mod attempts;
mod run;
mod tell;
mod without_hook;

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hyper::body::{Body, Incoming};
use percent_encoding::percent_decode_str;
use tracing::{debug, warn};

use crate::body::{self, BodyBudget, BodyError, BodyLimits, Reservation};
use crate::clock::unix_ms_now;
use crate::duplicates::{Admission, DeliveryKey, Duplicates};
use crate::forwarded::TrustedProxies;
use crate::hook::{Hook, HookTable, OutputInResponse, ResponseSettings};
use crate::invocation::Invocation;
use crate::judge::{Judgement, Nobody, Ruling, judge};
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
use aside::{judged_aside, off_the_others_way};
use run::{Admitted, run};
use tell::{Limited, Line, Story, concealer, tell_judgement};
use without_hook::{answer_without_hook, wants_body};

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
    /// Of lines about rules that were not met: what strangers send, whom `verify` keeps out, leaves room for them.
    pub(crate) not_met: Quota,
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
    story: Story,
    /// The file with the request, if it was saved.
    saved: String,
    missed: Option<Missed>,
}

/// What of a hook a request does not fit, which its line in the log tells without `-verbose` too.
enum Missed {
    Method,
    Rule,
}

impl Delivery {
    fn limited<'t>(&'t self, hook: &'t str, id: &'t str) -> Limited<'t> {
        Limited { quota: &self.not_run, hook, id, client: None }
    }

    fn limited_of<'t>(&'t self, name: &'t RunName) -> Limited<'t> {
        self.limited(&name.hook, &name.request)
    }
}

impl Answer {
    fn new(response: HttpResponse, story: impl Into<Cow<'static, str>>) -> Self {
        Self::with_story(response, Story::Words(story.into()))
    }

    fn with_story(response: HttpResponse, story: Story) -> Self {
        Self { response, story, saved: String::new(), missed: None }
    }
}

/// Takes one request from its head to its answer, and `send`s that. The run it may start does not depend on this
/// future: a client that leaves stops nothing.
///
/// hyper moves the future of every request, so it is a small one: what takes long is boxed, and so is every run.
pub(crate) fn deliver<T>(
    delivery: &Arc<Delivery>,
    peer: Peer,
    request: hyper::Request<Incoming>,
    send: impl FnOnce(HttpResponse) -> T,
) -> impl Future<Output = T> {
    let received_at = Instant::now();
    let (head, incoming) = request.into_parts();
    let (method, uri, headers) = (head.method, head.uri, head.headers);
    let peer = delivery.settings.trusted_proxies.client(peer, &headers);
    let id = delivery.request_ids.id_of(&headers);
    debug!(request = %id, "incoming HTTP {} request from {peer}", clipped(method.as_str()));
    let route = delivery.settings.routing.route(method.as_str(), uri.path(), &delivery.table.load());
    if let Route::Refused { id: hook, reason } = &route {
        delivery
            .limited(hook, &id)
            .from(peer)
            .error(format_args!("the hook was refused when it was loaded: {reason}"));
    }
    let delivery = delivery.clone();
    async move {
        let (is_long, is_wanted) = (is_long(&incoming), wants_body(&delivery, &route));
        // A small body that nobody asks for is taken too: the peer's next request follows it.
        let body = match is_wanted || !is_long {
            true => Some(body::read(incoming, &headers, delivery.settings.body, &delivery.body_budget).await),
            false => None,
        };
        let received = body.filter(|_| is_wanted).map(|body| {
            let (body, reservation) = body?;
            let (path, query) = (uri.path().to_owned(), uri.query().map(str::to_owned));
            let (id, method) = (id.clone(), method.clone());
            let request = Request { id, peer, method, path, query, headers, body };
            Ok(Received { request, reservation: Arc::new(reservation), at_unix_ms: unix_ms_now() })
        });
        let (answer, is_at_once) = match answer(&delivery, &route, (&id, peer), uri.query(), received) {
            Coming::Now(answer) => (answer, true),
            Coming::Later(answer) => (answer.await, false),
        };
        let line = Line { id: &id, peer, method: method.as_str(), path: uri.path(), received_at };
        let mut response = line.tell(&delivery, route.hook_id(), answer);
        if is_long && !route.is_to_hook() {
            // Unless it is saved nobody reads it, and the peer must be rid of it, or it never sees its answer.
            respond::close_after(&mut response);
        }
        if is_at_once {
            let_others_first().await;
        }
        send(response)
    }
}

/// Lets the requests that came with this one be seen to first, so that the answers are written one after the other:
/// a client on the same cores, such as a proxy, then wakes once for several. docs/performance.md has what that
/// brings. Unlike after tokio's `yield_now`, another thread can go on with this one.
async fn let_others_first() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An answer that is there, or one that takes time.
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
enum Coming {
    Now(Answer),
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

/// A body that did not come matters to a hook alone.
fn answer(
    delivery: &Arc<Delivery>,
    route: &Route,
    caller: (&str, Peer),
    query: Option<&str>,
    received: Option<Result<Received, BodyError>>,
) -> Coming {
    match (route, received) {
        (Route::Hook(hook), Some(received)) => answer_of_hook(delivery, hook, None, caller, received),
        (Route::HandshakeOnly { hook, allowed }, Some(received)) => {
            answer_of_hook(delivery, hook, Some(allowed), caller, received)
        }
        (route, received) => {
            Coming::Now(answer_without_hook(delivery, route, query, received.and_then(Result::ok)))
        }
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

/// Gives the file's name, or nothing when none is written.
fn save(delivery: &Delivery, hook_id: &str, received: Received) -> String {
    let Some(saved_requests) = &delivery.saved_requests else { return String::new() };
    let Received { request, reservation, at_unix_ms } = received;
    let (id, peer) = (request.id.clone(), request.peer);
    match saved_requests.save(hook_id, request, at_unix_ms, reservation) {
        Ok(file) => file.display().to_string(),
        Err(full) => {
            delivery.limited(hook_id, &id).from(peer).warn(format_args!("{full}"));
            String::new()
        }
    }
}

/// `handshake_only` has the methods that are allowed, when the request's is none of them.
fn answer_of_hook(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    handshake_only: Option<&[String]>,
    caller: (&str, Peer),
    received: Result<Received, BodyError>,
) -> Coming {
    let received = match received {
        Ok(received) => received,
        Err(refused) => return Coming::Now(body_refused(delivery, hook, caller, &refused)),
    };
    if received.request.body.len() <= LONG_BODY_BYTES {
        let judgement = judge(hook, &received.request, handshake_only, received.at_unix_ms, &mut Nobody);
        return answer_of_judgement(delivery, hook, received, judgement);
    }
    let (delivery, hook) = (delivery.clone(), hook.clone());
    let handshake_only = handshake_only.map(<[String]>::to_vec);
    Coming::Later(Box::pin(async move {
        let (received, judgement) = judged_aside(&hook, received, handshake_only).await;
        match answer_of_judgement(&delivery, &hook, received, judgement) {
            Coming::Now(answer) => answer,
            Coming::Later(answer) => answer.await,
        }
    }))
}

/// A request whose rule is met.
struct Met {
    hook: Arc<Hook>,
    received: Received,
    invocation: Box<Invocation>,
    /// What tells this delivery from others.
    value: Option<Vec<u8>>,
    response: Option<Box<ResponseSettings>>,
}

fn answer_of_judgement(
    delivery: &Arc<Delivery>,
    hook: &Arc<Hook>,
    received: Received,
    judgement: Judgement,
) -> Coming {
    let global = &delivery.settings.global_headers;
    let id = &received.request.id;
    tell_judgement(delivery.limited(&hook.id, id).from(received.request.peer), hook, &judgement);
    let Judgement { case, ruling, .. } = judgement;
    let hook = case.unwrap_or_else(|| hook.clone());
    let ruling = match ruling {
        Ruling::Met { invocation, delivery: value, response } => {
            let met = Met { hook, received, invocation, value, response };
            return Coming::Later(Box::pin(deliver_met(delivery.clone(), met)));
        }
        ruling => ruling,
    };
    if let Ruling::Handshake(answered) = &ruling
        && let Err(NotKept) = keep_offered(delivery, &hook, (id, received.request.peer), answered)
    {
        let story = format!("{} got a handshake and refused it", hook.id);
        let saved = save(delivery, &hook.id, received);
        return Coming::Now(Answer { saved, ..Answer::new(respond::handshake_refused(global), story) });
    }
    let missed = match ruling {
        Ruling::MethodNotAllowed { .. } => Some(Missed::Method),
        Ruling::NotMet { .. } => Some(Missed::Rule),
        _ => None,
    };
    let is_as_it_should = matches!(&ruling, Ruling::Handshake(answered) if !answered.is_refused());
    let response = respond::to_ruling(&ruling, &hook, &received.request.headers, global);
    let saved = if is_as_it_should { String::new() } else { save(delivery, &hook.id, received) };
    let story = Story::Ruling(hook, ruling);
    Coming::Now(Answer { missed, saved, ..Answer::with_story(response, story) })
}

/// Runs the command, unless the delivery with this value was accepted before.
async fn deliver_met(delivery: Arc<Delivery>, met: Met) -> Answer {
    let Met { hook, received, mut invocation, value, response } = met;
    let (delivery, hook) = (&delivery, &hook);
    let Received { request, reservation, .. } = &received;
    let concealer = concealer(hook, request);
    invocation.stdin = invocation.stdin.map(|bytes| body::held(bytes, reservation));
    let streams = hook.response.output == OutputInResponse::Streamed;
    let stream = streams.then(|| StreamForm::asked_for(&request.headers));
    let key = value.map(|value| DeliveryKey::new(&address(hook, request), &value));
    match admit(delivery, hook, key) {
        Ok(admission) => {
            run(delivery, hook, Admitted { invocation, admission, received, response, stream, concealer })
                .await
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

fn body_refused(delivery: &Delivery, hook: &Hook, (id, peer): (&str, Peer), refused: &BodyError) -> Answer {
    if !matches!(refused, BodyError::Broken(_)) {
        delivery.limited(&hook.id, id).from(peer).warn(format_args!("{refused}"));
    }
    let story = format!("{} got matched, but {refused}", hook.id);
    Answer::new(respond::body_refused(refused, &delivery.settings.global_headers), story)
}

/// The secret that came with a handshake could not be kept.
struct NotKept;

/// Keeps the secret that a handshake brought, if it did and the hook wants it.
fn keep_offered(
    delivery: &Delivery,
    hook: &Hook,
    (id, peer): (&str, Peer),
    answered: &Answered,
) -> Result<(), NotKept> {
    let set_up_file = hook.verify.as_ref().and_then(|verify| verify.set_up_file.as_deref());
    let (Some(secret), Some(file)) = (&answered.offered, set_up_file) else { return Ok(()) };
    if let Err(error) = set_up::keep(file, secret) {
        let limited = delivery.limited(&hook.id, id).from(peer);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// hyper moves it several times for each request; docs/performance.md has the figure.
    #[test]
    fn a_requests_future_is_small() {
        fn size<F>(_deliver: impl Fn(&'static Arc<Delivery>, Peer, hyper::Request<Incoming>) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = size(|delivery, peer, request| deliver(delivery, peer, request, drop));
        assert!(bytes <= 1024, "{bytes} bytes: box what takes long");
    }
}
