//! `command-environment`: what a command has of the server's environment.

use crate::support::{Request, Setup, WITH_OUTPUT};

const SERVERS: [(&str, &str); 10] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/home/of-the-server"),
    ("USER", "server"),
    ("LOGNAME", "server"),
    ("LANG", "C.UTF-8"),
    ("TZ", "UTC"),
    ("TMPDIR", "/tmp"),
    ("SECRET", "of the server"),
    ("KEPT", "two words"),
    ("ALSO", "kept"),
];

/// What `env` prints in a hook with these keys, sorted.
fn variables(keys: &str) -> Vec<String> {
    let hook = format!(
        "- id: run\n  execute-command: env\n  {WITH_OUTPUT}\n  {keys}\n  pass-environment-to-command:\n  \
         - {{source: string, name: own, envname: OWN}}\n  - {{source: url, name: lang, envname: LANG}}\n"
    );
    let setup = SERVERS.iter().fold(Setup::new(), |setup, (name, value)| setup.env(name, value));
    let response = setup.hooks(&hook).start().send(&Request::post("/hooks/run?lang=de"));
    assert_eq!(response.status, 200);
    let mut lines: Vec<String> = response.text().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

const CLEAN: [&str; 8] = [
    "HOME=/home/of-the-server",
    "LANG=de",
    "LOGNAME=server",
    "OWN=own",
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "TMPDIR=/tmp",
    "TZ=UTC",
    "USER=server",
];

#[test]
fn a_clean_environment_has_seven_variables_of_the_servers_and_the_hooks_own_on_top() {
    assert_eq!(variables("command-environment: clean"), CLEAN);
    assert_eq!(variables("command-environment: {mode: clean}"), CLEAN);
}

#[test]
fn what_is_to_be_kept_is_and_what_is_not_there_is_nothing() {
    let mut expected = CLEAN.map(str::to_owned).to_vec();
    expected.extend(["KEPT=two words".to_owned(), "ALSO=kept".to_owned()]);
    expected.sort();
    assert_eq!(variables("command-environment: {mode: clean, keep: [KEPT, ALSO, NOT_THERE]}"), expected);
}

#[test]
fn without_the_key_all_is_inherited() {
    for keys in ["", "command-environment: inherit", "command-environment: {mode: inherit}"] {
        let found = variables(keys);
        for (name, value) in SERVERS.iter().filter(|(name, _)| *name != "LANG") {
            assert!(found.contains(&format!("{name}={value}")), "{name} in {found:?}");
        }
        assert!(found.iter().all(|line| !line.starts_with("NOTIFY_SOCKET=")));
    }
}

#[test]
fn limits_change_nothing_in_it() {
    assert_eq!(variables("command-environment: clean\n  limits: {open-files: 100}"), CLEAN);
    assert_eq!(variables("limits: {open-files: 100}"), variables(""));
}
