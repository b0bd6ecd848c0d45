//! What an explanation says of limits and repetitions.

use serde::ser::{Serialize, Serializer};

use crate::admission::{Concurrency, Group, WhenBusy};
use crate::retry::{Cause, Retry};

#[derive(Debug, serde::Serialize)]
pub(super) struct ConcurrencyReport {
    max: usize,
    /// `None`: the hook alone.
    group: Option<String>,
    when_busy: &'static str,
    queue_limit: Option<usize>,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct RetryReport {
    attempts: u32,
    initial_seconds: f64,
    max_seconds: f64,
    on: Vec<CauseReport>,
}

#[derive(Debug)]
struct CauseReport(Cause);

impl From<&Concurrency> for ConcurrencyReport {
    fn from(Concurrency { hook: _, max, group, when_busy }: &Concurrency) -> Self {
        let (when_busy, queue_limit) = match when_busy {
            WhenBusy::Queue { limit } => ("queue", Some(*limit)),
            WhenBusy::Latest => ("latest", None),
            WhenBusy::Reject => ("reject", None),
        };
        let group = match group {
            Group::Hook(_) => None,
            Group::Named(name) => Some(name.to_string()),
        };
        Self { max: *max, group, when_busy, queue_limit }
    }
}

impl From<&Retry> for RetryReport {
    fn from(Retry { attempts, initial, max, on }: &Retry) -> Self {
        Self {
            attempts: *attempts,
            initial_seconds: initial.as_secs_f64(),
            max_seconds: max.as_secs_f64(),
            on: on.iter().copied().map(CauseReport).collect(),
        }
    }
}

impl ConcurrencyReport {
    pub(super) fn text(&self) -> String {
        let Self { max, group, when_busy, queue_limit } = self;
        let group = group.as_ref().map(|group| format!(" in the group {group}")).unwrap_or_default();
        let then = match (*when_busy, queue_limit) {
            (_, Some(limit)) => format!("up to {limit} more wait in a queue"),
            ("latest", None) => "then only the latest waits".to_owned(),
            _ => "others are rejected".to_owned(),
        };
        format!("{max} at once{group}, {then}")
    }
}

impl RetryReport {
    pub(super) fn text(&self) -> String {
        let Self { attempts, initial_seconds, max_seconds, on } = self;
        let on: Vec<String> = on.iter().map(CauseReport::text).collect();
        format!(
            "up to {attempts} runs, {initial_seconds} to {max_seconds} s after each other, on {}",
            on.join(", ")
        )
    }
}

impl CauseReport {
    fn text(&self) -> String {
        match self.0 {
            Cause::Timeout => "timeout".to_owned(),
            Cause::AnyExitCode => "exit-code".to_owned(),
            Cause::ExitCode(code) => code.to_string(),
        }
    }
}

/// As it is written in a hooks file.
impl Serialize for CauseReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cause::ExitCode(code) => serializer.serialize_u8(code),
            Cause::Timeout | Cause::AnyExitCode => serializer.serialize_str(&self.text()),
        }
    }
}
