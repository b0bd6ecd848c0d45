//! The requests by which senders ask whether an address is ours. None of them runs the command.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{NOT_VERIFIED, assert_untold, counting, hmac_sha256, runs, unix_s_now};
use crate::support::{Request, Response, Server};

const SECRET: &str = "whsec-4711-of-the-sender";

fn server(keys: &str) -> Server {
    counting("deploy", keys).flags("-debug").start()
}

/// `v0:TIMESTAMP:BODY`, as Slack and Zoom sign.
fn v0_signature(timestamp: u64, body: &str) -> String {
    format!("v0={}", hex::encode(hmac_sha256(SECRET, &format!("v0:{timestamp}:{body}"))))
}

#[track_caller]
fn assert_json(response: &Response, expected: Value) {
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap(), expected);
    assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
}

fn slack(timestamp: u64, body: &str) -> Request {
    Request::json("/hooks/deploy", body)
        .header("X-Slack-Request-Timestamp", &timestamp.to_string())
        .header("X-Slack-Signature", &v0_signature(timestamp, body))
}

#[test]
fn slacks_is_answered_when_it_is_signed() {
    const BODY: &str = r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let server = server(&format!("verify: {{sender: slack, secret: {SECRET}}}"));
    let now = unix_s_now();
    let challenge = json!({"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"});
    assert_json(&server.send(&slack(now, BODY)), challenge);

    server.send(&Request::json("/hooks/deploy", BODY)).assert(401, NOT_VERIFIED);
    server.send(&slack(now, BODY).body(BODY.replace("3e", "4e"))).assert(401, NOT_VERIFIED);
    server.send(&slack(now - 3_600, BODY)).assert(401, NOT_VERIFIED);
    server.send(&slack(now + 3_600, BODY)).assert(401, NOT_VERIFIED);
    assert_eq!(runs(&server), 0);
    server.send(&slack(now, r#"{"type":"event_callback","event_id":"Ev1"}"#)).assert(200, "");
    assert_eq!(runs(&server), 1);
    assert_untold(&server.stop(), &[SECRET]);
}

#[test]
fn zooms_signs_no_text_that_a_delivery_could_be() {
    let server = server(&format!("verify: {{sender: zoom, secret: {SECRET}}}"));
    let now = unix_s_now();
    let ask = |token: &str| {
        let body = json!({"payload": {"plainToken": token}, "event": "endpoint.url_validation"});
        server.send(&Request::json("/hooks/deploy", &body.to_string()))
    };
    let encrypted = hex::encode(hmac_sha256(SECRET, "qgg8vlvZRS6UYooatFL8Aw"));
    assert_json(
        &ask("qgg8vlvZRS6UYooatFL8Aw"),
        json!({"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": encrypted}),
    );

    let delivery = r#"{"event":"meeting.started"}"#;
    let wanted = format!("v0:{now}:{delivery}");
    let signature = hex::encode(hmac_sha256(SECRET, &wanted));
    for token in [wanted.as_str(), &format!("v0:{now}:"), "v0:1:{}", "a b", "", &"a".repeat(65), "é"] {
        let refused = ask(token);
        assert_eq!(refused.status, 400, "{token}");
        assert_eq!(refused.text(), "", "{token}");
    }
    let signed = |signature: &str| {
        Request::json("/hooks/deploy", delivery)
            .header("x-zm-request-timestamp", &now.to_string())
            .header("x-zm-signature", &format!("v0={signature}"))
    };
    server.send(&signed(&encrypted)).assert(401, NOT_VERIFIED);
    assert_eq!(runs(&server), 0);
    server.send(&signed(&signature)).assert(200, "");
    assert_eq!(runs(&server), 1);
    assert_untold(&server.stop(), &[SECRET, &encrypted]);
}

#[test]
fn metas_is_answered_though_only_posts_run_the_hook() {
    let server = server(&format!(
        "http-methods: [POST]\nverify: {{sender: meta, secret: {SECRET}, verify-token: meatyhamhock}}"
    ));
    let ask = |query: &str| server.get(&format!("/hooks/deploy?{query}"));
    let asked = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock";
    let answer = ask(asked);
    answer.assert(200, "1158201444");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));

    for query in [
        &asked.replace("meatyhamhock", "other"),
        &asked.replace("meatyhamhock", SECRET),
        "hub.mode=subscribe&hub.challenge=1",
    ] {
        ask(query).assert(403, "");
    }
    let refused = ask(&asked.replace("1158201444", "%3Cscript%3E%0D%0A"));
    refused.assert(400, "");
    let other = server.get("/hooks/deploy");
    other.assert(405, "");
    assert_eq!(other.header("allow"), Some("POST"));
    assert_eq!(server.send(&Request::new("PUT", "/hooks/deploy")).status, 405);
    assert_eq!(runs(&server), 0);

    let body = r#"{"object":"page","entry":[]}"#;
    let signature = super::github_signature(SECRET, body);
    server
        .send(&Request::json("/hooks/deploy", body).header("X-Hub-Signature-256", &signature))
        .assert(200, "");
    assert_eq!(runs(&server), 1);
    assert_untold(&server.stop(), &[SECRET]);
}

/// The pair of the recorded check of a URL, which is from 2014: the window is off.
#[test]
fn wecoms_is_decrypted_when_it_is_signed() {
    const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    const ASKED: &str = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780\
        &echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D";
    let with = |keys: &str| {
        let verify = format!("verify: {{sender: wecom, secret: QDG6eK, tolerance: 0{keys}}}");
        counting("deploy", &verify).env("AES_KEY", AES_KEY).flags("-debug").start()
    };
    let ask = |server: &Server, query: &str| server.get(&format!("/hooks/deploy?{query}"));
    let keys = ", encoding-aes-key: {env: AES_KEY}, receive-id: wx5823bf96d3bd56c7";
    let server = with(keys);
    let answer = ask(&server, ASKED);
    answer.assert(200, "1616140317555161061");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    ask(&server, &ASKED.replace("P9nA", "P8nA")).assert(401, NOT_VERIFIED);
    // Whoever has seen the check sends it again as something else.
    for method in ["POST", "PUT"] {
        server.send(&Request::new(method, &format!("/hooks/deploy?{ASKED}"))).assert(400, "");
    }
    assert_eq!(runs(&server), 0);
    assert_untold(&server.stop(), &[AES_KEY, "1616140317555161061"]);

    let absent = "the sender's check of the URL is refused without";
    for (keys, told) in [
        (keys.replace("c7", "c8"), "handshake refused: it is no GET, or its `echostr` is no short word"),
        (keys.replace(", receive-id: wx5823bf96d3bd56c7", ""), &format!("`receive-id` is missing: {absent}")),
        (String::new(), &format!("`encoding-aes-key` is missing: {absent}")),
    ] {
        let server = with(&keys);
        ask(&server, ASKED).assert(400, "");
        server.wait_for_log(told);
        assert_eq!(runs(&server), 0);
        assert_untold(&server.stop(), &[AES_KEY, "1616140317555161061"]);
    }
}

#[test]
fn asanas_secret_is_kept_once_and_only_for_the_server() {
    const OFFERED: &str = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
    let mut server = server(
        "verify: {sender: asana, secret: {file: '@DIR@/asana.secret'}, set-up-file: '@DIR@/asana.secret'}",
    );
    let file = server.path("asana.secret");
    let handshake = |server: &Server, secret: &str| {
        server.send(&Request::post("/hooks/deploy").header("X-Hook-Secret", secret))
    };
    let delivery = |server: &Server, secret: &str| {
        let signature = hex::encode(hmac_sha256(secret, r#"{"events":[]}"#));
        server
            .send(&Request::json("/hooks/deploy", r#"{"events":[]}"#).header("X-Hook-Signature", &signature))
    };
    for secret in [OFFERED, ""] {
        delivery(&server, secret).assert(401, NOT_VERIFIED);
    }
    assert!(!file.exists());

    let answer = handshake(&server, OFFERED);
    answer.assert(200, "");
    assert_eq!(answer.header("x-hook-secret"), Some(OFFERED));
    assert_eq!(fs::read_to_string(&file).unwrap(), OFFERED);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    server.wait_for_log_line("reload", |line| line.contains("WARN") && line.contains("asana.secret"));

    // Before the reload, after it, and never again.
    for _ in 0..2 {
        let second = handshake(&server, "attackers-secret");
        assert_eq!((second.status, second.header("x-hook-secret")), (400, None));
        assert_eq!(fs::read_to_string(&file).unwrap(), OFFERED);
        server.reload(Signal::HUP);
        delivery(&server, OFFERED).assert(200, "");
        delivery(&server, "attackers-secret").assert(401, NOT_VERIFIED);
    }
    assert_eq!(runs(&server), 2);
    let hooks = fs::read_to_string(server.path("hooks.yaml")).unwrap();
    let (before, after) = hooks.split_once(", set-up-file: ").unwrap();
    let (_, after) = after.split_once('}').unwrap();
    fs::write(server.path("hooks.yaml"), format!("{before}}}{after}")).unwrap();
    server.mark_log();
    server.reload(Signal::HUP);
    handshake(&server, "attackers-secret").assert(401, NOT_VERIFIED);
    delivery(&server, OFFERED).assert(200, "");
    assert_eq!(runs(&server), 3);
    assert_untold(&server.stop(), &[OFFERED, "attackers-secret"]);
}
