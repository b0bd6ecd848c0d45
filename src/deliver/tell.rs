//! What the log says of a request and its run.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::hook::Hook;
use crate::invocation::Invocation;
use crate::outcome::{Ending, Outcome, StartFailure};
use crate::payload::Problem;

/// A missing payload matters when the hook refers to it; then the line also says what mends it.
pub(super) fn tell_problem(hook: &Hook, id: &str, problem: &Problem) {
    let refers_to_payload = hook.needs.payload;
    match problem {
        Problem::UnsupportedContentType { .. } if refers_to_payload => {
            let hint = "the payload is empty; if the body is JSON, set `incoming-payload-content-type: application/json`";
            warn!(request = %id, hook = %hook.id, "{problem}; {hint}");
        }
        _ if refers_to_payload => warn!(request = %id, hook = %hook.id, "{problem}; the payload is empty"),
        _ => debug!(request = %id, hook = %hook.id, "{problem}"),
    }
}

pub(super) fn tell_start(invocation: &Invocation) {
    let Invocation { hook_id, request_id, program, arguments, environment, files, working_directory } =
        invocation;
    info!(request = %request_id, hook = %hook_id, "{hook_id} hook triggered successfully, executing {program:?}");
    let directory = working_directory.as_deref().unwrap_or(std::path::Path::new("")).display();
    let variables: Vec<&str> = files.iter().map(|file| file.variable.as_str()).collect();
    debug!(
        request = %request_id, hook = %hook_id,
        "executing {program:?} with arguments {arguments:?} and environment {environment:?} and files {variables:?} \
         using {directory} as cwd",
    );
}

pub(super) fn tell_not_started(invocation: &Invocation, failure: &StartFailure) {
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

pub(super) fn tell_outcome(request: &str, hook: &str, outcome: &Outcome) {
    let Outcome { ending, is_leaked, output, duration } = outcome;
    let duration_ms = milliseconds(*duration);
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
            info!(request = %request, hook = %hook, outcome = %ending, duration_ms, "finished handling {hook}");
        }
        _ => {
            let message = format!("error occurred: {ending}; finished handling {hook}");
            warn!(request = %request, hook = %hook, outcome = %ending, duration_ms, "{message}");
        }
    }
}

/// Rounded to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
