//! The text of a signature: a list taken apart, an item decoded, and back.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::words::{Encoding, Separator};

/// Items of a list of signatures. Senders list one per active secret; each costs a comparison.
pub(crate) const ITEMS_MAX: usize = 32;

/// Bytes of a signature's text: 32 items of a base64 HMAC-SHA512, or one RSA-8192, or a JWS, with room.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 8192;

/// Padding is optional, stray bits after the last byte are an error: one signature has one text.
pub(super) const STRICT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(false);

const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, STRICT);
const BASE64_URL: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, STRICT.with_encode_padding(false));

impl Encoding {
    pub(super) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Hex => {
                let mut bytes = vec![0; text.len() / 2];
                hex::decode_to_slice(text, &mut bytes).is_ok().then_some(bytes)
            }
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Base64Url => BASE64_URL.decode(text).ok(),
        }
    }

    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64_URL.encode(bytes),
        }
    }
}

/// What a list of signatures looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'s> {
    pub(crate) separator: Option<Separator>,
    pub(crate) prefix: &'s str,
    /// What the timestamp's item starts with, when it is in the list.
    pub(crate) timestamp: Option<&'s str>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Items<'a> {
    /// Without the prefix, still encoded.
    pub(crate) candidates: Vec<&'a [u8]>,
    pub(crate) timestamp: Option<&'a [u8]>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListFault {
    TooLong,
    TooManyItems,
    NoPrefix,
    TimestampTwice,
}

/// Items that are not known are skipped: senders add versions.
pub(crate) fn items<'a>(text: &'a [u8], shape: Shape<'_>) -> Result<Items<'a>, ListFault> {
    if text.len() > SIGNATURE_BYTES_MAX {
        return Err(ListFault::TooLong);
    }
    let Some(separator) = shape.separator else {
        let candidate = text.strip_prefix(shape.prefix.as_bytes()).ok_or(ListFault::NoPrefix)?;
        return Ok(Items { candidates: vec![candidate], timestamp: None });
    };
    let mut items = Items::default();
    for (position, item) in text.split(|byte| *byte == separator.byte()).enumerate() {
        if position == ITEMS_MAX {
            return Err(ListFault::TooManyItems);
        }
        let item = item.trim_ascii();
        if let Some(timestamp) = shape.timestamp.and_then(|prefix| item.strip_prefix(prefix.as_bytes())) {
            if items.timestamp.replace(timestamp).is_some() {
                return Err(ListFault::TimestampTwice);
            }
        } else if let Some(candidate) = item.strip_prefix(shape.prefix.as_bytes()) {
            items.candidates.push(candidate);
        }
    }
    if items.candidates.is_empty() { Err(ListFault::NoPrefix) } else { Ok(items) }
}
