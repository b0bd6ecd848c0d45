//! Reload on a signal and on change. Whatever a file looks like meanwhile, the process lives and known hooks
//! work.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use rustix::process::Signal;

use crate::support::{Fifo, Server, Setup, WITH_OUTPUT, eventually};

fn hook(id: &str, message: &str) -> String {
    format!("- {{id: {id}, execute-command: 'true', response-message: {message}}}\n")
}

type Damage = fn(&Path);

fn message(server: &Server, id: &str) -> String {
    server.get(&format!("/hooks/{id}")).text()
}

#[track_caller]
fn eventually_says(server: &Server, id: &str, expected: &str) {
    eventually(&format!("{id} says {expected}"), || message(server, id) == expected);
}

/// As editors save: beside the file, then over it.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("tmp~");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn either_signal_reloads() {
    for signal in [Signal::HUP, Signal::USR1] {
        let server = Setup::new().says("kept", "old").says("dropped", "old").start();
        fs::write(server.path("hooks.yaml"), hook("kept", "new") + &hook("added", "new")).unwrap();
        server.reload(signal);
        let messages = ["kept", "added", "dropped"].map(|id| message(&server, id));
        assert_eq!(messages, ["new", "new", "Hook not found."], "{signal:?}");
    }
}

#[test]
fn without_hotreload_a_change_waits_for_the_signal() {
    let server = Setup::new().says("hello", "old").start();
    fs::write(server.path("hooks.yaml"), hook("hello", "new")).unwrap();
    assert_eq!(message(&server, "hello"), "old");
    server.reload(Signal::HUP);
    assert_eq!(message(&server, "hello"), "new");
}

#[test]
fn a_file_that_failed_at_the_start_loads_later() {
    for (broken, text) in [("absent", None), ("broken", Some("- id: [\n"))] {
        let mut setup = Setup::new().flags("-nopanic -hooks late.yaml");
        if let Some(text) = text {
            setup = setup.file("late.yaml", text);
        }
        let server = setup.start();
        server.get("/hooks/hello").assert(404, "Hook not found.");
        fs::write(server.path("late.yaml"), hook("hello", "late")).unwrap();
        server.reload(Signal::HUP);
        assert_eq!(message(&server, "hello"), "late", "{broken}");
    }
}

#[test]
fn a_file_that_is_broken_or_absent_keeps_its_hooks_and_is_named() {
    let damages: [(&str, Damage); 3] = [
        ("broken", |path| fs::write(path, "- id: a\n  http-methods: [GET, }\n").unwrap()),
        ("no list", |path| fs::write(path, "id: a\n").unwrap()),
        ("absent", |path| fs::remove_file(path).unwrap()),
    ];
    for (damage, inflict) in damages {
        let mut server = Setup::new()
            .file("a.yaml", hook("a", "old"))
            .file("b.yaml", hook("b", "old"))
            .flags("-hooks a.yaml -hooks b.yaml")
            .start();
        server.mark_log();
        inflict(&server.path("a.yaml"));
        fs::write(server.path("b.yaml"), hook("b", "new")).unwrap();
        server.reload(Signal::HUP);
        let messages = ["a", "b"].map(|id| message(&server, id));
        assert_eq!(messages, ["old", "new"], "{damage}");
        server.wait_for_log("a.yaml");
    }
}

#[test]
fn a_file_that_brings_a_known_id_keeps_its_old_hooks_and_both_places_are_named() {
    let mut server = Setup::new()
        .file("a.yaml", hook("a", "old"))
        .file("b.yaml", hook("b", "old"))
        .flags("-hooks a.yaml -hooks b.yaml")
        .start();
    server.mark_log();
    fs::write(server.path("b.yaml"), hook("b", "new") + &hook("a", "stolen")).unwrap();
    server.reload(Signal::HUP);
    assert_eq!(["a", "b"].map(|id| message(&server, id)), ["old", "old"]);
    server.wait_for_log_line("both places", |line| line.contains("a.yaml") && line.contains("b.yaml"));
}

#[test]
fn a_directory_is_read_anew() {
    let server = Setup::new().file("all/a.yaml", hook("a", "a")).flags("-hooks all").start();
    fs::write(server.path("all/b.yaml"), hook("b", "b")).unwrap();
    server.reload(Signal::HUP);
    assert_eq!(["a", "b"].map(|id| message(&server, id)), ["a", "b"]);
}

#[test]
fn hotreload_sees_a_file_written_in_place() {
    let server = Setup::new().says("hello", "0").flags("-hotreload").start();
    for round in ["1", "2", "3"] {
        fs::write(server.path("hooks.yaml"), hook("hello", round)).unwrap();
        eventually_says(&server, "hello", round);
    }
}

#[test]
fn hotreload_sees_every_rename_over_the_file() {
    let server = Setup::new().says("hello", "0").flags("-hotreload").start();
    for round in ["1", "2", "3"] {
        replace(&server.path("hooks.yaml"), &hook("hello", round));
        eventually_says(&server, "hello", round);
    }
}

#[test]
fn hotreload_sees_the_link_swap_of_a_kubernetes_volume() {
    let setup = Setup::new()
        .file("volume/..v0/hooks.yaml", hook("hello", "0"))
        .file("volume/..v1/hooks.yaml", hook("hello", "1"))
        .file("volume/..v2/hooks.yaml", hook("hello", "2"))
        .flags("-hotreload -hooks volume/hooks.yaml");
    let volume = setup.path("volume");
    symlink("..v0", volume.join("..data")).unwrap();
    symlink("..data/hooks.yaml", volume.join("hooks.yaml")).unwrap();
    let server = setup.start();
    assert_eq!(message(&server, "hello"), "0");
    for round in ["1", "2"] {
        symlink(format!("..v{round}"), volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        eventually_says(&server, "hello", round);
    }
}

#[test]
fn hotreload_keeps_hooks_while_their_file_is_absent_and_sees_it_return() {
    let mut server = Setup::new()
        .file("a.yaml", hook("a", "old"))
        .file("b.yaml", hook("b", "old"))
        .flags("-hotreload -hooks a.yaml -hooks b.yaml")
        .start();
    for round in ["1", "2"] {
        server.mark_log();
        let before = message(&server, "a");
        fs::remove_file(server.path("a.yaml")).unwrap();
        // Once the later change is in force, the removal has been seen.
        fs::write(server.path("b.yaml"), hook("b", round)).unwrap();
        eventually_says(&server, "b", round);
        assert_eq!(message(&server, "a"), before);
        server.wait_for_log("a.yaml is gone: what was read from it stays in force");
        fs::write(server.path("a.yaml"), hook("a", round)).unwrap();
        eventually_says(&server, "a", round);
    }
}

#[test]
fn a_reload_of_a_broken_file_says_that_the_former_hooks_stay() {
    const KEPT: &str = "hooks.yaml stay in force";
    let mut server = Setup::new().says("hello", "old").start();
    assert!(!server.log().iter().any(|line| line.contains(KEPT)));
    server.mark_log();
    fs::write(server.path("hooks.yaml"), "- id: [").unwrap();
    server.reload(Signal::HUP);
    server.wait_for_log("couldn't load hooks from file!");
    server.wait_for_log(KEPT);
    assert_eq!(message(&server, "hello"), "old");
    server.mark_log();
    fs::write(server.path("hooks.yaml"), hook("hello", "new")).unwrap();
    server.reload(Signal::HUP);
    assert!(!server.log().iter().any(|line| line.contains(KEPT)));
    assert_eq!(message(&server, "hello"), "new");
}

#[test]
fn hotreload_keeps_hooks_while_their_file_is_broken() {
    let mut server = Setup::new().says("hello", "old").flags("-hotreload").start();
    server.mark_log();
    replace(&server.path("hooks.yaml"), "- id: hello\n  http-methods: [GET, }\n");
    server.wait_for_log("hooks.yaml");
    assert_eq!(message(&server, "hello"), "old");
    replace(&server.path("hooks.yaml"), &hook("hello", "new"));
    eventually_says(&server, "hello", "new");
}

#[test]
fn hotreload_sees_a_file_that_was_absent_at_the_start() {
    let server = Setup::new().flags("-hotreload -nopanic -hooks late.yaml").start();
    fs::write(server.path("late.yaml"), hook("hello", "late")).unwrap();
    eventually_says(&server, "hello", "late");
}

#[test]
fn a_request_finishes_with_the_hook_it_started_with() {
    let script = "echo begun > @DIR@/begun; read line < @DIR@/gate; echo $line";
    let setup = Setup::new().shell("slow", script, WITH_OUTPUT);
    let begun = Fifo::new(setup.path("begun"));
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    thread::scope(|scope| {
        let response = scope.spawn(|| server.get("/hooks/slow"));
        begun.receive();
        fs::write(server.path("hooks.yaml"), hook("other", "new")).unwrap();
        server.reload(Signal::HUP);
        server.get("/hooks/slow").assert(404, "Hook not found.");
        gate.send("done\n");
        response.join().unwrap().assert(200, "done\n");
    });
}
