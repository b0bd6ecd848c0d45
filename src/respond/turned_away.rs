//! Deliveries whose rule is met, and that do not run.

use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};

use super::{GlobalHeaders, HttpResponse, RETRY_AFTER_S, text, with_global};
use crate::admission::Refusal;

/// What a client is asked to wait when as much runs, or waits, as may: commands take seconds to minutes.
const RETRY_BUSY_AFTER_S: HeaderValue = HeaderValue::from_static("30");

/// The server is about to end, and starts nothing any more.
pub(crate) fn shutting_down(global: &GlobalHeaders) -> HttpResponse {
    let mut response =
        text(StatusCode::SERVICE_UNAVAILABLE, "The server is shutting down. Please try again later.");
    response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
    with_global(response, global)
}

/// As many runs go on, or wait, as may.
pub(crate) fn busy(refusal: Refusal, global: &GlobalHeaders) -> HttpResponse {
    let mut response = match refusal {
        Refusal::Busy => text(StatusCode::TOO_MANY_REQUESTS, "The hook is busy. Please try again later."),
        Refusal::LineFull => {
            text(StatusCode::SERVICE_UNAVAILABLE, "Too many deliveries are waiting. Please try again later.")
        }
    };
    response.headers_mut().insert(RETRY_AFTER, RETRY_BUSY_AFTER_S);
    with_global(response, global)
}

/// The client waited for a run that a newer delivery has made needless.
pub(crate) fn superseded(global: &GlobalHeaders) -> HttpResponse {
    with_global(text(StatusCode::CONFLICT, "A newer delivery took the place of this one."), global)
}
