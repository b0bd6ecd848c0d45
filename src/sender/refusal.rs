//! Why a request could not be verified: for the log, never for the client.
//!
//! The texts name places and settings only. No text holds what was expected, nor what was received.

/// Names are those of the configuration (`part` reads "header `X-Signature`").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{part} is missing")]
    Missing { part: String },
    #[error("{part} occurs more than once")]
    Repeated { part: String },
    #[error("{part} is longer than {bytes_max} bytes")]
    TooLong { part: String, bytes_max: usize },
    #[error("{part} lists more than {items_max} items")]
    ListTooLong { part: String, items_max: usize },
    #[error("{part} does not start with `{prefix}`")]
    PrefixMissing { part: String, prefix: String },
    #[error("{part} lists nothing that starts with `{prefix}`")]
    NoCandidate { part: String, prefix: String },
    #[error("{part} is not {encoding}")]
    Undecodable { part: String, encoding: String },
    #[error("signature does not match (received: {candidates}, secrets tried: {secrets})")]
    Mismatch { candidates: usize, secrets: usize },
    #[error("{part} is not a timestamp in `{unit}`")]
    NotATimestamp { part: String, unit: &'static str },
    #[error("timestamp {age_s} s old, at most {tolerance_s} s are allowed")]
    TooOld { age_s: i64, tolerance_s: i64 },
    #[error("timestamp {ahead_s} s in the future, at most {tolerance_s} s are allowed")]
    TooNew { ahead_s: i64, tolerance_s: i64 },
    #[error("the body is not the JSON that the signature needs")]
    NotJson,
    #[error("the body is not the form that the signature needs")]
    NotAForm,
    #[error("the body is not the one that {part} is the hash of")]
    BodyHash { part: String },
    #[error("{part} does not list {header}, so that it is not signed")]
    NotSigned { part: String, header: String },
    #[error("the token is not a compact JWS of three parts")]
    NotAJws,
    #[error("the token's algorithm is not HS256")]
    JwsAlgorithm,
    #[error("the token's issuer is not `{issuer}`")]
    JwsIssuer { issuer: String },
    #[error("the token's time has passed or not come, or is no number")]
    JwsTime,
    /// Whoever asked the handshake for it has this signature.
    #[error("the signed text is one that the handshake signs for anybody")]
    HandshakeText,
    #[error("no secret is set yet: only the handshake is answered in set-up mode")]
    NoSecret,
}
