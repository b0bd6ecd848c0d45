//! Runs that are tried again.

use super::{Kind, Reader, Record};
use crate::hook::Hook;
use crate::retry::Cause;

pub(super) fn lint(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook) {
    let is_of_timeouts =
        hook.retry.as_ref().is_some_and(|retry| retry.on.iter().all(|cause| *cause == Cause::Timeout));
    if is_of_timeouts && !record.has("timeout") {
        let message = "the hook has no `timeout`, so nothing is ever tried again";
        let help = "add `timeout: 10m`, or write `on: [timeout, exit-code]`";
        reader.at(record, "retry", |reader, _| reader.report_key(Kind::NeverRetried, message, help));
    }
}
