//! The text that WeCom has decrypted before it believes that an address is ours.
//!
//! AES-CBC does not say whether a text is genuine, and whoever may have texts decrypted can read what was
//! encrypted for others. Three things bound that here:
//!
//! - Only what is signed with the token is decrypted: a record whose signature leaves the text out is
//!   refused (`Spec`). Strangers get the answer of every request that could not be verified.
//! - Every fault is the same `None`, and one answer and one line in the log follow from it: there is no
//!   padding oracle for whoever has the token either. Which of the few comparisons failed shows in
//!   nanoseconds at most, to nobody else.
//! - Deliveries are encrypted with the same key. What is sent back is a short word (`handshake`), which no
//!   delivery is, being XML or JSON: nobody can have one decrypted that he has seen.

use aes::Aes256;
use base64::engine::GeneralPurpose;
use base64::{Engine as _, alphabet};
use cbc::Decryptor;
use cbc::cipher::{Array, BlockModeDecrypt, KeyIvInit};

use super::signature::STRICT;
use super::words::Encoding;
use crate::secret::Secret;

const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
/// Texts are filled up to a multiple of this, which is two blocks of AES.
const PADDED_BYTES: usize = 32;
const RANDOM_BYTES: usize = 16;

/// Bytes of an encrypted text. WeCom's have 88: a number, a receiver's id, and what is around them.
const TEXT_BYTES_MAX: usize = 1024;

/// The key is random letters, not the base64 of 32 bytes: the last letter has two bits too many.
const KEY_LETTERS: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, STRICT.with_decode_allow_trailing_bits(true));

/// What an echo is decrypted with, and whom it must be for.
pub(super) struct EchoKey {
    letters: Secret,
    key: [u8; KEY_BYTES],
    /// Without one nothing is decrypted.
    receive_id: Option<String>,
}

impl EchoKey {
    /// `None` when `letters` is not base64 of a key.
    pub(super) fn new(letters: Secret, receive_id: Option<String>) -> Option<Self> {
        let key = KEY_LETTERS.decode(letters.expose()).ok()?.try_into().ok()?;
        Some(Self { letters, key, receive_id })
    }

    /// The key as it is written.
    pub(super) fn letters(&self) -> &Secret {
        &self.letters
    }

    /// Whether there is an id as well.
    pub(super) fn is_whole(&self) -> bool {
        self.receive_id.is_some()
    }

    pub(super) fn decrypt(&self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let mut bytes = Encoding::Base64.decode(text)?;
        if !bytes.len().is_multiple_of(PADDED_BYTES) {
            return None;
        }
        let vector: [u8; BLOCK_BYTES] = *self.key.first_chunk()?;
        let (blocks, _) = Array::slice_as_chunks_mut(&mut bytes);
        Decryptor::<Aes256>::new(&self.key.into(), &vector.into()).decrypt_blocks(blocks);
        self.message(&bytes).map(<[u8]>::to_vec)
    }

    /// The message between random bytes, its length, the receiver's id and the padding.
    fn message<'p>(&self, plain: &'p [u8]) -> Option<&'p [u8]> {
        let (_random, rest) = unpadded(plain)?.split_at_checked(RANDOM_BYTES)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (message, receive_id) = rest.split_at_checked(length)?;
        (Some(receive_id) == self.receive_id.as_deref().map(str::as_bytes)).then_some(message)
    }
}

/// Without the bytes at its end that say how many they are.
fn unpadded(plain: &[u8]) -> Option<&[u8]> {
    let last = *plain.last()?;
    let count = usize::from(last);
    let (content, padding) = plain.split_at_checked(plain.len().checked_sub(count)?)?;
    let is_fit = (1..=PADDED_BYTES).contains(&count) && padding.iter().all(|byte| *byte == last);
    is_fit.then_some(content)
}
