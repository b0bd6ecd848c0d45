//! Mistakes in a record, and the senders that sign in ways of their own.

use super::*;
use crate::sender::{Refusal, SpecError};

#[test]
fn a_record_with_a_mistake_is_refused() {
    #[track_caller]
    fn check(fields: &[(&str, &str)], message: &str) {
        let error = Spec::build(None, raw(fields)).expect_err("an error").to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let sig = ("signature", "header:X-Sig");
    check(&[], "`signature` is missing: write where it is, as `header:X-Signature`, or name a `sender`");
    check(&[sig, ("algorithm", "md5")], "`algorithm` is `md5`; allowed: `hmac-sha256`, `hmac-sha1`");
    check(&[("signature", "X-Sig")], "`signature` is `X-Sig`; allowed: `header:NAME`");
    check(&[("signature", "header:X Sig")], "`signature` is `header:X Sig`");
    check(&[("signature", "json:a")], "`signature` is `json:a`");
    check(&[("signature", "json:/~2")], "`signature` is `json:/~2`");
    check(&[sig, ("separator", "|")], "`separator` is `|`; allowed: `,`, `;`, ` `");
    check(&[sig, ("encoding", "base32")], "`encoding` is `base32`; allowed: `hex`, `base64`, `base64url`");
    check(
        &[sig, ("key-encoding", "pem")],
        "`key-encoding` is `pem`; allowed: `utf8`, `base64`, `hex`, `whsec`",
    );
    check(
        &[sig, ("algorithm", "rsa-sha256")],
        "`key-encoding` is `utf8`; allowed: `spki-base64`, `pem` with",
    );
    check(&[sig, ("message", "{boddy}")], "`message` has `{boddy}`; allowed: text with `{body}`");
    check(&[sig, ("message", "{body")], "`message` has `{body`");
    check(&[sig, ("message", "constant")], "`message` is `constant`");
    check(&[sig, ("message", "{ts}.{body}")], "`timestamp` is missing");
    check(&[sig, ("algorithm", "hash-sha256")], "`message` is missing");
    check(&[sig, ("timestamp", "item:t=")], "`separator` is missing");
    check(&[sig, ("timestamp", "header:T"), ("timestamp-unit", "min")], "`timestamp-unit` is `min`");
    check(
        &[sig, ("timestamp", "header:T"), ("tolerance", "5m")],
        "`tolerance` is `5m`; allowed: a number of seconds",
    );
    check(
        &[sig, ("timestamp-unit", "ms")],
        "`timestamp-unit` has no effect: there is no `timestamp`; remove it",
    );
    check(&[sig, ("handshake", "github")], "`handshake` is `github`; allowed: `slack`");
    check(&[sig, ("issuer", "x")], "`issuer` has no effect with `algorithm: hmac-sha256`");
    check(&[sig, ("algorithm", "basic")], "`signature` has no effect with `algorithm: basic`");
    check(&[sig, ("algorithm", "none")], "`signature` has no effect with `algorithm: none`");
    check(&[sig, ("algorithm", "token"), ("message", "{body}")], "`message` has no effect");
    check(&[sig, ("algorithm", "jws-hs256")], "`claim` is missing");
    check(&[("signature", "json:/sig")], "`message` is `{body}`; allowed: one without the body");
    let public = [sig, ("algorithm", "ed25519"), ("key-encoding", "hex"), ("message", "{secret}{body}")];
    check(&public, "`message` is `{secret}{body}`");
}

#[test]
fn what_a_record_leaves_unsigned_is_found() {
    #[track_caller]
    fn check(fields: &[(&str, &str)], weak: &[&str]) {
        let found = Spec::build(None, raw(fields)).unwrap().weaknesses(None);
        let fields: Vec<&str> = found
            .iter()
            .map(|weakness| match weakness {
                SpecError::Weak { field, .. } => *field,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(fields, weak);
    }
    let (sig, time) = (("signature", "header:X-Sig"), ("timestamp", "header:X-Time"));
    check(&[sig], &[]);
    check(&[sig, time], &["timestamp"]);
    check(&[sig, time, ("tolerance", "0")], &[]);
    check(&[sig, time, ("message", "{ts}.{body}")], &[]);
    check(&[sig, time, ("message", "{header:x-time}.{body}")], &[]);
    check(&[sig, time, ("message", "{header:X-Other}.{body}")], &["timestamp"]);
    check(&[sig, time, ("message", "{ts}")], &["message"]);
    check(&[sig, ("message", "{sorted:secret,query:n}")], &["message"]);
    check(&[sig, ("message", "{url}")], &["message"]);
    check(&[sig, ("message", "{url}"), ("body-hash", "query:hash")], &[]);
    check(&[sig, ("timestamp", "json:/time")], &[]);
    check(&[sig, ("timestamp", "query:time"), ("message", "{url}{body}")], &[]);
    check(&[sig, ("separator", ","), ("timestamp", "item:t=")], &["timestamp"]);
    check(&[sig, time, ("algorithm", "token")], &["timestamp"]);
}

/// `none` as a sender is the one way to say that.
#[test]
fn no_hook_takes_its_senders_check_away() {
    let opened = |name: &str| find(name).unwrap().overridden(raw(&[("algorithm", "none")]));
    for name in ["github", "postmark", "gitlab"] {
        assert_eq!(opened(name), Err(SpecError::Opened), "{name}");
    }
    for name in ["none", "dockerhub"] {
        assert!(opened(name).is_ok(), "{name}");
    }
}

#[test]
fn a_hook_overrides_its_row() {
    let github = &find("github").unwrap().raw;
    let changed =
        Spec::build(Some(github), raw(&[("encoding", "base64"), ("prefix", ""), ("tolerance", "600")]));
    let changed = changed.unwrap();
    assert_eq!((changed.encoding.as_str(), changed.prefix.as_str()), ("base64", ""));
    assert_eq!(changed.signature, spec("github").signature);
    assert!(matches!(
        Spec::build(Some(github), raw(&[("algorithm", "basic")])),
        Err(SpecError::Unused { field: "signature", .. })
    ));
}

#[test]
fn basic_takes_a_user_of_its_own() {
    let options = Options { username: Some("ci".into()), ..secrets(&["p:ss"]) };
    let verifier = verifier("postmark", options);
    let check = |value: &str| verifier.verify(&post(&[("Authorization", value)], ""), NOW_MS);
    assert!(check("Basic Y2k6cDpzcw==").is_ok());
    assert!(check("basic Y2k6cDpzcw==").is_ok());
    assert_eq!(check("Basic Y2k6cDpzcw=!").unwrap_err().to_string(), "header `Authorization` is not base64");
    assert!(matches!(check("Basic Y2k6eA=="), Err(Refusal::Mismatch { .. })));
    assert!(matches!(check("Bearer Y2k6cDpzcw=="), Err(Refusal::PrefixMissing { .. })));
}

#[test]
fn twilio_signs_a_body_by_its_hash() {
    let options = || Options { public_url: Some("https://h/x".into()), ..secrets(&["key"]) };
    let verifier = verifier("twilio", options());
    let url = format!("https://h/x?bodySHA256={}", hex::encode(crate::sender::key::hashed(b"{}")));
    let json = [("Content-Type", "application/json"), ("X-Twilio-Signature", "AA==")];
    let other = verifier.verify(&request("POST", &url, &json, b"{ }"), NOW_MS);
    assert_eq!(other, Err(Refusal::BodyHash { part: "query parameter `bodySHA256`".into() }));
    let twice = verifier.verify(&request("POST", &format!("{url}&bodySHA256=00"), &json, b"{}"), NOW_MS);
    assert!(matches!(twice, Err(Refusal::Repeated { .. })));
    // Without the hash, JSON is not signed at all.
    let bare = verifier.verify(&request("POST", "https://h/x", &json, b"{}"), NOW_MS);
    assert_eq!(bare, Err(Refusal::NotAForm));
    for body in ["a=%", "a=%4", "a=%zz", "a=1;b=2"] {
        let form = [("X-Twilio-Signature", "AA==")];
        let refusal = verifier.verify(&request("POST", "https://h/x", &form, body.as_bytes()), NOW_MS);
        assert_eq!(refusal, Err(Refusal::NotAForm), "{body}");
    }
}

#[test]
fn contentful_must_sign_the_timestamp() {
    let options = Options { public_url: Some("https://h/x".into()), ..secrets(&["key"]) };
    let verifier = verifier("contentful", options);
    let headers = [
        ("x-contentful-signature", "00"),
        ("x-contentful-timestamp", "1735689600000"),
        ("x-contentful-signed-headers", "x-contentful-signed-headers"),
    ];
    let refusal = verifier.verify(&request("POST", "https://h/x", &headers, b"{}"), NOW_MS);
    assert!(matches!(refusal, Err(Refusal::NotSigned { .. })));
}

#[test]
fn crc32_is_the_one_of_zip() {
    let raw = raw(&[("sig", "header:X-Sig"), ("msg", "{crc32}")]);
    let verifier = Verifier::new(Spec::build(None, raw).unwrap(), secrets(&["key"])).unwrap();
    let signature = hmac("key", "3421780262");
    assert!(verifier.verify(&post(&[("X-Sig", &signature)], "123456789"), NOW_MS).is_ok());
}

/// Keys and signatures made with OpenSSL: each form of a key, and keys that must not be taken.
#[test]
fn public_keys_in_their_forms() {
    let data: Value = serde_json::from_str(include_str!("../../../tests/data/senders/keys.json")).unwrap();
    let text = |path: &str| data.pointer(path).and_then(Value::as_str).unwrap();
    let with = |algorithm: &str, key: &str| {
        let raw = raw(&[("alg", algorithm), ("key", "pem"), ("enc", "base64"), ("sig", "header:S")]);
        Verifier::new(Spec::build(None, raw).unwrap(), secrets(&[key]))
    };
    let check = |algorithm: &str, key: &str, signature: &str| {
        let verifier = with(algorithm, key).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        let verify = |body: &str| verifier.verify(&post(&[("S", signature)], body), NOW_MS);
        assert!(verify(text("/message")).is_ok(), "{algorithm}");
        assert!(matches!(verify("other"), Err(Refusal::Mismatch { .. })), "{algorithm}");
    };
    for (form, key) in data["rsa"]["keys"].as_object().unwrap() {
        let key = key.as_str().unwrap();
        check("rsa-sha256", key, text("/rsa/sha256"));
        check("rsa-sha1", key, text("/rsa/sha1"));
        // As a file of settings may fold it.
        check("rsa-sha256", &key.replace('\n', " "), text("/rsa/sha256"));
        let error = with("ed25519", key).err().unwrap().to_string();
        assert_eq!(error, "secret 1 is not a key for `ed25519`", "{form}");
    }
    check("ecdsa-sha256", text("/p256/key"), text("/p256/sha256"));
    check("ed25519", text("/ed25519/key"), text("/ed25519/signature"));
    let error = with("rsa-sha256", text("/refused/rsa 1024")).err().unwrap().to_string();
    assert_eq!(error, "secret 1 is an RSA key of 1024 bits; 2048 to 8192 are allowed");
    let error = with("ecdsa-sha256", text("/refused/p384")).err().unwrap().to_string();
    assert_eq!(error, "secret 1 holds no public key that can be read");
}
