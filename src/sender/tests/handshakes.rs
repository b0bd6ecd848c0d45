//! Every recorded handshake, and what must not be answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::sender::{Answer, Decision, Draft, Refusal, Signer};

const CHALLENGES: &str = include_str!("../../../tests/data/senders/challenges.json");

/// Those that must be signed: the recorded ones are not.
const SIGNED: &[&str] = &["slack", "twitch", "discord"];

#[test]
fn every_challenge_has_its_answer() {
    let mut answered = 0;
    for case in cases(CHALLENGES) {
        let name = case["challenge"].as_str().unwrap();
        let sender = case["sender"].as_str().unwrap();
        let fields = |key: &str| -> BTreeMap<String, Value> {
            case[key].as_object().unwrap().clone().into_iter().collect()
        };
        let (asked, response) = (fields("request"), fields("response"));
        let text = |key: &str| asked.get(key).and_then(Value::as_str);
        let url = text("url").unwrap_or("https://h/").to_owned();
        let body = text("body").unwrap_or_default();
        let mut request = request(text("method").unwrap(), &url, &headers(&asked), body.as_bytes());
        let setting = |key: &str| case.get(key).and_then(Value::as_str);
        let verifier = handshaking(
            sender,
            name,
            Options {
                encoding_aes_key: setting("aes_key").map(secret),
                receive_id: setting("receive_id").map(str::to_owned),
                // Recorded years ago.
                tolerance: (name == "wecom").then_some(Duration::ZERO),
                ..secrets(&[setting("secret").unwrap_or("secret")])
            },
        );
        if SIGNED.contains(&name) {
            assert!(verifier.unsigned_handshake(&request).is_none(), "{name}");
            assert!(matches!(verifier.decide(&request, NOW_MS), Decision::Refused(_)), "{name}");
            request = signed(sender, &url, &headers(&asked), body);
        }
        let decision = verifier.decide(&request, NOW_MS);
        let Decision::Handshake(given) = decision else { panic!("{name}: {decision:?}") };
        check_answer(name, &given.answer, &response);
        answered += 1;
    }
    assert_eq!(answered, 16);
}

/// The seed 00..1f and its public key.
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

fn handshaking(sender: &str, name: &str, options: Options) -> Verifier {
    let options = Options { public_url: Some("https://h/".into()), set_up: name == "asana", ..options };
    let options = match sender {
        "discord" => Options { secrets: vec![secret(PUBLIC)], ..options },
        _ => options,
    };
    match find(sender) {
        Some(row) => Verifier::new(row.spec.clone(), options).unwrap(),
        // monday signs with a token of its own; its handshake fits any record.
        None => {
            let raw = raw(&[("signature", "header:X-Signature"), ("handshake", name)]);
            let spec = Spec::build(None, raw).unwrap();
            Verifier::new(spec.clone(), options).unwrap()
        }
    }
}

fn signed(sender: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let key = if sender == "discord" { SEED } else { "secret" };
    let signer = Signer::new(spec(sender), secret(key), None).unwrap();
    let draft = Draft {
        method: Method::POST,
        url: url.into(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: body.into(),
        delivery_id: "id-1".into(),
        now_ms: NOW_MS,
    };
    let signed = signer.sign(draft).unwrap();
    let headers: Vec<(&str, &str)> = signed.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    request("POST", &signed.url, &headers, &signed.body)
}

#[track_caller]
fn check_answer(name: &str, answer: &Answer, response: &BTreeMap<String, Value>) {
    let text = |key: &str| response.get(key).and_then(Value::as_str);
    let body = text("body").unwrap();
    let (status, content_type, given) = match answer {
        Answer::Text(text) => (200, Some("text/plain"), text.as_str()),
        Answer::Json(json) => (200, Some("application/json"), json.as_str()),
        Answer::Empty | Answer::EmptyWithHeader { .. } => (200, None, ""),
        Answer::NoContent => (204, None, ""),
        Answer::Refused => (400, None, ""),
        Answer::WrongToken => (403, None, ""),
    };
    assert_eq!((response["status"].as_i64(), text("content_type")), (Some(status), content_type), "{name}");
    assert_eq!(given, body, "{name}");
    if let Answer::EmptyWithHeader { name: header, value } = answer {
        let wanted = response["headers"].as_object().unwrap();
        let wanted =
            wanted.iter().find(|(name, _)| name.eq_ignore_ascii_case(header)).map(|(_, value)| value);
        assert_eq!(wanted.and_then(Value::as_str), Some(value.as_str()), "{name}");
    }
}

fn get(url: &str) -> Request {
    request("GET", url, &[], b"")
}

#[track_caller]
fn check(verifier: &Verifier, request: &Request, expected: Option<Answer>) {
    assert_eq!(verifier.unsigned_handshake(request).map(|answered| answered.answer), expected);
}

#[test]
fn oracles_answer_tokens_only() {
    let zoom = verifier("zoom", secrets(&["secret"]));
    let asking = |token: &str| {
        post(&[], &format!(r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"{token}"}}}}"#))
    };
    for token in ["", "a b", "a:b", "a.b", "é", "{}", &"a".repeat(65)] {
        check(&zoom, &asking(token), Some(Answer::Refused));
    }
    let longest = zoom.unsigned_handshake(&asking(&"a".repeat(64))).unwrap();
    assert!(matches!(longest.answer, Answer::Json(_)));
    let twitter = verifier("twitter", secrets(&["secret"]));
    for token in ["", "a%20b", "a%7Bb", "%C3%A9"] {
        check(&twitter, &get(&format!("https://h/?crc_token={token}")), Some(Answer::Refused));
    }
    check(&twitter, &get("https://h/?crc_token=a&crc_token=b"), None);
}

/// X signs the bare body, so a body that is a token could be signed by asking.
#[test]
fn what_an_oracle_signed_is_no_delivery() {
    let twitter = verifier("twitter", secrets(&["secret"]));
    let answered = twitter.unsigned_handshake(&get("https://h/?crc_token=run-me")).unwrap();
    let Answer::Json(json) = answered.answer else { panic!() };
    let json: Value = serde_json::from_str(&json).unwrap();
    let signature = json["response_token"].as_str().unwrap();
    let forged = post(&[("X-Twitter-Webhooks-Signature", signature)], "run-me");
    assert_eq!(twitter.verify(&forged, NOW_MS), Err(Refusal::HandshakeText));
    // It signs no empty text.
    let signature = BASE64.encode(hex::decode(hmac("secret", "")).unwrap());
    let empty = post(&[("X-Twitter-Webhooks-Signature", &format!("sha256={signature}"))], "");
    assert!(twitter.verify(&empty, NOW_MS).is_ok());
}

#[test]
fn echoes_are_short_and_printable() {
    let dropbox = verifier("dropbox", secrets(&["secret"]));
    let echo = |challenge: &str| get(&format!("https://h/?challenge={challenge}"));
    check(&dropbox, &echo("%3Cb%3E"), Some(Answer::Text("<b>".into())));
    for challenge in ["", "a%0Ab", "a%00", "%C3%A9", "%7F", &"a".repeat(257)] {
        check(&dropbox, &echo(challenge), Some(Answer::Refused));
    }
    check(&dropbox, &echo(&"a".repeat(256)), Some(Answer::Text("a".repeat(256))));
    check(&dropbox, &get("https://h/"), None);
    check(&dropbox, &request("POST", "https://h/?challenge=a", &[], b""), None);
    let okta = verifier("okta", secrets(&["secret"]));
    let quoted = request("GET", "https://h/", &[("X-Okta-Verification-Challenge", r#"a"b\"#)], b"");
    check(&okta, &quoted, Some(Answer::Json(r#"{"verification":"a\"b\\"}"#.into())));
}

#[test]
fn meta_wants_its_token() {
    let url = |token: &str| format!("https://h/?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1");
    let by_secret = verifier("meta", secrets(&["new", "old"]));
    check(&by_secret, &get(&url("old")), Some(Answer::Text("1".into())));
    check(&by_secret, &get(&url("other")), Some(Answer::WrongToken));
    check(&by_secret, &get("https://h/?hub.mode=subscribe&hub.challenge=1"), Some(Answer::WrongToken));
    check(&by_secret, &get("https://h/?hub.challenge=1"), None);
    let own = Options { verify_token: Some(secret("token")), ..secrets(&["key"]) };
    let by_token = verifier("meta", own);
    check(&by_token, &get(&url("token")), Some(Answer::Text("1".into())));
    check(&by_token, &get(&url("key")), Some(Answer::WrongToken));
    let lark = Options { verify_token: Some(secret("token")), ..secrets(&["key"]) };
    let lark = verifier("lark", lark);
    let asking = |token: &str| {
        post(&[], &format!(r#"{{"type":"url_verification","challenge":"c","token":"{token}"}}"#))
    };
    check(&lark, &asking("token"), Some(Answer::Json(r#"{"challenge":"c"}"#.into())));
    check(&lark, &asking("other"), Some(Answer::WrongToken));
}

#[test]
fn secrets_are_taken_in_set_up_mode_only() {
    let asana = post(&[("X-Hook-Secret", "abc")], "{}");
    check(&verifier("asana", secrets(&["key"])), &asana, None);
    let set_up = Options { set_up: true, ..Options::default() };
    let answered = verifier("asana", set_up.clone()).unsigned_handshake(&asana).unwrap();
    assert_eq!(answered.offered, Some(secret("abc")));
    assert!(!format!("{answered:?}").contains("offered: Some(\"abc"));
    let unset = verifier("asana", set_up.clone());
    assert_eq!(unset.verify(&post(&[], "{}"), NOW_MS), Err(Refusal::NoSecret));

    let notion = post(&[], r#"{"verification_token":"secret_x"}"#);
    let answered = verifier("notion", secrets(&["key"])).unsigned_handshake(&notion).unwrap();
    assert_eq!((answered.answer, answered.offered), (Answer::Empty, None));
    let answered = verifier("notion", set_up.clone()).unsigned_handshake(&notion).unwrap();
    assert_eq!((answered.answer, answered.offered), (Answer::Empty, Some(secret("secret_x"))));
    let delivery = post(&[("X-Notion-Signature", "sha256=00")], r#"{"verification_token":"x"}"#);
    check(&verifier("notion", secrets(&["key"])), &delivery, None);
    assert!(Verifier::new(spec("github"), set_up).is_err());
}

#[test]
fn a_discord_event_is_no_ping() {
    let discord = verifier("discord", secrets(&[PUBLIC]));
    let decide = |body: &str| discord.decide(&signed("discord", "https://h/", &[], body), NOW_MS);
    let answer = |body: &str| match decide(body) {
        Decision::Handshake(answered) => Some(answered.answer),
        Decision::Verified(_) => None,
        Decision::Refused(refusal) => panic!("{refusal}"),
    };
    assert_eq!(answer(r#"{"type":0}"#), Some(Answer::NoContent));
    assert_eq!(answer(r#"{"type":1,"id":"1"}"#), Some(Answer::Json(r#"{"type":1}"#.into())));
    assert_eq!(answer(r#"{"type":1,"event":{}}"#), None);
    assert_eq!(answer(r#"{"type":2}"#), None);
}

#[test]
fn what_is_refused_has_a_reason_for_the_log() {
    #[track_caller]
    fn check(sender: &str, url: &str, reason: &str) {
        let verifier = verifier(sender, secrets(&["key"]));
        let answered = verifier.unsigned_handshake(&get(url)).unwrap();
        assert!(answered.is_refused());
        assert_eq!(verifier.why_refused(&answered), reason);
    }
    let token = "its token is not `verify-token`, or `secret` without one";
    check("meta", "https://h/?hub.mode=subscribe&hub.challenge=1&hub.verify_token=other", token);
    check("dropbox", "https://h/?challenge=", "its challenge is none that is answered");
    let check = |options: Options, reason: &str| {
        let given = verifier("wecom", options).why_refused(&Answer::Refused.into());
        assert!(given.contains(reason), "{given}");
    };
    let with_key = Options { encoding_aes_key: Some(secret(&"a".repeat(43))), ..secrets(&["key"]) };
    check(secrets(&["key"]), "without `encoding-aes-key` and `receive-id`");
    check(with_key.clone(), "without `encoding-aes-key` and `receive-id`");
    let whole = Options { receive_id: Some(String::new()), ..with_key };
    check(whole, "encrypted with `encoding-aes-key` for `receive-id`");
}
