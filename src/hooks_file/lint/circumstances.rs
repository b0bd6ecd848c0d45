//! What a command runs under.

use super::{Kind, Reader, Record};

/// A variable of `keep`.
pub(in crate::hooks_file) fn kept_variable(reader: &mut Reader<'_>, name: &str) {
    if !reader.reading.surroundings.environment.contains_key(name) {
        let message = format!("the variable `{name}` is not set here, so there is nothing to keep");
        let help = "set it for the server, or remove it here";
        reader.report(Kind::MissingVariable, message, help);
    }
}

pub(super) fn lint(reader: &mut Reader<'_>, record: Record<'_>) {
    const KILL_GRACE: &str = "kill-grace";
    if record.has(KILL_GRACE) && !record.has("timeout") {
        let message =
            "without `timeout` this counts only when the server is stopped, and there only below 5s";
        let help = "add `timeout: 10m`, or remove this";
        reader.at(record, KILL_GRACE, |reader, _| reader.report_key(Kind::KillGraceAlone, message, help));
    }
}
