//! What the server would do with a request, and why, without doing it. The deciding is the server's own:
//! `route`, `judge` and `respond`; here is only what looks on and puts it into words.

mod admission;
mod command;
mod mask;
mod quote;
mod report;
mod text;
mod trace;

pub(crate) use command::command;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::body::{BodyError, unknown_coding};
use crate::conceal::{Concealer, MASK};
use crate::hook::{Hook, HookTable, OutputInResponse, ResponseSettings};
use crate::invocation::Invocation;
use crate::judge::{self, Judgement, Note, Ruling, judge};
use crate::nearest::nearest;
use crate::outcome::StartFailure;
use crate::payload::{self, Kind, Wanted};
use crate::request::Request;
use crate::respond::{self, GlobalHeaders, HttpResponse};
use crate::route::{Route, Routing};
use crate::run::{self, Surroundings};
use crate::secrecy::is_secret_name;
use crate::sender::{Refusal, Verified};
use report::{
    Answer, Argument, FileReport, InvocationReport, PayloadReport, Report, Verdict, VerifyReport,
    VerifyResult, When,
};
use trace::Trace;

/// The server that would have got the request.
pub(crate) struct Explained<'s> {
    pub(crate) routing: Routing,
    pub(crate) global_headers: GlobalHeaders,
    pub(crate) body_bytes_max: usize,
    pub(crate) surroundings: Surroundings,
    pub(crate) table: &'s HookTable,
    /// The hook to take, whatever the request's path.
    pub(crate) hook: Option<&'s str>,
}

pub(crate) fn explain(server: &Explained<'_>, request: &Request, now_unix_ms: i64) -> Report {
    let global = &server.global_headers;
    let method = request.method.as_str();
    let route = match server.hook {
        Some(id) => server.routing.to_hook(method, id, server.table),
        None => server.routing.route(method, &request.path, server.table),
    };
    let (hook, handshake_only) = match route {
        Route::Index => {
            let reason = "`/` is the server's own page".to_owned();
            return Report::brief(None, Verdict::NotFound, reason, answer(respond::index(global)));
        }
        Route::NotFound => {
            let reason = format!("hooks are at {}", server.routing.pattern());
            return Report::brief(None, Verdict::NotFound, reason, answer(respond::path_not_found()));
        }
        Route::Moved { path } => {
            let reason = format!("the path has empty segments or dots; senders are sent to `{path}`");
            return Report::brief(None, Verdict::NotFound, reason, answer(respond::moved(&path)));
        }
        Route::BadPath => {
            let reason = "a `%` in the path is not followed by two hexadecimal digits".to_owned();
            return Report::brief(None, Verdict::NotFound, reason, answer(respond::bad_path()));
        }
        Route::UnknownHook { id } => {
            let reason = format!("no hook has the id {id:?}{}", near_hook(&id, server.table));
            return Report::brief(None, Verdict::NotFound, reason, answer(respond::hook_not_found()));
        }
        Route::MethodNotAllowed { id, allowed } => {
            let answer = answer(respond::method_not_allowed(&allowed));
            return Report::brief(Some(&id), Verdict::MethodNotAllowed, allows_only(&allowed), answer);
        }
        Route::Refused { id, reason } => {
            let reason = format!("the hook was refused when it was loaded: {reason}");
            return Report::brief(Some(&id), Verdict::Error, reason, answer(respond::rule_error(global)));
        }
        Route::HandshakeOnly { hook, allowed } => (hook, Some(allowed)),
        Route::Hook(hook) => (hook, None),
    };
    let is_too_large = request.body.len() > server.body_bytes_max;
    let too_large = is_too_large.then_some(BodyError::TooLarge { size_max: server.body_bytes_max });
    let coding = || unknown_coding(&request.headers).map(|coding| BodyError::Coding { coding });
    if let Some(error) = too_large.or_else(coding) {
        let answer = answer(respond::body_refused(&error, global));
        return Report::brief(Some(&hook.id), Verdict::Error, error.to_string(), answer);
    }
    let mut trace = Trace::new(&hook);
    let judgement = judge(&hook, request, handshake_only.as_deref(), now_unix_ms, &mut trace);
    report(server, &hook, request, judgement, &trace)
}

/// The id that was probably meant.
fn near_hook(id: &str, table: &HookTable) -> String {
    let known: Vec<&str> = table.hooks().map(|hook| hook.id.as_str()).collect();
    let near = nearest(id.trim_matches('/'), &known);
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn allows_only(allowed: &[String]) -> String {
    match allowed {
        [] => "the method is not allowed, and no other is".to_owned(),
        allowed => format!("the method is not allowed; {} would be", allowed.join(", ")),
    }
}

fn report(
    server: &Explained<'_>,
    hook: &Hook,
    request: &Request,
    judgement: Judgement,
    trace: &Trace<'_>,
) -> Report {
    let Judgement { verified, notes, case, ruling } = judgement;
    let acting = case.as_deref().unwrap_or(hook);
    let mut response = answer(respond::to_ruling(&ruling, acting, &request.headers, &server.global_headers));
    let verify = verify(hook, request, verified, &ruling);
    let payload = payload(hook, request, &notes, &ruling);
    let (verdict, reason) = match &ruling {
        Ruling::Handshake(_) => {
            response.mask();
            (Verdict::Handshake, handshake_reason(hook, &ruling))
        }
        Ruling::MethodNotAllowed { allowed } => (Verdict::MethodNotAllowed, allows_only(allowed)),
        Ruling::NotVerified(refusal) => (Verdict::NotVerified, refusal.to_string()),
        Ruling::MultipartBroken(broken) => {
            (Verdict::Error, format!("the multipart form is broken: {broken}"))
        }
        Ruling::RuleError { because } => {
            (Verdict::Error, format!("the rule could not be evaluated: {because}"))
        }
        Ruling::Incomplete { because } => {
            (Verdict::Error, format!("the request lacks a required value: {because}"))
        }
        Ruling::NoAnswer { because } => (Verdict::Error, format!("the answer could not be made: {because}")),
        Ruling::TooMuch { because } => (Verdict::Error, because.clone()),
        Ruling::NotMet { because } => (Verdict::NotMet, format!("the rule is not met: {because}")),
        Ruling::Met { .. } => (Verdict::Run, "the command would be started".to_owned()),
    };
    let mut report = Report {
        verify,
        payload,
        rule: trace.rule(case.as_deref()),
        case: acting.case.clone(),
        cases: trace.cases(),
        ..Report::brief(Some(&hook.id), verdict, reason, response)
    };
    if let Ruling::Met { invocation, response, .. } = ruling {
        let settings = response.as_deref().unwrap_or(&acting.response);
        rehearse(server, (acting, settings), *invocation, &notes, &mut report);
    }
    report.conceal(Concealer::of(hook, request));
    report
}

fn handshake_reason(hook: &Hook, ruling: &Ruling) -> String {
    let set_up_file = hook.verify.as_ref().and_then(|verify| verify.set_up_file.as_deref());
    match (ruling, set_up_file) {
        (Ruling::Handshake(answered), _) if answered.is_refused() => {
            let why = hook.verify.as_ref().map_or("", |verify| verify.verifier.why_refused(answered));
            format!("the sender's handshake would be refused: {why}")
        }
        (Ruling::Handshake(answered), Some(file)) if answered.offered.is_some() => format!(
            "the sender's handshake would be answered, and the secret it brings be written to {}",
            file.display()
        ),
        _ => "the sender's handshake would be answered".to_owned(),
    }
}

fn verify(
    hook: &Hook,
    request: &Request,
    verified: Option<Verified>,
    ruling: &Ruling,
) -> Option<VerifyReport> {
    let verify = hook.verify.as_ref()?;
    let report = |result, reason| VerifyReport {
        sender: verify.sender.clone(),
        result,
        reason,
        age_seconds: None,
        secret: None,
        delivery_id: None,
        event: None,
    };
    Some(match ruling {
        Ruling::Handshake(_) => report(VerifyResult::Handshake, None),
        Ruling::MethodNotAllowed { .. } => report(VerifyResult::NotReached, None),
        Ruling::NotVerified(refusal) => VerifyReport {
            age_seconds: match refusal {
                Refusal::TooOld { age_s, .. } => Some(*age_s as f64),
                Refusal::TooNew { ahead_s, .. } => Some(-(*ahead_s as f64)),
                _ => None,
            },
            ..report(VerifyResult::Refused, Some(refusal.to_string()))
        },
        _ => {
            let labels = verify.verifier.labels(request);
            let Verified { secret_position, age_ms } =
                verified.unwrap_or(Verified { secret_position: None, age_ms: None });
            let unchecked =
                secret_position.is_none().then(|| "this sender's requests are not checked".to_owned());
            VerifyReport {
                age_seconds: age_ms.map(|age_ms| age_ms as f64 / 1_000.0),
                secret: secret_position.map(|position| position + 1),
                delivery_id: labels.delivery_id,
                event: labels.event,
                ..report(VerifyResult::Verified, unchecked)
            }
        }
    })
}

/// `None` when the body would not have been read.
fn payload(hook: &Hook, request: &Request, notes: &[Note], ruling: &Ruling) -> Option<PayloadReport> {
    let (mut problem, mut help) = match ruling {
        Ruling::Handshake(_) | Ruling::MethodNotAllowed { .. } | Ruling::NotVerified(_) => return None,
        Ruling::MultipartBroken(broken) => (Some(broken.to_string()), None),
        Ruling::RuleError { .. }
        | Ruling::Incomplete { .. }
        | Ruling::TooMuch { .. }
        | Ruling::NoAnswer { .. }
        | Ruling::NotMet { .. }
        | Ruling::Met { .. } => (None, None),
    };
    let mut not_parsed = Vec::new();
    for note in notes {
        match note {
            Note::Payload(of_payload) => {
                problem = Some(of_payload.to_string());
                help = of_payload.help().filter(|_| hook.needs.payload).map(str::to_owned);
            }
            Note::Json(reason) => not_parsed.push(reason.to_string()),
            Note::Shortfall(_) | Note::Rotation { .. } | Note::NoDelivery | Note::NoHeader { .. } => {}
        }
    }
    let json_parts = judge::json_parts(hook);
    // The server leaves out what no reference asks for.
    let everything = Wanted::everything();
    let reading = payload::Reading { wanted: &everything, ..judge::reading(hook, &json_parts) };
    let content_type = reading.content_type(request);
    let fields = payload::parse(request, reading).ok().and_then(|payload| payload.fields);
    let names = |fields: crate::value::Object<'_>| {
        fields.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    };
    Some(PayloadReport {
        content_type: String::from_utf8_lossy(content_type).into_owned(),
        kind: Kind::of(content_type).map(Kind::as_str),
        fields: fields.map(names),
        problem,
        help,
        not_parsed,
        is_wanted: hook.needs.payload,
    })
}

/// Adds the run to the report, or why there would be none.
fn rehearse(
    server: &Explained<'_>,
    (hook, settings): (&Hook, &ResponseSettings),
    invocation: Invocation,
    notes: &[Note],
    report: &mut Report,
) {
    let hint = invocation.hint_on_words().map(|hint| format!("; {hint}")).unwrap_or_default();
    let rehearsed = run::rehearse(&invocation, &server.surroundings);
    let directory_of_run = invocation.working_directory.as_deref();
    let examined = run::examine(Path::new(&invocation.program), directory_of_run, &server.surroundings);
    let rehearsed = rehearsed.map_err(|failure| format!("{failure}{hint}"));
    if let Err(failure) = &rehearsed {
        report.verdict = Verdict::Error;
        report.reason = format!("the command could not be started: {failure}");
        let answer = answer(respond::not_started(settings, &server.global_headers));
        report.status = answer.status;
        report.answer = answer;
    } else {
        report.answer.follow(settings);
    }
    let Invocation {
        program,
        arguments,
        environment,
        files,
        working_directory,
        stdin,
        circumstances,
        output,
        ..
    } = invocation;
    let failure = examined.err().filter(|_| rehearsed.is_ok());
    report.invocation = Some(InvocationReport {
        program: match &rehearsed {
            Ok(path) => path.display().to_string(),
            Err(_) => program.display().to_string(),
        },
        argv: std::iter::once(program).chain(arguments).map(Argument::from).collect(),
        env: environment
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), Argument::from(value)))
            .collect(),
        cwd: directory(working_directory.as_deref()),
        files: files.into_iter().map(FileReport::from).collect(),
        stdin_bytes: stdin.as_ref().map_or(0, |bytes| bytes.len()),
        stdin: stdin.map(|bytes| Argument::from(bytes.to_vec())),
        output,
        circumstances: circumstances.as_ref().into(),
        concurrency: hook.concurrency.as_deref().map(Into::into),
        retry: hook.retry.as_ref().map(Into::into),
        problem: rehearsed.err(),
        notes: notes_on_run(hook, notes, failure.as_ref()),
    });
}

/// What came short, and what may become of the run all the same. `failure` is for what the command does not
/// find once it has started.
fn notes_on_run(hook: &Hook, notes: &[Note], failure: Option<&StartFailure>) -> Vec<String> {
    let mut told = Vec::new();
    told.extend(failure.map(|failure| format!("the command would start and then fail: {failure}")));
    for note in notes {
        match note {
            Note::Shortfall(shortfall) => told.push(shortfall.to_string()),
            Note::NoHeader { name } => {
                told.push(format!("the header `{name}` is not sent: its value is no line of text"));
            }
            Note::NoDelivery => {
                told.push(
                    "nothing in the request tells whether it is a duplicate: it counts as new".to_owned(),
                );
            }
            Note::Payload(_) | Note::Json(_) | Note::Rotation { .. } => {}
        }
    }
    if hook.deduplicate.is_some() {
        told.push("a delivery that was accepted before would be answered the same, and not run".to_owned());
    }
    told
}

/// Where the command runs. Without a directory of its own that is the server's, and `explain` stands in for
/// the server.
fn directory(of_hook: Option<&Path>) -> String {
    let directory = of_hook.unwrap_or(Path::new("."));
    let real = std::fs::canonicalize(directory).or_else(|_| std::path::absolute(directory));
    real.as_deref().unwrap_or(directory).display().to_string()
}

fn answer(response: HttpResponse) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let body: Bytes = respond::body_of(response);
    let body = Some(String::from_utf8_lossy(&body).into_owned());
    Answer { status, headers, body, when: None, on_exit: BTreeMap::new(), on_error: None }
}

impl Answer {
    /// The answer to a run that takes place.
    fn follow(&mut self, settings: &ResponseSettings) {
        // Where its output is the answer to a failure too, the words are for a start that fails alone.
        self.on_error =
            settings.error_message.clone().filter(|_| settings.output != OutputInResponse::Always);
        self.when = match settings.output {
            OutputInResponse::Streamed => Some(When::Streamed),
            _ if settings.is_after_run() => Some(When::AfterRun),
            _ => return,
        };
        if settings.output != OutputInResponse::No {
            self.body = None;
        }
        if self.when != Some(When::AfterRun) {
            return;
        }
        let sent = settings.exit_codes.iter().filter(|(_, status)| respond::is_sent(**status));
        self.on_exit = sent.map(|(exit_code, status)| (*exit_code, *status)).collect();
    }

    /// What a handshake is answered with may be a secret, or signed with one.
    fn mask(&mut self) {
        if let Some(body) = self.body.as_mut().filter(|body| !body.is_empty()) {
            *body = MASK.to_owned();
        }
        for (name, value) in &mut self.headers {
            if is_secret_name(name) {
                *value = MASK.to_owned();
            }
        }
    }
}
