//! The log on stderr: which lines, in which form, and what never stands in them.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use regex::Regex;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{RULE_ERROR, Request, Setup, WITH_OUTPUT, eventually};

const REQUEST_ID: &str = "request-4711";

/// When both are there, in whatever order, no line about the request follows.
const END_OF_REQUEST: [&str; 2] = ["finished handling", "hook triggered successfully"];

const SECRET: &str = "told-to-nobody";

/// HMAC-SHA256 of `{}` under [`SECRET`].
const SIGNATURE: &str = "63f7b5f18c37efa182401b1c8d6ea67d7d8e9e37be0645776a5167d9dfeb464a";

/// Argument, variable, header and output each carry a value of their own.
fn revealing() -> Setup {
    let keys = format!(
        "{WITH_OUTPUT}\n\
         pass-environment-to-command: [{{source: payload, name: variable, envname: VARIABLE}}]"
    );
    Setup::new().shell("tell", "printf 'out%s\\n' put-$((4000 + 712))", &keys)
}

fn revealing_request() -> Request {
    Request::json("/hooks/tell", r#"{"variable": "variable-4713", "body": "body-4714"}"#)
        .header("X-Value", "header-4715")
        .header("X-Request-Id", REQUEST_ID)
}

#[test]
fn a_request_without_verbose_leaves_no_line_but_a_failure_does() {
    let mut server = Setup::new()
        .says("hello", "hi")
        .hooks("- {id: gone, execute-command: /nonexistent/command}\n")
        .start();
    server.mark_log();
    server.get("/hooks/hello").assert(200, "hi");
    assert_eq!(server.post("/hooks/gone").status, 500);
    server.wait_for_log("/nonexistent/command");
    assert!(server.stop().iter().all(|line| !line.contains("hello")));
}

#[test]
fn the_texts_that_scripts_look_for_are_there() {
    let server = Setup::new()
        .shell("run", "echo printed", WITH_OUTPUT)
        .shell("fail", "echo printed; exit 1", WITH_OUTPUT)
        .hooks("- {id: gone, execute-command: /nonexistent/command}\n")
        .hooks("- id: argument\n  execute-command: 'true'\n")
        .hooks("  pass-arguments-to-command: [{source: payload, name: no}]\n")
        .flags("-debug")
        .start();
    server.post("/hooks/run").assert(200, "printed\n");
    server.post("/hooks/fail");
    server.post("/hooks/gone");
    server.send(&Request::json("/hooks/argument", "{}"));
    server.send(&Request::post("/hooks/run").header("Content-Type", "text/strange").body("x"));
    for text in [
        "got matched",
        "hook triggered successfully",
        "executing",
        "command output: printed",
        "error occurred: ",
        "finished handling",
        "parameter node not found",
        "error in exec: ",
        "error parsing body payload due to unsupported content type header",
    ] {
        server.wait_for_log(text);
    }
}

#[test]
fn every_line_of_a_request_carries_its_id() {
    for format in ["text", "json"] {
        let mut server = revealing().flags(&format!("-debug -x-request-id -log-format {format}")).start();
        server.mark_log();
        server.send(&revealing_request()).assert(200, "output-4712\n");
        END_OF_REQUEST.iter().for_each(|text| drop(server.wait_for_log(text)));
        let log = server.log();
        assert!(!log.is_empty());
        for line in log {
            assert!(line.contains(REQUEST_ID), "{format}: {line}");
        }
    }
}

#[test]
fn requests_without_an_id_of_their_own_get_different_ones() {
    let mut server = Setup::new().shell("run", "exit 0", WITH_OUTPUT).flags("-debug").start();
    // One connection, so that the client's port does not tell the requests apart.
    let mut connection = server.connect();
    let mut log = || {
        server.mark_log();
        connection.send(&Request::post("/hooks/run")).unwrap().assert(200, "");
        END_OF_REQUEST.iter().for_each(|text| drop(server.wait_for_log(text)));
        server.log()
    };
    let (one, other) = (log(), log());
    assert!(one.len() > 1);
    for (lines, others) in [(&one, &other), (&other, &one)] {
        let mut of_each_line = words(&lines[0]).filter(|word| lines.iter().all(|line| line.contains(word)));
        let is_of_this = |word: &str| others.iter().all(|line| !line.contains(word));
        assert!(of_each_line.any(is_of_this), "nothing tells {lines:?} from {others:?}");
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '-').filter(|word| !word.is_empty())
}

#[test]
fn json_lines_are_json_from_the_first_to_the_last() {
    let server = revealing()
        .hooks("- {id: broken, execute-command: 'true', trigger-rule: {}}\n")
        .flags("-debug -log-format json")
        .start();
    server.send(&revealing_request()).assert(200, "output-4712\n");
    assert_eq!(server.get("/hooks/unknown%0A%22id%22").status, 404);
    let log = server.stop();
    assert!(log.len() > 3);
    for line in log {
        let parsed: Result<Value, _> = serde_json::from_str(&line);
        assert!(parsed.is_ok_and(|value| value.is_object()), "{line}");
    }
}

#[test]
fn one_line_of_a_request_has_hook_status_and_duration() {
    let server = revealing().flags("-verbose").start();
    server.send(&revealing_request()).assert(200, "output-4712\n");
    let duration = Regex::new(r"\d(ns|µs|us|ms|s)\b|duration").unwrap();
    server.wait_for_log_line("tell … 200 … duration", |line| {
        line.contains("tell") && line.contains("200") && duration.is_match(line)
    });
}

#[test]
fn values_stand_in_the_log_only_when_debugging() {
    const VALUES: [&str; 4] = ["output-4712", "variable-4713", "body-4714", "header-4715"];
    let log = |flags: &str| {
        let server = revealing().flags(flags).start();
        server.send(&revealing_request()).assert(200, "output-4712\n");
        server.stop().join("\n")
    };
    for flags in ["", "-verbose", "-verbose -log-format json"] {
        let log = log(flags);
        let told: Vec<_> = VALUES.iter().filter(|value| log.contains(**value)).collect();
        assert!(told.is_empty(), "{flags} tells {told:?}:\n{log}");
    }
    assert!(log("-debug").contains("output-4712"));
}

#[test]
fn neither_a_secret_nor_the_signature_it_makes_is_ever_logged() {
    let rule = format!(
        "trigger-rule: {{match: {{type: payload-hmac-sha256, secret: {SECRET}, \
         parameter: {{source: header, name: X-Signature}}}}}}"
    );
    let server = Setup::new().shell("signed", "exit 0", &rule).flags("-debug").start();
    let signed =
        |signature: &str| server.send(&Request::json("/hooks/signed", "{}").header("X-Signature", signature));
    signed(&"0".repeat(64)).assert(500, RULE_ERROR);
    let log_of_failure = server.log().join("\n");
    signed(SIGNATURE).assert(200, "");
    let log = server.stop().join("\n");
    assert!(!log.contains(SECRET), "{log}");
    assert!(!log_of_failure.contains(SIGNATURE), "{log_of_failure}");
}

#[test]
fn a_token_that_a_rule_compares_is_not_shown() {
    let rule = "trigger-rule:
  and:
    - match: {type: value, value: open-sesame, parameter: {source: header, name: X-Token}}
    - match: {type: value, value: push, parameter: {source: header, name: X-Event}}
";
    let hooks = "  - {source: entire-headers}\n  - {source: header, name: X-Token}\n";
    let server = Setup::new().shell("guarded", "echo \"$1\"", rule).hooks(hooks).flags("-debug").start();
    let request = Request::post("/hooks/guarded").header("X-Token", "open-sesame").header("X-Event", "push");
    server.send(&request).assert(200, "");
    server.wait_for_log("command output: ***");
    let log = server.stop().join("\n");
    assert!(!log.contains("open-sesame") && log.contains("push"), "{log}");
}

/// Where a rule failed, by its path and parameter.
#[test]
fn a_rule_that_is_not_met_is_named_by_its_path_without_values() {
    const MATCH_EVENT: &str =
        "{match: {type: value, value: push, parameter: {source: header, name: X-Event}}}";
    const MATCH_REF: &str =
        "{match: {type: value, value: main-4716, parameter: {source: payload, name: ref}}}";
    const MATCH_REGEX: &str =
        "{match: {type: regex, regex: ^main-4716$, parameter: {source: payload, name: ref}}}";
    let cases = [
        (MATCH_REF.to_owned(), "match payload ref: not equal"),
        (format!("{{and: [{MATCH_EVENT}, {MATCH_REF}]}}"), "and[1].match payload ref: not equal"),
        (
            format!("{{and: [{MATCH_EVENT}, {{or: [{MATCH_REF}]}}]}}"),
            "and[1].or[0].match payload ref: not equal",
        ),
        (format!("{{and: [{MATCH_EVENT}, {MATCH_REGEX}]}}"), "and[1].match payload ref: "),
        (format!("{{and: [{MATCH_REF}, {MATCH_EVENT}]}}"), "and[0].match payload ref: not equal"),
    ];
    for (rule, path) in cases {
        let rule = format!("trigger-rule: {rule}");
        let server = Setup::new().shell("guarded", "exit 0", &rule).flags("-verbose").start();
        let request = Request::json("/hooks/guarded", r#"{"ref": "other-4717"}"#).header("X-Event", "push");
        server.send(&request).assert(200, "Hook rules were not satisfied.");
        server.wait_for_log(path);
        let log = server.stop().join("\n");
        assert!(!log.contains("main-4716") && !log.contains("other-4717"), "{log}");
    }
}

/// Whoever starts the server as it is documented first sees why nothing runs; a sender that tells of
/// everything does not fill the log.
#[test]
fn why_a_hook_did_not_run_is_told_without_verbose_but_not_each_time() {
    const REQUESTS: usize = 20;
    const LINES_AT_ONCE: usize = 5;
    let rule = "trigger-rule: {match: {type: value, value: main, parameter: {source: payload, name: ref}}}";
    let server =
        Setup::new().shell("guarded", "exit 0", rule).shell("other", "exit 0", "http-methods: [PUT]").start();
    for _ in 0..REQUESTS {
        server
            .send(&Request::json("/hooks/guarded", r#"{"ref": "dev"}"#))
            .assert(200, "Hook rules were not satisfied.");
    }
    assert_eq!(server.post("/hooks/other").status, 405);
    let log = server.stop();
    let told = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(told("guarded got matched, but didn't get triggered"), LINES_AT_ONCE, "{log:#?}");
    assert_eq!(told("match payload ref: not equal"), LINES_AT_ONCE, "{log:#?}");
    assert_eq!(told("other got matched, but allows only PUT"), 1, "{log:#?}");
}

/// Nobody without a secret fills a disk; with `-verbose` each request is told.
#[test]
fn what_strangers_send_is_told_a_few_times_for_each_hook() {
    const REQUESTS: usize = 20;
    const LINES_AT_ONCE: usize = 5;
    let forged = format!(
        "trigger-rule: {{match: {{type: payload-hmac-sha256, secret: {SECRET}, \
         parameter: {{source: header, name: X-Signature}}}}}}"
    );
    let setup = || {
        Setup::new()
            .shell("signed", "exit 0", &format!("verify: {{sender: github, secret: {SECRET}}}"))
            .shell("forged", "exit 0", &forged)
            .shell("invited", "exit 0", &format!("verify: {{sender: meta, secret: {SECRET}}}"))
            .hooks("- {id: refused, execute-command: 'true', trigger-rule: {}}\n")
    };
    for (flags, lines) in [("", LINES_AT_ONCE), ("-verbose", REQUESTS)] {
        let server = setup().flags(flags).start();
        for _ in 0..REQUESTS {
            server.post("/hooks/signed");
            server.send(&Request::post("/hooks/forged").header("X-Signature", "00"));
            server.get("/hooks/invited?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1");
            server.post("/hooks/refused");
        }
        let log = server.stop();
        for text in [
            "not verified: ",
            "error evaluating hook: ",
            "handshake refused: ",
            "the hook was refused when it was loaded: ",
        ] {
            let told: Vec<_> = log.iter().filter(|line| line.contains(text)).collect();
            assert_eq!(told.len(), lines, "{flags} {text}: {log:#?}");
            assert!(told.iter().all(|line| line.contains(" client=127.0.0.1:")), "{told:#?}");
        }
    }
}

/// Who holds a body back does not keep the reason from the log.
#[test]
fn a_refused_hook_is_told_of_before_its_body_comes() {
    let server = Setup::new()
        .hooks("- {id: refused, execute-command: 'true', trigger-rule: {}}\n")
        .flags("-body-timeout 1h")
        .start();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"POST /hooks/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
        .unwrap();
    server.wait_for_log("the hook was refused when it was loaded: ");
}

#[test]
fn a_request_cannot_write_lines_of_its_own() {
    let server = Setup::new().says("hello", "hi").flags("-debug -x-request-id").start();
    assert_eq!(server.get("/hooks/none%0Aforged%0Dline").status, 404);
    let request =
        Request::json("/hooks/hello", "{\"a\": \"x\\nforged line\"}").header("X-Request-Id", "a\u{1b}[2Jb");
    let _ = server.try_send(&request);
    for line in server.stop() {
        assert!(!line.starts_with("forged") && !line.contains(['\r', '\u{1b}']), "{line:?}");
    }
}

#[test]
fn a_logfile_takes_the_lines_and_is_reopened_on_sighup() {
    let server = Setup::new().says("hello", "hi").flags("-logfile @DIR@/web.log").start();
    let logged = |name: &str| {
        server.get("/hooks/hello").assert(200, "hi");
        fs::read_to_string(server.path(name)).unwrap_or_default().contains("hook triggered successfully")
    };
    eventually("the first file is written", || logged("web.log"));
    fs::rename(server.path("web.log"), server.path("web.log.1")).unwrap();
    server.reload(Signal::HUP);
    eventually("a new file is written", || logged("web.log"));
}

#[test]
fn lines_carry_their_priority_under_journald() {
    let server = Setup::new()
        .says("hello", "hi")
        .hooks("- {id: gone, execute-command: /nonexistent/command}\n")
        .flags("-verbose")
        .under_journald()
        .start();
    server.get("/hooks/hello").assert(200, "hi");
    server.post("/hooks/gone");
    server.wait_for_log_line("a warning or an error", |line| {
        (line.starts_with("<4>") || line.starts_with("<3>")) && line.contains("/nonexistent/command")
    });
    let prefixed = Regex::new("^<[0-7]>").unwrap();
    for line in server.stop() {
        assert!(prefixed.is_match(&line), "{line}");
    }
}

#[test]
fn the_line_of_a_rule_that_is_not_met_says_which_match_decided() {
    const MISSING: &str = "{type: value, value: x, parameter: {source: header, name: X-Missing}}";
    const FORGED: &str = "{type: payload-hmac-sha256, secret: s, parameter: {source: string, name: forged}}";
    const OTHER: &str = "{match: {type: value, value: x, parameter: {source: string, name: y}}}";
    let many = format!("{{or: [{}, {{match: {FORGED}}}]}}", [OTHER; 20].join(", "));
    for (rule, text) in [
        (
            format!("{{and: [{{not: {{match: {MISSING}}}}}]}}"),
            "and[0].not.match header X-Missing: parameter node not found",
        ),
        (format!("{{not: {{match: {FORGED}}}}}"), "not.match string: the signature does not match"),
        (many, "or[20].match string: the signature does not match"),
    ] {
        let server = Setup::new()
            .hooks(&format!("- {{id: a, execute-command: 'true', trigger-rule: {rule}}}\n"))
            .flags("-verbose")
            .start();
        server.post("/hooks/a");
        server.wait_for_log(text);
    }
}
