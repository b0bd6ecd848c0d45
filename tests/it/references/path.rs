//! Ids that stand for many addresses.

use crate::support::{Request, Setup, WITH_OUTPUT};

const HOOKS: &str = "
- id: deploy/{env}/{service}
  execute-command: echo
  include-command-output-in-response: true
  http-methods: [POST, GET]
  pass-arguments-to-command:
    - {source: path, name: env}
    - {source: path, name: service}
    - {source: template, name: '{{ path.env }}-{{ path.service }}'}
- {id: deploy/live/shop, execute-command: 'true', response-message: exact}
- {id: 'a{b}', execute-command: 'true', response-message: literal}
- id: deploy/{env}/restart
  execute-command: echo
  include-command-output-in-response: true
  pass-arguments-to-command: [{source: string, name: restart}, {source: path, name: env}]
- id: guarded/{env}
  execute-command: 'true'
  response-message: met
  trigger-rule: {match: {type: regex, regex: '^(live|test)$', parameter: {source: path, name: env}}}
";

#[test]
fn names_in_an_id_stand_for_parts_of_the_path() {
    let mut server = Setup::new().hooks(HOOKS).flags("-verbose").start();
    for (path, status, answer) in [
        ("deploy/test/shop", 200, "test shop test-shop\n"),
        ("deploy/a%20b%3F/%2E%2Ec?x=y", 200, "a b? ..c a b?-..c\n"),
        ("deploy/a/%2E%2E", 301, ""),
        ("deploy/live/shop", 200, "exact"),
        ("deploy/live/restart", 200, "restart live\n"),
        ("deploy%2Flive/x", 200, "live x live-x\n"),
        ("deploy/%7Benv%7D/%7Bservice%7D", 200, "{env} {service} {env}-{service}\n"),
        ("a%7Bb%7D", 200, "literal"),
        ("guarded/live", 200, "met"),
        ("guarded/x", 200, "Hook rules were not satisfied."),
        ("deploy/live", 404, "Hook not found."),
        ("deploy//shop", 301, ""),
        ("deploy/live/shop/x", 404, "Hook not found."),
        ("deploy/live/a%2Fb", 404, "Hook not found."),
        ("axb", 404, "Hook not found."),
    ] {
        server.mark_log();
        server.post(&format!("/hooks/{path}")).assert(status, answer);
    }
    server.mark_log();
    server.send(&Request::new("PUT", "/hooks/deploy/x/y")).assert(405, "");
    server.wait_for_log("deploy/{env}/{service} got matched");
}

#[test]
fn two_ids_for_the_same_addresses_are_a_mistake() {
    let first = "- {id: 'first/{a}', execute-command: 'true', response-message: first}\n";
    let hooks = "- {id: 'first/{b}', execute-command: 'true'}\n";
    let exit = Setup::new().hooks(first).hooks(hooks).run();
    assert_ne!(exit.code, Some(0));
    assert!(exit.stderr.contains("the ids `first/{b}` and `first/{a}`, in "), "{}", exit.stderr);
    let server = Setup::new().hooks(first).file("other.yaml", hooks).flags("-hooks @DIR@/other.yaml").start();
    server.wait_for_log("stand for the same addresses");
    server.post("/hooks/first/x").assert(200, "first");
}

#[test]
fn a_part_of_the_path_is_one_argument() {
    let server = Setup::new()
        .shell("run/{what}", "echo \"$0\"", WITH_OUTPUT)
        .hooks("  - {source: path, name: what}\n")
        .start();
    server.post("/hooks/run/%24(id)%3B").assert(200, "$(id);\n");
}
