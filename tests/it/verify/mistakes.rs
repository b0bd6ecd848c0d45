//! Mistakes in `verify` and `deduplicate`: the hook answers 500 and runs nothing, the log says what to write, and
//! the other hooks run.

use regex::Regex;

use super::{assert_untold, runs};
use crate::support::{RULE_ERROR, Request, Setup, WITH_OUTPUT};

struct Mistake {
    keys: &'static str,
    /// A pattern for what the log says about it.
    named: &'static str,
}

const fn mistake(keys: &'static str, named: &'static str) -> Mistake {
    Mistake { keys, named }
}

/// In every secret that is written here; none of them may be in the log.
const SECRET: &str = "whsec-4711";

const MISTAKES: &[Mistake] = &[
    mistake("verify: {sender: githbu, secret: whsec-4711}", "`githbu`.*did you mean `github`"),
    mistake("verify: {sender: GitHub, secret: whsec-4711}", "did you mean `github`"),
    mistake("verify: {sender: feature-probe, secret: whsec-4711}", "did you mean `featureprobe`"),
    mistake("verify: {sender: nobody-knows-it, secret: whsec-4711}", "is not known; `hookrunner senders`"),
    mistake(
        "verify: {sender: trello, secret: whsec-4711}",
        "`public-url` is missing.*`hookrunner senders trello`",
    ),
    mistake("verify: {sender: adyen, secret: whsec-4711}", "cannot be verified: "),
    mistake("verify: {sender: github}", "`secret` is missing.*sender: none"),
    mistake("verify: {sender: github, secret: ''}", "is empty"),
    mistake("verify: {sender: github, secret: }", "secret"),
    mistake("verify: {sender: github, secret: []}", "the list of secrets is empty"),
    mistake("verify: {sender: github, secret: [whsec-4711, '']}", "is empty"),
    mistake("verify: {sender: github, secret: {env: NOT_SET_4712}}", "variable NOT_SET_4712 is not set"),
    mistake("verify: {sender: github, secret: {env: SET_BUT_EMPTY}}", "variable SET_BUT_EMPTY is empty"),
    mistake("verify: {sender: github, secret: {env: ''}}", "`env` is empty"),
    mistake("verify: {sender: github, secret: {file: '@DIR@/absent'}}", "@DIR@/absent cannot be read"),
    mistake("verify: {sender: github, secret: {file: '@DIR@/empty'}}", "@DIR@/empty is empty"),
    mistake("verify: {sender: github, secret: {file: '@DIR@/newline'}}", "@DIR@/newline is empty"),
    mistake("verify: {sender: github, secret: {file: '@DIR@'}}", "@DIR@ cannot be read"),
    mistake("verify: {sender: github, secret: {credential: absent}}", "credential absent cannot be read"),
    mistake(
        "verify: {sender: github, secret: {credential: ../whsec}}",
        "is no name of a credential; write the name alone",
    ),
    mistake("verify: {sender: github, secret: [whsec-4711, {env: NOT_SET_4712}]}", "NOT_SET_4712 is not set"),
    mistake("verify: {sender: github, secret: {env: A, file: B}}", "one source"),
    mistake("verify: {sender: github, secret: {}}", "one source"),
    mistake("verify: {sender: github, secret: {evn: A}}", "write one of `env`, `file`, `credential`"),
    mistake("verify: {sender: github, secret: whsec-4711, secert: x}", "did you mean `secret`"),
    mistake("verify: {sender: none, secret: whsec-4711}", "`secret` has no effect"),
    mistake("verify: {}", "`signature` is missing.*or name a `sender`; docs/senders.md has"),
    mistake("verify:", "`verify` is empty"),
    mistake("verfy: {sender: github, secret: whsec-4711}", "did you mean `verify`"),
    mistake(
        "verify: {signature: 'header:X-Signature', message: '{bdoy}', secret: whsec-4711}",
        r"`message` has `\{bdoy\}`; allowed: ",
    ),
    mistake("verify: {signature: 'haeder:X-Signature', secret: whsec-4711}", "`signature` is `haeder:"),
    mistake(
        "verify: {algorithm: hmac-md5, signature: 'header:X-Signature', secret: whsec-4711}",
        "`algorithm` is `hmac-md5`; allowed: .*hmac-sha256",
    ),
    mistake("verify: {algorithm: hmac-sha256, secret: whsec-4711}", "`signature` is missing"),
    mistake("verify: {sender: standard-webhooks, secret: 'whsec_whsec-4711!'}", "secret 1 is not .*base64"),
    mistake("verify: {sender: discord, secret: whsec-4711}", "secret 1 is not hex"),
    mistake(
        "verify: {sender: wecom, secret: whsec-4711, receive-id: ww1, encoding-aes-key: whsec-4711}",
        "`encoding-aes-key` is not the base64 of 32 bytes",
    ),
    mistake(
        "verify: {sender: wecom, secret: whsec-4711, receive-id: ww1, encoding-aes-key: [whsec-4711, whsec-4711]}",
        "`encoding-aes-key` is one secret, not a list",
    ),
    mistake("verify: {sender: wecom, secret: whsec-4711, encoding-aes-key: ''}", "is empty"),
    mistake(
        "verify: {algorithm: token, signature: 'query:s', handshake: wecom, secret: whsec-4711}",
        r"`message` is `\{body\}`; allowed: one with `\{query:echostr\}`",
    ),
    mistake("verify: {sender: square, secret: whsec-4711}", "public-url"),
    mistake("verify: {sender: twilio, secret: whsec-4711}", "public-url"),
    mistake("verify: {sender: github, secret: whsec-4711, tolerance: soon}", "tolerance"),
    mistake(
        "verify: {signature: 'header:X-Signature', timestamp-unit: ms, secret: whsec-4711}",
        "`timestamp-unit` has no effect: there is no `timestamp`",
    ),
    mistake("deduplicate: {by: delivery-id}", "without `verify` nothing is known of a sender"),
    mistake("deduplicate: {by: signature}", "add `verify`, or write a reference"),
    mistake(
        "verify: {sender: featureprobe, secret: whsec-4711}\ndeduplicate: {by: delivery-id}",
        "gives its deliveries no id.*`signature`",
    ),
    mistake(
        "verify: {sender: gitlab, secret: whsec-4711}\ndeduplicate: {by: signature}",
        "does not sign its deliveries.*`delivery-id`",
    ),
    mistake(
        "verify: {sender: github, secret: whsec-4711}\ndeduplicate: {by: id}",
        "`delivery-id`, `signature`",
    ),
    mistake("verify: {sender: github, secret: whsec-4711}\ndeduplicate: {}", "no `by`"),
    mistake("verify: {sender: github, secret: whsec-4711}\ndeduplicate:", "`deduplicate` is empty"),
    mistake("deduplicate: {by: signature, for: a while}", "for"),
];

#[test]
fn a_mistake_refuses_its_hook_and_says_what_to_write() {
    let mut setup = Setup::new()
        .says("right", "runs")
        .file("empty", "")
        .file("newline", "\n")
        .file("credentials/other", SECRET)
        .file("whsec", SECRET)
        .env("CREDENTIALS_DIRECTORY", "@DIR@/credentials")
        .env("SET_BUT_EMPTY", "")
        .flags("-debug");
    for (number, mistake) in MISTAKES.iter().enumerate() {
        let keys = format!("{WITH_OUTPUT}\n{}", mistake.keys);
        setup = setup.shell(&format!("hook-{number}."), super::COUNTED, &keys);
    }
    let directory = setup.directory().to_str().unwrap().to_owned();
    let server = setup.start();
    for (number, mistake) in MISTAKES.iter().enumerate() {
        let target = format!("/hooks/hook-{number}.");
        for request in [Request::get(&target), Request::json(&target, "{}").header("X-Signature", "")] {
            let response = server.send(&request);
            assert_eq!((response.status, response.text().as_str()), (500, RULE_ERROR), "{}", mistake.keys);
        }
        let named = Regex::new(&mistake.named.replace("@DIR@", &directory)).unwrap();
        let id = format!("`hook-{number}.`");
        server.wait_for_log_line(mistake.named, |line| {
            line.contains("ERROR") && line.contains(&id) && named.is_match(line)
        });
    }
    server.get("/hooks/right").assert(200, "runs");
    assert_eq!(runs(&server), 0);
    assert_untold(&server.stop(), &[SECRET]);
}

#[test]
fn a_credential_where_the_service_manager_passed_none_refuses_the_hook() {
    let server = super::counting("deploy", "verify: {sender: github, secret: {credential: github}}").start();
    server.wait_for_log("`LoadCredential=github:PATH` in the unit");
    server.post("/hooks/deploy").assert(500, RULE_ERROR);
    assert_eq!(runs(&server), 0);
}

/// What does nothing keeps no delivery out: the hook is as safe without it.
#[test]
fn a_key_that_does_nothing_is_told_and_the_hook_runs() {
    const NEEDLESS: &[&str] = &[
        "public-url: 'https://h/x'",
        "tolerance: 5m",
        "tolerance: 3153600000",
        "tolerance: 400d",
        "username: ci",
        "verify-token: whsec-4711",
        "encoding-aes-key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "receive-id: ww1",
        "set-up-file: '@DIR@/absent'",
    ];
    let mut setup = Setup::new().flags("-debug");
    for (number, key) in NEEDLESS.iter().enumerate() {
        let keys = format!("{WITH_OUTPUT}\nverify: {{sender: github, secret: whsec-4711, {key}}}");
        setup = setup.shell(&format!("hook-{number}."), super::COUNTED, &keys);
    }
    let server = setup.start();
    for (number, key) in NEEDLESS.iter().enumerate() {
        let (name, _) = key.split_once(':').unwrap();
        let (id, told) = (format!("`hook-{number}.`"), format!("`{name}` has no effect"));
        server.wait_for_log_line(key, |line| {
            line.contains("WARN") && line.contains(&id) && line.contains(&told)
        });
        let request = Request::json(&format!("/hooks/hook-{number}."), "{}");
        let signature = super::github_signature(SECRET, "{}");
        assert_eq!(server.send(&request).status, 401, "{key}");
        assert_eq!(server.send(&request.header("X-Hub-Signature-256", &signature)).status, 200, "{key}");
    }
    assert_eq!(runs(&server), NEEDLESS.len());
    assert_untold(&server.stop(), &[SECRET]);
}
