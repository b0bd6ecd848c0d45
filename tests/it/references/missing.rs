//! What `default` and `required` make of a value that a request does not have.

use crate::support::{Request, Server, Setup, WITH_OUTPUT};

const INCOMPLETE: &str = "The request lacks a required value.";

fn check(server: &Server, hook: &str, body: &str, status: u16, answer: &str) {
    server.send(&Request::json(&format!("/hooks/{hook}"), body)).assert(status, answer);
}

#[test]
fn a_default_stands_for_a_missing_value_everywhere() {
    let keys = format!(
        "{WITH_OUTPUT}
pass-environment-to-command: [{{source: payload, name: a.b, envname: VARIABLE, default: of variable}}]
pass-file-to-command: [{{source: header, name: X-Gone, envname: FILE, default: aGk=, base64decode: true}}]
trigger-rule: {{match: {{type: value, value: main, parameter: {{source: payload, name: ref, default: main}}}}}}"
    );
    let server = Setup::new()
        .shell("shown", "echo \"<$0> <$VARIABLE> <$(cat $FILE)>\"", &keys)
        .hooks("  - {source: url, name: gone, default: ''}\n")
        .start();
    check(&server, "shown", "{}", 200, "<> <of variable> <hi>\n");
    check(&server, "shown", r#"{"a": null}"#, 200, "<> <of variable> <hi>\n");
    check(&server, "shown", r#"{"a": {"b": null}, "ref": "main"}"#, 200, "<> <<nil>> <hi>\n");
    check(&server, "shown", r#"{"ref": "other"}"#, 200, "Hook rules were not satisfied.");
}

#[test]
fn a_list_of_nothing_is_missing() {
    let server = Setup::new()
        .shell("default", "echo \"<$0>\"", WITH_OUTPUT)
        .hooks("  - {source: payload, name: a.*.id, default: none}\n")
        .shell("required", "true", WITH_OUTPUT)
        .hooks("  - {source: payload, name: a.*.id, required: true}\n")
        .shell("neither", "echo \"<$0>\"", WITH_OUTPUT)
        .hooks("  - {source: payload, name: a.*.id}\n")
        .start();
    for body in [r#"{"a": []}"#, r#"{"a": [{}]}"#] {
        check(&server, "default", body, 200, "<none>\n");
        check(&server, "required", body, 400, INCOMPLETE);
        check(&server, "neither", body, 200, "<[]>\n");
    }
}

#[test]
fn without_a_required_value_nothing_runs() {
    let mut server = Setup::new()
        .shell("argument", "touch @DIR@/ran", "")
        .hooks("  - {source: payload, name: a.b, required: true}\n")
        .hooks(
            "
- id: variable
  execute-command: 'true'
  pass-environment-to-command: [{source: header, name: X-A, required: true}]
- id: file
  execute-command: 'true'
  pass-file-to-command: [{source: url, name: a, required: true}]
- id: parsed
  execute-command: 'true'
  parse-parameters-as-json: [{source: payload, name: a, required: true}]
- id: once
  execute-command: 'true'
  deduplicate: {by: {source: payload, name: id, required: true}, for: 1h}
",
        )
        .flags("-verbose")
        .start();
    for (hook, missing) in [
        ("argument", "payload a.b"),
        ("variable", "header X-A"),
        ("file", "query a"),
        ("parsed", "payload a"),
        ("once", "payload id"),
    ] {
        server.mark_log();
        check(&server, hook, "{}", 400, INCOMPLETE);
        server.wait_for_log(&format!("not run: parameter node not found: {missing}, and it is required"));
    }
    check(&server, "argument", r#"{"a": null}"#, 400, INCOMPLETE);
    assert!(!server.path("ran").exists());
    check(&server, "argument", r#"{"a": {"b": 1}}"#, 200, "");
    check(&server, "once", r#"{"id": 1}"#, 200, "");
}

/// Two rules: a match whose parameter is required comes second in an `and`, and in an `or`.
#[test]
fn a_required_parameter_counts_when_its_match_is_reached() {
    let rule = |operator: &str| {
        format!(
            "{WITH_OUTPUT}
trigger-rule:
  {operator}:
    - match: {{type: value, value: push, parameter: {{source: payload, name: event}}}}
    - not: {{match: {{type: value, value: main, parameter: {{source: payload, name: ref, required: true}}}}}}"
        )
    };
    let server =
        Setup::new().shell("and", "echo ran", &rule("and")).shell("or", "echo ran", &rule("or")).start();
    for (hook, body, status, answer) in [
        ("and", r#"{"event": "push"}"#, 400, INCOMPLETE),
        ("and", r#"{"event": "other"}"#, 200, "Hook rules were not satisfied."),
        ("and", r#"{"event": "push", "ref": "x"}"#, 200, "ran\n"),
        ("or", r#"{"event": "push"}"#, 200, "ran\n"),
        ("or", r#"{"event": "other"}"#, 400, INCOMPLETE),
    ] {
        check(&server, hook, body, status, answer);
    }
}
