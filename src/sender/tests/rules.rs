//! The rules of verifying, one test each: those about the signature and its time.

use super::*;
use crate::sender::{Refusal, SpecError};

fn stripe(header: &str) -> Request {
    post(&[("Stripe-Signature", header)], "{}")
}

fn t(seconds_ago: i64) -> String {
    (NOW_MS / 1000 - seconds_ago).to_string()
}

#[test]
fn rule_1_raw_bytes() {
    let verifier = verifier("github", secrets(&["key"]));
    let body = "{ \"a\" : 1 }";
    let signature = format!("sha256={}", hmac("key", body));
    assert!(verifier.verify(&github(body, &signature), NOW_MS).is_ok());
    assert!(verifier.verify(&github("{\"a\":1}", &signature), NOW_MS).is_err());
    let binary = [0xFF, 0x00, b'\r', b'\n'];
    let mut request = github("", "");
    request.body = Bytes::copy_from_slice(&binary);
    let header = format!("sha256={}", {
        use ::hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap();
        mac.update(&binary);
        hex::encode(mac.finalize().into_bytes())
    });
    request.headers.insert("X-Hub-Signature-256", HeaderValue::from_str(&header).unwrap());
    assert!(verifier.verify(&request, NOW_MS).is_ok());
}

#[test]
fn rule_2_no_usable_secret_is_an_error_at_load() {
    #[track_caller]
    fn check(sender: &str, options: Options, message: &str) {
        let error = Verifier::new(spec(sender), options).expect_err("an error");
        let error = error.to_string();
        assert!(error.starts_with(message), "{sender}: {error}");
    }
    assert!(Secret::new(*b"").is_none());
    check(
        "github",
        Options::default(),
        "`secret` is missing: set one, or write `sender: none` if anybody may run this hook",
    );
    check("svix", secrets(&["whsec_"]), "secret 1 is empty once decoded");
    check("svix", secrets(&["whsec_AAAA", "whsec_!"]), "secret 2 is not `whsec_` and base64");
    check("svix", secrets(&["whsec_AB=="]), "secret 1 is not `whsec_` and base64");
    check("authorize-net", secrets(&["xyz"]), "secret 1 is not hex");
    check("airtable", secrets(&["a b"]), "secret 1 is not base64");
    check("discord", secrets(&["00"]), "secret 1 is not a key for `ed25519`");
    for [first, middle, last] in
        [["00", "00", "00"], ["01", "00", "80"], ["ec", "ff", "7f"], ["ed", "ff", "ff"], ["ee", "ff", "7f"]]
    {
        let key = format!("{first}{}{last}", middle.repeat(30));
        check("discord", secrets(&[&key]), "secret 1 is not a key for `ed25519`");
    }
    let of_order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85";
    check("discord", secrets(&[of_order_8]), "secret 1 is not a key for `ed25519`");
    check("svix-ed25519", secrets(&["whpk_AAAA"]), "secret 1 is not a key for `ed25519`");
    check("sendgrid", secrets(&["MAA="]), "secret 1 holds no public key that can be read");
    check(
        "kick",
        secrets(&["MAA="]),
        "secret 1 is not a PEM block `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`",
    );
    check(
        "postmark",
        secrets(&["password"]),
        "secret 1 is not `USER:PASSWORD`; set `username`, or write both",
    );
    check("dockerhub", secrets(&["key"]), "`secret` has no effect with `algorithm: none`");
    assert!(Verifier::new(spec("supabase-auth"), secrets(&["v1,whsec_AAAA"])).is_ok());
    assert!(verifier("none", Options::default()).verify(&post(&[], ""), NOW_MS).is_ok());
}

#[test]
fn what_does_nothing_is_told_and_keeps_nothing_from_working() {
    let check = |sender: &str, change: fn(&mut Options), expected: &[&str]| {
        let mut options = secrets(&["key"]);
        change(&mut options);
        let told: Vec<String> =
            Verifier::needless(&spec(sender), &options).iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{sender}");
        assert!(Verifier::new(spec(sender), options).is_ok() || sender == "postmark", "{sender}");
    };
    let with_user = |options: &mut Options| options.username = Some("ci".into());
    check(
        "github",
        with_user,
        &["`username` has no effect: this sender sends no user and password; remove it"],
    );
    check("postmark", with_user, &[]);
    let with_url = |options: &mut Options| options.public_url = Some("https://h/x".into());
    let url = "`public-url` has no effect: this sender does not sign the URL; remove it";
    check("github", with_url, &[url]);
    check("slack", with_url, &[url]);
    check("square", with_url, &[]);
    let wide = |options: &mut Options| options.tolerance = Some(std::time::Duration::from_secs(60));
    let window = "`tolerance` has no effect: this sender sends no timestamp; remove it";
    check("github", wide, &[window]);
    check("gitlab", wide, &[window]);
    check("github", |options| options.tolerance = Some(std::time::Duration::ZERO), &[]);
    for sender in ["slack", "linear", "sanity", "netlify"] {
        check(sender, wide, &[]);
    }
    let with_token = |options: &mut Options| options.verify_token = Some(secret("token"));
    let token = "`verify-token` has no effect: this sender has no handshake that brings one; remove it";
    check("github", with_token, &[token]);
    check("zoom", with_token, &[token]);
    check("meta", with_token, &[]);
    check("lark", with_token, &[]);
    let for_echo = |options: &mut Options| {
        options.encoding_aes_key = Some(secret(&"a".repeat(43)));
        options.receive_id = Some("id".into());
    };
    let echo = ["encoding-aes-key", "receive-id"]
        .map(|key| format!("`{key}` has no effect: this sender encrypts no handshake; remove it"));
    check("lark", for_echo, &[&echo[0], &echo[1]]);
    check("wecom", for_echo, &[]);
    let set_up = |options: &mut Options| options.set_up = true;
    let file = "`set-up-file` has no effect: this sender brings no secret in a handshake; remove it";
    check("github", set_up, &[file]);
    check("asana", set_up, &[]);
    check("notion", set_up, &[]);
    let both = |options: &mut Options| {
        options.public_url = Some("https://h/x".into());
        options.set_up = true;
    };
    check("slack", both, &[url, file]);
    // It brings no secret: there is none.
    let options = Options { set_up: true, ..Options::default() };
    assert!(matches!(Verifier::new(spec("meta"), options), Err(SpecError::NoSecret)));
}

#[test]
fn rule_3_once_only() {
    let slack = verifier("slack", secrets(&["key"]));
    let stamp = t(0);
    let signature = format!("v0={}", hmac("key", &format!("v0:{stamp}:{{}}")));
    let (signed, stamped) = (("X-Slack-Signature", &*signature), ("X-Slack-Request-Timestamp", &*stamp));
    let slack = |headers: &[(&str, &str)]| slack.verify(&post(headers, "{}"), NOW_MS);
    assert!(slack(&[signed, stamped]).is_ok());
    let part = "header `X-Slack-Signature`".to_owned();
    assert_eq!(slack(&[signed, signed, stamped]), Err(Refusal::Repeated { part: part.clone() }));
    assert_eq!(slack(&[stamped]), Err(Refusal::Missing { part }));
    let part = "header `X-Slack-Request-Timestamp`".to_owned();
    assert_eq!(slack(&[signed, stamped, stamped]), Err(Refusal::Repeated { part: part.clone() }));
    assert_eq!(slack(&[signed]), Err(Refusal::Missing { part }));

    let stripe_verifier = verifier("stripe", secrets(&["key"]));
    let signature = hmac("key", &format!("{stamp}.{{}}"));
    let check = |header: String| stripe_verifier.verify(&stripe(&header), NOW_MS);
    assert!(check(format!("t={stamp},v1={signature}")).is_ok());
    assert!(matches!(check(format!("t={stamp},t={stamp},v1={signature}")), Err(Refusal::Repeated { .. })));
    assert!(matches!(check(format!("v1={signature}")), Err(Refusal::Missing { .. })));

    let mattermost = verifier("mattermost", secrets(&["abc"]));
    assert!(mattermost.verify(&post(&[], "token=abc"), NOW_MS).is_ok());
    assert!(mattermost.verify(&post(&[("Content-Type", "")], "token=abc"), NOW_MS).is_ok());
    assert!(mattermost.verify(&post(&[("Content-Type", "text/plain")], "token=abc"), NOW_MS).is_err());
    let twice = mattermost.verify(&post(&[], "token=abc&token=abc"), NOW_MS);
    assert!(matches!(twice, Err(Refusal::Repeated { .. })));
}

#[test]
fn rule_4_the_algorithm_is_ours() {
    let netlify = verifier("netlify", secrets(&["key"]));
    let token = |header: &str, key: &str| {
        let encode = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        let claims =
            format!(r#"{{"iss":"netlify","sha256":"{}"}}"#, hex::encode(crate::sender::key::hashed(b"{}")));
        let signed = format!("{}.{}", encode(header), encode(&claims));
        let signature = encode_hex_as_base64(&hmac(key, &signed));
        post(&[("X-Webhook-Signature", &*format!("{signed}.{signature}"))], "{}")
    };
    assert!(netlify.verify(&token(r#"{"alg":"HS256"}"#, "key"), NOW_MS).is_ok());
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512"}"#, r#"{}"#, r#"{"alg":"HS256","crit":["x"]}"#] {
        assert_eq!(netlify.verify(&token(header, "key"), NOW_MS), Err(Refusal::JwsAlgorithm), "{header}");
    }
    assert!(matches!(
        netlify.verify(&token(r#"{"alg":"HS256"}"#, "other"), NOW_MS),
        Err(Refusal::Mismatch { .. })
    ));
    // GitHub's older header, signed rightly, is not looked at.
    let github = verifier("github", secrets(&["key"]));
    let refusal = github.verify(&post(&[("X-Hub-Signature", "sha1=00")], "{}"), NOW_MS);
    assert_eq!(refusal, Err(Refusal::Missing { part: "header `X-Hub-Signature-256`".into() }));
}

fn encode_hex_as_base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hex::decode(text).unwrap())
}

/// What is decoded is compared, so that one signature has no second text; the time of a comparison is
/// `subtle`'s to keep.
#[test]
fn rule_5_decoded_then_compared() {
    let github_verifier = verifier("github", secrets(&["key"]));
    let signature = hmac("key", "{}");
    let check = |text: String| github_verifier.verify(&github("{}", &format!("sha256={text}")), NOW_MS);
    assert!(check(signature.to_uppercase()).is_ok());
    assert!(matches!(check(String::new()), Err(Refusal::Undecodable { .. })));
    for text in [signature[1..].to_owned(), format!(" {signature}"), "g".repeat(64)] {
        assert!(matches!(check(text), Err(Refusal::Undecodable { .. })));
    }
    assert!(matches!(check(signature[2..].to_owned()), Err(Refusal::Mismatch { .. })));
    assert!(matches!(check(format!("{signature}00")), Err(Refusal::Mismatch { .. })));

    use base64::Engine as _;
    let shopify = verifier("shopify", secrets(&["key"]));
    let check = |text: &str| shopify.verify(&post(&[("X-Shopify-Hmac-Sha256", text)], "{}"), NOW_MS);
    let padded = base64::engine::general_purpose::STANDARD.encode(hex::decode(&signature).unwrap());
    let bare = padded.trim_end_matches('=');
    assert!(check(&padded).is_ok());
    assert!(check(bare).is_ok());
    // 43 characters hold 258 bits: the last two are stray.
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = ALPHABET.iter().position(|byte| *byte == bare.as_bytes()[42]).unwrap();
    let stray = format!("{}{}", &bare[..42], char::from(ALPHABET[last + 1]));
    assert!(matches!(check(&stray), Err(Refusal::Undecodable { .. })));

    let token = verifier("gitlab", secrets(&["token"]));
    for text in ["token2", "toke", "Token", ""] {
        assert!(token.verify(&post(&[("X-Gitlab-Token", text)], ""), NOW_MS).is_err(), "{text}");
    }
}

#[test]
fn rule_6_lists_are_bounded_and_unknown_items_skipped() {
    let verifier = verifier("stripe", secrets(&["key"]));
    let stamp = t(0);
    let signature = hmac("key", &format!("{stamp}.{{}}"));
    let check = |header: &str| verifier.verify(&stripe(header), NOW_MS);
    assert!(check(&format!("t={stamp}, v9=x,v0={signature},,v1=nothex,v1={signature}")).is_ok());
    let unknown = "x=1,".repeat(30);
    assert!(check(&format!("{unknown}t={stamp},v1={signature}")).is_ok());
    let longer = format!("x=1,{unknown}t={stamp},v1={signature}");
    assert!(matches!(check(&longer), Err(Refusal::ListTooLong { items_max: 32, .. })));
    let padding = "x".repeat(8192);
    assert!(matches!(check(&format!("{padding},t={stamp},v1={signature}")), Err(Refusal::TooLong { .. })));
    assert!(matches!(check(&format!("t={stamp},v2={signature}")), Err(Refusal::NoCandidate { .. })));
    assert!(matches!(check(&format!("t={stamp},V1={signature}")), Err(Refusal::NoCandidate { .. })));
}

#[test]
fn rule_7_timestamps() {
    let verifier = verifier("stripe", secrets(&["key"]));
    let check = |stamp: &str| {
        let signature = hmac("key", &format!("{stamp}.{{}}"));
        verifier.verify(&stripe(&format!("t={stamp},v1={signature}")), NOW_MS)
    };
    for (seconds, age_ms) in [(0, 0), (300, 300_000), (-300, -300_000)] {
        assert_eq!(check(&t(seconds)).unwrap().age_ms, Some(age_ms));
    }
    assert_eq!(check(&t(412)), Err(Refusal::TooOld { age_s: 412, tolerance_s: 300 }));
    assert_eq!(check(&t(-330)), Err(Refusal::TooNew { ahead_s: 330, tolerance_s: 300 }));
    assert!(check(&t(412)).unwrap_err().to_string().starts_with("timestamp 412 s old"));
    let decimal = format!("{}.0", t(0));
    let signed = format!("+{}", t(0));
    for text in [decimal.as_str(), &signed, "", "now", "99999999999999999999"] {
        assert!(matches!(check(text), Err(Refusal::NotATimestamp { .. })), "{text}");
    }
    // As received: a zero in front is signed, and kept.
    assert!(check(&format!("0{}", t(0))).is_ok());
    let off = Options { tolerance: Some(std::time::Duration::ZERO), ..secrets(&["key"]) };
    let off = super::verifier("stripe", off);
    let signature = hmac("key", "1.{}");
    assert_eq!(off.verify(&stripe(&format!("t=1,v1={signature}")), NOW_MS).unwrap().age_ms, None);
    let wide = Options { tolerance: Some(std::time::Duration::MAX), ..secrets(&["key"]) };
    assert!(super::verifier("stripe", wide).verify(&stripe(&format!("t=1,v1={signature}")), NOW_MS).is_ok());
}
