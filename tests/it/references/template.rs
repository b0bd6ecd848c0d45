//! `source: template`: one value from several parts of a request.

use crate::support::{Request, Setup, WITH_OUTPUT};
use crate::verify::github;

const SECRET: &str = "it-is-known-to-github";

#[test]
fn a_template_is_one_value_wherever_a_reference_stands() {
    let keys = format!(
        "{WITH_OUTPUT}
pass-environment-to-command: [{{source: template, name: '{{{{ payload.price }}}} {{{{ query.q }}}}', envname: VARIABLE}}]
pass-file-to-command: [{{source: template, name: '{{{{ payload.list }}}}', envname: FILE}}]
pass-stdin-to-command: {{source: template, name: '{{{{ request.method }}}}'}}
trigger-rule: {{match: {{type: value, value: main-push, parameter: {{source: template, name: \"{{{{ payload.ref }}}}-{{{{ header['x-event'] }}}}\"}}}}}}"
    );
    let server = Setup::new()
        .shell("shown", "echo \"<$0> <$VARIABLE> <$(cat $FILE)> <$(cat)>\"", &keys)
        .hooks("  - {source: template, name: '$(touch @DIR@/ran) {{ payload.ref }}; {{ payload.list|join(\" \") }}'}\n")
        .start();
    let request =
        Request::json("/hooks/shown?q=%27", r#"{"ref": "main", "price": 1.10, "list": ["a b", 2]}"#);
    server.send(&request.header("X-Event", "push")).assert(
        200,
        &format!("<$(touch {}) main; a b 2> <1.10 '> <[\"a b\",2]> <POST>\n", server.path("ran").display()),
    );
    assert!(!server.path("ran").exists());
    server
        .send(&Request::json("/hooks/shown", r#"{"ref": "main"}"#))
        .assert(200, "Hook rules were not satisfied.");
}

#[test]
fn a_template_knows_the_verified_delivery() {
    let server = Setup::new()
        .shell(
            "deploy",
            "echo \"$0\"",
            &format!("{WITH_OUTPUT}\nverify: {{sender: github, secret: {SECRET}}}"),
        )
        .hooks(
            "  - {source: template, name: '{{ delivery.id }} {{ delivery.event }} {{ delivery.sender }}'}\n",
        )
        .start();
    server.send(&github(SECRET, "one", "{}")).assert(200, "one push github\n");
}

#[test]
fn what_a_template_lacks_counts_as_missing() {
    let server = Setup::new()
        .shell("shown", "printf '<%s>' \"$@\"", WITH_OUTPUT)
        .hooks(
            "  - {source: string, name: zero}
  - {source: template, name: 'a {{ payload.gone }}'}
  - {source: template, name: 'a {{ payload.gone }}', default: stands for it}
  - {source: template, name: 'a {{ payload.gone|default(1) }}'}
  - {source: template, name: '{{ payload.text + 1 }}', default: of a failure}
- id: required
  execute-command: 'true'
  pass-arguments-to-command: [{source: template, name: '{{ payload.gone }}', required: true}]
- id: ruled
  execute-command: 'true'
  trigger-rule: {match: {type: value, value: x, parameter: {source: template, name: '{{ payload.text + 1 }}'}}}
",
        )
        .flags("-verbose")
        .start();
    let send = |hook: &str| server.send(&Request::json(&format!("/hooks/{hook}"), r#"{"text": "secret"}"#));
    send("shown").assert(200, "<><stands for it><a 1><of a failure>");
    server.wait_for_log("argument 4 is empty: parameter node not found: `payload.gone` of the template");
    send("required").assert(400, "The request lacks a required value.");
    send("ruled").assert(500, "Error occurred while evaluating hook rules.");
    server.wait_for_log("the template gives no text: `payload.text + 1`: invalid operation");
    assert!(server.stop().iter().all(|line| !line.contains("secret")));
}

#[test]
fn an_answer_is_put_together_before_the_command_starts() {
    let keys = "response-template: true
response-message: 'hello {{ payload.name }}'
response-headers:
  - {name: X-Name, value: '{{ payload.name }}'}
  - {name: X-Id, value: 'id {{ request.id }}'}";
    let mut server = Setup::new()
        .shell("greet", "touch @DIR@/ran-$0", keys)
        .hooks("  - {source: payload, name: name}\n")
        .shell(
            "typed",
            "echo output",
            "response-template: true
wait-for-command: true
response-message: '<b>{{ payload.name }}</b>'
response-headers: [{name: Content-Type, value: text/html}]",
        )
        .shell(
            "output",
            "echo output",
            &format!(
                "{WITH_OUTPUT}
response-template: true
response-headers: [{{name: X-Name, value: '{{{{ payload.name }}}}'}}]"
            ),
        )
        .flags("-verbose")
        .start();
    let send = |server: &crate::support::Server, hook: &str, name: &str| {
        let request = Request::json(&format!("/hooks/{hook}"), &format!("{{\"name\": \"{name}\"}}"));
        server.send(&request.header("X-Request-Id", "one"))
    };
    let answer = send(&server, "greet", "zoe");
    answer.assert(200, "hello zoe");
    assert_eq!(answer.header("x-name"), Some("zoe"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let answer = send(&server, "greet", "two\\r\\nSet-Cookie: a=b");
    answer.assert(200, "hello two\r\nSet-Cookie: a=b");
    assert_eq!((answer.header("x-name"), answer.header("set-cookie")), (None, None));
    server.wait_for_log("the header `x-name` is not sent");
    let answer = send(&server, "typed", "zoe");
    answer.assert(200, "<b>zoe</b>");
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let answer = send(&server, "output", "zoe");
    answer.assert(200, "output\n");
    assert_eq!(answer.header("x-name"), Some("zoe"));
    server.mark_log();
    server
        .send(&Request::json("/hooks/greet", "{}"))
        .assert(500, "Error occurred while preparing the answer.");
    server
        .wait_for_log("not run, because the answer cannot be made: parameter node not found: `payload.name`");
}

#[test]
fn the_chosen_case_says_how_its_answer_is_put_together() {
    let keys = "response-template: true
response-message: 'hook {{ payload.none }}'
response-headers: [{name: X-Name, value: '{{ payload.name }}'}]
cases:
  - name: named
    trigger-rule: {match: {type: value, value: zoe, parameter: {source: payload, name: name}}}
    response-message: 'case {{ payload.name }}'
  - name: plain
    trigger-rule: {match: {type: value, value: ann, parameter: {source: payload, name: name}}}
    response-template: false
    response-message: '{{ payload.name }}'
  - name: of the hook";
    let server = Setup::new()
        .shell("cased", "true", keys)
        .shell(
            "none",
            "touch @DIR@/ran",
            "response-template: true\nresponse-message: '{{ payload.name + payload.times }}'",
        )
        .start();
    let send = |hook: &str, body: &str| server.send(&Request::json(&format!("/hooks/{hook}"), body));
    let answer = send("cased", r#"{"name": "zoe"}"#);
    answer.assert(200, "case zoe");
    assert_eq!(answer.header("x-name"), Some("zoe"));
    let answer = send("cased", r#"{"name": "ann"}"#);
    answer.assert(200, "{{ payload.name }}");
    assert_eq!(answer.header("x-name"), Some("{{ payload.name }}"));
    send("cased", r#"{"name": "bob"}"#).assert(500, "Error occurred while preparing the answer.");
    send("none", r#"{"name": "a", "times": 2}"#).assert(500, "Error occurred while preparing the answer.");
    let long = format!(r#"{{"name": "{}"}}"#, "z".repeat(70_000));
    send("cased", &long).assert(500, "Error occurred while preparing the answer.");
    let ran = server.path("ran");
    server.stop();
    assert!(!ran.exists());
}
