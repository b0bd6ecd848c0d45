//! `run-as`: another user for a command. Only root can make it one; what is refused is shown by anybody.

use std::fs::{self, Permissions, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::support::{
    RULE_ERROR, RUN_ERROR, Request, Setup, WITH_OUTPUT, eventually, processes, write_executable,
};

/// A user that every system has, and not the one that other tests become.
const USER: &str = "daemon";

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not shown: only root can run commands as another user");
    }
    root
}

/// A case in a directory that others can enter.
fn setup() -> Setup {
    let setup = Setup::new();
    set_permissions(setup.directory(), Permissions::from_mode(0o755)).unwrap();
    setup
}

fn shell(script: &str, keys: &str) -> Setup {
    setup().shell("run", script, &format!("{WITH_OUTPUT}\n{keys}")).flags("-verbose")
}

/// What `id` says of `USER`.
fn id(option: &str) -> String {
    let output = Command::new("id").args([option, USER]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn home() -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with(&format!("{USER}:"))).unwrap();
    line.split(':').nth(5).unwrap().to_owned()
}

const IDENTITY: &str =
    "id -u; id -g; id -G; echo $HOME $USER $LOGNAME; cat /proc/$$/status | grep -E '^(Uid|Gid|CapEff)'";

fn identity(user: &str, group: &str, groups: &str, names: &str) -> String {
    let four = |id: &str| format!("\t{id}").repeat(4);
    let (users, gids) = (four(user), four(group));
    format!("{user}\n{group}\n{groups}\n{names}\nUid:{users}\nGid:{gids}\nCapEff:\t0000000000000000\n")
}

#[test]
fn a_command_is_the_user_with_its_groups_and_names() {
    if is_root() {
        let expected = identity(&id("-u"), &id("-g"), &id("-G"), &format!("{} {USER} {USER}", home()));
        let server = shell(IDENTITY, &format!("run-as: {{user: {USER}}}")).start();
        server.post("/hooks/run").assert(200, &expected);
        let by_number = format!("run-as: {{user: {}}}\ncommand-environment: clean", id("-u"));
        shell(IDENTITY, &by_number).start().post("/hooks/run").assert(200, &expected);
    }
}

#[test]
fn the_group_may_be_another() {
    if is_root() {
        let keys = format!("run-as: {{user: {USER}, group: 4711}}");
        let response = shell("id -g; id -G", &keys).start().post("/hooks/run");
        let text = response.text();
        let (group, groups) = text.trim().split_once('\n').unwrap();
        assert_eq!(group, "4711");
        assert!(groups.split(' ').any(|group| group == "4711"), "{text}");
        assert!(!groups.split(' ').any(|group| group == "0"), "{text}");
    }
}

#[test]
fn a_number_that_the_system_does_not_know_needs_a_group() {
    if is_root() {
        let server = shell(IDENTITY, "run-as: {user: 54321, group: 54322}").start();
        server.post("/hooks/run").assert(200, &identity("54321", "54322", "54322", "/ 54321 54321"));
    }
    let server = shell(IDENTITY, "run-as: {user: 54321}").start();
    server.post("/hooks/run").assert(500, RULE_ERROR);
    server.wait_for_log("the system does not know the user 54321");
}

#[test]
fn the_hooks_own_variables_are_on_top() {
    if is_root() {
        let keys = format!(
            "run-as: {{user: {USER}}}\npass-environment-to-command: [{{source: string, name: /own, envname: HOME}}]"
        );
        shell("echo $HOME $USER", &keys).start().post("/hooks/run").assert(200, &format!("/own {USER}\n"));
    }
}

#[test]
fn the_user_can_read_its_files_and_nobody_else_can() {
    if is_root() {
        let keys = format!(
            "run-as: {{user: {USER}}}\ncommand-working-directory: '@DIR@'\n\
             pass-file-to-command: [{{source: raw-request-body, envname: FILE}}]"
        );
        let server =
            shell("stat -c '%a %U' $FILE; cat $FILE; case $FILE in $PWD/*) echo here;; esac", &keys).start();
        let response = server.send(&Request::post("/hooks/run").body("inside"));
        response.assert(200, &format!("600 {USER}\ninside"));
    }
}

#[test]
fn the_user_can_open_its_stdin_and_output_by_name() {
    if is_root() {
        let keys = format!("run-as: {{user: {USER}}}\npass-stdin-to-command: {{source: string, name: in}}");
        let script = "cat /dev/stdin; echo out > /dev/stdout; echo err > /dev/stderr";
        shell(script, &keys).start().post("/hooks/run").assert(200, "inout\nerr\n");
        let apart = format!("{keys}\ncommand-output: stdout");
        shell(script, &apart).start().post("/hooks/run").assert(200, "inout\n");
    }
}

#[test]
fn what_nobody_reads_can_be_written_by_name_and_the_device_stays_the_systems() {
    if is_root() {
        let owner = || {
            let metadata = fs::metadata("/dev/zero").unwrap();
            (metadata.uid(), metadata.gid(), metadata.mode())
        };
        let before = owner();
        let script = "echo out > /dev/stdout && echo err > /dev/stderr && exit 3";
        let server = setup().shell("run", script, &format!("run-as: {{user: {USER}}}")).start();
        server.post("/hooks/run").assert(200, "");
        server.wait_for_log("exit status 3");
        assert_eq!(owner(), before);
    }
}

#[test]
fn what_the_user_may_not_do_is_said() {
    if is_root() {
        let keys = format!("{WITH_OUTPUT}\n  run-as: {{user: {USER}}}");
        let hooks = format!(
            "- id: program\n  execute-command: '@DIR@/private.sh'\n  {keys}\n\
             - id: directory\n  execute-command: /bin/true\n  command-working-directory: '@DIR@/private'\n  {keys}\n"
        );
        let setup = setup().hooks(&hooks);
        write_executable(&setup.path("private.sh"), "#!/bin/sh\n");
        set_permissions(setup.path("private.sh"), Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(setup.path("private")).unwrap();
        set_permissions(setup.path("private"), Permissions::from_mode(0o700)).unwrap();
        let server = setup.start();
        server.post("/hooks/program").assert(500, RUN_ERROR);
        server.wait_for_log(&format!("the user {USER} may not execute"));
        server.post("/hooks/directory").assert(500, RUN_ERROR);
        server.wait_for_log(&format!("the user {USER} cannot enter the working directory"));
    }
}

#[test]
fn another_users_command_is_ended_in_time_and_with_all_it_started() {
    if is_root() {
        let script = "trap '' TERM; (echo begun; exec sleep 600) & sleep 600";
        let keys = format!("run-as: {{user: {USER}}}\ntimeout: 500ms\nkill-grace: 200ms");
        let server = shell(script, &keys).start();
        server.post("/hooks/run").assert(500, RUN_ERROR);
        server.wait_for_log("outcome=timed out");
        let is_left = || processes().iter().any(|process| process.parent == server.pid());
        eventually("no child is left", || !is_left());
    }
}

#[test]
fn a_hook_is_refused_when_nobody_is_the_user_or_the_server_may_not_become_it() {
    #[track_caller]
    fn check(keys: &str, flags: &str, reason: &str) {
        let server = shell("id -u", keys).flags(flags).start();
        server.post("/hooks/run").assert(500, RULE_ERROR);
        server.wait_for_log(reason);
    }
    check("run-as: {user: no-such-user}", "", "there is no user `no-such-user`");
    check("run-as: {user: root, group: no-such-group}", "", "there is no group `no-such-group`");
    check("run-as: {group: root}", "", "`run-as` has no `user`");
    check("run-as:", "", "`run-as` is empty");
    check("run-as: deploy", "", "a user with keys (user, group) is wanted here");
    if is_root() {
        let flags = "-setuid 65534 -setgid 65534";
        check("run-as: {user: root}", flags, "the server may not run commands as another user");
    } else {
        check("run-as: {user: root}", "", "the server may not run commands as another user");
    }
}

#[test]
fn limits_need_no_privilege() {
    let flags = if is_root() { "-setuid 65534 -setgid 65534" } else { "" };
    let server = shell("ulimit -n", "limits: {open-files: 100}").flags(flags).start();
    server.post("/hooks/run").assert(200, "100\n");
}

/// The system counts a user's processes, and root's not at all: here a user that has no others.
#[test]
fn a_user_starts_no_more_processes_than_its_limit() {
    if is_root() {
        let script = "for n in 1 2 3 4 5; do sleep 10 >/dev/null 2>&1 & echo $n; done";
        // Nor has another run of this test.
        let user = 20_000 + std::process::id() % 30_000;
        let keys = format!(
            "include-command-output-in-response-on-error: true\nrun-as: {{user: {user}, group: {user}}}\n\
             limits: {{processes: 4}}"
        );
        let server = shell(script, &keys).start();
        let response = server.post("/hooks/run");
        // The shell is one of the four.
        assert_eq!((response.status, &response.text()[..6]), (500, "1\n2\n3\n"), "{}", response.text());
        assert!(response.text().contains("fork"), "{}", response.text());
    }
}
