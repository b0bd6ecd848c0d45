//! How one sender signs: a record as it is written, and as it is checked.

use std::time::Duration;

use super::handshake::ENCRYPTED_ECHO;
use super::message::{Message, Part};
use super::record::{RawSpec, SpecError};
use super::source::Source;
use super::words::{Algorithm, Encoding, Handshake, KeyEncoding, Scheme, Separator, Unit};

/// Five minutes: the clock of most senders' own libraries.
pub(crate) const TOLERANCE_DEFAULT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_encoding: KeyEncoding,
    /// Absent for `basic` (always `Authorization`) and `none`.
    pub(crate) signature: Option<Source>,
    pub(crate) separator: Option<Separator>,
    pub(crate) prefix: String,
    pub(crate) encoding: Encoding,
    pub(crate) message: Message,
    pub(crate) timestamp: Option<Timestamp>,
    /// When the request has it, it is the hex SHA-256 of the body, and signed in the body's stead.
    pub(crate) body_hash: Option<Source>,
    pub(crate) claim: Option<Claim>,
    pub(crate) delivery_id: Option<Source>,
    pub(crate) event: Option<Source>,
    pub(crate) handshake: Option<Handshake>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) place: TimestampPlace,
    pub(crate) unit: Unit,
    /// Zero: no window.
    pub(crate) tolerance: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimestampPlace {
    At(Source),
    /// The item of the signature's list that starts so.
    Item(String),
}

/// The claim of a token that holds the SHA-256 of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) encoding: Encoding,
    pub(crate) issuer: Option<String>,
}

impl Spec {
    /// `overrides` go before `base`, key by key.
    pub(crate) fn build(base: Option<&RawSpec>, overrides: RawSpec) -> Result<Self, SpecError> {
        let has_unit = overrides.written("timestamp-unit").is_some();
        let raw = match base {
            Some(base) => base.overlaid(overrides),
            None => overrides,
        };
        let algorithm =
            word(&raw, "algorithm", Algorithm::parse, Algorithm::allowed)?.unwrap_or(Algorithm::HmacSha256);
        refuse_unused(&raw, algorithm)?;
        let text = |field| raw.written(field).map(str::to_owned);
        let separator = raw.written("separator").map(|text| if text == "space" { " " } else { text });
        let separator =
            separator.map(|text| checked("separator", text, Separator::parse, Separator::allowed));
        let spec = Self {
            algorithm,
            key_encoding: key_encoding(&raw, algorithm)?,
            signature: source(&raw, "signature")?,
            separator: separator.transpose()?,
            prefix: text("prefix").unwrap_or_default(),
            encoding: encoding(&raw, "encoding")?,
            message: message(raw.written("message").unwrap_or("{body}"))?,
            timestamp: timestamp(&raw)?,
            body_hash: source(&raw, "body-hash")?,
            claim: match text("claim") {
                Some(name) => {
                    Some(Claim { name, encoding: encoding(&raw, "claim-encoding")?, issuer: text("issuer") })
                }
                None => None,
            },
            delivery_id: source(&raw, "delivery-id")?,
            event: source(&raw, "event")?,
            handshake: word(&raw, "handshake", Handshake::parse, Handshake::allowed)?,
        };
        if has_unit && spec.timestamp.is_none() {
            return Err(SpecError::Needless { field: "timestamp-unit", reason: "there is no `timestamp`" });
        }
        spec.refuse_unsafe()?;
        Ok(spec)
    }

    /// Combinations that would check less than they seem to.
    fn refuse_unsafe(&self) -> Result<(), SpecError> {
        let absent = |field, reason| Err(SpecError::Absent { field, reason });
        let scheme = self.algorithm.scheme();
        if self.signature.is_none() && !matches!(scheme, Scheme::Basic | Scheme::Open) {
            return absent("signature", "write where it is, as `header:X-Signature`, or name a `sender`");
        }
        if scheme == Scheme::Jws && self.claim.is_none() {
            return absent("claim", "without it the token says nothing about the body");
        }
        if scheme == Scheme::Hash && !self.message.has_secret() {
            return absent("message", "a hash without `{secret}` can be made by anybody");
        }
        if scheme == Scheme::PublicKey && self.message.has_secret() {
            return Err(self.bad_message("one without `{secret}`: a public key is no secret"));
        }
        let signs = matches!(scheme, Scheme::Hmac | Scheme::Hash | Scheme::PublicKey);
        if signs && self.message.parts().iter().all(|part| matches!(part, Part::Literal(_) | Part::Secret)) {
            return Err(self.bad_message("one with a part of the request in it"));
        }
        if self.message.has(&Part::Timestamp) && self.timestamp.is_none() {
            return absent("timestamp", "`message` has `{ts}`");
        }
        let in_body = self.signature.as_ref().is_some_and(Source::is_in_body);
        if signs && in_body && (self.message.has(&Part::Body) || self.message.has(&Part::Crc32)) {
            return Err(self.bad_message("one without the body, which holds the signature"));
        }
        let signs_echo = || {
            let is_echo = |source: &Source| matches!(source, Source::Query(name) if name == ENCRYPTED_ECHO);
            self.message.sources().any(is_echo)
        };
        if self.handshake == Some(Handshake::Wecom) && !signs_echo() {
            return Err(self.bad_message("one with `{query:echostr}`, which this handshake has decrypted"));
        }
        let in_list = self.timestamp.as_ref().is_some_and(|ts| matches!(ts.place, TimestampPlace::Item(_)));
        if in_list && self.separator.is_none() {
            return absent("separator", "`timestamp` is an item of the signature's list");
        }
        Ok(())
    }

    /// Where somebody who saw one delivery can make another of it. Some senders leave it at that, so it is
    /// no mistake. `tolerance` goes before the record's own.
    pub(crate) fn weaknesses(&self, tolerance: Option<Duration>) -> Vec<SpecError> {
        let scheme = self.algorithm.scheme();
        let is_loose = |timestamp: &Timestamp| {
            let has_window = !tolerance.unwrap_or(timestamp.tolerance).is_zero();
            let is_signed = scheme != Scheme::Token
                && match &timestamp.place {
                    TimestampPlace::At(source) => self.message.covers(source),
                    TimestampPlace::Item(_) => false,
                };
            has_window && !is_signed && !self.message.has(&Part::Timestamp)
        };
        let timestamp = self.timestamp.as_ref().filter(|timestamp| is_loose(timestamp));
        let timestamp = timestamp.map(|_| SpecError::Weak {
            field: "timestamp",
            reason: "is not signed, so that whoever saw a delivery can send it again with another time: \
                     write `{ts}` in `message` where the sender has it, or remove `timestamp`",
        });
        let signs = matches!(scheme, Scheme::Hmac | Scheme::Hash | Scheme::PublicKey);
        let leaves_body = signs && !self.signs_body() && self.body_hash.is_none();
        let message = leaves_body.then_some(SpecError::Weak {
            field: "message",
            reason: "does not hold the body, so that a signature once seen fits other bodies too: \
                     write `{body}` where the sender has it",
        });
        timestamp.into_iter().chain(message).collect()
    }

    fn bad_message(&self, allowed: &str) -> SpecError {
        SpecError::Value { field: "message", written: self.message.to_string(), allowed: allowed.to_owned() }
    }

    pub(crate) fn needs_secret(&self) -> bool {
        self.algorithm != Algorithm::None
    }

    /// The URL or path is part of what is signed.
    pub(crate) fn needs_public_url(&self) -> bool {
        self.message.needs_public_url()
    }

    /// Whether another body would need another signature. `travis` signs one form field, Twilio the
    /// fields of a form: both count.
    pub(crate) fn signs_body(&self) -> bool {
        let of_body = |part: &Part| match part {
            Part::Body | Part::FormSorted | Part::Crc32 => true,
            Part::Text(source) => matches!(source, Source::Form { pointer: None, .. }),
            _ => false,
        };
        match self.algorithm.scheme() {
            Scheme::Hmac | Scheme::Hash | Scheme::PublicKey => self.message.parts().iter().any(of_body),
            Scheme::Jws => true,
            Scheme::Token | Scheme::Basic | Scheme::Open => false,
        }
    }

    /// Whether a signature tells one delivery from another. A token, or a hash of a name and the
    /// secret, is the same every time, and no use for de-duplication.
    pub(crate) fn signature_is_fresh(&self) -> bool {
        let varies = |part: &Part| match part {
            Part::Timestamp => true,
            Part::Text(source) => source.is_in_body(),
            Part::Sorted(items) => items.iter().flatten().any(|item| !matches!(item, Source::Header(_))),
            _ => false,
        };
        self.signs_body()
            || (matches!(self.algorithm.scheme(), Scheme::Hmac | Scheme::Hash | Scheme::PublicKey)
                && self.message.parts().iter().any(varies))
    }
}

fn checked<T>(
    field: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    allowed: impl Fn() -> String,
) -> Result<T, SpecError> {
    parse(text).ok_or_else(|| SpecError::Value { field, written: text.to_owned(), allowed: allowed() })
}

fn word<T>(
    raw: &RawSpec,
    field: &'static str,
    parse: impl Fn(&str) -> Option<T>,
    allowed: impl Fn() -> String,
) -> Result<Option<T>, SpecError> {
    raw.written(field).map(|text| checked(field, text, parse, allowed)).transpose()
}

fn source(raw: &RawSpec, field: &'static str) -> Result<Option<Source>, SpecError> {
    word(raw, field, Source::parse, || Source::ALLOWED.to_owned())
}

fn encoding(raw: &RawSpec, field: &'static str) -> Result<Encoding, SpecError> {
    Ok(word(raw, field, Encoding::parse, Encoding::allowed)?.unwrap_or(Encoding::Hex))
}

fn message(text: &str) -> Result<Message, SpecError> {
    Message::parse(text).map_err(|placeholder| SpecError::Placeholder { placeholder })
}

fn key_encoding(raw: &RawSpec, algorithm: Algorithm) -> Result<KeyEncoding, SpecError> {
    use KeyEncoding::{Base64, Hex, Pem, SpkiBase64, Utf8, Whpk, Whsec};
    let allowed: &[KeyEncoding] = match algorithm {
        Algorithm::Ed25519 => &[Hex, Whpk, SpkiBase64, Pem],
        Algorithm::EcdsaSha256 | Algorithm::RsaSha1 | Algorithm::RsaSha256 => &[SpkiBase64, Pem],
        _ => &[Utf8, Base64, Hex, Whsec],
    };
    let names = || {
        let names: Vec<String> = allowed.iter().map(|encoding| format!("`{encoding}`")).collect();
        format!("{} with `{algorithm}`", names.join(", "))
    };
    let written = raw.written("key-encoding").unwrap_or(Utf8.as_str());
    let parse = |text: &str| KeyEncoding::parse(text).filter(|encoding| allowed.contains(encoding));
    checked("key-encoding", written, parse, names)
}

fn timestamp(raw: &RawSpec) -> Result<Option<Timestamp>, SpecError> {
    let place = |text: &str| match text.strip_prefix("item:") {
        Some(item) => (!item.is_empty()).then(|| TimestampPlace::Item(item.to_owned())),
        None => Source::parse(text).map(TimestampPlace::At),
    };
    let place = word(raw, "timestamp", place, || format!("{}, `item:START`", Source::ALLOWED))?;
    let unit = word(raw, "timestamp-unit", Unit::parse, Unit::allowed)?.unwrap_or(Unit::Seconds);
    let tolerance = word(raw, "tolerance", seconds, || "a number of seconds".to_owned())?;
    Ok(place.map(|place| Timestamp { place, unit, tolerance: tolerance.unwrap_or(TOLERANCE_DEFAULT) }))
}

/// `300`.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all_digits).map(Duration::from_secs)
}

/// A key that would be read and never used is a mistake: it looks as if it protected something.
fn refuse_unused(raw: &RawSpec, algorithm: Algorithm) -> Result<(), SpecError> {
    const OF_TOKENS: &[&str] = &["claim", "claim-encoding", "issuer"];
    let unused: &[&str] = match algorithm.scheme() {
        Scheme::Hmac | Scheme::PublicKey => &[],
        Scheme::Hash => &["key-encoding"],
        Scheme::Token => &["key-encoding", "encoding", "message", "body-hash"],
        Scheme::Jws => &["separator", "encoding", "message", "timestamp", "body-hash"],
        Scheme::Basic | Scheme::Open => &[
            "key-encoding",
            "signature",
            "separator",
            "prefix",
            "encoding",
            "message",
            "timestamp",
            "body-hash",
        ],
    };
    let of_tokens = if algorithm.scheme() == Scheme::Jws { &[] } else { OF_TOKENS };
    let with = || format!("`algorithm: {algorithm}`");
    let written = |field: &&&'static str| raw.written(field).is_some();
    match unused.iter().chain(of_tokens).find(written) {
        Some(field) => Err(SpecError::Unused { field, with: with() }),
        None => Ok(()),
    }
}
