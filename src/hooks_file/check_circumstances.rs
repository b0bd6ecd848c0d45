//! What a command runs under, as written and checked. Every mistake refuses the hook: a command that was to
//! be held back must not run without.

use super::problem::Kind;
use super::record::{Reader, Record};
use crate::circumstances::Circumstances;

pub(super) fn circumstances(reader: &mut Reader<'_>, record: Record<'_>) -> Circumstances {
    let default = Circumstances::default();
    let timeout = reader.duration(record, "timeout");
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        let message = "`timeout: 0` leaves the command no time";
        let help = "write how long it may run, as `10m`, or remove the key";
        reader.report_at_entry((record, "timeout"), Kind::BadDuration, message, help);
    }
    Circumstances { timeout, kill_grace: reader.duration(record, "kill-grace").unwrap_or(default.kill_grace) }
}
