//! What a secret becomes: decoded, checked and prepared once, at load.

use base64::Engine as _;
use hmac::{Hmac, KeyInit};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::der::{self, SubjectKey};
use super::message::Piece;
use super::spec::Spec;
use super::words::{Algorithm, Encoding, KeyEncoding};
use crate::secret::Secret;

/// Below this an RSA key can be factored.
const RSA_BITS_MIN: usize = 2048;
/// What `ring` verifies with.
const RSA_BITS_MAX: usize = 8192;

/// An uncompressed point of P-256: a mark and two coordinates.
const P256_POINT_BYTES: usize = 65;
const P256_POINT_MARK: u8 = 4;
const ED25519_KEY_BYTES: usize = 32;

/// What the eight points of edwards25519 whose order divides 8 are written as, without the sign in the highest bit: y
/// is 0, 1, -1 or one of two of order 8, and the first two can be written with the field's prime added (RFC 8032,
/// 5.1.3). Anybody can sign for such a key.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Supabase shows its secret as `v1,whsec_…`.
const WHSEC_PREFIXES: [&[u8]; 2] = [b"v1,whsec_", b"whsec_"];
const WHPK_PREFIX: &[u8] = b"whpk_";

/// Texts that fit after "secret N "; none holds the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFault {
    #[error("is not {0}")]
    Undecodable(&'static str),
    #[error("is empty once decoded")]
    Empty,
    #[error("is not a PEM block `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`")]
    NotPem,
    #[error("holds no public key that can be read")]
    NoKey,
    #[error("is not a key for `{0}`")]
    OtherAlgorithm(Algorithm),
    #[error("is an RSA key of {0} bits; 2048 to 8192 are allowed")]
    RsaBits(usize),
    #[error("is not `USER:PASSWORD`; set `username`, or write both")]
    NoUsername,
    #[error("cannot be had: `username` holds a `:`")]
    ColonInUsername,
}

pub(super) enum Key {
    Mac(Box<Mac>),
    Hash(Algorithm),
    Public(PublicKey),
    /// The hash of what must come: comparing hashes does not show a length.
    Text([u8; 32]),
}

#[derive(Clone)]
pub(super) enum Mac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

pub(super) struct PublicKey {
    key: UnparsedPublicKey<Vec<u8>>,
}

impl Key {
    pub(super) fn new(spec: &Spec, secret: &Secret, username: Option<&str>) -> Result<Self, KeyFault> {
        let text = secret.expose();
        Ok(match spec.algorithm {
            Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha512 | Algorithm::JwsHs256 => {
                let key = key_bytes(spec.key_encoding, text)?;
                Self::Mac(Box::new(Mac::new(spec.algorithm, &key)?))
            }
            Algorithm::HashSha1 | Algorithm::HashSha256 => Self::Hash(spec.algorithm),
            Algorithm::Ed25519 | Algorithm::EcdsaSha256 | Algorithm::RsaSha1 | Algorithm::RsaSha256 => {
                Self::Public(PublicKey::new(spec.algorithm, spec.key_encoding, text)?)
            }
            Algorithm::Token | Algorithm::None => Self::Text(hashed(text)),
            Algorithm::Basic => Self::Text(hashed(&credentials(text, username)?)),
        })
    }

    /// Whether one of the decoded signatures is over this text.
    pub(super) fn matches(&self, message: &[Piece<'_>], secret: &Secret, candidates: &[Vec<u8>]) -> bool {
        let expected = match self {
            Self::Mac(mac) => (**mac).clone().of(message, secret),
            Self::Hash(algorithm) => hash(*algorithm, message, secret),
            Self::Public(key) => {
                let message = joined(message, secret);
                return candidates.iter().any(|candidate| key.key.verify(&message, candidate).is_ok());
            }
            Self::Text(_) => return candidates.iter().any(|candidate| self.is(candidate)),
        };
        candidates.iter().any(|candidate| bool::from(candidate.as_slice().ct_eq(&expected)))
    }

    /// Whether this is the token, or the user and password.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        matches!(self, Self::Text(expected) if bool::from(hashed(text).ct_eq(expected)))
    }
}

impl Mac {
    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, KeyFault> {
        Ok(match algorithm {
            Algorithm::HmacSha1 => Self::Sha1(keyed(key)?),
            Algorithm::HmacSha512 => Self::Sha512(keyed(key)?),
            _ => Self::Sha256(keyed(key)?),
        })
    }

    pub(super) fn of(self, message: &[Piece<'_>], secret: &Secret) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => finished(mac, message, secret),
            Self::Sha256(mac) => finished(mac, message, secret),
            Self::Sha512(mac) => finished(mac, message, secret),
        }
    }
}

/// HMAC takes keys of any length; were one refused, so would the hook be.
fn keyed<M: KeyInit>(key: &[u8]) -> Result<M, KeyFault> {
    M::new_from_slice(key).map_err(|_| KeyFault::Undecodable("a key of a length that HMAC takes"))
}

fn finished<M: hmac::Mac>(mut mac: M, message: &[Piece<'_>], secret: &Secret) -> Vec<u8> {
    message.iter().for_each(|piece| piece.feed(secret.expose(), &mut |bytes| mac.update(bytes)));
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn hash(algorithm: Algorithm, message: &[Piece<'_>], secret: &Secret) -> Vec<u8> {
    match algorithm {
        Algorithm::HashSha1 => digest(Sha1::new(), message, secret),
        _ => digest(Sha256::new(), message, secret),
    }
}

fn digest(mut hash: impl Digest, message: &[Piece<'_>], secret: &Secret) -> Vec<u8> {
    message.iter().for_each(|piece| piece.feed(secret.expose(), &mut |bytes| hash.update(bytes)));
    hash.finalize().to_vec()
}

pub(super) fn joined(message: &[Piece<'_>], secret: &Secret) -> Vec<u8> {
    let mut text = Vec::new();
    message.iter().for_each(|piece| piece.feed(secret.expose(), &mut |bytes| text.extend_from_slice(bytes)));
    text
}

pub(super) fn hashed(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// `USER:PASSWORD` as it is sent.
pub(super) fn credentials(secret: &[u8], username: Option<&str>) -> Result<Vec<u8>, KeyFault> {
    match username {
        Some(name) if name.contains(':') => Err(KeyFault::ColonInUsername),
        Some(name) => Ok([name.as_bytes(), b":", secret].concat()),
        None if secret.contains(&b':') => Ok(secret.to_vec()),
        None => Err(KeyFault::NoUsername),
    }
}

/// The bytes of a shared key.
fn key_bytes(encoding: KeyEncoding, text: &[u8]) -> Result<Vec<u8>, KeyFault> {
    let key = match encoding {
        KeyEncoding::Hex => Encoding::Hex.decode(text).ok_or(KeyFault::Undecodable("hex")),
        KeyEncoding::Base64 => Encoding::Base64.decode(text).ok_or(KeyFault::Undecodable("base64")),
        KeyEncoding::Whsec => {
            let text = WHSEC_PREFIXES.iter().find_map(|prefix| text.strip_prefix(*prefix)).unwrap_or(text);
            Encoding::Base64.decode(text).ok_or(KeyFault::Undecodable("`whsec_` and base64"))
        }
        // Records pair the others with public keys only.
        KeyEncoding::Utf8 | KeyEncoding::Whpk | KeyEncoding::SpkiBase64 | KeyEncoding::Pem => {
            Ok(text.to_vec())
        }
    }?;
    if key.is_empty() { Err(KeyFault::Empty) } else { Ok(key) }
}

impl PublicKey {
    fn new(algorithm: Algorithm, encoding: KeyEncoding, text: &[u8]) -> Result<Self, KeyFault> {
        let raw = |fault: &'static str, decoded: Option<Vec<u8>>| {
            let key = decoded.ok_or(KeyFault::Undecodable(fault))?;
            Self::of(algorithm, SubjectKey::Ed25519(&key))
        };
        match encoding {
            KeyEncoding::Hex => raw("hex", Encoding::Hex.decode(text)),
            KeyEncoding::Whpk => {
                let text = text.strip_prefix(WHPK_PREFIX).unwrap_or(text);
                raw("`whpk_` and base64", Encoding::Base64.decode(text))
            }
            KeyEncoding::SpkiBase64 => {
                let spki = Encoding::Base64.decode(text).ok_or(KeyFault::Undecodable("base64"))?;
                Self::of(algorithm, der::subject_key(&spki).ok_or(KeyFault::NoKey)?)
            }
            _ => {
                let (label, der) = pem(text).ok_or(KeyFault::NotPem)?;
                let key = match label {
                    "PUBLIC KEY" => der::subject_key(&der),
                    "RSA PUBLIC KEY" => Some(SubjectKey::Rsa(&der)),
                    "CERTIFICATE" => der::certificate_key(&der).and_then(der::subject_key),
                    _ => return Err(KeyFault::NotPem),
                };
                Self::of(algorithm, key.ok_or(KeyFault::NoKey)?)
            }
        }
    }

    fn of(algorithm: Algorithm, key: SubjectKey<'_>) -> Result<Self, KeyFault> {
        let (verification, key): (&'static dyn VerificationAlgorithm, &[u8]) = match (algorithm, key) {
            (Algorithm::Ed25519, SubjectKey::Ed25519(key))
                if key.len() == ED25519_KEY_BYTES && !is_of_small_order(key) =>
            {
                (&signature::ED25519, key)
            }
            (Algorithm::EcdsaSha256, SubjectKey::P256(key))
                if key.len() == P256_POINT_BYTES && key.first() == Some(&P256_POINT_MARK) =>
            {
                (&signature::ECDSA_P256_SHA256_ASN1, key)
            }
            (Algorithm::RsaSha1 | Algorithm::RsaSha256, SubjectKey::Rsa(key)) => {
                let bits = der::rsa_bits(key).ok_or(KeyFault::NoKey)?;
                if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
                    return Err(KeyFault::RsaBits(bits));
                }
                if algorithm == Algorithm::RsaSha1 {
                    (&signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key)
                } else {
                    (&signature::RSA_PKCS1_2048_8192_SHA256, key)
                }
            }
            _ => return Err(KeyFault::OtherAlgorithm(algorithm)),
        };
        Ok(Self { key: UnparsedPublicKey::new(verification, key.to_vec()) })
    }
}

fn is_of_small_order(key: &[u8]) -> bool {
    let mut y = key.to_vec();
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&hex::encode(y).as_str())
}

/// The first PEM block: its label and its bytes. Line breaks may be lost: files of settings fold them.
pub(super) fn pem(text: &[u8]) -> Option<(&str, Vec<u8>)> {
    let text = str::from_utf8(text).ok()?;
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (content, after) = after.split_once("-----END ")?;
    let _end = after.strip_prefix(label)?.strip_prefix("-----")?;
    let content: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((label, base64::engine::general_purpose::STANDARD.decode(content).ok()?))
}
