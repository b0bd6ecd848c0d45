//! What a command runs under, as written and checked. Every mistake refuses the hook: a command that was to
//! be held back must not run without.

use nix::unistd::{Group, Uid, User};

use super::check::{guard, refuse_empty};
use super::keys;
use super::lint;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::circumstances::{Account, Circumstances, Inherited, Limits, WITHHELD_VARIABLES};
use crate::units::parse_size;

/// For a key without a value.
const VALUE: &str = "write its value, or remove it";
/// No program starts with less; a smaller number lacks its unit.
const MEMORY_BYTES_MIN: u64 = 1024 * 1024;
/// Stdin, stdout, stderr, and one for the libraries that a program needs to start.
const OPEN_FILES_MIN: u64 = 4;
/// What the system has for "no user" and "no group".
const NOBODY_AT_ALL: u32 = u32::MAX;

pub(super) fn circumstances(reader: &mut Reader<'_>, record: Record<'_>) -> Circumstances {
    let default = Circumstances::default();
    refuse_empty(reader, record, ["timeout", "kill-grace"], VALUE);
    let timeout = reader.duration(record, "timeout");
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        let message = "`timeout: 0` leaves the command no time";
        let help = "write how long it may run, as `10m`, or remove the key";
        reader.report_at_entry((record, "timeout"), Kind::BadDuration, message, help);
    }
    Circumstances {
        timeout,
        kill_grace: reader.duration(record, "kill-grace").unwrap_or(default.kill_grace),
        inherited: guard(reader, record, "command-environment", inherited).unwrap_or(default.inherited),
        account: guard(reader, record, "run-as", account),
        limits: guard(reader, record, "limits", limits).unwrap_or_default(),
    }
}

#[inline(never)]
fn inherited(reader: &mut Reader<'_>, node: &Node) -> Option<Inherited> {
    const HELP: &str = "write `inherit`, `clean`, or `{mode: clean, keep: [NAME]}`";
    let of_word = |word: &str| match word {
        "inherit" => Some(Inherited::All),
        "clean" => Some(Inherited::Clean { keep: Vec::new() }),
        _ => None,
    };
    if let Node::Text(word) = node {
        let mode = of_word(word);
        if mode.is_none() {
            let message = format!("`{word}` is no environment");
            reader.report(Kind::BadEnvironment, message, HELP);
        }
        return mode;
    }
    let record = reader.record(node, "an environment", keys::COMMAND_ENVIRONMENT)?;
    let keep = reader.list(record, "keep", kept_variable);
    match reader.text(record, "mode").as_deref().map(of_word) {
        Some(Some(Inherited::Clean { .. })) => Some(Inherited::Clean { keep }),
        Some(Some(Inherited::All)) if !record.has("keep") => Some(Inherited::All),
        Some(Some(Inherited::All)) => {
            let message = "with `mode: inherit` all variables are kept";
            reader.report_at_entry((record, "keep"), Kind::BadEnvironment, message, "write `mode: clean`");
            None
        }
        Some(None) => {
            reader.report_at_entry((record, "mode"), Kind::BadEnvironment, "unknown `mode`", HELP);
            None
        }
        None => {
            reader.report(Kind::BadEnvironment, "the environment has no `mode`", HELP);
            None
        }
    }
}

fn kept_variable(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let Node::Text(name) = node else { return reader.wrong_type(node, "the name of a variable") };
    if name.is_empty() || name.contains(['=', '\0']) {
        let message = "this is no name of a variable";
        reader.report(Kind::BadEnvironment, message, "write the name alone, without `=` and its value");
        return None;
    }
    if WITHHELD_VARIABLES.contains(&name.as_str()) {
        let message = format!("`{name}` is for the server alone, and no command gets it");
        reader.report(Kind::BadEnvironment, message, "remove it");
        return None;
    }
    if reader.reading.examination.is_some() {
        lint::kept_variable(reader, name);
    }
    Some(name.clone())
}

#[inline(never)]
fn account(reader: &mut Reader<'_>, node: &Node) -> Option<Account> {
    let record = reader.record(node, "a user", keys::RUN_AS)?;
    refuse_empty(reader, record, ["group"], VALUE);
    let group = reader.text(record, "group");
    let group = match group.as_deref().map(|name| (name, group_number(name))) {
        None => None,
        Some((_, Some(number))) => Some(number),
        Some((name, None)) => {
            let message = format!("there is no group `{name}`");
            let help = "write the name or number of one that the system knows (`getent group`)";
            reader.report_at_entry((record, "group"), Kind::UnknownAccount, message, help);
            return None;
        }
    };
    let Some(name) = reader.text(record, "user") else {
        reader.report(Kind::UnknownAccount, "`run-as` has no `user`", "write `user: NAME`");
        return None;
    };
    let Some(account) = user(&name, group) else {
        let is_number = name.parse::<u32>().is_ok_and(|number| number != NOBODY_AT_ALL);
        let (message, help) = match is_number {
            true => (
                format!("the system does not know the user {name}, and so not its group"),
                "write `group` too, or a user that it knows (`getent passwd`)",
            ),
            false => (
                format!("there is no user `{name}`"),
                "write the name or number of one that the system knows (`getent passwd`)",
            ),
        };
        reader.report_at_entry((record, "user"), Kind::UnknownAccount, message, help);
        return None;
    };
    if !reader.reading.may_run_as {
        let message = "the server may not run commands as another user";
        let help = "start it as root and without `-setuid`, or remove `run-as`";
        reader.report(Kind::NoPrivilege, message, help);
        return None;
    }
    Some(account)
}

/// A name comes before a number, as everywhere on the system.
fn user(name: &str, group: Option<u32>) -> Option<Account> {
    let number = name.parse().ok().filter(|number| *number != NOBODY_AT_ALL);
    let named = User::from_name(name).ok().flatten();
    let known = named.or_else(|| User::from_uid(Uid::from_raw(number?)).ok().flatten());
    Some(match known {
        Some(known) => Account {
            user: known.uid.as_raw(),
            group: group.unwrap_or(known.gid.as_raw()),
            name: known.name,
            home: known.dir.into_os_string(),
            is_known: true,
        },
        None => {
            Account { user: number?, group: group?, name: name.to_owned(), home: "/".into(), is_known: false }
        }
    })
}

fn group_number(name: &str) -> Option<u32> {
    let named = Group::from_name(name).ok().flatten();
    let known = |group: Group| group.gid.as_raw();
    named.map(known).or_else(|| name.parse().ok().filter(|number| *number != NOBODY_AT_ALL))
}

#[inline(never)]
fn limits(reader: &mut Reader<'_>, node: &Node) -> Option<Limits> {
    let record = reader.record(node, "limits", keys::LIMITS)?;
    refuse_empty(reader, record, keys::LIMITS.iter().map(|key| key.name), VALUE);
    let limits = Limits {
        memory_bytes: size(reader, record, "memory", MEMORY_BYTES_MIN),
        cpu_seconds: cpu_seconds(reader, record),
        open_files: count(reader, record, "open-files", OPEN_FILES_MIN),
        file_size_bytes: size(reader, record, "file-size", 0),
        processes: count(reader, record, "processes", 1),
    };
    if !keys::LIMITS.iter().any(|key| record.has(key.name)) {
        reader.report(Kind::BadLimit, "`limits` limits nothing", "write one of its keys, or remove it");
    }
    Some(limits)
}

fn size(reader: &mut Reader<'_>, record: Record<'_>, key: &str, least: u64) -> Option<u64> {
    let text = reader.text(record, key)?;
    let help = "write a number with `KiB`, `MiB` or `GiB`";
    let message = match parse_size(&text).map(|size| size as u64) {
        Ok(size) if size >= least => return Some(size),
        Ok(_) => format!("`{key}: {text}` is so little that no program can start"),
        Err(reason) => format!("`{key}`: {reason}"),
    };
    reader.report_at_entry((record, key), Kind::BadLimit, message, help);
    None
}

fn count(reader: &mut Reader<'_>, record: Record<'_>, key: &str, least: u64) -> Option<u64> {
    let number = reader.integer(record, key)?;
    let count = u64::try_from(number).ok().filter(|count| *count >= least);
    if count.is_none() {
        let message = format!("`{key}: {number}` is so few that no program can start");
        reader.report_at_entry((record, key), Kind::BadLimit, message, format!("write {least} or more"));
    }
    count
}

/// The system counts it in seconds.
fn cpu_seconds(reader: &mut Reader<'_>, record: Record<'_>) -> Option<u64> {
    const KEY: &str = "cpu-time";
    let time = reader.duration(record, KEY)?;
    let is_whole = !time.is_zero() && time.subsec_nanos() == 0;
    if !is_whole {
        let message = "the system counts CPU time in whole seconds, from one on";
        reader.report_at_entry((record, KEY), Kind::BadLimit, message, "write `1s` or more");
    }
    is_whole.then_some(time.as_secs())
}
