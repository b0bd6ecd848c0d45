//! The few ways to sign that most senders share, to explain a sender by.

use std::fmt;

use super::spec::{Spec, TimestampPlace};
use super::words::{Encoding, Scheme, Separator};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Hub,
    BareHex,
    BareBase64,
    VersionList,
    Stripe,
    Slack,
    StandardWebhooks,
    OwnMessage,
    Hash,
    PublicKey,
    Jws,
    Token,
    Basic,
    Open,
}

impl Family {
    pub(crate) fn of(spec: &Spec) -> Self {
        let message = spec.message.to_string();
        if spec.separator == Some(Separator::Space) && message.ends_with("}.{ts}.{body}") {
            return Self::StandardWebhooks;
        }
        match spec.algorithm.scheme() {
            Scheme::Hash => Self::Hash,
            Scheme::PublicKey => Self::PublicKey,
            Scheme::Jws => Self::Jws,
            Scheme::Token => Self::Token,
            Scheme::Basic => Self::Basic,
            Scheme::Open => Self::Open,
            Scheme::Hmac => match &spec.timestamp {
                Some(timestamp) if matches!(timestamp.place, TimestampPlace::Item(_)) => Self::Stripe,
                _ if message.starts_with("v0:{ts}:") => Self::Slack,
                _ if message != "{body}" => Self::OwnMessage,
                _ if spec.separator.is_some() => Self::VersionList,
                _ if !spec.prefix.is_empty() => Self::Hub,
                _ if spec.encoding == Encoding::Hex => Self::BareHex,
                _ => Self::BareBase64,
            },
        }
    }

    /// One sentence on how such a sender signs.
    pub(crate) const fn explained(self) -> &'static str {
        match self {
            Self::Hub => "HMAC of the body after the name of the hash, as GitHub's `sha256=…`.",
            Self::BareHex => "Hex HMAC of the body, with nothing before it.",
            Self::BareBase64 => "Base64 HMAC of the body, with nothing before it.",
            Self::VersionList => {
                "A list of HMACs of the body, each after its version; one that matches is enough."
            }
            Self::Stripe => {
                "A list of a timestamp and HMACs over timestamp and body, as Stripe's `t=…,v1=…`."
            }
            Self::Slack => "HMAC over `v0:`, a timestamp and the body.",
            Self::StandardWebhooks => {
                "Signatures over id, timestamp and body as standardwebhooks.com has it."
            }
            Self::OwnMessage => "HMAC over a text of the sender's own design.",
            Self::Hash => "A hash, without a key, of a text that holds the secret.",
            Self::PublicKey => "Signed with a private key; you hold the public one.",
            Self::Jws => "A signed token (JWT, HS256) with the hash of the body in it.",
            Self::Token => "The secret itself is sent; the body is not signed.",
            Self::Basic => "HTTP basic authentication; the body is not signed.",
            Self::Open => "Nothing is signed.",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hub => "hub",
            Self::BareHex => "bare hex",
            Self::BareBase64 => "bare base64",
            Self::VersionList => "version list",
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::StandardWebhooks => "standard webhooks",
            Self::OwnMessage => "own message",
            Self::Hash => "hash",
            Self::PublicKey => "public key",
            Self::Jws => "signed token",
            Self::Token => "token",
            Self::Basic => "basic",
            Self::Open => "open",
        })
    }
}
