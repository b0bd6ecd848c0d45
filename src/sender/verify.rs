//! One request against one record: the bytes as received, the secrets as prepared at load, the time as
//! given.

use sha2::{Digest, Sha256};

use super::handshake::Answered;
use super::jws;
use super::key::{self, Key};
use super::message::{Part, Piece, Scene};
use super::reading::Reading;
use super::refusal::Refusal;
use super::signature::{self, ITEMS_MAX, Items, ListFault, SIGNATURE_BYTES_MAX, Shape};
use super::source::{HeaderField, Source};
use super::spec::{Timestamp, TimestampPlace};
use super::timestamp;
use super::verifier::Verifier;
use super::words::{Encoding, Handshake, Scheme};
use crate::request::Request;
use crate::secret::Secret;
use crate::value::Text;

const BASIC_SCHEME: &[u8] = b"Basic ";

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Answer so, and run nothing.
    Handshake(Answered),
    Verified(Verified),
    /// One answer for every cause; the cause is for the log.
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Which of the secrets matched, from 0. `None`: nothing was checked (`none`).
    pub(crate) secret_position: Option<usize>,
    /// Negative for a timestamp in the future. `None` when there is none or the window is off.
    pub(crate) age_ms: Option<i64>,
}

impl Verifier {
    /// The whole of it: an unsigned handshake, else the check, then a handshake that is signed.
    pub(crate) fn decide(&self, request: &Request, now_ms: i64) -> Decision {
        if let Some(answered) = self.unsigned_handshake(request) {
            return Decision::Handshake(answered);
        }
        match self.verify(request, now_ms) {
            Err(refusal) => Decision::Refused(refusal),
            Ok(verified) => match self.signed_handshake(request, verified) {
                Some(answered) => Decision::Handshake(answered),
                None => Decision::Verified(verified),
            },
        }
    }

    /// The check alone.
    pub(crate) fn verify(&self, request: &Request, now_ms: i64) -> Result<Verified, Refusal> {
        let scheme = self.spec.algorithm.scheme();
        if scheme == Scheme::Open {
            return Ok(Verified { secret_position: None, age_ms: None });
        }
        if self.secrets.is_empty() {
            return Err(Refusal::NoSecret);
        }
        let reading = Reading::new(request);
        match (scheme, &self.spec.signature) {
            (Scheme::Jws, Some(source)) => jws::verify(self, &reading, source, now_ms),
            (Scheme::Basic, _) | (_, None) => self.verify_basic(&reading),
            (_, Some(source)) => self.verify_signature(&reading, source, now_ms),
        }
    }

    /// Names the delivery the same whenever it comes again: a digest of what was signed. Better than the
    /// signature's bytes, of which one delivery can have several: one per secret while secrets change,
    /// two per ECDSA signature. `None` when the signature does not tell deliveries apart (tokens).
    pub(crate) fn fingerprint(&self, request: &Request) -> Option<[u8; 32]> {
        if !self.spec.signature_is_fresh() {
            return None;
        }
        let reading = Reading::new(request);
        let source = self.spec.signature.as_ref()?;
        let text = reading.text(source).ok()?;
        if self.spec.algorithm.scheme() == Scheme::Jws {
            return Some(key::hashed(jws::signed_part(text.strip_prefix(self.spec.prefix.as_bytes())?)?));
        }
        let items = self.items(&text, source).ok()?;
        let timestamp = self.timestamp_text(&reading, &items, self.uses_timestamp()).ok()?;
        let pieces = self.pieces(&reading, timestamp.as_deref()).ok()?;
        // The text as a whole: where one part ends and the next begins is not signed. The secret is left
        // out, because it changes.
        let mut digest = Sha256::new();
        pieces.iter().for_each(|piece| piece.feed(&[], &mut |bytes| digest.update(bytes)));
        Some(digest.finalize().into())
    }

    fn verify_signature(
        &self,
        reading: &Reading<'_>,
        source: &Source,
        now_ms: i64,
    ) -> Result<Verified, Refusal> {
        let text = reading.text(source)?;
        let items = self.items(&text, source)?;
        let is_token = self.spec.algorithm.scheme() == Scheme::Token;
        let candidates = if is_token {
            items.candidates.iter().map(|token| token.to_vec()).collect()
        } else {
            self.decoded(&items.candidates, source)?
        };
        // A timestamp that is no part of the text is looked at only once the signature is known good:
        // it may be inside JSON.
        let early = self.timestamp_text(reading, &items, self.uses_timestamp())?;
        let pieces = if is_token { Vec::new() } else { self.pieces(reading, early.as_deref())? };
        let matching = |(secret, key): &(Secret, Key)| key.matches(&pieces, secret, &candidates);
        let position = self
            .secrets
            .iter()
            .position(matching)
            .ok_or(Refusal::Mismatch { candidates: candidates.len(), secrets: self.secrets.len() })?;
        self.refuse_handshake_text(&pieces)?;
        let late = match early {
            Some(text) => Some(text),
            None => self.timestamp_text(reading, &items, self.tolerance_ms > 0)?,
        };
        let age_ms = match (&self.spec.timestamp, late) {
            (Some(timestamp), Some(text)) => self.age_ms(timestamp, &text, now_ms)?,
            _ => None,
        };
        Ok(Verified { secret_position: Some(position), age_ms })
    }

    fn verify_basic(&self, reading: &Reading<'_>) -> Result<Verified, Refusal> {
        let field = HeaderField::authorization();
        let text = reading.header(&field)?;
        let part = field.described();
        if text.len() > SIGNATURE_BYTES_MAX {
            return Err(Refusal::TooLong { part, bytes_max: SIGNATURE_BYTES_MAX });
        }
        // The one prefix in any case: it is HTTP's, not the sender's.
        let credentials = match text.split_at_checked(BASIC_SCHEME.len()) {
            Some((scheme, credentials)) if scheme.eq_ignore_ascii_case(BASIC_SCHEME) => credentials,
            _ => {
                return Err(Refusal::PrefixMissing { part, prefix: "Basic ".into() });
            }
        };
        let encoding = Encoding::Base64;
        let credentials = encoding
            .decode(credentials)
            .ok_or_else(|| Refusal::Undecodable { part, encoding: encoding.to_string() })?;
        let position = self.secrets.iter().position(|(_, key)| key.is(&credentials));
        let position = position.ok_or(Refusal::Mismatch { candidates: 1, secrets: self.secrets.len() })?;
        Ok(Verified { secret_position: Some(position), age_ms: None })
    }

    fn items<'t>(&self, text: &'t [u8], source: &Source) -> Result<Items<'t>, Refusal> {
        let timestamp = match self.spec.timestamp.as_ref().map(|timestamp| &timestamp.place) {
            Some(TimestampPlace::Item(start)) => Some(start.as_str()),
            _ => None,
        };
        let shape = Shape { separator: self.spec.separator, prefix: &self.spec.prefix, timestamp };
        let part = source.described();
        let prefix = self.spec.prefix.clone();
        signature::items(text, shape).map_err(|fault| match fault {
            ListFault::TooLong => Refusal::TooLong { part, bytes_max: SIGNATURE_BYTES_MAX },
            ListFault::TooManyItems => Refusal::ListTooLong { part, items_max: ITEMS_MAX },
            ListFault::TimestampTwice => Refusal::Repeated { part: format!("the timestamp in {part}") },
            ListFault::NoPrefix if self.spec.separator.is_some() => Refusal::NoCandidate { part, prefix },
            ListFault::NoPrefix => Refusal::PrefixMissing { part, prefix },
        })
    }

    /// In a list, what does not decode is skipped like what is not known.
    fn decoded(&self, candidates: &[&[u8]], source: &Source) -> Result<Vec<Vec<u8>>, Refusal> {
        let encoding = self.spec.encoding;
        let decoded = candidates.iter().filter_map(|text| encoding.decode(text));
        let decoded: Vec<Vec<u8>> = decoded.filter(|bytes| !bytes.is_empty()).collect();
        if decoded.is_empty() {
            let encoding = format!("{encoding}, or is empty");
            return Err(Refusal::Undecodable { part: source.described(), encoding });
        }
        Ok(decoded)
    }

    fn uses_timestamp(&self) -> bool {
        self.spec.message.has(&Part::Timestamp)
    }

    fn timestamp_text<'s>(
        &self,
        reading: &'s Reading<'_>,
        items: &Items<'s>,
        wanted: bool,
    ) -> Result<Option<Text<'s>>, Refusal> {
        match &self.spec.timestamp {
            Some(timestamp) if wanted => match &timestamp.place {
                TimestampPlace::At(source) => reading.text(source).map(Some),
                TimestampPlace::Item(_) => {
                    let text =
                        items.timestamp.ok_or_else(|| Refusal::Missing { part: timestamp.described() })?;
                    Ok(Some(text.into()))
                }
            },
            _ => Ok(None),
        }
    }

    fn pieces<'a>(
        &'a self,
        reading: &'a Reading<'_>,
        timestamp: Option<&'a [u8]>,
    ) -> Result<Vec<Piece<'a>>, Refusal> {
        let timestamp_header = match self.spec.timestamp.as_ref().map(|timestamp| &timestamp.place) {
            Some(TimestampPlace::At(Source::Header(field)))
                if self.tolerance_ms > 0 && timestamp.is_none() =>
            {
                Some(field)
            }
            _ => None,
        };
        let body_hashed = match &self.spec.body_hash {
            Some(source) => body_is_hashed(reading, source)?,
            None => false,
        };
        let public_url = self.public_url.as_ref();
        self.spec.message.fill(&Scene { reading, public_url, timestamp, timestamp_header, body_hashed })
    }

    fn age_ms(&self, timestamp: &Timestamp, text: &[u8], now_ms: i64) -> Result<Option<i64>, Refusal> {
        let then_ms = timestamp::parse_ms(text, timestamp.unit).ok_or_else(|| Refusal::NotATimestamp {
            part: timestamp.described(),
            unit: timestamp.unit.as_str(),
        })?;
        if self.tolerance_ms == 0 {
            return Ok(None);
        }
        let age_ms = now_ms.saturating_sub(then_ms);
        let tolerance_s = self.tolerance_ms / 1000;
        if age_ms > self.tolerance_ms {
            return Err(Refusal::TooOld { age_s: whole_seconds(age_ms), tolerance_s });
        }
        if age_ms < -self.tolerance_ms {
            return Err(Refusal::TooNew { ahead_s: whole_seconds(age_ms.saturating_neg()), tolerance_s });
        }
        Ok(Some(age_ms))
    }

    /// A handshake that signs what it is asked to sign must not give away the signature of a delivery.
    fn refuse_handshake_text(&self, pieces: &[Piece<'_>]) -> Result<(), Refusal> {
        if !matches!(self.spec.handshake, Some(Handshake::Zoom | Handshake::XCrc)) {
            return Ok(());
        }
        let (mut length, mut all) = (0, true);
        for piece in pieces {
            piece.feed(&[], &mut |bytes| {
                length += bytes.len();
                all &= length <= super::handshake::TOKEN_BYTES_MAX && super::handshake::is_token(bytes);
            });
        }
        // No handshake signs the empty text.
        if all && length > 0 { Err(Refusal::HandshakeText) } else { Ok(()) }
    }
}

/// Rounded up, so that 300.2 s are not said to be more than 300 s.
fn whole_seconds(ms: i64) -> i64 {
    ms.saturating_add(999) / 1000
}

impl Timestamp {
    fn described(&self) -> String {
        match &self.place {
            TimestampPlace::At(source) => source.described(),
            TimestampPlace::Item(start) => format!("the item `{start}` of the signature"),
        }
    }
}

/// Whether the request brings the body's hash. One that is not the body's fails the check.
fn body_is_hashed(reading: &Reading<'_>, source: &Source) -> Result<bool, Refusal> {
    let text = match reading.text(source) {
        Ok(text) => text,
        Err(Refusal::Missing { .. }) => return Ok(false),
        Err(refusal) => return Err(refusal),
    };
    let body = key::hashed(&reading.request.body);
    let same = Encoding::Hex.decode(&text).is_some_and(|hash| hash == body);
    if same { Ok(true) } else { Err(Refusal::BodyHash { part: source.described() }) }
}
