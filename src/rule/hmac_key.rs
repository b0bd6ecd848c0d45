//! HMAC as `payload-hmac-*` and `scalr-signature` want it: lower-case hex, optional prefix.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// The hex of a SHA-512.
const HEX_BYTES_MAX: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HmacAlgorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// An HMAC that has taken its key, ready for a message.
#[derive(Clone)]
pub(crate) enum HmacKey {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl HmacKey {
    pub(crate) fn new(algorithm: HmacAlgorithm, secret: &Secret) -> Self {
        // HMAC takes a key of any length (RFC 2104), so that the error cannot happen.
        const ANY_LENGTH: &str = "HMAC takes a key of any length";
        match algorithm {
            HmacAlgorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(secret.expose()).expect(ANY_LENGTH)),
            HmacAlgorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(secret.expose()).expect(ANY_LENGTH)),
            HmacAlgorithm::Sha512 => Self::Sha512(Hmac::new_from_slice(secret.expose()).expect(ANY_LENGTH)),
        }
    }

    /// Whether `header` holds a signature over the concatenated `message`. In a comma list every item
    /// with the algorithm's prefix is a candidate; a single value may leave the prefix out.
    pub(crate) fn signs(&self, message: &[&[u8]], header: &[u8]) -> bool {
        let mut text = [0; HEX_BYTES_MAX];
        let expected = self.hex(message, &mut text);
        let is_equal = |candidate: &[u8]| bool::from(candidate.ct_eq(expected));
        let prefix = self.prefix();
        if header.contains(&b',') {
            header.split(|byte| *byte == b',').filter_map(|item| item.strip_prefix(prefix)).any(is_equal)
        } else {
            is_equal(header.strip_prefix(prefix).unwrap_or(header))
        }
    }

    fn prefix(&self) -> &'static [u8] {
        match self {
            Self::Sha1(_) => b"sha1=",
            Self::Sha256(_) => b"sha256=",
            Self::Sha512(_) => b"sha512=",
        }
    }

    /// In lower case, at the beginning of `text`.
    fn hex<'t>(&self, message: &[&[u8]], text: &'t mut [u8; HEX_BYTES_MAX]) -> &'t [u8] {
        fn digest<'t, M: Mac + Clone>(key: &M, message: &[&[u8]], text: &'t mut [u8]) -> &'t [u8] {
            let mut mac = key.clone();
            for part in message {
                mac.update(part);
            }
            let code = mac.finalize().into_bytes();
            let text = text.get_mut(..2 * code.len()).expect("no code is longer than that of SHA-512");
            hex::encode_to_slice(code, text).expect("the text is twice as long as the code");
            text
        }
        match self {
            Self::Sha1(key) => digest(key, message, text),
            Self::Sha256(key) => digest(key, message, text),
            Self::Sha512(key) => digest(key, message, text),
        }
    }
}
