//! The further types of match, `other-parameter`, and lists of addresses.

use rustix::process::Signal;

use crate::support::{RULE_ERROR, Request, Setup};

const NOT_MET: &str = "Hook rules were not satisfied.";

/// Hooks named by their match, each of which says `ran`.
fn hooks(matches: &[(&str, &str)]) -> String {
    let hook = |(id, keys): &(&str, &str)| {
        format!(
            "- id: {id}\n  execute-command: 'true'\n  response-message: ran\n  trigger-rule: {{match: {{{keys}}}}}\n"
        )
    };
    matches.iter().map(hook).collect()
}

#[test]
fn each_type_of_match_decides_whether_the_hook_runs() {
    let size = "parameter: {source: payload, name: size}";
    let branch = "parameter: {source: payload, name: ref}";
    let other = "other-parameter: {source: header, name: X-Ref}";
    let setup = Setup::new().flags("-verbose").hooks(&hooks(&[
        ("greater", &format!("type: greater, value: 100, {size}")),
        ("at-most", &format!("type: at-most, value: 1e2, {size}")),
        ("long", &format!("type: less, value: 100000000000000000000.5, {size}")),
        ("in", &format!("type: in, values: [main, next], {branch}")),
        ("in-value", &format!("type: in, value: [main, next], {branch}")),
        ("contains", &format!("type: contains, value: ai, {branch}")),
        ("starts", &format!("type: starts-with, value: ma, {branch}")),
        ("ends", &format!("type: ends-with, value: in, {branch}")),
        ("exists", &format!("type: exists, {size}")),
        ("is-null", &format!("type: null, {size}")),
        ("same", &format!("type: value, {branch}, {other}")),
    ]));
    let server = setup.start();
    #[track_caller]
    fn check(server: &crate::support::Server, id: &str, body: &str, status: u16, answer: &str) {
        let request = Request::json(&format!("/hooks/{id}"), body).header("X-Ref", "main");
        server.send(&request).assert(status, answer);
    }
    for (id, met, not_met) in [
        ("greater", r#"{"size": 100.000000000000000000001}"#, r#"{"size": 100.0}"#),
        ("greater", r#"{"size": "101"}"#, "{}"),
        ("at-most", r#"{"size": 100.0}"#, r#"{"size": 1000000000000000000000000000000}"#),
        ("long", r#"{"size": 100000000000000000000.4}"#, r#"{"size": 100000000000000000000.5}"#),
        ("in", r#"{"ref": "next"}"#, r#"{"ref": "mainly"}"#),
        ("in-value", r#"{"ref": "main"}"#, r#"{"ref": "Main"}"#),
        ("contains", r#"{"ref": "main"}"#, r#"{"ref": "next"}"#),
        ("starts", r#"{"ref": "main"}"#, r#"{"ref": "a main"}"#),
        ("ends", r#"{"ref": "main"}"#, r#"{"ref": "mainly"}"#),
        ("exists", r#"{"size": null}"#, r#"{"size2": 1}"#),
        ("is-null", r#"{"size": null}"#, "{}"),
        ("is-null", r#"{"size": null}"#, r#"{"size": "null"}"#),
        ("same", r#"{"ref": "main"}"#, r#"{"ref": "next"}"#),
        ("same", r#"{"ref": "main"}"#, "{}"),
    ] {
        check(&server, id, met, 200, "ran");
        check(&server, id, not_met, 200, NOT_MET);
    }
    check(&server, "greater", r#"{"size": "12 kB"}"#, 500, RULE_ERROR);
    server.wait_for_log(r#"match payload size: payload size "12 kB" and "100" must both be numbers"#);
    check(&server, "exists", "{}", 200, NOT_MET);
    server.wait_for_log("match payload size: not in the request");
    check(&server, "same", "{}", 200, NOT_MET);
    server.wait_for_log("match payload ref against header X-Ref: parameter node not found: payload ref");
}

#[test]
fn a_file_of_addresses_is_read_at_the_start_and_at_each_reload() {
    let hook = hooks(&[
        ("office", "type: ip-whitelist, ip-file: '@DIR@/office'"),
        ("both", "type: ip-whitelist, ip-range: [127.0.0.1, '::1'], ip-file: '@DIR@/office'"),
        ("gone", "type: ip-whitelist, ip-range: 127.0.0.1, ip-file: '@DIR@/gone'"),
    ]);
    let setup = Setup::new().flags("-verbose").hooks(&hook);
    let mut server = setup.file("office", "# the office\n\n192.0.2.0/24\n").start();
    server.post("/hooks/office").assert(200, NOT_MET);
    server.post("/hooks/both").assert(200, "ran");
    server.post("/hooks/gone").assert(500, RULE_ERROR);
    server.wait_for_log("gone cannot be read: No such file");
    std::fs::write(server.path("office"), "192.0.2.0/24\n127.0.0.0/8 # here\r\n").unwrap();
    server.reload(Signal::HUP);
    server.post("/hooks/office").assert(200, "ran");
    for (text, says) in [
        ("127.0.0.0/8\nlocalhost\n", "office:2: `localhost` is neither an address nor a network"),
        ("# nobody\n", "office has no address in it"),
    ] {
        std::fs::write(server.path("office"), text).unwrap();
        server.mark_log();
        server.reload(Signal::HUP);
        server.wait_for_log(says);
        server.post("/hooks/office").assert(500, RULE_ERROR);
    }
}

#[test]
fn a_list_of_addresses_has_a_bound() {
    let hook = hooks(&[("long", "type: ip-whitelist, ip-file: '@DIR@/long'")]);
    let server =
        Setup::new().hooks(&hook).flags("-verbose").file("long", "10.0.0.1\n".repeat(120_000)).start();
    server.wait_for_log("long is larger than 1048576 bytes");
    server.post("/hooks/long").assert(500, RULE_ERROR);
}
