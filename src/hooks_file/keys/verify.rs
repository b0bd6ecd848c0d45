//! Who must have sent a request.

use super::{Key, Shape, key};

/// What a hook sets beside the sender's record, then the keys of the record.
pub(in crate::hooks_file) const VERIFY: &[Key] = &[
    key("sender", Shape::Sender, "Who sends. `none` leaves the hook open on purpose."),
    key("secret", Shape::Secrets, "The secret that the sender signs with, or several while it is changed."),
    key(
        "tolerance",
        Shape::Text,
        "How old or new a signed timestamp may be, as 5m; 0 switches the window off.",
    ),
    key("public-url", Shape::Text, "The URL that the sender was given, for senders that sign it."),
    key(
        "username",
        Shape::Text,
        "For senders with a user and a password, when `secret` is the password alone.",
    ),
    key("verify-token", Shape::Secrets, "The token that some senders send in their handshake."),
    key(
        "encoding-aes-key",
        Shape::Secrets,
        "The key that a sender encrypts its handshake with: WeCom's EncodingAESKey.",
    ),
    key("receive-id", Shape::Text, "Whom an encrypted handshake must be for, as your CorpID."),
    key(
        "set-up-file",
        Shape::Text,
        "The file that keeps the secret which the sender brings in its handshake.",
    ),
    key("algorithm", Shape::Text, "How the sender signs, as hmac-sha256."),
    key("key-encoding", Shape::Text, "How the secret is written, as utf8 or base64."),
    key("signature", Shape::Text, "Where the signature is, as header:X-Signature."),
    key("separator", Shape::Text, "What separates several signatures: `,`, `;` or `space`."),
    key("prefix", Shape::Text, "What stands before the signature, as sha256=."),
    key("encoding", Shape::Text, "How the signature is written, as hex or base64."),
    key("message", Shape::Text, "What is signed, as {ts}.{body}."),
    key("timestamp", Shape::Text, "Where the timestamp is."),
    key("timestamp-unit", Shape::Text, "What the timestamp counts."),
    key("body-hash", Shape::Text, "Where the hash of the body is that is signed instead of the body."),
    key("claim", Shape::Text, "The claim of a token that holds the hash of the body."),
    key("claim-encoding", Shape::Text, "How that hash is written."),
    key("issuer", Shape::Text, "The issuer that a token must name."),
    key("delivery-id", Shape::Text, "Where the delivery's id is."),
    key("event", Shape::Text, "Where the name of the event is."),
    key("handshake", Shape::Text, "How the sender asks for an answer before it sends."),
];
