//! What a command runs under.

use super::{Kind, Reader, Record};

pub(super) fn lint(reader: &mut Reader<'_>, record: Record<'_>) {
    const KILL_GRACE: &str = "kill-grace";
    if record.has(KILL_GRACE) && !record.has("timeout") {
        let message =
            "without `timeout` this counts only when the server is stopped, and there only below 5s";
        let help = "add `timeout: 10m`, or remove this";
        reader.at(record, KILL_GRACE, |reader, _| reader.report_key(Kind::KillGraceAlone, message, help));
    }
}
