//! The log: when nobody takes it, when its file changes hands, and what strangers write into it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;
use std::thread;

use regex::Regex;
use rustix::process::Signal;

use crate::support::{Fifo, Request, Server, Setup, WITH_OUTPUT, eventually};

/// `nobody` on most systems; it needs no entry anywhere.
const UNPRIVILEGED: u32 = 65534;

/// What strangers bring is cut to a few hundred characters; the server's own words are not many more.
const LINE_CHARACTERS_MAX: usize = 1_000;

/// Ten times what is shown of a stranger's text, and more.
const LONG: usize = 10_000;

/// A line as the server itself begins one.
const FORGED: &str = "2026-01-01T00:00:00.000000Z ERROR forged";

/// A server whose standard error is a pipe that nobody reads any more.
#[test]
fn requests_are_answered_and_the_end_is_orderly_when_nobody_takes_the_log() {
    let script = "echo begun > @DIR@/begun; read line < @DIR@/gate; echo $line";
    let setup = Setup::new().says("hello", "hi").shell("slow", script, WITH_OUTPUT).flags("-verbose");
    let (begun, gate) = (Fifo::new(setup.path("begun")), Fifo::new(setup.path("gate")));
    let pipe = setup.path("stderr");
    let _made = Fifo::new(pipe.clone());
    let mut launcher = Command::new("sh");
    // The pipe that the test itself reads stays open: its end would be taken for the server's.
    launcher.args(["-c", "exec 3>&2 2>\"$0\"; exec \"$@\""]).arg(&pipe);
    let reader = thread::spawn(|| File::open(pipe).unwrap());
    let mut server = setup.launched_by(launcher).start();
    drop(reader.join().unwrap());

    for _ in 0..3 {
        server.get("/hooks/hello").assert(200, "hi");
    }
    server.reload(Signal::HUP);
    server.get("/hooks/hello").assert(200, "hi");
    let mut connection = server.connect();
    let response = thread::spawn(move || connection.send(&Request::post("/hooks/slow")));
    begun.receive();
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1");
    gate.send("done\n");
    response.join().unwrap().unwrap().assert(200, "done\n");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn warnings_reach_stderr_when_the_log_file_takes_nothing() {
    let server = Setup::new()
        .says("hello", "hi")
        .hooks("- {id: gone, execute-command: /nonexistent/command}\n")
        .flags("-logfile /dev/full")
        .start();
    server.get("/hooks/hello").assert(200, "hi");
    assert_eq!(server.post("/hooks/gone").status, 500);
    server.wait_for_log_line("error in exec", |line| line.contains("error in exec") && line.contains("gone"));
    server.reload(Signal::HUP);
    server.get("/hooks/hello").assert(200, "hi");
    server.stop();
}

#[test]
fn the_log_file_belongs_to_the_account_that_the_server_becomes() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not shown: only root can drop privileges");
        return;
    }
    let setup = Setup::new()
        .says("hello", "hi")
        .file("theirs/made-with-the-directory", "")
        .flags(&format!("-setuid {UNPRIVILEGED} -setgid {UNPRIVILEGED}"));
    fs::set_permissions(setup.directory(), Permissions::from_mode(0o755)).unwrap();
    chown(setup.path("theirs"), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
    let server = setup.flags("-logfile @DIR@/theirs/web.log").start();
    let log = server.path("theirs/web.log");
    let owner = || fs::metadata(&log).map(|metadata| (metadata.uid(), metadata.gid())).ok();
    let has_line = || fs::read_to_string(&log).unwrap_or_default().contains("hook triggered successfully");
    assert_eq!(owner(), Some((UNPRIVILEGED, UNPRIVILEGED)));
    fs::rename(&log, log.with_extension("1")).unwrap();
    server.reload(Signal::HUP);
    server.get("/hooks/hello").assert(200, "hi");
    eventually("the new file is written", has_line);
    assert_eq!(owner(), Some((UNPRIVILEGED, UNPRIVILEGED)));
    assert!(server.stop().iter().all(|line| !line.contains("reopen")));
}

/// As after a restart: the file is there already, root's, in a directory of root's.
#[test]
fn a_log_file_that_was_roots_is_given_away_and_reopened_in_place() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not shown: only root can drop privileges");
        return;
    }
    let setup = Setup::new()
        .says("hello", "hi")
        .file("roots/web.log", "before\n")
        .flags(&format!("-setuid {UNPRIVILEGED} -setgid {UNPRIVILEGED} -logfile @DIR@/roots/web.log"));
    fs::set_permissions(setup.directory(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(setup.path("roots/web.log"), Permissions::from_mode(0o640)).unwrap();
    let server = setup.start();
    let log = server.path("roots/web.log");
    assert_eq!(fs::metadata(&log).unwrap().uid(), UNPRIVILEGED);
    server.reload(Signal::HUP);
    server.get("/hooks/hello").assert(200, "hi");
    let text = || fs::read_to_string(&log).unwrap();
    eventually("the file is written", || text().contains("hook triggered successfully"));
    assert!(text().starts_with("before\n"));
    assert!(server.stop().iter().all(|line| !line.contains("reopen")));
}

/// Requests that carry `text` in every place that the log may mention.
fn carrying(text: &str, in_path: &str) -> Vec<(&'static str, Request)> {
    let form = |body: String| {
        Request::post("/hooks/tell").header("Content-Type", "multipart/form-data; boundary=b").body(body)
    };
    let part = |headers: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{text}\"{headers}\r\n\r\n{{bad\r\n--b--\r\n")
    };
    let xml = |body: String| Request::post("/hooks/tell").header("Content-Type", "text/xml").body(body);
    let typed = |kind: &str, body: &str| Request::post("/hooks/tell").header("Content-Type", kind).body(body);
    let line = text.replace(['\n', '\r'], " ");
    let token: String = line.chars().filter(char::is_ascii_alphanumeric).collect();
    vec![
        ("path of no hook", Request::get(&format!("/hooks/{in_path}"))),
        ("path outside", Request::get(&format!("/{in_path}"))),
        ("query", Request::get(&format!("/hooks/tell?{in_path}={in_path}"))),
        ("method", Request::new(&token, "/hooks/none")),
        ("method of a hook", Request::new(&token, "/hooks/tell")),
        ("content type", typed(&line, "x")),
        ("content type of JSON", typed(&format!("{line}json"), "{")),
        ("boundary", typed(&format!("multipart/form-data; boundary=\"{line}\""), "--b\r\n")),
        ("request id", Request::get("/hooks/tell").header("X-Request-Id", &line)),
        ("file part", form(part("; filename=\"x\"\r\nContent-Type: application/json"))),
        (
            "part that ends early",
            form(format!("--b\r\nContent-Disposition: form-data; name=\"{text}\"\r\n\r\nx")),
        ),
        ("part with a broken header", form(format!("--b\r\n{text}\r\n\r\nx\r\n--b--\r\n"))),
        ("XML tag", xml(format!("<{text}></other>"))),
        ("XML entity", xml(format!("<a>&{text};</a>"))),
        ("XML encoding", xml(format!("<?xml version=\"1.0\" encoding=\"{text}\"?><a/>"))),
        ("JSON", typed("application/json", &format!("{{{text}"))),
        ("form", typed("application/x-www-form-urlencoded", &format!("a=%{text}"))),
        (
            "parameter to be parsed",
            Request::json("/hooks/tell", &format!("{{\"nested\": {:?}}}", format!("{{{text}"))),
        ),
    ]
}

fn teller(flags: &str) -> Server {
    let keys = format!(
        "{WITH_OUTPUT}\n\
         parse-parameters-as-json: [{{source: payload, name: nested}}]\n\
         pass-environment-to-command: [{{source: payload, name: nothing, envname: NOTHING}}]\n\
         trigger-rule: {{not: {{match: {{type: value, value: x, parameter: {{source: payload, name: other}}}}}}}}"
    );
    Setup::new().shell("tell", "exit 0", &keys).flags(flags).start()
}

#[test]
fn a_strangers_long_texts_are_clipped() {
    let mut server = teller("-verbose -x-request-id");
    let long = "A".repeat(LONG);
    for (place, request) in carrying(&long, &long) {
        server.mark_log();
        let _ = server.try_send(&request);
        server.wait_for_log_line(place, |line| line.contains("duration_ms") || line.contains("was refused"));
        for line in server.log() {
            assert!(line.chars().count() < LINE_CHARACTERS_MAX, "{place}: {line}");
        }
    }
}

#[test]
fn a_long_content_type_is_named_in_a_short_warning() {
    let mut server = teller("");
    server.mark_log();
    server.send(&Request::post("/hooks/tell").header("Content-Type", &"T".repeat(LONG)).body("x"));
    let line = server.wait_for_log("unsupported content type header");
    assert!(line.contains("TTTTTTTT") && line.chars().count() < LINE_CHARACTERS_MAX, "{line}");
}

#[test]
fn a_stranger_cannot_write_a_line_that_looks_like_the_servers() {
    let forged = format!("x\n{FORGED}\u{b}\u{1b}[2K\r{FORGED}");
    let in_path = "x%0A2026-01-01T00:00:00.000000Z%20ERROR%20forged%0D%1B[2Kforged";
    for flags in ["-verbose", "-debug", "-debug -log-format json"] {
        let server = teller(&format!("{flags} -x-request-id"));
        for (_, request) in carrying(&forged, in_path) {
            // Some are no request at all.
            let _ = server.try_send(&request);
        }
        for line in server.stop() {
            assert!(!line.starts_with("2026-01-01T00:00:00.000000Z"), "{flags}: {line:?}");
            assert!(
                !line.contains(|letter: char| letter.is_control() && letter != '\t'),
                "{flags}: {line:?}"
            );
        }
    }
}

#[test]
fn what_a_command_prints_is_no_line_of_the_servers() {
    let script = format!("printf 'x\\n%s\\n<0>forged\\r%s\\n' '{FORGED}' '{FORGED}'");
    let of_the_server = Regex::new("^<[0-7]>(?:    )?").unwrap();
    for journald in [false, true] {
        let mut setup = Setup::new().shell("print", &script, WITH_OUTPUT).flags("-debug");
        if journald {
            setup = setup.under_journald();
        }
        let server = setup.start();
        assert_eq!(server.post("/hooks/print").status, 200);
        server.wait_for_log("forged");
        for line in server.stop() {
            assert!(!line.starts_with("2026-01-01T00:00:00.000000Z"), "{line:?}");
            assert!(!line.starts_with("<0>") && !line.contains('\r'), "{line:?}");
            assert_eq!(of_the_server.is_match(&line), journald, "{line:?}");
        }
    }
}
