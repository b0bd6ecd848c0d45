//! What the log says of a request and its run.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::field::display;
use tracing::{Level, debug, enabled, error, info, warn};

use super::{Answer, Delivery, Missed};
use crate::admission::Refusal;
use crate::body::BodyError;
use crate::conceal::Concealer;
use crate::hook::Hook;
use crate::invocation::Invocation;
use crate::judge::{Judgement, Note, Ruling};
use crate::log::Quota;
use crate::log_text::clipped;
use crate::outcome::{Ending, Outcome, Output, StartFailure, Streamed};
use crate::payload::Problem;
use crate::request::{Peer, Request};
use crate::respond::HttpResponse;
use crate::runs::RunName;

/// Which of how many runs of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// From 1.
    pub(super) number: u32,
    pub(super) of: u32,
}

impl Attempt {
    pub(super) fn is_last(self) -> bool {
        self.number >= self.of
    }
}

/// For the end of a line; nothing where there is one attempt only.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            1 => Ok(()),
            of => write!(f, " (attempt {} of {of})", self.number),
        }
    }
}

/// How a shell or `env` exits that finds no program of the name it was given (POSIX).
const NO_PROGRAM: i32 = 127;

/// Lines about one request that anybody may send, or a burst may bring many of: each is told as often as the
/// hook's quota has it, and beyond that with `-verbose` only.
#[derive(Clone, Copy)]
pub(super) struct Limited<'t> {
    pub(super) quota: &'t Quota,
    pub(super) hook: &'t str,
    pub(super) id: &'t str,
    /// `None` where it is about a run.
    pub(super) client: Option<Peer>,
}

impl Limited<'_> {
    pub(super) fn from(self, client: Peer) -> Self {
        Self { client: Some(client), ..self }
    }

    pub(super) fn warn(self, line: fmt::Arguments<'_>) {
        let Self { quota, hook, id, client } = self;
        let client = client.map(display);
        match quota.take(hook, Instant::now()) {
            Some(untold) => warn!(request = %id, hook = %hook, client, "{line}{}", told_of(untold)),
            None => info!(request = %id, hook = %hook, client, "{line}"),
        }
    }

    pub(super) fn error(self, line: fmt::Arguments<'_>) {
        let Self { quota, hook, id, client } = self;
        let client = client.map(display);
        match quota.take(hook, Instant::now()) {
            Some(untold) => error!(request = %id, hook = %hook, client, "{line}{}", told_of(untold)),
            None => info!(request = %id, hook = %hook, client, "{line}"),
        }
    }
}

/// What is worth a line of its own. The verdict itself stands in the request's line.
pub(super) fn tell_judgement(limited: Limited<'_>, hook: &Hook, judgement: &Judgement) {
    let id = limited.id;
    let Judgement { verified, notes, ruling, case: _ } = judgement;
    let secrets = hook.verify.as_ref().map_or(0, |verify| verify.verifier.secret_count());
    let position = verified.and_then(|verified| verified.secret_position);
    if let Some(position) = position.filter(|_| secrets > 1) {
        info!(request = %id, hook = %hook.id, "verified with secret {}", position + 1);
    }
    for note in notes {
        tell_note(limited, hook, note);
    }
    match ruling {
        Ruling::NotVerified(refusal) => {
            limited.warn(format_args!("not verified: {refusal}"));
        }
        Ruling::MultipartBroken(broken) => {
            limited.warn(format_args!("error parsing multipart form: {broken}"));
        }
        Ruling::RuleError { because } => {
            limited.warn(format_args!("error evaluating hook: {because}"));
        }
        Ruling::NoAnswer { because } => {
            limited.warn(format_args!("not run, because the answer cannot be made: {because}"));
        }
        Ruling::Incomplete { because } | Ruling::TooMuch { because } => {
            limited.warn(format_args!("not run: {because}"));
        }
        Ruling::Handshake(answered) if answered.is_refused() => {
            let why = hook.verify.as_ref().map_or("", |verify| verify.verifier.why_refused(answered));
            limited.warn(format_args!("handshake refused: {why}"));
        }
        Ruling::Handshake(_)
        | Ruling::MethodNotAllowed { .. }
        | Ruling::NotMet { .. }
        | Ruling::Met { .. } => {}
    }
}

fn tell_note(limited: Limited<'_>, hook: &Hook, note: &Note) {
    let id = limited.id;
    match note {
        Note::Payload(problem) => tell_problem(limited, hook, problem),
        Note::Json(not_parsed) => {
            info!(request = %id, hook = %hook.id, "error parsing JSON parameter: {not_parsed}");
        }
        Note::Rotation { parameter, position } => {
            info!(request = %id, hook = %hook.id, "{parameter} verified with secret {position}");
        }
        Note::Shortfall(shortfall) => info!(request = %id, hook = %hook.id, "{shortfall}"),
        Note::NoHeader { name } => {
            limited.warn(format_args!("the header `{name}` is not sent: its value is no line of text"));
        }
        Note::NoDelivery => limited
            .warn(format_args!("nothing in the request tells whether it is a duplicate: it counts as new")),
    }
}

/// A missing payload matters when the hook refers to it; then the line also says what mends it.
fn tell_problem(limited: Limited<'_>, hook: &Hook, problem: &Problem) {
    match problem.help() {
        _ if !hook.needs.payload => debug!(request = %limited.id, hook = %hook.id, "{problem}"),
        Some(help) => limited.warn(format_args!("{problem}; the payload is empty; {help}")),
        None => limited.warn(format_args!("{problem}; the payload is empty")),
    }
}

/// What the log says of every request, once its answer is known.
pub(super) struct Line<'r> {
    pub(super) id: &'r str,
    pub(super) peer: Peer,
    pub(super) method: &'r str,
    pub(super) path: &'r str,
    pub(super) received_at: Instant,
}

impl Line<'_> {
    /// Gives the response, which is what the client gets of the answer.
    pub(super) fn tell(&self, delivery: &Delivery, hook: &str, answer: Answer) -> HttpResponse {
        let Self { id, peer, method, path, received_at } = *self;
        let Answer { response, story, saved, missed } = answer;
        let status = response.status().as_u16();
        let (method, path) = (clipped(method), clipped(path));
        let duration_ms = || milliseconds(received_at.elapsed());
        let quota = missed.map(|missed| match missed {
            Missed::Method => &delivery.not_run,
            Missed::Rule => &delivery.not_met,
        });
        match quota.and_then(|quota| quota.take(hook, received_at)) {
            Some(untold) => {
                let untold = told_of(untold);
                warn!(request = %id, hook, client = %peer, status, duration_ms = duration_ms(), saved, "{method} {path}: {story}{untold}");
            }
            None => {
                info!(request = %id, hook, client = %peer, status, duration_ms = duration_ms(), saved, "{method} {path}: {story}");
            }
        }
        response
    }
}

/// How the request's line in the log ends. A ruling is put into words when the line is written, for most are not.
pub(super) enum Story {
    Words(Cow<'static, str>),
    Ruling(Arc<Hook>, Ruling),
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Ruling(hook, ruling) => StoryOf { hook_id: &hook.id, ruling }.fmt(f),
        }
    }
}

/// What became of a request to the hook, in words.
pub(super) struct StoryOf<'r> {
    pub(super) hook_id: &'r str,
    pub(super) ruling: &'r Ruling,
}

impl fmt::Display for StoryOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook_id, ruling } = self;
        write!(f, "{hook_id} got matched")?;
        match ruling {
            Ruling::Handshake(answered) if answered.is_refused() => {
                f.write_str(", and refused the handshake: its token or challenge is not acceptable")
            }
            Ruling::Handshake(_) => f.write_str(", and answered the sender's handshake"),
            Ruling::MethodNotAllowed { allowed } if allowed.is_empty() => {
                f.write_str(", but allows no method")
            }
            Ruling::MethodNotAllowed { allowed } => write!(f, ", but allows only {}", allowed.join(", ")),
            Ruling::NotVerified(refusal) => write!(f, ", but {refusal}"),
            Ruling::MultipartBroken(_) => f.write_str(", but its form is broken"),
            Ruling::RuleError { .. } => f.write_str(", but its rule could not be evaluated"),
            Ruling::Incomplete { .. } => f.write_str(", but lacks a required value"),
            Ruling::NoAnswer { .. } => f.write_str(", but its answer could not be made"),
            Ruling::TooMuch { .. } => f.write_str(", but has more values than arguments may be"),
            Ruling::NotMet { because } => write!(
                f,
                ", but didn't get triggered because the trigger rules were not satisfied: {because}"
            ),
            Ruling::Met { .. } => Ok(()),
        }
    }
}

/// That lines about the hook were left out, if some were.
pub(super) fn told_of(untold: u64) -> String {
    match untold {
        0 => String::new(),
        untold => format!(" ({untold} lines about this hook were left out; `-verbose` has them all)"),
    }
}

pub(super) fn tell_start(invocation: &Invocation, concealer: &Concealer) {
    let Invocation {
        hook_id,
        case,
        request_id,
        program,
        arguments,
        environment,
        files,
        working_directory,
        ..
    } = invocation;
    let case = case.as_deref().unwrap_or_default();
    info!(request = %request_id, hook = %hook_id, case, "{hook_id} hook triggered successfully, executing {program:?}");
    let directory = working_directory.as_deref().unwrap_or(std::path::Path::new("")).display();
    let variables: Vec<&str> = files.iter().map(|file| file.variable.as_str()).collect();
    debug!(
        request = %request_id, hook = %hook_id,
        "executing {program:?} with arguments {:?} and environment {:?} and files {variables:?} using {directory} as cwd",
        arguments.iter().map(|argument| shown(argument, concealer)).collect::<Vec<_>>(),
        environment.iter().map(|(name, value)| (name, shown(value, concealer))).collect::<Vec<_>>(),
    );
}

/// Values are told at one level alone; at the others there is nothing to hide.
pub(super) fn concealer(hook: &Hook, request: &Request) -> Concealer {
    match enabled!(Level::DEBUG) {
        true => Concealer::of(hook, request),
        false => Concealer::default(),
    }
}

fn shown(text: &OsStr, concealer: &Concealer) -> OsString {
    OsString::from_vec(concealer.conceal(text.as_bytes()).into_owned())
}

pub(super) fn tell_not_started(invocation: &Invocation, attempt: Attempt, failure: &StartFailure) {
    let program = invocation.program.display().to_string();
    let (request, hook) = (&invocation.request_id, &invocation.hook_id);
    let case = invocation.case.as_deref().unwrap_or_default();
    let hint = invocation.hint_on_words().map(|hint| format!("; {hint}")).unwrap_or_default();
    error!(request = %request, hook = %hook, case, "error in exec: \"{program}\": {failure}{hint}{attempt}");
}

pub(super) fn tell_outcome(name: &RunName, attempt: Attempt, outcome: &Outcome, concealer: &Concealer) {
    let RunName { request, hook, case } = name;
    let Outcome { ending, is_leaked, output, errors, streamed, duration } = outcome;
    let duration_ms = milliseconds(*duration);
    if !output.bytes.is_empty() {
        debug!(request = %request, hook = %hook, "command output: {}", printed(output, concealer));
    }
    if !errors.bytes.is_empty() {
        debug!(request = %request, hook = %hook, "command errors: {}", printed(errors, concealer));
    }
    let dropped = output.dropped_bytes;
    if dropped > 0 && *streamed == Streamed::No {
        warn!(request = %request, hook = %hook, "output truncated: {dropped} bytes beyond `-max-output` were dropped");
    }
    if *streamed == Streamed::InPart {
        info!(request = %request, hook = %hook, "the client left before the end of the output, or did not take it");
    }
    if *is_leaked {
        warn!(
            request = %request, hook = %hook,
            "leaked: the command exited, and a process it left behind holds its output open; not waiting for that \
             (let the command `wait` for it, or give it another output: `>/dev/null 2>&1`)"
        );
    }
    match ending {
        Ending::Exited(0) => {
            info!(request = %request, hook = %hook, case, outcome = %ending, duration_ms, "finished handling {hook}{attempt}");
        }
        _ => {
            let hint = match ending {
                Ending::Exited(NO_PROGRAM) => "; a shell or `env` found no such program in the server's PATH",
                Ending::Exited(_) if !enabled!(Level::DEBUG) => "; `-debug` logs what it writes",
                _ => "",
            };
            let message = format!("error occurred: {ending}; finished handling {hook}{attempt}{hint}");
            warn!(request = %request, hook = %hook, case, outcome = %ending, duration_ms, "{message}");
        }
    }
}

fn printed(output: &Output, concealer: &Concealer) -> String {
    let text = concealer.conceal(&output.bytes);
    let text = String::from_utf8_lossy(&text);
    match output.dropped_bytes {
        0 => text.into_owned(),
        more => format!("{text} … and {more} bytes more"),
    }
}

/// Why a delivery was not let in.
pub(super) fn tell_refused(limited: Limited<'_>, refusal: Refusal) {
    match refusal {
        Refusal::Busy => limited.warn(format_args!("rejected: as many runs go on as may")),
        Refusal::LineFull => {
            limited.warn(format_args!("refused: as many deliveries wait as may (`queue-limit`)"));
        }
    }
}

/// `error` is why what a delivery is started with cannot be kept until its turn.
pub(super) fn tell_no_memory(limited: Limited<'_>, error: &BodyError) {
    limited.warn(format_args!("refused: {error}"));
}

pub(super) fn tell_superseded(limited: Limited<'_>) {
    let Limited { quota, hook, id, client: _ } = limited;
    let line = format_args!("superseded: a newer delivery of {hook} runs in its place");
    match quota.take(hook, Instant::now()) {
        Some(untold) => {
            warn!(request = %id, hook = %hook, outcome = "superseded", "{line}{}", told_of(untold));
        }
        None => info!(request = %id, hook = %hook, outcome = "superseded", "{line}"),
    }
}

pub(super) fn tell_again(name: &RunName, attempt: Attempt, wait: Duration) {
    let RunName { request, hook, .. } = name;
    let next = Attempt { number: attempt.number + 1, ..attempt };
    warn!(request = %request, hook = %hook, "trying {hook} again in {wait:.1?}{next}");
}

/// A delivery that will not run, or not again, because the server ends.
pub(super) fn tell_dropped(name: &RunName, has_run: bool) {
    let RunName { request, hook, .. } = name;
    let what = if has_run { "it is not tried again" } else { "it did not run" };
    warn!(
        request = %request, hook = %hook, outcome = "dropped at shutdown",
        "dropped at shutdown: {hook}: {what}"
    );
}

/// Beyond `waiting_max` nothing is kept for another attempt.
pub(super) fn tell_no_room(name: &RunName, waiting_max: usize) {
    let RunName { request, hook, .. } = name;
    error!(
        request = %request, hook = %hook,
        "dropped: {hook} is not tried again, for {waiting_max} deliveries wait for that already"
    );
}

/// Rounded to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
