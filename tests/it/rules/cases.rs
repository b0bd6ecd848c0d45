//! `cases`: of several commands of one hook the first runs whose rule is met.

use crate::support::{RULE_ERROR, Request, Server, Setup, WITH_OUTPUT};

const NOT_MET: &str = "Hook rules were not satisfied.";

/// Prints which case it is, with arguments and variables of hook and case.
fn hooks() -> String {
    format!(
        r#"
- id: deploy
  execute-command: /bin/sh
  {WITH_OUTPUT}
  response-headers: [{{name: X-Stage, value: of-the-hook}}]
  trigger-rule-mismatch-http-response-code: 412
  pass-environment-to-command: [{{source: payload, name: ref, envname: REF}}]
  pass-arguments-to-command: [{{source: string, name: -c}}, {{source: string, name: 'echo default $REF'}}]
  cases:
  - name: production
    trigger-rule: {{match: {{type: value, value: main, parameter: {{source: payload, name: ref}}}}}}
    pass-arguments-to-command: [{{source: string, name: -c}}, {{source: string, name: 'echo production $REF'}}]
  - name: staging
    execute-command: echo
    trigger-rule: {{match: {{type: starts-with, value: release-, parameter: {{source: payload, name: ref}}}}}}
    pass-arguments-to-command: [{{source: string, name: staging}}]
    pass-environment-to-command: []
    response-headers: [{{name: X-Stage, value: of-the-case}}]
    success-http-response-code: 202
  - trigger-rule:
      and:
      - match: {{type: value, value: test, parameter: {{source: payload, name: kind}}}}
      - match: {{type: in, values: [next, m], parameter: {{source: payload, name: ref}}}}
- id: signed
  execute-command: 'true'
  cases:
  - name: one
    response-message: one
    trigger-rule: {{match: {{type: payload-hmac-sha1, secret: secret-of-one, parameter: {{source: header, name: X-Sig}}}}}}
  - name: other
    response-message: other
    trigger-rule: {{match: {{type: exists, parameter: {{source: header, name: X-Sig}}}}}}
- id: soft
  execute-command: 'true'
  trigger-signature-soft-failures: true
  cases:
  - name: one
    trigger-rule: {{match: {{type: payload-hmac-sha1, secret: secret-of-one, parameter: {{source: header, name: X-Sig}}}}}}
  - name: rest
    response-message: rest
- id: misplaced
  cases:
  - execute-command: 'true'
    verify: {{sender: none}}
"#
    )
}

fn push(server: &Server, body: &str) -> crate::support::Response {
    server.send(&Request::json("/hooks/deploy", body))
}

#[test]
fn the_first_case_whose_rule_is_met_runs() {
    let server = Setup::new().hooks(&hooks()).flags("-verbose").start();
    push(&server, r#"{"ref": "main"}"#).assert(200, "production main\n");
    server.wait_for_log_line("production", |line| {
        line.contains("hook triggered successfully") && line.contains("case=production")
    });
    server.wait_for_log_line("the end of it", |line| {
        line.contains("finished handling deploy") && line.contains("case=production")
    });
    server.wait_for_log("deploy (case production) got matched");
    let staging = push(&server, r#"{"ref": "release-1"}"#);
    staging.assert(202, "staging\n");
    assert_eq!(staging.header("x-stage"), Some("of-the-case"));
    let third = push(&server, r#"{"ref": "next", "kind": "test"}"#);
    third.assert(200, "default next\n");
    assert_eq!(third.header("x-stage"), Some("of-the-hook"));
    server.wait_for_log("deploy (case 2) got matched");
}

#[test]
fn without_a_case_that_is_met_the_log_says_what_failed_in_each() {
    let server = Setup::new().hooks(&hooks()).start();
    push(&server, r#"{"ref": "other", "kind": "test"}"#).assert(412, NOT_MET);
    server.wait_for_log(
        "case production: match payload ref: not equal; case staging: match payload ref: begins otherwise; \
         case 2: and[1].match payload ref: none of these",
    );
}

#[test]
fn an_error_ends_the_search_as_in_an_or() {
    let server = Setup::new().hooks(&hooks()).flags("-verbose").start();
    server.post("/hooks/signed").assert(200, NOT_MET);
    let forged = |hook: &str| Request::post(&format!("/hooks/{hook}")).header("X-Sig", "sha1=00");
    server.send(&forged("signed")).assert(500, RULE_ERROR);
    server.wait_for_log("case one: match header X-Sig: the signature does not match");
    server.send(&forged("soft")).assert(200, "rest");
}

#[test]
fn what_belongs_to_the_hook_refuses_it_in_a_case() {
    let server = Setup::new().hooks(&hooks()).start();
    server.wait_for_log("cases[0].verify: `verify` belongs to the hook, not to one of its cases");
    server.post("/hooks/misplaced").assert(500, RULE_ERROR);
}

#[test]
fn a_delivery_is_known_whatever_case_ran() {
    let hooks = "
- id: once
  execute-command: 'true'
  deduplicate: {by: {source: payload, name: id}, for: 1h}
  cases:
  - name: a
    response-message: a
    trigger-rule: {match: {type: exists, parameter: {source: payload, name: a}}}
  - name: b
    response-message: b
";
    let server = Setup::new().hooks(hooks).flags("-verbose").start();
    let send = |body: &str| server.send(&Request::json("/hooks/once", body));
    send(r#"{"id": 1, "a": 1}"#).assert(200, "a");
    send(r#"{"id": 1}"#).assert(200, "b");
    server.wait_for_log("once (case b) got matched, but this delivery was accepted before");
    send(r#"{"id": 2}"#).assert(200, "b");
    server.wait_for_log("once (case b) got matched hook=once");
}
