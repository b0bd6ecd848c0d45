//! WeCom's check of a URL: what is sent back, and everything that is not.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cbc::Encryptor;
use cbc::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use proptest::prelude::*;

use super::*;
use crate::sender::{Answer, Decision, Draft, Refusal, Signer, SpecError};

const TOKEN: &str = "QDG6eK";
const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const ID: &str = "wx5823bf96d3bd56c7";
const ECHO: &str = "1616140317555161061";

fn options(key: &str, id: &str) -> Options {
    Options { encoding_aes_key: Some(secret(key)), receive_id: Some(id.to_owned()), ..secrets(&[TOKEN]) }
}

/// The text in its frame, with a length and padding that may be wrong.
fn framed(message: &[u8], length: usize, id: &str, padding: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    let mut plain = [b"0123456789abcdef", length.as_slice(), message, id.as_bytes()].concat();
    let count = 32 - plain.len() % 32;
    plain.extend(padding(count));
    plain
}

fn padding(count: usize) -> Vec<u8> {
    vec![u8::try_from(count).unwrap(); count]
}

fn right(message: &str) -> Vec<u8> {
    framed(message.as_bytes(), message.len(), ID, padding)
}

/// Whole blocks; what is left over stays as it is.
fn encrypted(mut plain: Vec<u8>) -> String {
    let key: [u8; 32] =
        BASE64.decode("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2A=").unwrap().try_into().unwrap();
    let vector: [u8; 16] = key[..16].try_into().unwrap();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut plain);
    Encryptor::<Aes256>::new(&key.into(), &vector.into()).encrypt_blocks(blocks);
    BASE64.encode(plain)
}

/// As WeCom signs it, whatever the text is.
fn asking(echo: &str) -> Request {
    let signer = Signer::new(spec("wecom"), secret(TOKEN), None).unwrap();
    let query: String =
        percent_encoding::utf8_percent_encode(echo, percent_encoding::NON_ALPHANUMERIC).collect();
    let draft = Draft {
        method: Method::GET,
        url: format!("https://h/?nonce=263014780&echostr={query}"),
        headers: Vec::new(),
        body: Vec::new(),
        delivery_id: "id-1".into(),
        now_ms: NOW_MS,
    };
    request("GET", &signer.sign(draft).unwrap().url, &[], b"")
}

#[track_caller]
fn check(options: Options, echo: &str, expected: &Answer) {
    let verifier = verifier("wecom", options);
    let request = asking(echo);
    assert!(verifier.unsigned_handshake(&request).is_none());
    let decision = verifier.decide(&request, NOW_MS);
    let Decision::Handshake(answered) = decision else { panic!("{echo}: {decision:?}") };
    assert_eq!((answered.answer, answered.offered), (expected.clone(), None), "{echo}");
}

#[test]
fn what_is_encrypted_for_the_hook_is_sent_back() {
    for echo in [ECHO, "1", "a-Z_9", &"7".repeat(64)] {
        check(options(KEY, ID), &encrypted(right(echo)), &Answer::Text(echo.into()));
    }
    // Some of WeCom's receivers have an empty id.
    let anonymous = framed(ECHO.as_bytes(), ECHO.len(), "", padding);
    check(options(KEY, ""), &encrypted(anonymous), &Answer::Text(ECHO.into()));
    // The padding of base64 is left out at times.
    check(
        options(&format!("{KEY}="), ID),
        encrypted(right(ECHO)).trim_end_matches('='),
        &Answer::Text(ECHO.into()),
    );
}

#[test]
fn everything_else_is_refused_alike() {
    let refused = |options: Options, echo: &str| check(options, echo, &Answer::Refused);
    let good = encrypted(right(ECHO));
    refused(options(&KEY.replace('j', "k"), ID), &good);
    refused(options(KEY, "wx5823bf96d3bd56c8"), &good);
    refused(options(KEY, ""), &good);
    refused(Options { receive_id: None, ..options(KEY, ID) }, &good);
    refused(Options { encoding_aes_key: None, ..options(KEY, ID) }, &good);
    refused(secrets(&[TOKEN]), &good);

    let bytes = BASE64.decode(&good).unwrap();
    let texts = [
        ("empty", String::new()),
        ("no base64", "?".into()),
        ("another alphabet", good.replace('/', "_")),
        ("stray bits", "AB==".into()),
        ("cut in a block", BASE64.encode(&bytes[..63])),
        ("cut after a block", BASE64.encode(&bytes[..48])),
        ("cut after two", BASE64.encode(&bytes[..32])),
        ("the end alone", BASE64.encode(&bytes[32..])),
        ("zeros", BASE64.encode([0; 64])),
        ("long", BASE64.encode([0; 4096])),
    ];
    for (what, text) in texts {
        assert_ne!(text, good, "{what}");
        refused(options(KEY, ID), &text);
    }

    let message = ECHO.as_bytes();
    let plain = [
        ("no padding", framed(message, message.len(), ID, |count| vec![0; count])),
        ("one byte of it wrong", {
            let mut plain = right(ECHO);
            let at = plain.len() - 2;
            plain[at] ^= 1;
            plain
        }),
        ("more padding than 32", framed(message, message.len(), ID, |count| vec![33; count])),
        ("more padding than text", vec![255; 64]),
        ("padding alone", vec![32; 32]),
        ("as long as the text", framed(message, message.len() + ID.len(), "", padding)),
        ("a length beyond the text", framed(message, message.len() + ID.len() + 1, ID, padding)),
        ("a length of 4 GiB", framed(message, 0xffff_ffff, ID, padding)),
        ("a length that is short", framed(message, message.len() - 1, ID, padding)),
        ("a length of nothing", framed(message, 0, ID, padding)),
        ("another id", framed(message, message.len(), "wx5823bf96d3bd56c8", padding)),
        ("a longer id", framed(message, message.len(), "wx5823bf96d3bd56c70", padding)),
        ("random bytes cut", padding(17).into_iter().chain([15; 15]).collect()),
        ("nothing", right("")),
        ("a delivery", right("<xml><ToUserName>a</ToUserName></xml>")),
        ("JSON", right("{\"a\":1}")),
        ("a line", right("1\n")),
        ("too much", right(&"7".repeat(65))),
        ("no ASCII", right("é")),
    ];
    for (what, plain) in plain {
        assert_eq!(plain.len() % 32, 0, "{what}");
        refused(options(KEY, ID), &encrypted(plain));
    }
}

#[test]
fn what_is_signed_is_never_a_delivery() {
    let verifier = verifier("wecom", options(KEY, ID));
    for method in [Method::POST, Method::HEAD, Method::PUT] {
        let request = Request { method, ..asking(&encrypted(right(ECHO))) };
        assert!(verifier.verify(&request, NOW_MS).is_ok());
        let Decision::Handshake(answered) = verifier.decide(&request, NOW_MS) else { panic!("{request:?}") };
        assert_eq!(answered.answer, Answer::Refused);
    }
}

/// The signature is over the encrypted text: nobody else can have one decrypted.
#[test]
fn an_echo_that_is_not_signed_is_not_decrypted() {
    let verifier = verifier("wecom", options(KEY, ID));
    let mut forged = asking(&encrypted(right(ECHO)));
    forged.query = forged.query.map(|query| query.replace("nonce=2", "nonce=3"));
    let decision = verifier.decide(&forged, NOW_MS);
    assert!(matches!(decision, Decision::Refused(Refusal::Mismatch { .. })), "{decision:?}");
    let twice = asking(&encrypted(right(ECHO)));
    let query = twice.query.clone().unwrap();
    let twice = Request { query: Some(format!("{query}&echostr=a")), ..twice };
    assert!(matches!(verifier.decide(&twice, NOW_MS), Decision::Refused(Refusal::Repeated { .. })));
    for fields in [
        &[("algorithm", "hash-sha1"), ("message", "{secret}{query:nonce}"), ("signature", "query:s")][..],
        &[("algorithm", "token"), ("signature", "query:s")],
        &[("algorithm", "none")],
    ] {
        let fields = [fields, &[("handshake", "wecom")]].concat();
        let error = Spec::build(None, raw(&fields)).unwrap_err();
        assert!(matches!(error, SpecError::Value { field: "message", .. }), "{error}");
    }
}

#[test]
fn a_key_is_43_letters() {
    for key in ["short", &KEY[1..], &format!("{KEY}A"), &KEY.replace('j', "_"), &format!("{KEY}==")] {
        let error = Verifier::new(spec("wecom"), options(key, ID)).unwrap_err();
        assert_eq!(error, SpecError::EchoKey, "{key}");
        assert!(!error.to_string().contains(key));
    }
    let verifier = verifier("wecom", options(KEY, ID));
    assert!(!format!("{verifier:?} {:?}", options(KEY, ID)).contains(KEY));
    let shown = verifier.secret_texts(&asking("x"));
    assert!(shown.contains(&secret(KEY)) && shown.contains(&secret(TOKEN)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_token_comes_back(echo in "[A-Za-z0-9_-]{1,64}", id in "[a-z0-9]{0,40}") {
        let plain = framed(echo.as_bytes(), echo.len(), &id, padding);
        let decision = verifier("wecom", options(KEY, &id)).decide(&asking(&encrypted(plain)), NOW_MS);
        let Decision::Handshake(answered) = decision else { panic!("{decision:?}") };
        prop_assert_eq!(answered.answer, Answer::Text(echo));
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let decision = verifier("wecom", options(KEY, ID)).decide(&asking(&text), NOW_MS);
        prop_assert!(matches!(decision, Decision::Handshake(answered) if answered.is_refused()));
    }

    #[test]
    fn no_plain_text_panics(plain in prop::collection::vec(any::<u8>(), 0..200)) {
        let decision = verifier("wecom", options(KEY, ID)).decide(&asking(&encrypted(plain)), NOW_MS);
        prop_assert!(matches!(decision, Decision::Handshake(answered) if answered.is_refused()));
    }

    /// Whatever the last bytes are: a padding, a length, an id.
    #[test]
    fn no_frame_panics(length in any::<u32>(), count in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut plain = [[7; 16].as_slice(), &length.to_be_bytes(), &tail].concat();
        plain.resize(plain.len().next_multiple_of(32), count);
        let decision = verifier("wecom", options(KEY, ID)).decide(&asking(&encrypted(plain)), NOW_MS);
        prop_assert!(matches!(decision, Decision::Handshake(answered) if answered.is_refused()));
    }
}
