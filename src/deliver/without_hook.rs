//! Routes at whose end no hook is asked.

use super::tell::StoryOf;
use super::{Answer, Delivery, Missed, Received, Settings, save};
use crate::judge::Ruling;
use crate::log_text::clipped;
use crate::respond;
use crate::route::Route;

/// Whether the route leads to somebody who reads the body.
pub(super) fn wants_body(delivery: &Delivery, route: &Route) -> bool {
    match route {
        Route::MethodNotAllowed { .. } | Route::Refused { .. } => delivery.saved_requests.is_some(),
        _ => route.is_to_hook(),
    }
}

pub(super) fn answer_without_hook(
    delivery: &Delivery,
    route: &Route,
    query: Option<&str>,
    received: Option<Received>,
) -> Answer {
    let Settings { global_headers: global, routing, .. } = &delivery.settings;
    let mut answer = match route {
        Route::MethodNotAllowed { id: hook, allowed } => {
            let response = respond::method_not_allowed(allowed);
            let ruling = Ruling::MethodNotAllowed { allowed: allowed.clone() };
            let mut answer = Answer::new(response, StoryOf { hook_id: hook, ruling: &ruling }.to_string());
            answer.missed = Some(Missed::Method);
            answer
        }
        Route::Refused { .. } => Answer::new(respond::rule_error(global), "the hook is refused"),
        Route::Index => return Answer::new(respond::index(global), "the server is up"),
        Route::NotFound => {
            return Answer::new(respond::path_not_found(), format!("hooks are at {}", routing.pattern()));
        }
        Route::UnknownHook { id } => {
            return Answer::new(respond::hook_not_found(), format!("no hook has the id {:?}", clipped(id)));
        }
        Route::Moved { path } => {
            let location = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            let story = format!("the path is written shorter: {}", clipped(path));
            return Answer::new(respond::moved(&location), story);
        }
        Route::BadPath => return Answer::new(respond::bad_path(), "the path has a bad escape"),
        // Their bodies are always read, and then a hook is asked.
        Route::Hook(_) | Route::HandshakeOnly { .. } => {
            return Answer::new(respond::rule_error(global), "its body was not read");
        }
    };
    if let Some(received) = received {
        answer.saved = save(delivery, route.hook_id(), received);
    }
    answer
}
