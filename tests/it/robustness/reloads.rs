//! Hooks files whose directories come and go, and what stands in their place meanwhile.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::support::{Fifo, Server, Setup, eventually};

fn hook(message: &str) -> String {
    format!("- {{id: hello, execute-command: 'true', response-message: {message}}}\n")
}

#[track_caller]
fn eventually_says(server: &Server, expected: &str) {
    eventually(&format!("hello says {expected}"), || server.get("/hooks/hello").text() == expected);
}

#[test]
fn a_directory_that_is_removed_and_made_again_is_still_watched() {
    for hooks in ["conf/hooks.yaml", "conf"] {
        let server = Setup::new()
            .file("conf/hooks.yaml", hook("first"))
            .flags(&format!("-hotreload -hooks {hooks}"))
            .start();
        for round in ["second", "third"] {
            fs::remove_dir_all(server.path("conf")).unwrap();
            fs::create_dir(server.path("conf")).unwrap();
            fs::write(server.path("conf/hooks.yaml"), hook(round)).unwrap();
            eventually_says(&server, round);
        }
        fs::write(server.path("conf/hooks.yaml"), hook("edited")).unwrap();
        eventually_says(&server, "edited");
    }
}

#[test]
fn hooks_stay_while_their_directory_is_gone() {
    let server = Setup::new()
        .file("conf/hooks.yaml", hook("first"))
        .file("other.yaml", "- {id: other, execute-command: 'true', response-message: first}\n")
        .flags("-hotreload -hooks conf/hooks.yaml -hooks other.yaml")
        .start();
    fs::rename(server.path("conf"), server.path("gone")).unwrap();
    // Once the later change is in force, the removal has been seen.
    fs::write(
        server.path("other.yaml"),
        "- {id: other, execute-command: 'true', response-message: second}\n",
    )
    .unwrap();
    eventually("the other file is reloaded", || server.get("/hooks/other").text() == "second");
    server.get("/hooks/hello").assert(200, "first");
    server.reload(Signal::HUP);
    server.get("/hooks/hello").assert(200, "first");
    fs::write(server.path("gone/hooks.yaml"), hook("back")).unwrap();
    fs::rename(server.path("gone"), server.path("conf")).unwrap();
    eventually_says(&server, "back");
}

/// `current -> releases/1`, as deployments swap it.
#[test]
fn a_link_further_up_that_is_swapped_brings_the_new_file() {
    for below in ["", "conf/"] {
        let setup = Setup::new()
            .file(&format!("releases/1/{below}hooks.yaml"), hook("first"))
            .file(&format!("releases/2/{below}hooks.yaml"), hook("second"))
            .file(&format!("releases/3/{below}hooks.yaml"), hook("third"))
            .flags(&format!("-hotreload -hooks @DIR@/current/{below}hooks.yaml"));
        symlink("releases/1", setup.path("current")).unwrap();
        let server = setup.start();
        server.get("/hooks/hello").assert(200, "first");
        for (release, message) in [("2", "second"), ("3", "third")] {
            symlink(format!("releases/{release}"), server.path("next")).unwrap();
            fs::rename(server.path("next"), server.path("current")).unwrap();
            eventually_says(&server, message);
        }
        fs::write(server.path(&format!("releases/3/{below}hooks.yaml")), hook("edited")).unwrap();
        eventually_says(&server, "edited");
    }
}

#[test]
fn a_pipe_in_the_files_place_is_not_waited_for() {
    for flags in ["", "-hotreload"] {
        let mut server = Setup::new().says("hello", "hi").flags(flags).start();
        server.mark_log();
        fs::remove_file(server.path("hooks.yaml")).unwrap();
        let _pipe = Fifo::new(server.path("hooks.yaml"));
        server.reload(Signal::HUP);
        server.wait_for_log("hooks.yaml");
        server.get("/hooks/hello").assert(200, "hi");
        // Nor does a reload that waits hold up the end.
        server.signal(Signal::HUP);
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
    }
}
