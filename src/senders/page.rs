//! How one sender signs, in words, and what to do about it.

use std::time::Duration;

use super::hook;
use crate::sender::{
    Algorithm, Handshake, KeyEncoding, Part, Row, Scheme, Separator, Source, Spec, Timestamp, TimestampPlace,
    Unit,
};

/// Where the second column begins.
const LABEL_WIDTH: usize = 14;

pub(super) fn page(row: &Row) -> String {
    let Row { name, spec, note, .. } = row;
    let family = row.family();
    let mut page = format!("{name}, of the family \"{family}\"\n{}\n", family.explained());
    section(&mut page, "How it signs", &signing(spec));
    section(&mut page, "What to set at the sender", &settings(name, spec));
    if let Some(note) = note {
        page.push_str(&format!("\nNote\n  {note}\n"));
    }
    page.push_str(&format!("\nA hook to copy\n\n{}", hook::yaml(row)));
    page
}

fn section(page: &mut String, title: &str, entries: &[(&str, String)]) {
    page.push_str(&format!("\n{title}\n"));
    for (label, text) in entries {
        page.push_str(&format!("  {label:LABEL_WIDTH$}{text}\n"));
    }
}

fn signing(spec: &Spec) -> Vec<(&'static str, String)> {
    let scheme = spec.algorithm.scheme();
    let mut entries = vec![("algorithm", algorithm(spec.algorithm).to_owned())];
    if matches!(scheme, Scheme::Hmac | Scheme::Jws) && spec.key_encoding != KeyEncoding::Utf8 {
        entries.push(("key", shared_key(spec.key_encoding).to_owned()));
    }
    if let Some(source) = &spec.signature {
        entries.push(("signature", signature(spec, source)));
    }
    match (scheme, &spec.claim) {
        (Scheme::Hmac | Scheme::Hash | Scheme::PublicKey, _) => entries.push(("signed text", message(spec))),
        (Scheme::Jws, Some(claim)) => {
            let issuer = claim.issuer.as_ref().map(|issuer| format!("; the issuer is `{issuer}`"));
            let text =
                format!("its claim `{}` is the body's SHA-256 in {}", claim.name, claim.encoding.as_str());
            entries.push(("signed text", text + &issuer.unwrap_or_default()));
        }
        _ => {}
    }
    if let Some(source) = &spec.body_hash {
        let text = format!(
            "if there is a {}, it is the body's SHA-256 in hex, and stands for it",
            source.described()
        );
        entries.push(("body's hash", text));
    }
    if spec.needs_secret() && !spec.signs_body() {
        let text = "is not signed: whoever has seen one delivery can send it with another body";
        entries.push(("the body", text.to_owned()));
    }
    if scheme != Scheme::Open {
        entries.push(("timestamp", timestamp(spec.timestamp.as_ref())));
    }
    for (label, source) in [("delivery id", &spec.delivery_id), ("event", &spec.event)] {
        if let Some(source) = source {
            entries.push((label, source.described()));
        }
    }
    if let Some(handshake) = spec.handshake {
        entries.push(("handshake", self::handshake(handshake).to_owned()));
    }
    entries
}

const fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HmacSha1 => "HMAC with SHA-1",
        Algorithm::HmacSha256 => "HMAC with SHA-256",
        Algorithm::HmacSha512 => "HMAC with SHA-512",
        Algorithm::HashSha1 => "SHA-1, without a key",
        Algorithm::HashSha256 => "SHA-256, without a key",
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::EcdsaSha256 => "ECDSA over P-256 with SHA-256, in DER",
        Algorithm::RsaSha1 => "RSA (PKCS#1 v1.5) with SHA-1",
        Algorithm::RsaSha256 => "RSA (PKCS#1 v1.5) with SHA-256",
        Algorithm::Token => "none: it sends the secret",
        Algorithm::Basic => "none: it sends user and password (HTTP basic authentication)",
        Algorithm::JwsHs256 => "HMAC with SHA-256, in a token (JWT, HS256)",
        Algorithm::None => "none",
    }
}

/// Of a secret that both sides have.
const fn shared_key(encoding: KeyEncoding) -> &'static str {
    match encoding {
        KeyEncoding::Base64 => "the secret is base64 of it",
        KeyEncoding::Hex => "the secret is hex of it",
        KeyEncoding::Whsec => "the secret is base64 of it, after `whsec_` or not",
        _ => "the secret as it is",
    }
}

const fn public_key(encoding: KeyEncoding) -> &'static str {
    match encoding {
        KeyEncoding::Hex => "in hex",
        KeyEncoding::Whpk => "in base64, after `whpk_` or not",
        KeyEncoding::SpkiBase64 => "in base64 (a SubjectPublicKeyInfo)",
        _ => "in PEM, or a certificate that has it",
    }
}

fn signature(spec: &Spec, source: &Source) -> String {
    let content = match (spec.algorithm.scheme(), spec.prefix.as_str()) {
        (Scheme::Token, "") => "the secret".to_owned(),
        (Scheme::Token, prefix) => format!("`{prefix}` and the secret"),
        (Scheme::Jws, "") => "the token".to_owned(),
        (Scheme::Jws, prefix) => format!("`{prefix}` and the token"),
        (_, "") => spec.encoding.as_str().to_owned(),
        (_, prefix) => format!("`{prefix}` and {}", spec.encoding.as_str()),
    };
    let place = source.described();
    match spec.separator.map(separated_by) {
        None => format!("{place}: {content}"),
        Some(separated) => format!("{place}: a list separated by {separated}; items of {content} count"),
    }
}

const fn separated_by(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma => "commas",
        Separator::Semicolon => "semicolons",
        Separator::Space => "spaces",
    }
}

/// The template's parts in words.
fn message(spec: &Spec) -> String {
    let parts: Vec<String> = spec.message.parts().iter().map(part).collect();
    parts.join(", ")
}

fn part(part: &Part) -> String {
    match part {
        Part::Literal(text) => format!("`{}`", text.escape_debug()),
        Part::Body => "the body".to_owned(),
        Part::Timestamp => "the timestamp".to_owned(),
        Part::Secret => "the secret".to_owned(),
        Part::Method => "the method".to_owned(),
        Part::Url => "the public URL with the request's query".to_owned(),
        Part::Path => "the public URL's path with the request's query".to_owned(),
        Part::Text(source) => source.described(),
        Part::FormSorted => "the form's fields by name, each name and value".to_owned(),
        Part::Crc32 => "the body's CRC-32".to_owned(),
        Part::Sorted(items) => {
            let described = |item: &Option<Source>| match item {
                Some(source) => source.described(),
                None => "the secret".to_owned(),
            };
            let items: Vec<String> = items.iter().map(described).collect();
            format!("these in byte order: {}", items.join(", "))
        }
        Part::SignedHeaders(field) => format!("the headers that {} lists", field.described()),
    }
}

fn timestamp(timestamp: Option<&Timestamp>) -> String {
    let Some(Timestamp { place, unit, tolerance }) = timestamp else {
        return "none: an old delivery is as good as a new one, but for `deduplicate`".to_owned();
    };
    let place = match place {
        TimestampPlace::At(source) => source.described(),
        TimestampPlace::Item(start) => format!("`{start}` in the list"),
    };
    let unit = match unit {
        Unit::Seconds => "seconds since 1970",
        Unit::Milliseconds => "milliseconds since 1970",
        Unit::Rfc3339 => "RFC 3339",
        Unit::HttpDate => "an HTTP date",
    };
    let window = match *tolerance {
        Duration::ZERO => "of any age, unless `tolerance` says otherwise".to_owned(),
        tolerance => format!("at most {} s old or ahead", tolerance.as_secs()),
    };
    format!("{place}: {unit}, {window}")
}

const fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::Slack => "a signed event `url_verification`: its `challenge` is sent back",
        Handshake::Zoom => "an event `endpoint.url_validation`: its `plainToken` is sent back with its HMAC",
        Handshake::XCrc => "a GET with `crc_token`: its HMAC is sent back",
        Handshake::Meta => {
            "a GET with `hub.verify_token`, which must be `verify-token` (without one: a secret); `hub.challenge` is \
             sent back"
        }
        Handshake::Twitch => "a signed message `webhook_callback_verification`: its `challenge` is sent back",
        Handshake::Okta => "a GET with `X-Okta-Verification-Challenge`, which is sent back",
        Handshake::Dropbox => "a GET with `challenge`, which is sent back",
        Handshake::Discord => "a signed PING: answered as one",
        Handshake::Lark => {
            "an event `url_verification`, whose token must be `verify-token` if there is one; its `challenge` is \
             sent back"
        }
        Handshake::Asana => {
            "a request with `X-Hook-Secret`, which is sent back and kept, with `set-up-file` only"
        }
        Handshake::Notion => "a request with `verification_token`, which is kept, with `set-up-file` only",
        Handshake::Head200 => "a HEAD: answered 200",
        Handshake::Monday => "a request with `challenge` alone, which is sent back",
        Handshake::Wecom => {
            "a signed GET with `echostr`, encrypted with `encoding-aes-key` for `receive-id`: it is sent back decrypted"
        }
    }
}

fn settings(name: &str, spec: &Spec) -> Vec<(&'static str, String)> {
    let address = match (spec.algorithm.scheme(), spec.needs_public_url()) {
        (Scheme::Open, _) => {
            "the hook's, with a long random `id`: that nobody can guess it is the only protection".to_owned()
        }
        (_, true) => format!("{}/{name}: to the letter the hook's `public-url`", hook::EXAMPLE_URL),
        (_, false) => format!("{}/{name}, or where your hook is", hook::EXAMPLE_URL),
    };
    let mut entries = vec![("address", address)];
    if spec.needs_secret() {
        entries.push(secret(spec));
    }
    let (label, text) = match spec.handshake {
        Some(Handshake::Meta) => {
            ("verify token", "a text of your own, the same as `verify-token` in the hook")
        }
        Some(Handshake::Lark) => ("token", "its verification token is `verify-token` in the hook"),
        Some(Handshake::Wecom) => ("AES key", "its EncodingAESKey is `encoding-aes-key` in the hook"),
        _ => return entries,
    };
    entries.push((label, text.to_owned()));
    entries
}

fn secret(spec: &Spec) -> (&'static str, String) {
    let text = match (spec.algorithm.scheme(), spec.handshake, spec.key_encoding) {
        (_, Some(handshake), _) if handshake.brings_secret() => {
            "nothing: it brings one in its handshake, which is written to `set-up-file`. Then reload, and remove \
             `set-up-file`"
        }
        (_, Some(Handshake::Wecom), _) => "its Token, the same as in the hook",
        (Scheme::PublicKey, _, encoding) => {
            let text = format!("nothing: the hook has the sender's public key, {}", public_key(encoding));
            return ("key", text);
        }
        (Scheme::Basic, ..) => return ("user", "user and password as in the hook".to_owned()),
        (Scheme::Token, ..) => {
            let is_authorization =
                matches!(&spec.signature, Some(Source::Header(field)) if field.name == "authorization");
            if is_authorization && spec.prefix.is_empty() {
                "the whole value of the header, a word like `Bearer` included, the same as in the hook"
            } else {
                "the token, the same as in the hook; to make one: openssl rand -hex 32"
            }
        }
        (_, _, KeyEncoding::Hex) => "the same as in the hook, in hex: the one that the sender shows",
        (_, _, KeyEncoding::Base64) => "the same as in the hook, in base64: the one that the sender shows",
        (_, _, KeyEncoding::Whsec) => {
            "the same as in the hook: the one that the sender shows, often as `whsec_…`"
        }
        _ => {
            "the same as in the hook: the one that the sender shows, or, if you may choose, openssl rand -hex 32"
        }
    };
    ("secret", text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::{find, table};

    #[test]
    fn pages_say_what_records_say() {
        #[track_caller]
        fn check(sender: &str, line: &str) {
            let page = page(find(sender).unwrap());
            assert!(page.lines().any(|known| known.trim_start() == line), "{line}\n{page}");
        }
        check("github", "github, of the family \"hub\"");
        check("github", "algorithm     HMAC with SHA-256");
        check("github", "signature     header `X-Hub-Signature-256`: `sha256=` and hex");
        check("github", "signed text   the body");
        check("github", "sender: github");
        let list = "header `Stripe-Signature`: a list separated by commas; items of `v1=` and hex count";
        check("stripe", &format!("signature     {list}"));
        check("stripe", "signed text   the timestamp, `.`, the body");
        check("stripe", "timestamp     `t=` in the list: seconds since 1970, at most 300 s old or ahead");
        check("paddle", "timestamp     `ts=` in the list: seconds since 1970, at most 5 s old or ahead");
        check("clerk", "key           the secret is base64 of it, after `whsec_` or not");
        check("discord", "key           nothing: the hook has the sender's public key, in hex");
        check("alertmanager", "signature     header `Authorization`: `Bearer ` and the secret");
        check("gitee", "signed text   the timestamp, `\\n`, the secret");
        check(
            "netlify",
            "signed text   its claim `sha256` is the body's SHA-256 in hex; the issuer is `netlify`",
        );
        check(
            "square",
            "address       https://hooks.example.com/hooks/square: to the letter the hook's `public-url`",
        );
        check("quay", "Quay signs nothing: an unguessable URL is the only protection.");
        check("wecom", "secret        its Token, the same as in the hook");
        check("wecom", "AES key       its EncodingAESKey is `encoding-aes-key` in the hook");
        assert!(!page(find("wecom").unwrap()).contains("  deduplicate:"));
        check("whatsapp", "verify token  a text of your own, the same as `verify-token` in the hook");
        check("none", "algorithm     none");
    }

    #[test]
    fn a_body_that_is_not_signed_is_said_to_be() {
        for row in table() {
            let says = page(row).contains("  the body      is not signed");
            assert_eq!(says, row.spec.needs_secret() && !row.spec.signs_body(), "{}", row.name);
        }
    }
}
