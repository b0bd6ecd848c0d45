//! `concurrency`, `maximum-concurrent-executions` and `retry` as written, checked. Every mistake refuses the
//! hook: it would run more, or more often, than it may.

use std::sync::Arc;
use std::time::Duration;

use super::check::{guard, refuse_empty};
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::admission::{Concurrency, Group, WAITING_MAX, WhenBusy};
use crate::nearest::nearest;
use crate::retry::{Cause, Retry};

/// Deliveries that wait where `queue-limit` is absent: more is seldom a burst and often a command that hangs.
const QUEUE_LIMIT_DEFAULT: usize = 100;

/// Runs at once that a hook may ask for: each is a process, and a machine has room for 32,768 by default.
const RUNS_MAX: usize = 32_768;

/// Runs of one delivery: at waits of a day each, three months.
const ATTEMPTS_MAX: usize = 100;

/// The wait before the second run where `initial` is absent: what fails for a moment is over by then.
const INITIAL_DEFAULT: Duration = Duration::from_secs(1);

/// The longest wait where `max` is absent: somebody may be mending what is broken.
const MAX_DEFAULT: Duration = Duration::from_secs(300);

/// For a key without a value.
const VALUE: &str = "write its value, or remove it: then the default holds";

const SHORT: &str = "maximum-concurrent-executions";

/// The limit, in either of its forms.
pub(super) fn concurrency(reader: &mut Reader<'_>, record: Record<'_>, id: &str) -> Option<Arc<Concurrency>> {
    let hook: Arc<str> = id.into();
    let max = guard(reader, record, SHORT, |reader, node| {
        whole_number(reader, node, Kind::BadConcurrency, 1..=RUNS_MAX)
    });
    let written = guard(reader, record, "concurrency", |reader, node| limit(reader, node, &hook));
    if record.has(SHORT) && record.has("concurrency") {
        let message = "the limit is written twice, here and in `concurrency`";
        reader.report_at_entry((record, SHORT), Kind::BadConcurrency, message, "keep one of the two");
    }
    let short = max.map(|max| Concurrency {
        max,
        group: Group::Hook(hook.clone()),
        when_busy: WhenBusy::Queue { limit: QUEUE_LIMIT_DEFAULT },
        hook,
    });
    written.or(short).map(Arc::new)
}

fn limit(reader: &mut Reader<'_>, node: &Node, hook: &Arc<str>) -> Option<Concurrency> {
    let record = reader.record(node, "a limit of runs", keys::CONCURRENCY)?;
    refuse_empty(reader, record, ["when-busy", "queue-limit"], VALUE);
    let when_busy = when_busy(reader, record);
    let group = match reader.text(record, "group") {
        Some(group) if !group.is_empty() => Group::Named(group.into()),
        None if !record.has("group") => Group::Hook(hook.clone()),
        _ => {
            let help = "write a name, or remove the key: then the hook is limited alone";
            reader.report_at_entry((record, "group"), Kind::BadConcurrency, "`group` is empty", help);
            return None;
        }
    };
    if record.get("max").is_none() {
        let help = "write how many runs may go on at once, as `max: 1`";
        reader.report(Kind::BadConcurrency, "`concurrency` has no `max`", help);
    }
    let max = reader
        .at(record, "max", |reader, node| whole_number(reader, node, Kind::BadConcurrency, 1..=RUNS_MAX))??;
    Some(Concurrency { hook: hook.clone(), max, group, when_busy: when_busy? })
}

fn when_busy(reader: &mut Reader<'_>, record: Record<'_>) -> Option<WhenBusy> {
    let word = reader.text(record, "when-busy");
    let limit = reader.at(record, "queue-limit", |reader, node| {
        whole_number(reader, node, Kind::BadConcurrency, 1..=WAITING_MAX)
    });
    match (word.as_deref(), limit) {
        (None | Some("queue"), limit) => {
            Some(WhenBusy::Queue { limit: limit.unwrap_or(Some(QUEUE_LIMIT_DEFAULT))? })
        }
        (Some("latest"), None) => Some(WhenBusy::Latest),
        (Some("reject"), None) => Some(WhenBusy::Reject),
        (Some(word @ ("latest" | "reject")), Some(_)) => {
            let message = format!("with `when-busy: {word}` there is no queue");
            let help = "remove it, or write `when-busy: queue`";
            reader.report_at_entry((record, "queue-limit"), Kind::BadConcurrency, message, help);
            None
        }
        (Some(word), _) => {
            let help = match nearest(word, &keys::WHEN_BUSY) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", keys::WHEN_BUSY.join(", ")),
            };
            let message = format!("`{word}` is nothing to do when busy");
            reader.report_at_entry((record, "when-busy"), Kind::BadConcurrency, message, help);
            None
        }
    }
}

/// `is_streamed`: the client reads the output as it comes.
pub(super) fn retry(reader: &mut Reader<'_>, node: &Node, is_streamed: bool) -> Option<Retry> {
    let record = reader.record(node, "a rule for failures", keys::RETRY)?;
    refuse_empty(reader, record, ["initial", "max"], VALUE);
    if is_streamed {
        let message = "output that is streamed cannot be taken back when the command fails";
        let help = "remove `stream-command-output`, or `retry`";
        reader.report(Kind::BadRetry, message, help);
    }
    if record.get("attempts").is_none() {
        let help = "write how many runs there may be in all, as `attempts: 5`";
        reader.report(Kind::BadRetry, "`retry` has no `attempts`", help);
    }
    let attempts = reader
        .at(record, "attempts", |reader, node| whole_number(reader, node, Kind::BadRetry, 2..=ATTEMPTS_MAX));
    let initial = reader.duration(record, "initial").unwrap_or(INITIAL_DEFAULT);
    let max = reader.duration(record, "max").unwrap_or(MAX_DEFAULT);
    if initial.is_zero() {
        let help = "write how long to wait, as `1s`";
        reader.report_at_entry((record, "initial"), Kind::BadRetry, "`initial: 0` waits for nothing", help);
    }
    if initial > max {
        let message = format!("the first wait is longer than the longest, which is {} s", max.as_secs_f64());
        reader.report_at_entry(
            (record, "initial"),
            Kind::BadRetry,
            message,
            "write the longest wait as `max`",
        );
    }
    let on: Option<Vec<Cause>> = match record.has("on") {
        true => reader.list(record, "on", |reader, node| Some(cause(reader, node))).into_iter().collect(),
        false => Some(vec![Cause::Timeout, Cause::AnyExitCode]),
    };
    // What was meant is not known, so nothing more is said of it.
    let on = on?;
    if on.is_empty() && reader.refusal.is_none() {
        let help = "write `on: [timeout, exit-code]`, or remove it: that is what is meant without it";
        reader.report_at_entry((record, "on"), Kind::BadRetry, "`on` is empty: nothing is tried again", help);
    }
    let attempts = u32::try_from(attempts??).ok()?;
    (!on.is_empty()).then_some(Retry { attempts, initial, max, on })
}

fn cause(reader: &mut Reader<'_>, node: &Node) -> Option<Cause> {
    match node {
        Node::Text(word) if word == "timeout" => Some(Cause::Timeout),
        Node::Text(word) if word == "exit-code" => Some(Cause::AnyExitCode),
        Node::Number { .. } => {
            let code = whole_number(reader, node, Kind::BadRetry, 1..=u8::MAX.into())?;
            u8::try_from(code).ok().map(Cause::ExitCode)
        }
        Node::Text(word) => {
            let help = match nearest(word, &keys::RETRY_CAUSES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}, or an exit code as a number", keys::RETRY_CAUSES.join(", ")),
            };
            reader.report(Kind::BadRetry, format!("`{word}` is no ending of a command"), help);
            None
        }
        other => reader.wrong_type(other, "`timeout`, `exit-code` or a number"),
    }
}

/// The number at the current place.
fn whole_number(
    reader: &mut Reader<'_>,
    node: &Node,
    kind: Kind,
    range: std::ops::RangeInclusive<usize>,
) -> Option<usize> {
    let Node::Number { text: digits, .. } = node else { return reader.wrong_type(node, "a whole number") };
    match digits.parse() {
        Ok(number) if range.contains(&number) => Some(number),
        _ => {
            let help = format!("write a whole number from {} to {}", range.start(), range.end());
            reader.report(kind, format!("{digits} cannot be meant here"), help);
            None
        }
    }
}
