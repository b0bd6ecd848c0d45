//! User and group given up after the listener is open. Only root can give them up.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{self, Command};

use crate::support::{Setup, WITH_OUTPUT};

/// `nobody` on most systems; it needs no entry anywhere.
const UNPRIVILEGED: u32 = 65534;

/// Below 1024 and not in common use.
const PRIVILEGED_PORT: u16 = 731;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not shown: only root can drop privileges");
    }
    root
}

fn unprivileged() -> Setup {
    let identity = "id -u; id -g; id -G; grep -c '^Groups:[[:space:]]*$' /proc/self/status";
    let setup = Setup::new()
        .shell("identity", identity, WITH_OUTPUT)
        .flags(&format!("-setuid {UNPRIVILEGED} -setgid {UNPRIVILEGED}"));
    fs::set_permissions(setup.directory(), Permissions::from_mode(0o755)).unwrap();
    setup
}

#[test]
fn commands_run_as_the_given_user_and_group_and_in_no_other_group() {
    if is_root() {
        let expected = format!("{UNPRIVILEGED}\n{UNPRIVILEGED}\n{UNPRIVILEGED}\n1\n");
        unprivileged().start().post("/hooks/identity").assert(200, &expected);
    }
}

#[test]
fn supplementary_groups_of_the_start_are_cleared() {
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if is_root() && has_setpriv {
        let mut launcher = Command::new("setpriv");
        launcher.args(["--groups", "0,4,24"]);
        let expected = format!("{UNPRIVILEGED}\n{UNPRIVILEGED}\n{UNPRIVILEGED}\n1\n");
        unprivileged().launched_by(launcher).start().post("/hooks/identity").assert(200, &expected);
    }
}

#[test]
fn the_listener_is_opened_before_and_no_privilege_comes_back() {
    if is_root() {
        // An address of this process alone: other runs of these tests use the same port.
        let [.., high, low] = process::id().to_be_bytes();
        let flags = format!("-ip 127.7.{high}.{low} -port {PRIVILEGED_PORT}");
        let server = unprivileged().without_address().flags(&flags).start();
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let real_effective_saved_and_file = format!("Uid:{}", format!("\t{UNPRIVILEGED}").repeat(4));
        assert!(status.contains(&real_effective_saved_and_file), "{status}");
        let effective = status.lines().find(|line| line.starts_with("CapEff:"));
        assert!(effective.is_some_and(|line| line.ends_with("0000000000000000")), "{effective:?}");
    }
}

#[test]
fn hooks_are_still_reloaded_afterwards() {
    if is_root() {
        let server = unprivileged().start();
        let hook = "- {id: new, execute-command: 'true', response-message: new}\n";
        fs::write(server.path("hooks.yaml"), hook).unwrap();
        server.reload(rustix::process::Signal::HUP);
        server.get("/hooks/new").assert(200, "new");
    }
}
