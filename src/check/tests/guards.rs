//! Who can meet a rule: what is said of each, and of what nothing is said.

use super::*;

const HMAC: &str =
    "{match: {type: payload-hmac-sha256, secret: hunter22, parameter: {source: header, name: X-Signature}}}";
const EVENT: &str = "{match: {type: value, value: push, parameter: {source: header, name: X-GitHub-Event}}}";
const REF: &str = "{match: {type: value, value: main, parameter: {source: payload, name: ref}}}";
const TOKEN: &str =
    "{match: {type: value, value: hunter22, parameter: {source: header, name: X-Gitlab-Token}}}";
const RANDOM: &str = "{match: {type: value, value: 9f86d081884c7d659a2feaa0c55ad015, parameter: {source: header, name: X-Own}}}";
const ADDRESS: &str = "{match: {type: ip-whitelist, ip-range: 192.0.2.0/24}}";
const SCALR: &str = "{match: {type: scalr-signature, secret: hunter22}}";

/// What is said of who can run a hook with `rule`.
#[track_caller]
fn check(rule: &str, soft: bool, expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hooks.yaml");
    let text = format!(
        "- id: a\n  execute-command: 'true'\n  http-methods: [POST]\n  trigger-signature-soft-failures: {soft}\n  \
         trigger-rule: {rule}\n"
    );
    write(&path, text).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let reading = Reading { examination: Some(on_this_machine(directory.path())), ..Reading::default() };
    let (_, problems) = HooksFiles::new(vec![path], reading).load();
    let found: Vec<&str> = problems.iter().map(|problem| problem.kind.code()).collect();
    assert_eq!(found, expected, "{rule}: {problems:#?}");
}

#[test]
fn who_can_run_a_hook_follows_from_the_logic_of_its_rule() {
    for guarded in [HMAC, TOKEN, RANDOM, SCALR] {
        for soft in [false, true] {
            check(guarded, soft, &[]);
            check(&format!("{{and: [{EVENT}, {guarded}]}}"), soft, &[]);
            check(&format!("{{and: [{EVENT}, {{or: [{guarded}, {guarded}]}}]}}"), soft, &[]);
            check(&format!("{{or: [{guarded}, {EVENT}]}}"), soft, &["optional-signature"]);
            check(&format!("{{or: [{EVENT}, {guarded}]}}"), soft, &["optional-signature"]);
            check(&format!("{{or: [{guarded}, {ADDRESS}]}}"), soft, &["address-guard", "optional-signature"]);
            check(&format!("{{and: [{guarded}, {{or: [{guarded}, {EVENT}]}}]}}"), soft, &[]);
            check(&format!("{{and: [{EVENT}, {{or: [{guarded}, {REF}]}}]}}"), soft, &["optional-signature"]);
        }
    }
    check(EVENT, false, &["no-guard"]);
    check(REF, false, &["no-guard"]);
    check(&format!("{{and: [{EVENT}, {REF}]}}"), false, &["no-guard"]);
    check(ADDRESS, false, &["address-guard"]);
    check(&format!("{{and: [{EVENT}, {ADDRESS}]}}"), false, &["address-guard"]);
    check(&format!("{{or: [{EVENT}, {ADDRESS}]}}"), false, &["no-guard"]);
    check(&format!("{{not: {ADDRESS}}}"), false, &["no-guard"]);
}

/// A missing signature meets a `not`; a wrong one is an error, unless the hook is soft and there is an `or`.
#[test]
fn a_not_of_a_secret_lets_in_those_who_do_not_know_it() {
    check(&format!("{{not: {HMAC}}}"), false, &["no-guard", "not-of-missing"]);
    check(&format!("{{not: {TOKEN}}}"), false, &["no-guard", "not-of-missing"]);
    check(&format!("{{not: {SCALR}}}"), false, &["no-guard"]);
    check(&format!("{{or: [{{not: {HMAC}}}]}}"), true, &["no-guard", "not-of-missing"]);
    check(&format!("{{and: [{EVENT}, {{not: {TOKEN}}}]}}"), false, &["no-guard", "not-of-missing"]);
    check(&format!("{{and: [{TOKEN}, {{not: {HMAC}}}]}}"), false, &["never-met"]);
    check(&format!("{{not: {{and: [{EVENT}, {HMAC}]}}}}"), false, &["no-guard", "not-of-missing"]);
}

#[test]
fn a_secret_is_told_from_what_anybody_can_send_by_its_name_and_its_looks() {
    let value = |source: &str, name: &str, value: &str| {
        format!("{{match: {{type: value, value: '{value}', parameter: {{source: {source}, name: {name}}}}}}}")
    };
    let regex = |name: &str, regex: &str| {
        format!("{{match: {{type: regex, regex: '{regex}', parameter: {{source: header, name: {name}}}}}}}")
    };
    check(&value("header", "Authorization", "Basic aG9vazpwYXNz"), false, &[]);
    check(&value("payload", "secret", "hunter22"), false, &[]);
    check(&value("payload", "issue.project.key", "OPS"), false, &["no-guard"]);
    check(&value("payload", "after", "9f86d081884c7d659a2feaa0c55ad015"), false, &["no-guard"]);
    check(&value("header", "X-Gitlab-Token", ""), false, &["no-guard"]);
    check(&value("header", "X-Event", "pull_request_review_comment"), false, &["no-guard"]);
    check(&regex("Authorization", "^Bearer .+$"), false, &["no-guard"]);
    check(&regex("Authorization", "^Bearer hunter22$"), false, &[]);
    check(&regex("X-Token", "hunter22|^$"), false, &["no-guard"]);
    check(&regex("X-Hub-Signature-256", "^sha256="), false, &["no-guard"]);
}
