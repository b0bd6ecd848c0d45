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
