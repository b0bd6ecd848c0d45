//! Mistakes in a hooks file that can only be mistakes: the hook answers 500 instead of being silently open or
//! silently dead, start-up says what to write instead, and the other hooks run.

use regex::Regex;

use crate::support::{RULE_ERROR, Request, Setup};

struct Mistake {
    id: &'static str,
    keys: &'static str,
    /// A pattern for what the log says about it.
    named: &'static str,
}

/// Every request of this test meets the part that is right.
const PARAMETER: &str = "{source: header, name: X-Event}";

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "unknown-type",
        keys: "trigger-rule: {match: {type: valeu, value: push, parameter: @PARAMETER@}}",
        named: "valeu",
    },
    Mistake { id: "empty-rule", keys: "trigger-rule: {}", named: "empty|and.*or.*not.*match" },
    Mistake { id: "empty-match", keys: "trigger-rule: {match: {}}", named: "type" },
    Mistake {
        id: "two-operators",
        keys: "trigger-rule:\n  match: {type: value, value: push, parameter: @PARAMETER@}\n  \
               not: {match: {type: value, value: x, parameter: @PARAMETER@}}",
        named: "match.*not|not.*match|two|one of",
    },
    Mistake { id: "empty-and", keys: "trigger-rule: {and: []}", named: "`?and`?.*empty|empty.*`?and`?" },
    Mistake { id: "empty-or", keys: "trigger-rule: {or: []}", named: "`?or`?.*empty|empty.*`?or`?" },
    Mistake {
        id: "nested-empty-or",
        keys: "trigger-rule:\n  and:\n  - match: {type: value, value: push, parameter: @PARAMETER@}\n  \
               - or: []",
        named: "or",
    },
    Mistake {
        id: "secret-for-value",
        keys: "trigger-rule: {match: {type: value, secret: push, parameter: @PARAMETER@}}",
        named: "`?value`?",
    },
    Mistake {
        id: "hmac-without-secret",
        keys: "trigger-rule: {match: {type: payload-hmac-sha256, parameter: @PARAMETER@}}",
        named: "`?secret`?",
    },
    Mistake {
        id: "hmac-with-empty-secret",
        keys: "trigger-rule: {match: {type: payload-hash-sha1, secret: '', parameter: @PARAMETER@}}",
        named: "`?secret`?",
    },
    Mistake {
        id: "hmac-of-many",
        keys: "trigger-rule:\n  match:\n    type: payload-hmac-sha256\n    secret: push\n    \
               parameter: {source: payload, name: signatures.*.value}",
        named: "signature is one text",
    },
    Mistake {
        id: "bad-regex",
        keys: "trigger-rule: {match: {type: regex, regex: '(push', parameter: @PARAMETER@}}",
        named: "regex",
    },
    Mistake {
        id: "look-around",
        keys: "trigger-rule: {match: {type: regex, regex: '(?=push)', parameter: @PARAMETER@}}",
        named: "regex",
    },
    Mistake {
        id: "bad-network",
        keys: "trigger-rule: {match: {type: ip-whitelist, ip-range: '127.0.0.1 10.0.0.0/33'}}",
        named: "10.0.0.0/33",
    },
    Mistake {
        id: "underscore",
        keys: "trigger_rule: {match: {type: value, value: push, parameter: @PARAMETER@}}",
        named: "trigger-rule",
    },
    Mistake {
        id: "plural",
        keys: "trigger-rules: {match: {type: value, value: push, parameter: @PARAMETER@}}",
        named: "trigger-rule",
    },
    Mistake { id: "singular", keys: "http-method: [POST]", named: "http-methods" },
];

#[test]
fn each_mistake_closes_its_hook_alone_and_is_named_with_file_line_and_hook() {
    let mut hooks = String::new();
    let mut places = Vec::new();
    for mistake in MISTAKES {
        let first = hooks.lines().count() + 1;
        let keys = mistake.keys.replace("@PARAMETER@", PARAMETER).replace('\n', "\n  ");
        hooks += &format!("- id: {}\n  execute-command: 'true'\n  {keys}\n", mistake.id);
        places.push(first..=hooks.lines().count());
    }
    let server = Setup::new().hooks(&hooks).says("sound", "ran").start();

    let request = |id: &str| Request::post(&format!("/hooks/{id}")).header("X-Event", "push");
    server.send(&request("sound")).assert(200, "ran");
    let line_number = Regex::new(r"(?:hooks\.yaml:|line )(\d+)").unwrap();
    for (mistake, place) in MISTAKES.iter().zip(places) {
        let response = server.send(&request(mistake.id));
        assert_eq!((response.status, response.text().as_str()), (500, RULE_ERROR), "{}", mistake.id);
        let id = Regex::new(&format!(r"(^|[^\w-]){}([^\w-]|$)", mistake.id)).unwrap();
        let named = Regex::new(&format!("(?s){}", mistake.named)).unwrap();
        server.wait_for_log_line(&format!("hooks.yaml:{place:?} {} {}", mistake.id, mistake.named), |line| {
            let number = line_number.captures(line).map(|found| found[1].parse::<usize>().unwrap());
            line.contains("hooks.yaml")
                && number.is_some_and(|number| place.contains(&number))
                && id.is_match(line)
                && named.is_match(line)
        });
    }
}

#[test]
fn any_other_unknown_key_is_only_a_warning() {
    let server = Setup::new()
        .hooks("- id: hello\n  execute-command: 'true'\n  response-message: hi\n  owner-of-this: ops\n")
        .start();
    server
        .wait_for_log_line("owner-of-this", |line| line.contains("owner-of-this") && line.contains("hello"));
    server.get("/hooks/hello").assert(200, "hi");
}

/// Not only by `check`: the hook runs, and is less guarded than it looks.
#[test]
fn what_guards_less_than_it_seems_to_is_told_at_load() {
    const RULE: &str =
        "match: {type: value, value: a-long-token-4711, parameter: {source: header, name: X-Token}}";
    const OTHER: &str = "match: {type: value, value: main, parameter: {source: payload, name: ref}}";
    let cases = format!("trigger-rule: {{{RULE}}}\n  cases: [{{name: main, trigger-rule: {{{OTHER}}}}}]");
    for (keys, told) in [
        (cases.as_str(), "the secret that the hook's asks for is not asked for here"),
        ("verify: {secret: s, signature: 'header:S', timestamp: 'header:T'}", "`timestamp` is not signed"),
        (
            "verify: {secret: s, signature: 'header:S', message: '{method}'}",
            "`message` does not hold the body",
        ),
        ("pass-arguments-to-command: [{source: query, name: n}]", "the word reads as `false`"),
    ] {
        let hook = format!("- id: a\n  execute-command: 'true'\n  {keys}\n");
        let server = Setup::new().hooks(&hook).start();
        server.wait_for_log(told);
        assert_ne!(server.post("/hooks/a").text(), RULE_ERROR);
    }
}

#[test]
fn a_hook_without_id_or_command_is_named_at_load_and_the_others_run() {
    let server =
        Setup::new().says("sound", "ran").hooks("- id: nothing-to-run\n  response-message: hi\n").start();
    server.wait_for_log_line("execute-command", |line| {
        line.contains("execute-command") && line.contains("nothing-to-run") && line.contains("hooks.yaml")
    });
    server.get("/hooks/sound").assert(200, "ran");
    assert_eq!(server.post("/hooks/nothing-to-run").status, 500);
}

#[test]
fn a_file_in_another_encoding_is_told_how_to_save_it() {
    let utf_16: Vec<u8> = "\u{feff}- id: a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let server =
        Setup::new().says("sound", "ran").file("other.yaml", utf_16).flags("-hooks other.yaml").start();
    server.wait_for_log("save it as UTF-8");
    server.get("/hooks/sound").assert(200, "ran");
}
