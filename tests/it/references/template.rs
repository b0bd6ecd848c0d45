//! `source: template`: one value from several parts of a request.

use crate::support::{Request, Server, Setup, WITH_OUTPUT};
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
        .send(&Request::json("/hooks/shown", r#"{"ref": "main"}"#).header("X-Event", "other"))
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
fn a_default_stands_for_what_a_template_lacks() {
    let server = Setup::new()
        .shell("shown", "printf '<%s>' \"$0\" \"$@\"", WITH_OUTPUT)
        .hooks(
            "  - {source: template, name: 'a {{ payload.gone }}', default: stands for it}
  - {source: template, name: 'a {{ payload.gone|default(1) }}'}
  - {source: template, name: '{{ payload.text + 1 }}', default: of a failure}
  - {source: template, name: '{{ payload.gone }}', spread: true, default: one}
",
        )
        .start();
    let request = Request::json("/hooks/shown", r#"{"text": "secret"}"#);
    server.send(&request).assert(200, "<stands for it><a 1><of a failure><one>");
}

#[test]
fn without_what_a_template_needs_nothing_runs() {
    const GONE: &str = "{source: template, name: 'a {{ payload.gone }}'}";
    const FAILING: &str = "{source: template, name: '{{ payload.text + 1 }}'}";
    const ARGUMENT: &str = "  - ";
    const NAMED: &str = "{source: template, name: '{{ payload.gone }}', envname: A}";
    let rule = |part: &str| format!("trigger-rule: {part}");
    let equals = format!("{{match: {{type: value, value: x, parameter: {GONE}}}}}");
    let exists = format!("{{match: {{type: exists, parameter: {GONE}}}}}");
    let null = format!("{{match: {{type: 'null', parameter: {GONE}}}}}");
    let fails = format!("{{match: {{type: value, value: x, parameter: {FAILING}}}}}");
    let other = format!(
        "{{match: {{type: value, parameter: {{source: payload, name: text}}, other-parameter: {GONE}}}}}"
    );
    let met = "{match: {type: exists, parameter: {source: payload, name: text}}}";
    let case = |name: &str, part: &str| format!("{{name: {name}, trigger-rule: {part}}}");
    let hooks = [
        format!("{ARGUMENT}{GONE}\n"),
        format!("{ARGUMENT}{FAILING}\n"),
        format!("{ARGUMENT}{{source: template, name: '{{{{ payload.gone }}}}', spread: true}}\n"),
        format!("pass-environment-to-command: [{NAMED}]"),
        format!("pass-file-to-command: [{NAMED}]"),
        format!("pass-stdin-to-command: {GONE}"),
        format!("deduplicate: {{by: {GONE}, for: 1h}}"),
        rule(&equals),
        rule(&fails),
        rule(&format!("{{not: {equals}}}")),
        rule(&format!("{{not: {exists}}}")),
        rule(&format!("{{not: {null}}}")),
        rule(&format!("{{not: {other}}}")),
        rule(&format!("{{or: [{equals}, {met}]}}")),
        rule(&format!("{{not: {{and: [{equals}, {met}]}}}}")),
        format!("cases: [{}, {}]", case("one", &equals), case("two", met)),
    ];
    let mut setup = Setup::new();
    for (index, keys) in hooks.iter().enumerate() {
        let (keys, argument) = if keys.starts_with(ARGUMENT) { ("", &keys[..]) } else { (&keys[..], "") };
        setup = setup.shell(&format!("hook-{index}"), "touch @DIR@/ran", keys).hooks(argument);
    }
    let mut server = setup.shell("first", "true", &rule(&format!("{{or: [{met}, {equals}]}}"))).start();
    let send = |server: &Server, hook: &str| {
        server.send(&Request::json(&format!("/hooks/{hook}"), r#"{"text": "secret"}"#))
    };
    for (index, keys) in hooks.iter().enumerate() {
        server.mark_log();
        let answer = send(&server, &format!("hook-{index}"));
        let expected = (400, "The request lacks a required value.".to_owned());
        assert_eq!((answer.status, answer.text()), expected, "{keys}");
        let why = match keys.contains("payload.text + 1") {
            true => "the template gives no text: `payload.text + 1`: invalid operation",
            false => "`payload.gone` of the template is not in the request, and has no `default`",
        };
        server.wait_for_log(why);
    }
    // What decides first does so without the template.
    send(&server, "first").assert(200, "");
    let ran = server.path("ran");
    assert!(server.stop().iter().all(|line| !line.contains("secret")));
    assert!(!ran.exists());
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
    let send = |server: &Server, hook: &str, name: &str| {
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
    server.wait_for_log("the answer cannot be made: `payload.name` of the template is not in the request");
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
