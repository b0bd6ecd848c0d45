//! The rules of verifying, one test each: those about secrets, the URL, the log and what is not signed.

use super::*;
use crate::sender::Refusal;

#[test]
fn rule_8_any_secret_by_its_position() {
    let verifier = verifier("github", secrets(&["new", "old"]));
    let check = |key: &str| verifier.verify(&github("{}", &format!("sha256={}", hmac(key, "{}"))), NOW_MS);
    assert_eq!(check("new").unwrap().secret_position, Some(0));
    assert_eq!(check("old").unwrap().secret_position, Some(1));
    assert_eq!(check("other"), Err(Refusal::Mismatch { candidates: 1, secrets: 2 }));
}

#[test]
fn rule_9_the_url_is_configured() {
    let error = Verifier::new(spec("trello"), secrets(&["key"])).err().unwrap();
    assert_eq!(error.to_string(), "`public-url` is missing: this sender signs the URL it was given");
    for url in ["", "hooks.example.com", "https://", "https:///x", "ftp://h/", "https://h/#x", "https://h/ x"]
    {
        let options = Options { public_url: Some(url.into()), ..secrets(&["key"]) };
        assert!(Verifier::new(spec("trello"), options).is_err(), "{url}");
    }
    let spec = || {
        let raw = raw(&[("sig", "header:X-Sig"), ("msg", "{url} {path} {body}")]);
        Spec::build(None, raw).unwrap()
    };
    #[track_caller]
    fn check(spec: Spec, public_url: &str, requested: &str, signed: &str) {
        let options = Options { public_url: Some(public_url.into()), ..secrets(&["key"]) };
        let verifier = Verifier::new(spec, options).unwrap();
        let signature = hmac("key", signed);
        let headers =
            [("X-Sig", &*signature), ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")];
        assert_eq!(verifier.verify(&request("POST", requested, &headers, b"b"), NOW_MS).err(), None);
    }
    check(spec(), "https://h:443/a", "http://evil.example/other?x=1", "https://h:443/a?x=1 /a?x=1 b");
    check(spec(), "https://h", "http://h/other", "https://h / b");
    check(spec(), "https://h/a?x=1", "http://h/a?x=1", "https://h/a?x=1 /a?x=1 b");
    check(spec(), "https://h/a", "http://h/a?", "https://h/a? /a? b");
}

/// The client's text is one constant of whoever answers; here, that no cause holds what came or what
/// was expected. `vectors` looks at every refused request.
#[test]
fn rule_10_causes_are_for_the_log() {
    let verifier = verifier("github", secrets(&["key"]));
    let expected = hmac("key", "{}");
    for text in ["", "sha256=", "sha256=0a0b0c0d", "sha1=0a0b0c0d", "0a0b0c0d", &format!("sha512={expected}")]
    {
        let refusal = verifier.verify(&github("{}", text), NOW_MS).unwrap_err();
        for shown in [refusal.to_string(), format!("{refusal:?}")] {
            assert!(
                !shown.contains("0a0b0c0d") && !shown.contains(&expected) && !shown.contains("key"),
                "{shown}"
            );
        }
    }
}

/// What is echoed is in `handshakes`; that nothing runs is that `decide` says `Handshake`.
#[test]
fn rule_11_a_handshake_is_no_delivery() {
    use crate::sender::Decision;
    let trello = Options { public_url: Some("https://h/".into()), ..secrets(&["key"]) };
    let decision = verifier("trello", trello).decide(&request("HEAD", "https://h/", &[], b""), NOW_MS);
    assert!(matches!(decision, Decision::Handshake(_)));
    let decision =
        verifier("github", secrets(&["key"])).decide(&request("HEAD", "https://h/", &[], b""), NOW_MS);
    assert!(matches!(decision, Decision::Refused(_)));
}

#[test]
fn rule_12_labels_and_fingerprints() {
    let verifier = verifier("github", secrets(&["new", "old"]));
    let labelled = |id: &str| {
        let headers = [("X-GitHub-Delivery", id), ("X-GitHub-Event", "push")];
        verifier.labels(&post(&headers, "{}")).delivery_id
    };
    assert_eq!(labelled("72d3162e-cc78"), Some("72d3162e-cc78".into()));
    assert_eq!(labelled(&"x".repeat(257)), None);
    assert_eq!(labelled(""), None);
    assert_eq!(labelled("a\tb"), None);
    let twice = post(&[("X-GitHub-Delivery", "a"), ("X-GitHub-Delivery", "b")], "{}");
    assert_eq!(verifier.labels(&twice).delivery_id, None);
    let telegram = super::verifier("telegram", secrets(&["key"]));
    assert_eq!(telegram.labels(&post(&[], r#"{"update_id":10}"#)).delivery_id, Some("10".into()));

    // Another id, another of our secrets, another spelling: still the same delivery.
    let print = |id: &str, signature: String, body: &str| {
        let headers = [("X-GitHub-Delivery", id), ("X-Hub-Signature-256", &*format!("sha256={signature}"))];
        verifier.fingerprint(&post(&headers, body)).unwrap()
    };
    let first = print("a", hmac("new", "{}"), "{}");
    assert_eq!(first, print("b", hmac("old", "{}"), "{}"));
    assert_eq!(first, print("a", hmac("new", "{}").to_uppercase(), "{}"));
    assert_ne!(first, print("a", hmac("new", "{ }"), "{ }"));
    // The end of the timestamp moved into the body: what is signed is the same.
    let lark = super::verifier("lark", secrets(&["key"]));
    let moved = |nonce: &str, stamp: &str| {
        let headers = [
            ("X-Lark-Signature", "00"),
            ("X-Lark-Request-Nonce", nonce),
            ("X-Lark-Request-Timestamp", stamp),
        ];
        lark.fingerprint(&post(&headers, "{}")).unwrap()
    };
    assert_eq!(moved("7x", "173568960"), moved("x", "1735689607"));
    assert_ne!(moved("7x", "173568960"), moved("x", "1735689608"));
    let gitlab = super::verifier("gitlab", secrets(&["token"]));
    assert_eq!(gitlab.fingerprint(&post(&[("X-Gitlab-Token", "token")], "{}")), None);
    assert!(!spec("travis-legacy").signature_is_fresh());
    assert!(spec("mailgun").signature_is_fresh());
}

#[test]
fn rule_13_a_signing_token_is_no_plain_token() {
    let verifier = verifier("gitlab-signed", secrets(&["whsec_AAAA"]));
    let plain = [("X-Gitlab-Token", "whsec_AAAA"), ("X-Gitlab-Event", "Push Hook")];
    let refusal = verifier.verify(&post(&plain, "{}"), NOW_MS);
    assert_eq!(refusal, Err(Refusal::Missing { part: "header `webhook-signature`".into() }));
}
