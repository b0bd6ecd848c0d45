//! Go's `flag` syntax turned into clap's: one dash or two, a bool's value only after `=`, a value that
//! may begin with a dash.

use std::ffi::{OsStr, OsString};

/// Rewrites every flag as `--name=value` (or `--name` for a bool without a value). What is no flag stays
/// as it is, and so does all that follows `--`.
pub(super) fn to_long_form(
    arguments: impl IntoIterator<Item = OsString>,
    command: &clap::Command,
) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut long: Vec<OsString> = arguments.next().into_iter().collect();
    while let Some(argument) = arguments.next() {
        let Some(flag) = flag_of(&argument) else {
            let is_end = argument == "--";
            long.push(argument);
            if is_end {
                break;
            }
            continue;
        };
        let mut rewritten = OsString::from("--");
        rewritten.push(flag);
        if !has_value(flag)
            && takes_value(command, flag)
            && let Some(value) = arguments.next()
        {
            rewritten.push("=");
            rewritten.push(value);
        }
        long.push(rewritten);
    }
    long.extend(arguments);
    long
}

/// Leaves out the flags that only `server` has, with their values: a command that stands in for the server takes
/// the server's command line as it is.
pub(super) fn without_those_of(
    server: &clap::Command,
    arguments: impl IntoIterator<Item = OsString>,
    command: &clap::Command,
) -> Vec<OsString> {
    let has = |command: &clap::Command, flag: &OsStr| {
        let name = flag.as_encoded_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
        command
            .get_arguments()
            .any(|argument| argument.get_long().is_some_and(|long| long.as_bytes() == name))
    };
    let mut arguments = arguments.into_iter();
    let mut kept = Vec::new();
    while let Some(argument) = arguments.next() {
        let Some(flag) = flag_of(&argument).map(OsStr::to_owned) else {
            kept.push(argument);
            continue;
        };
        let is_own = has(command, &flag) || !has(server, &flag);
        let of = if is_own { command } else { server };
        let value = if !has_value(&flag) && takes_value(of, &flag) { arguments.next() } else { None };
        if is_own {
            kept.push(argument);
            kept.extend(value);
        }
    }
    kept
}

/// The flag without its dashes; `None` for `-`, `--` and what has no dash.
fn flag_of(argument: &OsStr) -> Option<&OsStr> {
    let text = argument.to_str()?;
    let flag = text.strip_prefix("--").or_else(|| text.strip_prefix('-'))?;
    let is_flag = !flag.is_empty() && !flag.starts_with(['-', '=']);
    // `-h` is the short form that clap knows.
    is_flag.then(|| OsStr::new(if flag == "h" { "help" } else { flag }))
}

fn has_value(flag: &OsStr) -> bool {
    flag.as_encoded_bytes().contains(&b'=')
}

fn takes_value(command: &clap::Command, flag: &OsStr) -> bool {
    let Some(flag) = flag.to_str() else { return false };
    let argument = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    argument.is_some_and(|argument| argument.get_action().takes_values() && !argument.is_require_equals_set())
}

/// The words that Go's `strconv.ParseBool` takes.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_spellings_become_long_flags() {
        #[track_caller]
        fn check(arguments: &[&str], expected: &[&str]) {
            let all = std::iter::once("hookrunner").chain(arguments.iter().copied()).map(OsString::from);
            let long = to_long_form(all, &crate::cli::command::<crate::cli::Flags>());
            let long: Vec<&str> = long.iter().skip(1).filter_map(|argument| argument.to_str()).collect();
            assert_eq!(long, expected);
        }
        check(&["-port", "1"], &["--port=1"]);
        check(&["--port", "1"], &["--port=1"]);
        check(&["-port=1"], &["--port=1"]);
        check(&["-verbose"], &["--verbose"]);
        check(&["-verbose=false", "-debug"], &["--verbose=false", "--debug"]);
        check(&["-verbose", "-port", "1"], &["--verbose", "--port=1"]);
        check(&["-header", "-x=1"], &["--header=-x=1"]);
        check(&["-hooks", "a", "-hooks", "b"], &["--hooks=a", "--hooks=b"]);
        check(&["-h"], &["--help"]);
        check(&["-help"], &["--help"]);
        check(&["-unknown", "x"], &["--unknown", "x"]);
        check(&["-port"], &["--port"]);
        check(&["word", "-port", "1"], &["word", "--port=1"]);
        check(&["--", "-port", "1"], &["--", "-port", "1"]);
    }

    #[test]
    fn flags_of_the_server_alone_are_left_out() {
        #[track_caller]
        fn check(arguments: &[&str], expected: &[&str]) {
            let all = arguments.iter().copied().map(OsString::from);
            let (server, own) =
                (crate::cli::command::<crate::cli::Flags>(), crate::cli::command::<crate::cli::CheckFlags>());
            assert_eq!(without_those_of(&server, all, &own), expected);
        }
        check(&["-verbose", "-port", "1", "-hooks", "-x", "a"], &["-hooks", "-x", "a"]);
        check(&["--port=1", "-verbose=false", "-strict"], &["-strict"]);
        check(&["-nonsense", "1"], &["-nonsense", "1"]);
    }
}
