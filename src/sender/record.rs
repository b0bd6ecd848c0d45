//! A sender's record as somebody wrote it, and what can be wrong with it.

use super::key::KeyFault;
use super::message::Message;

macro_rules! record {
    ($($field:ident $short:literal $long:literal,)+) => {
        /// A record as written: one text per key, nothing checked. An empty text is an absent one, so
        /// that a hook can take a field of its row away.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub(crate) struct RawSpec { $(pub(crate) $field: Option<String>),+ }

        impl RawSpec {
            /// Each key as the table and as a hook writes it.
            pub(crate) const KEYS: &'static [(&'static str, &'static str)] = &[$(($short, $long)),+];

            /// The place of a key, in either spelling.
            pub(crate) fn field_mut(&mut self, key: &str) -> Option<&mut Option<String>> {
                $(if key == $short || key == $long {
                    return Some(&mut self.$field);
                })+
                None
            }

            pub(super) fn written(&self, long: &str) -> Option<&str> {
                let text = match long {
                    $($long => self.$field.as_deref(),)+
                    _ => None,
                };
                text.filter(|text| !text.is_empty())
            }

            pub(super) fn overlaid(&self, over: Self) -> Self {
                Self { $($field: over.$field.or_else(|| self.$field.clone())),+ }
            }
        }
    };
}

record! {
    algorithm "alg" "algorithm",
    key_encoding "key" "key-encoding",
    signature "sig" "signature",
    separator "split" "separator",
    prefix "prefix" "prefix",
    encoding "enc" "encoding",
    message "msg" "message",
    timestamp "ts" "timestamp",
    timestamp_unit "unit" "timestamp-unit",
    tolerance "tol" "tolerance",
    body_hash "body_hash" "body-hash",
    claim "claim" "claim",
    claim_encoding "claim_enc" "claim-encoding",
    issuer "iss" "issuer",
    delivery_id "id" "delivery-id",
    event "event" "event",
    handshake "challenge" "handshake",
}

/// A mistake in a record, by the key as a hook writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpecError {
    #[error("`sender` is `{written}`, which {hint}")]
    Sender { written: String, hint: String },
    #[error("`{field}` is `{written}`; allowed: {allowed}")]
    Value { field: &'static str, written: String, allowed: String },
    #[error("`message` has `{placeholder}`; allowed: {}", Message::ALLOWED)]
    Placeholder { placeholder: String },
    #[error("`{field}` is missing: {reason}")]
    Absent { field: &'static str, reason: &'static str },
    #[error("`{field}` has no effect with {with}: remove it")]
    Unused { field: &'static str, with: String },
    #[error("`{field}` has no effect: {reason}; remove it")]
    Needless { field: &'static str, reason: &'static str },
    #[error("`{field}` {reason}")]
    Weak { field: &'static str, reason: &'static str },
    #[error(
        "`algorithm: none` leaves nothing of the sender to check; write `verify: {{ sender: none }}` if anybody may run this hook"
    )]
    Opened,
    #[error("`message` is missing: write `{message}`, with your own value where it says `{word}`")]
    Unfilled { message: String, word: String },
    #[error("`secret` is missing: set one, or write `sender: none` if anybody may run this hook")]
    NoSecret,
    #[error(
        "`encoding-aes-key` is not the base64 of 32 bytes: 43 letters and digits, as the sender shows it"
    )]
    EchoKey,
    #[error("secret {position} {fault}")]
    Secret { position: usize, fault: KeyFault },
}
