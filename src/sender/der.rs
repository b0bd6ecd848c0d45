//! Just enough DER to reach the public key in a key file or certificate. Nothing else of a certificate
//! is looked at: whoever pins one trusts the key in it.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The certificate's version, which may be absent.
const CONTEXT_0: u8 = 0xA0;

const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

/// The key inside a SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKey<'a> {
    /// As an RSAPublicKey.
    Rsa(&'a [u8]),
    P256(&'a [u8]),
    Ed25519(&'a [u8]),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// One element with its head, its tag and its content.
    fn element(&mut self) -> Option<(&'a [u8], u8, &'a [u8])> {
        let whole = self.0;
        let (&[tag, first], rest) = whole.split_first_chunk::<2>()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // Up to 4 bytes of length; 0x80, the indefinite form, is not DER.
            let count = usize::from(first & 0x7F);
            let (length, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((whole.get(..whole.len() - rest.len())?, tag, content))
    }

    fn content(&mut self, expected: u8) -> Option<&'a [u8]> {
        let (_, tag, content) = self.element()?;
        (tag == expected).then_some(content)
    }

    fn sequence(&mut self) -> Option<Reader<'a>> {
        self.content(SEQUENCE).map(Reader)
    }
}

pub(super) fn subject_key(spki: &[u8]) -> Option<SubjectKey<'_>> {
    let mut outer = Reader(spki);
    let mut info = outer.sequence()?;
    if !outer.0.is_empty() {
        return None;
    }
    let mut algorithm = info.sequence()?;
    let id = algorithm.content(OBJECT_ID)?;
    // The first byte counts unused bits: whole bytes only.
    let key = info.content(BIT_STRING)?.strip_prefix(&[0])?;
    match id {
        RSA_ENCRYPTION => Some(SubjectKey::Rsa(key)),
        EC_PUBLIC_KEY if algorithm.content(OBJECT_ID)? == P256 => Some(SubjectKey::P256(key)),
        ED25519 => Some(SubjectKey::Ed25519(key)),
        _ => None,
    }
}

/// The SubjectPublicKeyInfo of an X.509 certificate.
pub(super) fn certificate_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut signed = Reader(certificate).sequence()?.sequence()?;
    let (_, mut tag, _) = signed.element()?;
    if tag == CONTEXT_0 {
        (_, tag, _) = signed.element()?;
    }
    if tag != INTEGER {
        return None;
    }
    // After the serial number: signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        signed.sequence()?;
    }
    let (whole, tag, _) = signed.element()?;
    (tag == SEQUENCE).then_some(whole)
}

/// The length of the modulus of an RSAPublicKey.
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut outer = Reader(key);
    let mut numbers = outer.sequence()?;
    let modulus = numbers.content(INTEGER)?;
    numbers.content(INTEGER)?;
    if !outer.0.is_empty() || !numbers.0.is_empty() {
        return None;
    }
    let significant: &[u8] = modulus.get(modulus.iter().position(|byte| *byte != 0)?..)?;
    let zeros = significant.first()?.leading_zeros() as usize;
    Some(significant.len() * 8 - zeros)
}
