//! Senders that put a hash of the body into a signed token (JWS, compact, HS256).

use super::key::Key;
use super::message::Piece;
use super::reading::{Reading, text_in};
use super::refusal::Refusal;
use super::signature::SIGNATURE_BYTES_MAX;
use super::source::Source;
use super::verifier::Verifier;
use super::verify::Verified;
use super::words::Encoding;
use crate::payload::json;
use crate::secret::Secret;
use crate::value::{Object, Value};

pub(super) fn verify(
    verifier: &Verifier,
    reading: &Reading<'_>,
    source: &Source,
    now_ms: i64,
) -> Result<Verified, Refusal> {
    let part = source.described();
    let text = reading.text(source)?;
    if text.len() > SIGNATURE_BYTES_MAX {
        return Err(Refusal::TooLong { part, bytes_max: SIGNATURE_BYTES_MAX });
    }
    let prefix = &verifier.spec.prefix;
    let token = text
        .strip_prefix(prefix.as_bytes())
        .ok_or_else(|| Refusal::PrefixMissing { part, prefix: prefix.clone() })?;
    let signed = signed_part(token).ok_or(Refusal::NotAJws)?;
    let signature = token.get(signed.len() + 1..).ok_or(Refusal::NotAJws)?;
    let signature = [Encoding::Base64Url.decode(signature).ok_or(Refusal::NotAJws)?];
    let pieces = [Piece::Bytes(signed.into())];
    let matching = |(secret, key): &(Secret, Key)| key.matches(&pieces, secret, &signature);
    let position = verifier.secrets.iter().position(matching);
    let position = position.ok_or(Refusal::Mismatch { candidates: 1, secrets: verifier.secrets.len() })?;
    check_claims(verifier, reading, signed, now_ms)?;
    Ok(Verified { secret_position: Some(position), age_ms: None })
}

/// Header and payload with the dot between them: what the signature is over.
pub(super) fn signed_part(token: &[u8]) -> Option<&[u8]> {
    let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(position, _)| position);
    let (_, second, third) = (dots.next()?, dots.next()?, dots.next());
    if third.is_some() { None } else { token.get(..second) }
}

fn check_claims(
    verifier: &Verifier,
    reading: &Reading<'_>,
    signed: &[u8],
    now_ms: i64,
) -> Result<(), Refusal> {
    let mut halves = signed.split(|byte| *byte == b'.').map(|half| Encoding::Base64Url.decode(half));
    let (Some(Some(header)), Some(Some(payload))) = (halves.next(), halves.next()) else {
        return Err(Refusal::NotAJws);
    };
    let (Ok(Value::Object(header)), Ok(Value::Object(payload))) =
        (json::parse(&header), json::parse(&payload))
    else {
        return Err(Refusal::NotAJws);
    };
    // The algorithm is ours, whatever the token says; one that says otherwise is not the sender's. An
    // extension that must be understood is not.
    if text_in(&header, "alg") != Some(b"HS256") || header.contains_key(b"crit".as_slice()) {
        return Err(Refusal::JwsAlgorithm);
    }
    let Some(claim) = &verifier.spec.claim else {
        return Err(Refusal::NotAJws);
    };
    if let Some(issuer) = &claim.issuer
        && text_in(&payload, "iss") != Some(issuer.as_bytes())
    {
        return Err(Refusal::JwsIssuer { issuer: issuer.clone() });
    }
    if let Some(leeway_ms) = verifier.leeway_ms() {
        let expired = |at_ms: i64| now_ms.saturating_sub(at_ms) > leeway_ms;
        let early = |at_ms: i64| at_ms.saturating_sub(now_ms) > leeway_ms;
        if time_ms(&payload, "exp")?.is_some_and(expired) || time_ms(&payload, "nbf")?.is_some_and(early) {
            return Err(Refusal::JwsTime);
        }
    }
    let body = super::key::hashed(&reading.request.body);
    let hash = text_in(&payload, &claim.name).and_then(|hash| claim.encoding.decode(hash));
    if hash.is_some_and(|hash| hash == body) {
        Ok(())
    } else {
        Err(Refusal::BodyHash { part: format!("the token's claim `{}`", claim.name) })
    }
}

/// A number of seconds, perhaps with a fraction. What is no number fails: it cannot be obeyed.
fn time_ms(object: &Object<'_>, key: &str) -> Result<Option<i64>, Refusal> {
    match object.get(key.as_bytes()) {
        None => Ok(None),
        Some(Value::Number(digits)) => {
            let whole = digits.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
            whole.and_then(|seconds| seconds.checked_mul(1000)).map(Some).ok_or(Refusal::JwsTime)
        }
        Some(_) => Err(Refusal::JwsTime),
    }
}
