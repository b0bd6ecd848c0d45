//! The requests by which senders ask whether an address is ours. None of them runs a command.
//!
//! What is echoed is short printable ASCII. Zoom and X want a text signed with the very key that signs
//! their deliveries, WeCom one decrypted with the key that encrypts them: only texts are given that no
//! delivery can be.

use hyper::Method;
use hyper::header::HeaderName;
use subtle::ConstantTimeEq;

use super::encrypted_echo::EchoKey;
use super::key::{Key, hashed};
use super::message::Piece;
use super::reading::{Reading, text_in};
use super::source::Source;
use super::verifier::Verifier;
use super::verify::Verified;
use super::words::{Algorithm, Encoding, Handshake};
use crate::request::Request;
use crate::secret::Secret;
use crate::value::{Object, Value};

/// Bytes of a text that is sent back.
pub(crate) const ECHO_BYTES_MAX: usize = 256;

/// Bytes of a text that is signed or decrypted for whoever asks.
pub(crate) const TOKEN_BYTES_MAX: usize = 64;

/// Bytes of a body in which an unsigned handshake is looked for. Theirs are a few hundred; anybody can
/// send them, and parsing is work.
const BODY_BYTES_MAX: usize = 4096;

const ASANA_SECRET: HeaderName = HeaderName::from_static("x-hook-secret");
const OKTA_CHALLENGE: HeaderName = HeaderName::from_static("x-okta-verification-challenge");
const TWITCH_TYPE: HeaderName = HeaderName::from_static("twitch-eventsub-message-type");
const TWITCH_CHALLENGE: &[u8] = b"webhook_callback_verification";
/// Where WeCom's encrypted text is in the query.
pub(super) const ENCRYPTED_ECHO: &str = "echostr";

/// What a handshake is answered with. Texts and JSON go out with `nosniff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// OK, `text/plain`.
    Text(String),
    /// OK, `application/json`.
    Json(String),
    /// OK, nothing in it.
    Empty,
    EmptyWithHeader {
        name: &'static str,
        value: String,
    },
    NoContent,
    /// A bad request: what it asks for is not given to anybody.
    Refused,
    /// Forbidden: it is a handshake, with another token than ours.
    WrongToken,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// In set-up mode, the secret that the sender brings. The operator must see it once: it came
    /// unsigned, and becomes the key.
    pub(crate) offered: Option<Secret>,
}

impl Answered {
    /// Whether the sender does not get what it asks for.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.answer, Answer::Refused | Answer::WrongToken)
    }
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self { answer, offered: None }
    }
}

impl Verifier {
    /// Handshakes that come without a signature.
    pub(crate) fn unsigned_handshake(&self, request: &Request) -> Option<Answered> {
        let reading = Reading::new(request);
        let get = request.method == Method::GET;
        match self.spec.handshake? {
            Handshake::Zoom => self.zoom(&reading),
            Handshake::XCrc if get => self.x_crc(&reading),
            Handshake::Meta if get => self.meta(&reading),
            Handshake::Okta if get => {
                let challenge = request.headers.get(OKTA_CHALLENGE)?.as_bytes();
                Some(echoed(challenge, |text| {
                    Answer::Json(format!("{{\"verification\":{}}}", quoted(&text)))
                }))
            }
            Handshake::Dropbox if get => Some(echoed(&one(&reading, "challenge")?, Answer::Text)),
            Handshake::Lark => self.lark(&reading),
            Handshake::Asana if self.set_up => {
                let secret = request.headers.get(ASANA_SECRET)?.as_bytes();
                let with_header = |value| Answer::EmptyWithHeader { name: "x-hook-secret", value };
                Some(bringing(secret, with_header))
            }
            Handshake::Notion => self.notion(&reading),
            Handshake::Head200 => (request.method == Method::HEAD).then(|| Answer::Empty.into()),
            Handshake::Monday => {
                let object = small_object(&reading)?;
                let challenge = text_in(object, "challenge").filter(|_| object.len() == 1)?;
                Some(echoed(challenge, challenge_json))
            }
            _ => None,
        }
    }

    /// Handshakes that are signed like a delivery. `_verified` shows that this one was.
    pub(crate) fn signed_handshake(&self, request: &Request, _verified: Verified) -> Option<Answered> {
        let reading = Reading::new(request);
        match self.spec.handshake? {
            Handshake::Slack => {
                let object = object(&reading)?;
                (text_in(object, "type")? == b"url_verification").then_some(())?;
                Some(echoed(text_in(object, "challenge").unwrap_or_default(), challenge_json))
            }
            Handshake::Twitch => {
                (request.headers.get(TWITCH_TYPE)?.as_bytes() == TWITCH_CHALLENGE).then_some(())?;
                let challenge = object(&reading).and_then(|object| text_in(object, "challenge"));
                Some(echoed(challenge.unwrap_or_default(), Answer::Text))
            }
            Handshake::Discord => discord(object(&reading)?),
            Handshake::Wecom => Some(self.wecom(&reading)),
            _ => None,
        }
    }

    /// For the log. Of an encrypted text there is one reason, whatever is wrong with it.
    pub(crate) fn why_refused(&self, answered: &Answered) -> &'static str {
        match (&answered.answer, self.spec.handshake) {
            (Answer::WrongToken, _) => "its token is not `verify-token`, or `secret` without one",
            (_, Some(Handshake::Wecom)) if !self.echo_key.as_ref().is_some_and(EchoKey::is_whole) => {
                "it is not answered without `encoding-aes-key` and `receive-id`"
            }
            (_, Some(Handshake::Wecom)) => {
                "it is no GET, or its `echostr` is no short word encrypted with `encoding-aes-key` for `receive-id`"
            }
            _ => "its challenge is none that is answered",
        }
    }

    fn zoom(&self, reading: &Reading<'_>) -> Option<Answered> {
        let object = small_object(reading)?;
        (text_in(object, "event")? == b"endpoint.url_validation").then_some(())?;
        let token = match object.get(b"payload".as_slice()) {
            Some(Value::Object(payload)) => text_in(payload, "plainToken"),
            _ => None,
        };
        Some(self.signed_token(token.unwrap_or_default(), Encoding::Hex, |token, signature| {
            format!("{{\"plainToken\":\"{token}\",\"encryptedToken\":\"{signature}\"}}")
        }))
    }

    fn x_crc(&self, reading: &Reading<'_>) -> Option<Answered> {
        let token = one(reading, "crc_token")?;
        Some(self.signed_token(&token, Encoding::Base64, |_, signature| {
            format!("{{\"response_token\":\"sha256={signature}\"}}")
        }))
    }

    /// With the first secret, which is the current one.
    fn signed_token(
        &self,
        token: &[u8],
        encoding: Encoding,
        json: impl Fn(&str, &str) -> String,
    ) -> Answered {
        let Some((secret, Key::Mac(mac))) = self.secrets.first() else {
            return Answer::Refused.into();
        };
        let Some(text) = short_token(token).filter(|_| self.spec.algorithm == Algorithm::HmacSha256) else {
            return Answer::Refused.into();
        };
        let signature = (**mac).clone().of(&[Piece::Bytes(token.into())], secret);
        Answer::Json(json(text, &encoding.encode(&signature))).into()
    }

    fn meta(&self, reading: &Reading<'_>) -> Option<Answered> {
        (one(reading, "hub.mode")? == b"subscribe").then_some(())?;
        let token = one(reading, "hub.verify_token").unwrap_or_default();
        let known = match &self.verify_token {
            Some(expected) => same(expected, &token),
            None => self.secrets.iter().any(|(secret, _)| same(secret, &token)),
        };
        if !known {
            return Some(Answer::WrongToken.into());
        }
        Some(echoed(&one(reading, "hub.challenge").unwrap_or_default(), Answer::Text))
    }

    /// Unsigned; it brings the app's verification token. Without one configured there is nothing to
    /// compare, and the echo gives nothing away.
    fn lark(&self, reading: &Reading<'_>) -> Option<Answered> {
        let object = small_object(reading)?;
        (text_in(object, "type")? == b"url_verification").then_some(())?;
        let token = text_in(object, "token").unwrap_or_default();
        if self.verify_token.as_ref().is_some_and(|expected| !same(expected, token)) {
            return Some(Answer::WrongToken.into());
        }
        Some(echoed(text_in(object, "challenge").unwrap_or_default(), challenge_json))
    }

    /// Whatever is signed has the encrypted text in it, so that none of it is a delivery: sent again by
    /// another method, it still runs nothing. Refused too as long as there is no key.
    fn wecom(&self, reading: &Reading<'_>) -> Answered {
        let text = one(reading, ENCRYPTED_ECHO).filter(|_| reading.request.method == Method::GET);
        let echo = text.and_then(|text| self.echo_key.as_ref()?.decrypt(&text));
        match echo.as_deref().and_then(short_token) {
            Some(text) => Answer::Text(text.to_owned()).into(),
            None => Answer::Refused.into(),
        }
    }

    /// A delivery is signed, so what is signed is no handshake.
    fn notion(&self, reading: &Reading<'_>) -> Option<Answered> {
        if let Some(Source::Header(field)) = &self.spec.signature
            && reading.request.headers.contains_key(&field.name)
        {
            return None;
        }
        let token = text_in(small_object(reading)?, "verification_token")?;
        if self.set_up { Some(bringing(token, |_| Answer::Empty)) } else { Some(Answer::Empty.into()) }
    }
}

/// A PING of interactions is type 1, one of webhook events type 0; an event itself is type 1 too, and
/// has an `event`.
fn discord(object: &Object<'_>) -> Option<Answered> {
    let Some(Value::Number(kind)) = object.get(b"type".as_slice()) else {
        return None;
    };
    match kind.as_ref() {
        "0" => Some(Answer::NoContent.into()),
        "1" if !object.contains_key(b"event".as_slice()) => Some(Answer::Json("{\"type\":1}".into()).into()),
        _ => None,
    }
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A text that may be signed or decrypted for whoever asks.
fn short_token(bytes: &[u8]) -> Option<&str> {
    let is_short = (1..=TOKEN_BYTES_MAX).contains(&bytes.len());
    str::from_utf8(bytes).ok().filter(|_| is_short && is_token(bytes))
}

fn echoed(challenge: &[u8], answer: impl Fn(String) -> Answer) -> Answered {
    match echo(challenge) {
        Some(text) => answer(text).into(),
        None => Answer::Refused.into(),
    }
}

/// Answered as an echo is, and handed to the operator.
fn bringing(secret: &[u8], answer: impl Fn(String) -> Answer) -> Answered {
    match echo(secret) {
        Some(text) => Answered { answer: answer(text), offered: Secret::new(secret) },
        None => Answer::Refused.into(),
    }
}

fn echo(challenge: &[u8]) -> Option<String> {
    let fit = (1..=ECHO_BYTES_MAX).contains(&challenge.len());
    let printable = challenge.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    (fit && printable).then(|| String::from_utf8(challenge.to_vec()).ok())?
}

fn challenge_json(challenge: String) -> Answer {
    Answer::Json(format!("{{\"challenge\":{}}}", quoted(&challenge)))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Without showing by its time where they differ, or how long the secret is.
fn same(secret: &Secret, token: &[u8]) -> bool {
    hashed(secret.expose()).ct_eq(&hashed(token)).into()
}

fn one(reading: &Reading<'_>, name: &str) -> Option<Vec<u8>> {
    let mut values = reading.query(name);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn small_object<'r>(reading: &'r Reading<'_>) -> Option<&'r Object<'r>> {
    let small = reading.request.method == Method::POST && reading.request.body.len() <= BODY_BYTES_MAX;
    if small { object(reading) } else { None }
}

fn object<'r>(reading: &'r Reading<'_>) -> Option<&'r Object<'r>> {
    match reading.json() {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}
