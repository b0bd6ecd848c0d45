//! What an explanation looks like, in text and JSON, and what makes it impossible.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::explain;

/// GitHub signs with it in the verified cases.
const SECRET: &str = "correct-horse-battery";
/// The hex HMAC-SHA256 of `BODY` with it.
const SIGNATURE: &str = "sha256=777b4cca5dd6a0b873ac3e5bbca1912743507afaf4aeccf6cffa80aa958ba05d";
const BODY: &str = r#"{"ref":"refs/heads/main","head":{"id":"f1e3"},"pusher":"zoë"}"#;
const AT: [&str; 2] = ["-at", "2026-01-01T12:00:00Z"];

const HOOKS: &str = r#"
- id: deploy
  execute-command: /bin/echo
  command-working-directory: /
  http-methods: [POST]
  verify: {sender: github, secret: correct-horse-battery}
  pass-arguments-to-command:
    - {source: payload, name: ref}
    - {source: payload, name: head.message}
    - {source: string, name: "it's two"}
  pass-environment-to-command:
    - {source: payload, name: pusher, envname: PUSHER}
  pass-file-to-command:
    - {source: raw-request-body, envname: BODY}
  pass-stdin-to-command: {source: payload, name: pusher}
  timeout: 10m
  trigger-rule:
    and:
      - match: {type: value, value: push, parameter: {source: header, name: X-GitHub-Event}}
      - or:
          - match: {type: regex, regex: ^refs/heads/release-, parameter: {source: payload, name: ref}}
          - match: {type: value, value: refs/heads/main, parameter: {source: payload, name: ref}}
          - match: {type: value, value: x, parameter: {source: payload, name: never}}
      - not:
          match: {type: value, value: bot, parameter: {source: payload, name: pusher}}
- id: ruled
  execute-command: /bin/echo
  include-command-output-in-response: true
  trigger-rule:
    and:
      - match: {type: ip-whitelist, ip-range: 203.0.113.0/24}
      - match: {type: value, value: token-of-the-url, parameter: {source: url, name: token}}
      - or:
          - match: {type: payload-hmac-sha256, secret: correct-horse-battery, parameter: {source: header, name: X-Sig}}
          - match: {type: value, value: 'y', parameter: {source: payload, name: a.b}}
- id: stripe
  execute-command: /bin/echo
  verify: {sender: stripe, secret: correct-horse-battery}
- id: zoom
  execute-command: /bin/echo
  verify: {sender: zoom, secret: correct-horse-battery}
- id: limited
  execute-command: /bin/echo
  concurrency: {max: 2, group: production, queue-limit: 5}
  retry: {attempts: 5, initial: 500ms, on: [timeout, exit-code, 75]}
- id: waits
  execute-command: /bin/echo
  wait-for-command: true
  response-message: deployed
  response-message-on-error: deploy failed
  response-on-exit: {75: 503, 3: 422, 4: 299}
- id: streams
  execute-command: /bin/echo
  stream-command-output: true
  command-output: stdout
- id: gone
  execute-command: /nonexistent/command --flag
- id: lacks
  execute-command: /bin/echo
  pass-arguments-to-command: [{source: template, name: 'to {{ payload.env }}'}]
- id: refused
  execute-command: /bin/echo
  trigger-rule: {match: {type: value, parameter: {source: url, name: a}}}
- id: cases
  execute-command: /bin/echo
  pass-arguments-to-command: [{source: payload, name: ref}]
  cases:
    - name: main
      trigger-rule: {match: {type: value, value: main, parameter: {source: payload, name: ref}}}
    - name: others
      trigger-rule:
        and:
          - match: {type: exists, parameter: {source: payload, name: ref}}
          - match: {type: value, parameter: {source: payload, name: ref}, other-parameter: {source: header, name: X-Ref}}
      pass-arguments-to-command: []
    - trigger-rule: {match: {type: 'null', parameter: {source: payload, name: ref}}}
- id: bytes
  execute-command: /bin/echo
  pass-arguments-to-command: [{source: url, name: a}]
  pass-environment-to-command: [{source: url, name: a, envname: RAW}]
  pass-file-to-command: [{source: url, name: a, envname: FILE}]
  pass-stdin-to-command: {source: url, name: a}
"#;

fn hooks() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("hooks.yaml"), HOOKS).unwrap();
    directory
}

fn deploy(content_type: &str, signature: &str) -> String {
    format!(
        "POST /hooks/deploy?token=abc&page=2 HTTP/1.1\nContent-Type: {content_type}\nX-GitHub-Event: push\n\
         X-GitHub-Delivery: 72d3162e\nX-Hub-Signature-256: {signature}\n\n{BODY}"
    )
}

/// In either form, without a secret in it.
#[track_caller]
fn shown(message: &str, format: &str, expected_code: i32) -> String {
    let flags = ["-hooks", "hooks.yaml", "-format", format, AT[0], AT[1]];
    let directory = hooks();
    let explained = explain(directory.path(), message.as_bytes(), &flags);
    assert_eq!(explained.code, expected_code, "{}{}", explained.stdout, explained.stderr);
    if format == "json" {
        explained.json();
    }
    for secret in [SECRET, "token-of-the-url", &SIGNATURE[7..]] {
        assert!(!explained.stdout.contains(secret), "{}", explained.stdout);
    }
    let directory = fs::canonicalize(directory.path()).unwrap();
    explained.stdout.replace(directory.to_str().unwrap(), "@DIR@")
}

#[test]
fn a_request_that_would_run() {
    let message = deploy("application/json", SIGNATURE);
    assert_snapshot!(shown(&message, "text", 0));
    assert_snapshot!(shown(&message, "json", 0));
}

#[test]
fn a_payload_that_is_not_read_and_a_rule_that_fails() {
    let message = deploy("text/plain", SIGNATURE);
    assert_snapshot!(shown(&message, "text", 3));
    assert_snapshot!(shown(&message, "json", 3));
}

#[test]
fn a_request_that_is_not_verified() {
    let message = deploy("application/json", &format!("sha256={}", "0".repeat(64)));
    assert_snapshot!(shown(&message, "text", 3));
    assert_snapshot!(shown(&message, "json", 3));
}

#[test]
fn a_rule_that_ends_in_an_error() {
    let message = "POST /hooks/ruled?token=token-of-the-url HTTP/1.1\nX-Hookrunner-Peer: 203.0.113.7:4711\n\
                   X-Sig: 00\n\n";
    assert_snapshot!(shown(message, "text", 3));
    assert_snapshot!(shown(message, "json", 3));
}

#[test]
fn a_trusted_proxy_names_the_client() {
    let message = "POST /hooks/ruled HTTP/1.1\nX-Forwarded-For: 198.51.100.1, 203.0.113.7\n\n";
    for (trusted, found, result) in [("10.0.0.0/8", "203.0.113.7", "holds"), ("unix", "10.0.0.1", "fails")] {
        let flags = ["-hooks=hooks.yaml", "-format=json", "-peer=10.0.0.1", "-trusted-proxies", trusted];
        let json = explain(hooks().path(), message.as_bytes(), &flags).json();
        let part = &json["rule"]["rules"][0];
        assert_eq!((&part["found"], &part["result"]), (&found.into(), &result.into()), "{json:#}");
    }
}

#[test]
fn a_timestamp_that_is_too_old() {
    // 2026-01-01T11:50:00Z, with the signature of `{}`.
    let message = "POST /hooks/stripe HTTP/1.1\nStripe-Signature: t=1767268200,v1=7529247214a7f939fc87f4ca40d19d6795b51b3d621fdc8c24053b2505b75e7a\n\n{}";
    assert_snapshot!(shown(message, "text", 3));
    assert_snapshot!(shown(message, "json", 3));
}

#[test]
fn a_hook_with_cases() {
    let message = |reference: &str| {
        format!(
            "POST /hooks/cases HTTP/1.1\nContent-Type: application/json\nX-Ref: next\n\n{{\"ref\": {reference}}}"
        )
    };
    for (reference, name, code) in [(r#""next""#, "second", 0), (r#""test""#, "none", 3), ("null", "last", 0)]
    {
        assert_snapshot!(format!("cases_{name}_text"), shown(&message(reference), "text", code));
        assert_snapshot!(format!("cases_{name}_json"), shown(&message(reference), "json", code));
    }
}

#[test]
fn a_handshake() {
    let message = "POST /hooks/zoom HTTP/1.1\nContent-Type: application/json\n\n\
                   {\"event\": \"endpoint.url_validation\", \"payload\": {\"plainToken\": \"abc\"}}";
    assert_snapshot!(shown(message, "text", 3));
    assert_snapshot!(shown(message, "json", 3));
    let refused = message.replace("abc", "a b");
    assert_snapshot!(shown(&refused, "text", 3));
}

#[test]
fn an_answer_after_the_run() {
    let message = "POST /hooks/waits HTTP/1.1\n\n";
    assert_snapshot!(shown(message, "text", 0));
    assert_snapshot!(shown(message, "json", 0));
}

#[test]
fn a_limit_and_a_repetition() {
    let message = "POST /hooks/limited HTTP/1.1\n\n";
    assert_snapshot!(shown(message, "text", 0));
    assert_snapshot!(shown(message, "json", 0));
}

#[test]
fn an_answer_that_is_streamed() {
    assert_snapshot!(shown("POST /hooks/streams HTTP/1.1\n\n", "text", 0));
    let message = "POST /hooks/streams HTTP/1.1\nAccept: text/event-stream\n\n";
    assert_snapshot!(shown(message, "json", 0));
}

#[test]
fn a_value_that_the_hook_requires() {
    let message = "POST /hooks/lacks HTTP/1.1\n\n";
    assert_snapshot!(shown(message, "text", 3));
    assert_snapshot!(shown(message, "json", 3));
}

#[test]
fn a_command_that_is_not_there() {
    let message = "POST /hooks/gone HTTP/1.1\n\n";
    assert_snapshot!(shown(message, "text", 3));
    assert_snapshot!(shown(message, "json", 3));
}

#[test]
fn requests_that_no_hook_takes() {
    for (message, name) in [
        ("GET /hooks/deploy HTTP/1.1\n\n", "method"),
        ("POST /hooks/depoly HTTP/1.1\n\n", "unknown"),
        ("POST /deploy HTTP/1.1\n\n", "path"),
        ("GET / HTTP/1.1\n\n", "index"),
        ("POST /hooks/refused HTTP/1.1\n\n", "refused"),
    ] {
        assert_snapshot!(format!("{name}_text"), shown(message, "text", 3));
        assert_snapshot!(format!("{name}_json"), shown(message, "json", 3));
    }
}

#[test]
fn bytes_that_are_no_text() {
    let message = "POST /hooks/bytes?a=%ff%1b%5b2J HTTP/1.1\n\n";
    let text = shown(message, "text", 0);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert_snapshot!(text);
    assert_snapshot!(shown(message, "json", 0));
}

#[test]
fn a_hook_can_be_named() {
    let flags = ["-hooks", "hooks.yaml", "--hook", "bytes", "-format=json"];
    let explained = explain(hooks().path(), b"POST /elsewhere?a=b HTTP/1.1\n\n", &flags);
    assert_eq!(explained.json()["invocation"]["argv"][1], "b");
}

#[test]
fn a_body_that_is_too_large_is_answered_so() {
    let flags = ["-hooks", "hooks.yaml", "-max-body-size", "3", "-format=json"];
    let explained = explain(hooks().path(), b"POST /hooks/bytes HTTP/1.1\n\nbody", &flags);
    let json = explained.json();
    assert_eq!((&json["status"], &json["verdict"]), (&413.into(), &"error".into()));
}

#[test]
fn a_transfer_coding_that_the_server_does_not_take_is_answered_so() {
    let flags = ["-hooks", "hooks.yaml", "-format=json"];
    let message = b"POST /hooks/bytes HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n1\r\nx\r\n0\r\n\r\n";
    let json = explain(hooks().path(), message, &flags).json();
    assert_eq!((&json["status"], &json["verdict"]), (&501.into(), &"error".into()));
}

#[test]
fn bad_input_is_told_and_exits_with_1() {
    #[track_caller]
    fn check(directory: &Path, flags: &[&str], message: &str, expected: &str) {
        let explained = explain(directory, message.as_bytes(), flags);
        assert_eq!(explained.code, 1, "{}", explained.stdout);
        assert!(explained.stderr.contains(expected), "{}", explained.stderr);
        assert!(explained.stdout.is_empty(), "{}", explained.stdout);
    }
    const MESSAGE: &str = "POST /hooks/deploy HTTP/1.1\n\n";
    let directory = hooks();
    let directory = directory.path();
    fs::write(directory.join("broken.yaml"), "- id: [").unwrap();
    let hooks = ["-hooks", "hooks.yaml"];
    check(directory, &["-hooks", "missing.yaml"], MESSAGE, "missing.yaml: cannot be read");
    check(directory, &["-hooks", "broken.yaml"], MESSAGE, "broken.yaml:2");
    check(directory, &["-hooks", "hooks.yaml", "-hook", "depoly"], MESSAGE, "did you mean `deploy`?");
    check(directory, &["-hooks", "hooks.yaml", "-at", "yesterday"], MESSAGE, "`-at yesterday` is no time");
    check(directory, &["-hooks", "hooks.yaml", "-peer", "me"], MESSAGE, "`-peer me` is no address");
    check(directory, &hooks, "", "ends before the empty line");
    check(directory, &hooks, "{}", "the first line must be like `POST /hooks/deploy HTTP/1.1`");
    check(directory, &hooks, "POST / HTTP/1.1\nContent-Length: 9\n\nbody", "the capture was cut short");
    check(directory, &["-hooks", "hooks.yaml", "-request", "missing.http"], "", "missing.http: No such file");
}

/// So that the server's own command line can be given.
#[test]
fn flags_of_the_server_that_change_nothing_are_taken() {
    let message = deploy("application/json", SIGNATURE);
    let directory = hooks();
    let plain = ["-hooks", "hooks.yaml", AT[0], AT[1]];
    let of_server = ["-verbose", "-port", "9001", "-ip=127.0.0.1", "-x-request-id", "-hotreload=false"];
    let explained = |flags: &[&str]| explain(directory.path(), message.as_bytes(), flags);
    let (expected, found) = (explained(&plain), explained(&[&of_server[..], &plain].concat()));
    assert_eq!((expected.code, found.code), (0, 0), "{}", found.stderr);
    assert_eq!(expected.stdout, found.stdout);
}
