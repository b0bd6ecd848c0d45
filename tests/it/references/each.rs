//! `*` in names, and lists that are spread over several arguments.

use crate::support::{Request, Setup, WITH_OUTPUT};

const PUSH: &str = r#"{"ref": "main", "commits": [
    {"id": "f1e3", "modified": ["docs/a.md", "src/a.rs"], "n": 1.10},
    {"id": "72d3", "modified": []},
    {"modified": ["b c"], "n": {"<": null}}
]}"#;

#[test]
fn a_list_is_one_argument_or_one_for_each_element() {
    let server = Setup::new()
        .shell("shown", "printf '<%s>' \"$@\"", WITH_OUTPUT)
        .hooks(
            "  - {source: string, name: zero}
  - {source: payload, name: commits.*.id}
  - {source: payload, name: commits.*.n}
  - {source: payload, name: commits.*.gone}
  - {source: payload, name: gone.*}
  - {source: payload, name: commits.*.modified.*, spread: true}
  - {source: payload, name: commits.0.modified, spread: true}
  - {source: payload, name: commits.*.gone, spread: true}
  - {source: payload, name: commits.1.modified, spread: true}
  - {source: payload, name: gone, spread: true}
  - {source: payload, name: gone.*, spread: true, default: stands for it}
  - {source: payload, name: ref, spread: true}
",
        )
        .start();
    let shown =
        r#"<["f1e3","72d3"]><[1.10,{"\u003c":null}]><[]><><docs/a.md><src/a.rs><b c><docs/a.md><src/a.rs>"#;
    server.send(&Request::json("/hooks/shown", PUSH)).assert(200, &format!("{shown}<stands for it><main>"));
    server
        .send(&Request::json("/hooks/shown", r#"{"commits": [null, 1, {"id": null}], "ref": null}"#))
        .assert(200, "<[null]><[]><[]><><stands for it>");
}

#[test]
fn more_than_can_be_arguments_is_refused() {
    let server = Setup::new()
        .shell("spread", "echo $#", WITH_OUTPUT)
        .hooks("  - {source: string, name: zero}\n  - {source: payload, name: list.*, spread: true}\n")
        .flags("-verbose")
        .start();
    let list = |length: usize| {
        let list = vec!["1"; length].join(",");
        Request::json("/hooks/spread", &format!("{{\"list\": [{list}]}}"))
    };
    server.send(&list(10_000)).assert(200, "10000\n");
    server.send(&list(10_001)).assert(400, "The request has more values than the hook takes.");
    server.wait_for_log("`payload list.*` has 10001 values, and at most 10000 become arguments");
}

#[test]
fn a_match_holds_for_any_of_a_list_or_for_all_of_it() {
    let matching = |id: &str, keys: &str| {
        format!(
            "- id: {id}
  execute-command: 'true'
  response-message: met
  trigger-rule: {{match: {{{keys}, parameter: {{source: payload, name: commits.*.id}}}}}}\n"
        )
    };
    let server = Setup::new()
        .hooks(&matching("any", "type: value, value: a"))
        .hooks(&matching("all", "type: value, value: a, match-all: true"))
        .hooks(&matching("any-regex", "type: regex, regex: '^a$'"))
        .start();
    const NOT_MET: &str = "Hook rules were not satisfied.";
    for (ids, any, all) in [
        (&["a"][..], true, true),
        (&["b", "a"], true, false),
        (&["a", "a"], true, true),
        (&["b"], false, false),
        (&[], false, false),
    ] {
        let commits: Vec<String> = ids.iter().map(|id| format!("{{\"id\": \"{id}\"}}")).collect();
        let body = format!("{{\"commits\": [{}, {{}}]}}", [commits.join(","), "{}".to_owned()].join(","));
        let body = body.replace("[,", "[");
        for (hook, is_met) in [("any", any), ("any-regex", any), ("all", all)] {
            let answer = server.send(&Request::json(&format!("/hooks/{hook}"), &body));
            answer.assert(200, if is_met { "met" } else { NOT_MET });
        }
    }
}

/// A stranger chooses how many there are on both sides.
#[test]
fn many_values_against_much_of_the_same_request_are_an_error() {
    let parameter = "parameter: {source: payload, name: a.*}, other-parameter: {source: payload, name: b}";
    let hook = |kind: &str| {
        format!(
            "- id: {kind}\n  execute-command: 'true'\n  response-message: met\n  trigger-rule: {{match: {{type: {kind}, {parameter}}}}}\n"
        )
    };
    let server = Setup::new().hooks(&hook("in")).hooks(&hook("contains")).hooks(&hook("value")).start();
    let body = |count: usize| {
        let list = vec!["10"; count].join(",");
        format!("{{\"a\": [{list},\"x\"], \"b\": [{list},\"x\"]}}")
    };
    server.send(&Request::json("/hooks/in", &body(100))).assert(200, "met");
    for hook in ["in", "contains", "value"] {
        let answer = server.send(&Request::json(&format!("/hooks/{hook}"), &body(3000)));
        answer.assert(500, "Error occurred while evaluating hook rules.");
    }
}
