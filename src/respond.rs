//! What the client is told. Status codes and client texts are here and nowhere else; none of them
//! says more than a stranger may know.

mod body;
mod events;
mod turned_away;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, TRAILER,
};
use hyper::{HeaderMap, Response, StatusCode};

use crate::body::BodyError;
use crate::hook::{Hook, OutputInResponse, ResponseSettings};
use crate::judge::Ruling;
use crate::outcome::{Ending, Outcome, Output, Streamed};
use crate::run::Followed;
use crate::sender::Answer;

use body::OUTCOME;
pub(crate) use body::{AnswerBody, BrokenOff, StreamForm};
pub(crate) use turned_away::{busy, shutting_down, superseded};

pub(crate) type HttpResponse = Response<AnswerBody>;

const RULES_NOT_SATISFIED: &str = "Hook rules were not satisfied.";
const RULE_ERROR: &str = "Error occurred while evaluating hook rules.";
const RUN_ERROR: &str =
    "Error occurred while executing the hook's command. Please check your logs for more details.";
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NOSNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// nginx passes an answer with it on as it comes.
const NOT_BUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
const OUTPUT_TRUNCATED: HeaderName = HeaderName::from_static("x-hookrunner-output-truncated");
/// What a client is asked to wait when memory is short: bodies leave within seconds.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("5");

/// Headers of every response on `/` and on matched hooks.
pub(crate) type GlobalHeaders = Vec<(HeaderName, HeaderValue)>;

/// What a ruling is answered with, if nothing comes between: of a run, that it has started and, where the
/// client waits for it, that it went well and printed nothing. `request` has the request's headers.
pub(crate) fn to_ruling(
    ruling: &Ruling,
    hook: &Hook,
    request: &HeaderMap,
    global: &GlobalHeaders,
) -> HttpResponse {
    match ruling {
        Ruling::Handshake(answered) => handshake(answered.answer.clone(), global),
        Ruling::MethodNotAllowed { allowed } => method_not_allowed(allowed),
        Ruling::NotVerified(_) => not_verified(global),
        Ruling::MultipartBroken(_) => multipart_broken(global),
        Ruling::RuleError { .. } => rule_error(global),
        Ruling::Incomplete { .. } => incomplete(global),
        Ruling::TooMuch { .. } => too_much(global),
        Ruling::NotMet { .. } => not_met(&hook.response, global),
        Ruling::NoAnswer { .. } => no_answer(global),
        Ruling::Met { response, .. } => {
            let settings = response.as_deref().unwrap_or(&hook.response);
            match settings.output {
                OutputInResponse::Streamed => {
                    streaming(None, StreamForm::asked_for(request), settings, global)
                }
                _ if !settings.is_after_run() => accepted(settings, global),
                _ => ended(Some(quiet(Ending::Exited(0))), settings, global),
            }
        }
    }
}

/// The outcome of a run that printed nothing.
fn quiet(ending: Ending) -> Outcome {
    Outcome {
        ending,
        is_leaked: false,
        output: Output::default(),
        errors: Output::default(),
        streamed: Streamed::No,
        duration: Duration::ZERO,
    }
}

pub(crate) fn index(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::OK, "OK"), global)
}

pub(crate) fn path_not_found() -> HttpResponse {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The path is written in a way that has a simpler one, with `location`.
pub(crate) fn moved(location: &str) -> HttpResponse {
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "");
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

pub(crate) fn bad_path() -> HttpResponse {
    text(StatusCode::BAD_REQUEST, "400 Bad Request")
}

pub(crate) fn hook_not_found() -> HttpResponse {
    text(StatusCode::NOT_FOUND, "Hook not found.")
}

pub(crate) fn method_not_allowed(allowed: &[String]) -> HttpResponse {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "");
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

pub(crate) fn body_refused(error: &BodyError, global: &GlobalHeaders) -> HttpResponse {
    let mut response = match error {
        BodyError::TooLarge { .. } => text(StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large."),
        BodyError::Timeout { .. } => {
            text(StatusCode::REQUEST_TIMEOUT, "Request body did not arrive in time.")
        }
        BodyError::NoMemory { .. } => {
            let mut response =
                text(StatusCode::SERVICE_UNAVAILABLE, "The server is busy. Please try again later.");
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
            response
        }
        BodyError::Coding { .. } => text(StatusCode::NOT_IMPLEMENTED, "Transfer coding is not supported."),
        BodyError::Broken(_) => text(StatusCode::BAD_REQUEST, "Request body could not be read."),
    };
    close_after(&mut response);
    with_global(response, global)
}

/// What is left of the request's body is not worth waiting for.
pub(crate) fn close_after(response: &mut HttpResponse) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

pub(crate) fn not_verified(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::UNAUTHORIZED, "Request could not be verified."), global)
}

/// The answer that a sender's handshake asks for.
pub(crate) fn handshake(answer: Answer, global: &GlobalHeaders) -> HttpResponse {
    let response = match answer {
        Answer::Text(echo) => text(StatusCode::OK, echo),
        Answer::Json(json) => {
            let mut response = text(StatusCode::OK, json);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Answer::Empty => text(StatusCode::OK, ""),
        Answer::EmptyWithHeader { name, value } => {
            let mut response = text(StatusCode::OK, "");
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
            response
        }
        Answer::NoContent => text(StatusCode::NO_CONTENT, ""),
        Answer::Refused => text(StatusCode::BAD_REQUEST, ""),
        Answer::WrongToken => text(StatusCode::FORBIDDEN, ""),
    };
    with_global(response, global)
}

pub(crate) fn handshake_refused(global: &GlobalHeaders) -> HttpResponse {
    handshake(Answer::Refused, global)
}

pub(crate) fn multipart_broken(global: &GlobalHeaders) -> HttpResponse {
    let response = text(StatusCode::INTERNAL_SERVER_ERROR, "Error occurred while parsing multipart form.");
    with_global(response, global)
}

pub(crate) fn rule_error(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::INTERNAL_SERVER_ERROR, RULE_ERROR), global)
}

/// Which value is missing stands in the log.
fn incomplete(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::BAD_REQUEST, "The request lacks a required value."), global)
}

fn no_answer(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::INTERNAL_SERVER_ERROR, "Error occurred while preparing the answer."), global)
}

fn too_much(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::BAD_REQUEST, "The request has more values than the hook takes."), global)
}

pub(crate) fn not_met(settings: &ResponseSettings, global: &GlobalHeaders) -> HttpResponse {
    with_global(text(configured(settings.mismatch_code), RULES_NOT_SATISFIED), global)
}

/// The command runs in the background, or has run for the same delivery. The client of a hook that answers
/// after its run gets the status of one that went well.
pub(crate) fn accepted(settings: &ResponseSettings, global: &GlobalHeaders) -> HttpResponse {
    let of_exit = settings.is_after_run().then(|| status_of_exit(Ending::Exited(0), settings)).flatten();
    let status = of_exit.unwrap_or(configured(settings.success_code));
    let response = text(status, settings.message.clone());
    with_hook(with_global(response, global), settings)
}

/// The command could not be started.
pub(crate) fn not_started(settings: &ResponseSettings, global: &GlobalHeaders) -> HttpResponse {
    let message = match &settings.error_message {
        None if settings.output == OutputInResponse::Always => Bytes::new(),
        _ => run_error(settings),
    };
    with_hook(with_global(text(StatusCode::INTERNAL_SERVER_ERROR, message), global), settings)
}

/// The command has ended. `None`: its end was never learned.
pub(crate) fn ended(
    outcome: Option<Outcome>,
    settings: &ResponseSettings,
    global: &GlobalHeaders,
) -> HttpResponse {
    let Some(outcome) = outcome else {
        return not_started(settings, global);
    };
    let is_success = outcome.is_success();
    let status = status_of_exit(outcome.ending, settings).unwrap_or(match is_success {
        true => configured(settings.success_code),
        false => StatusCode::INTERNAL_SERVER_ERROR,
    });
    let is_good = is_success || status.is_success();
    let (mut response, has_output) = match settings.output {
        OutputInResponse::No | OutputInResponse::Streamed if is_good => {
            (text(status, settings.message.clone()), false)
        }
        OutputInResponse::OnSuccess if is_good => (text(status, outcome.output.bytes), true),
        OutputInResponse::Always => (text(status, outcome.output.bytes), true),
        _ => (text(status, run_error(settings)), false),
    };
    if outcome.output.dropped_bytes > 0 && has_output {
        response.headers_mut().insert(OUTPUT_TRUNCATED, HeaderValue::from_static("true"));
    }
    with_hook(with_global(response, global), settings)
}

/// The command has started, and its output follows. `None`: it is only asked what that would look like.
pub(crate) fn streaming(
    output: Option<Followed>,
    form: StreamForm,
    settings: &ResponseSettings,
    global: &GlobalHeaders,
) -> HttpResponse {
    let mut response = text(configured(settings.success_code), "");
    response.headers_mut().insert(NOT_BUFFERED.0, NOT_BUFFERED.1);
    response = with_hook(with_global(response, global), settings);
    let headers = response.headers_mut();
    match form {
        StreamForm::Plain => {}
        StreamForm::PlainWithTrailer => drop(headers.insert(TRAILER, OUTCOME.into())),
        StreamForm::Events => {
            headers.insert(CONTENT_TYPE, EVENT_STREAM);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
    if let Some(output) = output.filter(|_| may_have_body(response.status())) {
        *response.body_mut() = AnswerBody::stream(output, form);
    }
    response
}

/// What the hook says about this exit code, if it can be sent.
fn status_of_exit(ending: Ending, settings: &ResponseSettings) -> Option<StatusCode> {
    let Ending::Exited(code) = ending else { return None };
    let status = settings.exit_codes.get(&u8::try_from(code).ok()?)?;
    status_of(*status)
}

/// What the client reads of a run that failed.
fn run_error(settings: &ResponseSettings) -> Bytes {
    match &settings.error_message {
        Some(message) => message.clone().into(),
        None => RUN_ERROR.into(),
    }
}

/// The bytes of an answer, which are all there.
pub(crate) fn body_of(response: HttpResponse) -> Bytes {
    let frame = pin!(response.into_body()).poll_frame(&mut Context::from_waker(Waker::noop()));
    match frame {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        Poll::Ready(Some(Err(BrokenOff)) | None) | Poll::Pending => Bytes::new(),
    }
}

/// Whether a configured status is sent; another number means 200.
pub(crate) fn is_sent(code: i64) -> bool {
    status_of(code).is_some()
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> HttpResponse {
    let body = if may_have_body(status) { body.into() } else { Bytes::new() };
    let mut response = Response::new(AnswerBody::Whole(Full::new(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN_TEXT);
    response.headers_mut().insert(NOSNIFF.0, NOSNIFF.1);
    response
}

fn may_have_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn with_global(mut response: HttpResponse, global: &GlobalHeaders) -> HttpResponse {
    for (name, value) in global {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

fn with_hook(response: HttpResponse, settings: &ResponseSettings) -> HttpResponse {
    with_global(response, &settings.headers)
}

/// The status a hook configures, else 200.
fn configured(code: Option<i64>) -> StatusCode {
    code.and_then(status_of).unwrap_or(StatusCode::OK)
}

/// A status with a registered reason phrase that can end an exchange.
fn status_of(code: i64) -> Option<StatusCode> {
    let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok())?;
    (!status.is_informational() && status.canonical_reason().is_some()).then_some(status)
}

#[cfg(test)]
mod tests;
