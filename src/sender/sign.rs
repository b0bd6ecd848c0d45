//! The other direction: a delivery as its sender would make it, for `hookrunner send`.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::signature::Ed25519KeyPair;

use super::key::{self, Key, KeyFault};
use super::message::{Message, Part, Piece, Scene};
use super::outgoing::Outgoing;
use super::reading::Reading;
use super::refusal::Refusal;
use super::source::{HeaderField, Source};
use super::spec::{Spec, TimestampPlace};
use super::timestamp;
use super::url::PublicUrl;
use super::words::{Algorithm, Encoding, Scheme, Separator};
use crate::request::{Peer, Request};
use crate::secret::Secret;

const ED25519_SEED_BYTES: usize = 32;
/// Standard Webhooks writes a private key as `whsk_`, then seed and public key.
const WHSK_PREFIX: &[u8] = b"whsk_";

pub(crate) struct Signer {
    spec: Spec,
    secret: Secret,
    key: SigningKey,
}

enum SigningKey {
    Shared(Key),
    Ed25519(Box<Ed25519KeyPair>),
    /// What is sent as it is: the token, or user and password.
    Text(Vec<u8>),
    Nothing,
}

/// A delivery to be made. What it has already (a header, a JSON value) stays, timestamps aside.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    /// Where it goes, which is also the URL that is signed.
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Fresh for each delivery, the same when it is sent again.
    pub(crate) delivery_id: String,
    pub(crate) now_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignError {
    #[error("`{0}` needs the sender's private key, which only the sender has")]
    PrivateKey(Algorithm),
    #[error("the secret {0}")]
    Secret(KeyFault),
    #[error(
        "the secret is not an Ed25519 private key: 32 bytes in hex, `whsk_` and base64, or PKCS#8 in PEM"
    )]
    NotEd25519,
    #[error("the secret is not text, so that it cannot be sent")]
    NotText,
    #[error("`{0}` is not a URL of the form `https://HOST/PATH`")]
    Url(String),
    #[error("`{0}` cannot be a header's name, or its value cannot be a header's")]
    Header(String),
    #[error("the body is not a JSON object, which this sender puts {0} into")]
    NotJson(String),
    #[error("the body is not a form, which this sender signs or puts {0} into")]
    NotAForm(String),
    #[error("cannot make up {0}; put it into the request")]
    Unplaceable(String),
    #[error("{0} is there already, and is another")]
    Taken(String),
    #[error("cannot be signed: {0}")]
    Message(Refusal),
}

impl Signer {
    /// `secret` is what the sender holds: for Ed25519 the private key.
    pub(crate) fn new(spec: Spec, secret: Secret, username: Option<&str>) -> Result<Self, SignError> {
        Self::check(&spec)?;
        let shared = || Key::new(&spec, &secret, username).map(SigningKey::Shared).map_err(SignError::Secret);
        let key = match spec.algorithm {
            Algorithm::Ed25519 => {
                SigningKey::Ed25519(Box::new(private_key(&secret).ok_or(SignError::NotEd25519)?))
            }
            Algorithm::Token => SigningKey::Text(secret.expose().to_vec()),
            Algorithm::Basic => {
                SigningKey::Text(key::credentials(secret.expose(), username).map_err(SignError::Secret)?)
            }
            _ => shared()?,
        };
        Ok(Self { spec, secret, key })
    }

    /// Whether such a sender can be played, whatever the secret is.
    pub(crate) fn check(spec: &Spec) -> Result<(), SignError> {
        match spec.algorithm {
            Algorithm::EcdsaSha256 | Algorithm::RsaSha1 | Algorithm::RsaSha256 => {
                Err(SignError::PrivateKey(spec.algorithm))
            }
            _ => Ok(()),
        }
    }

    /// For a sender that signs nothing.
    pub(crate) fn unsigned(spec: Spec) -> Option<Self> {
        // Never looked at; there is no empty secret.
        let secret = Secret::new(*b"-")?;
        (!spec.needs_secret()).then_some(Self { spec, secret, key: SigningKey::Nothing })
    }

    /// Whether signing writes this header, whatever is there.
    pub(crate) fn writes_header(&self, name: &str) -> bool {
        let stamp = self.spec.timestamp.as_ref().map(|timestamp| &timestamp.place);
        let of_stamp = stamp.and_then(|place| match place {
            TimestampPlace::At(source) => Some(source),
            TimestampPlace::Item(_) => None,
        });
        let mut sources = self.spec.signature.iter().chain(of_stamp);
        let is_basic = self.spec.algorithm == Algorithm::Basic;
        sources.any(|source| matches!(source, Source::Header(field) if field.text.eq_ignore_ascii_case(name)))
            || (is_basic && AUTHORIZATION.as_str().eq_ignore_ascii_case(name))
    }

    pub(crate) fn sign(&self, draft: Draft) -> Result<Signed, SignError> {
        let Draft { method, url, headers, body, delivery_id, now_ms } = draft;
        let public_url = PublicUrl::parse(&url).ok_or_else(|| SignError::Url(url.clone()))?;
        let mut out = Outgoing::new(url, headers, body);
        if !out.has_header(&CONTENT_TYPE) {
            out.set_header("Content-Type", self.content_type(&out.body).to_owned());
        }
        // A JSON body is left as it is: ids and events in it are the user's.
        if let Some(Source::Header(field)) = &self.spec.delivery_id {
            out.add_header(field, &delivery_id);
        }
        let stamp = self.spec.timestamp.as_ref().map(|ts| timestamp::format_ms(now_ms, ts.unit));
        if let (Some(timestamp), Some(stamp)) = (&self.spec.timestamp, &stamp)
            && let TimestampPlace::At(source) = &timestamp.place
        {
            out.place(source, stamp, true)?;
        }
        self.fill(&mut out, &delivery_id)?;
        let request = request(&method, &out)?;
        let Some(text) = self.signature_text(&request, &public_url, stamp.as_deref())? else {
            return Ok(out.into_signed());
        };
        match &self.spec.signature {
            Some(source) => out.place(source, &text, false)?,
            None => out.set_header("Authorization", text),
        }
        request_head(&out)?;
        Ok(out.into_signed())
    }

    /// The emptiest body that the sender could send: a form or JSON.
    pub(crate) fn default_body(&self) -> Vec<u8> {
        if self.takes_form() { Vec::new() } else { b"{}".to_vec() }
    }

    /// Puts an id or event where `source` says. What is there already must be the same: neither of two that
    /// were asked for is dropped.
    pub(crate) fn label(source: &Source, text: &str, draft: &mut Draft) -> Result<(), SignError> {
        let mut out = Outgoing::new(draft.url.clone(), draft.headers.clone(), draft.body.clone());
        let request = request(&draft.method, &out)?;
        let reading = Reading::new(&request);
        let is_taken = match (reading.text(source), source) {
            (Ok(known), _) if *known == *text.as_bytes() => return Ok(()),
            (Err(Refusal::Missing { .. }), Source::Json(pointer)) => {
                reading.json().is_some_and(|body| pointer.find(body).is_some())
            }
            (Err(Refusal::Missing { .. } | Refusal::NotJson | Refusal::NotAForm), _) => false,
            (Ok(_) | Err(_), _) => true,
        };
        if is_taken {
            return Err(SignError::Taken(source.described()));
        }
        out.place(source, text, false)?;
        let Signed { url, headers, body } = out.into_signed();
        *draft = Draft { url, headers, body, ..draft.clone() };
        Ok(())
    }

    fn takes_form(&self) -> bool {
        let in_form = |source: &Source| matches!(source, Source::Form { .. });
        self.spec.message.has(&Part::FormSorted)
            || self.spec.message.sources().chain(&self.spec.signature).any(in_form)
    }

    fn content_type(&self, body: &[u8]) -> &'static str {
        let looks_like_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        if self.takes_form() && !looks_like_json {
            "application/x-www-form-urlencoded"
        } else {
            "application/json"
        }
    }

    /// What the signed text needs and the request lacks: a nonce, a token. The delivery's id is as good.
    fn fill(&self, out: &mut Outgoing, delivery_id: &str) -> Result<(), SignError> {
        for source in self.spec.message.sources() {
            let request = request(&Method::POST, out)?;
            match Reading::new(&request).text(source) {
                Ok(_) => {}
                Err(Refusal::Repeated { .. }) => return Err(SignError::Unplaceable(source.described())),
                Err(_) => out.place(source, delivery_id, false)?,
            }
        }
        for part in self.spec.message.parts() {
            if let Part::SignedHeaders(field) = part
                && !out.has_header(&field.name)
            {
                out.set_header(&field.text, self.signed_headers(field));
            }
        }
        let is_form = out.header(&CONTENT_TYPE).is_some_and(|value| value.contains("form-urlencoded"));
        if let Some(source) = &self.spec.body_hash
            && !is_form
        {
            let hash = Encoding::Hex.encode(&key::hashed(&out.body));
            out.place(source, &hash, false)?;
        }
        Ok(())
    }

    /// The list itself and the timestamp, in order.
    fn signed_headers(&self, list: &HeaderField) -> String {
        let mut names = vec![list.name.as_str()];
        if let Some(timestamp) = &self.spec.timestamp
            && let TimestampPlace::At(Source::Header(field)) = &timestamp.place
        {
            names.push(field.name.as_str());
        }
        names.sort_unstable();
        names.join(",")
    }

    fn signature_text(
        &self,
        request: &Request,
        public_url: &PublicUrl,
        stamp: Option<&str>,
    ) -> Result<Option<String>, SignError> {
        let bytes = match &self.key {
            SigningKey::Nothing => return Ok(None),
            SigningKey::Text(text) if self.spec.algorithm == Algorithm::Basic => {
                return Ok(Some(format!("Basic {}", Encoding::Base64.encode(text))));
            }
            SigningKey::Text(text) => {
                let token = str::from_utf8(text).map_err(|_| SignError::NotText)?;
                return Ok(Some(self.listed(token, stamp)));
            }
            SigningKey::Shared(Key::Mac(mac)) if self.spec.algorithm.scheme() == Scheme::Jws => {
                let signed = self.claims(&request.body);
                let signature = (**mac).clone().of(&[Piece::Bytes(signed.as_bytes().into())], &self.secret);
                let token = format!("{signed}.{}", Encoding::Base64Url.encode(&signature));
                return Ok(Some(format!("{}{token}", self.spec.prefix)));
            }
            key => self.signature(key, request, public_url, stamp)?,
        };
        Ok(Some(self.listed(&self.spec.encoding.encode(&bytes), stamp)))
    }

    fn signature(
        &self,
        key: &SigningKey,
        request: &Request,
        public_url: &PublicUrl,
        stamp: Option<&str>,
    ) -> Result<Vec<u8>, SignError> {
        let reading = Reading::new(request);
        let body_hashed = self.spec.body_hash.as_ref().is_some_and(|source| reading.text(source).is_ok());
        let scene = Scene {
            reading: &reading,
            public_url: Some(public_url),
            timestamp: stamp.map(str::as_bytes),
            timestamp_header: None,
            body_hashed,
        };
        let message: &Message = &self.spec.message;
        let pieces = message.fill(&scene).map_err(SignError::Message)?;
        match key {
            SigningKey::Shared(Key::Mac(mac)) => Ok((**mac).clone().of(&pieces, &self.secret)),
            SigningKey::Shared(Key::Hash(algorithm)) => Ok(key::hash(*algorithm, &pieces, &self.secret)),
            SigningKey::Ed25519(pair) => Ok(pair.sign(&key::joined(&pieces, &self.secret)).as_ref().to_vec()),
            _ => Err(SignError::PrivateKey(self.spec.algorithm)),
        }
    }

    /// With its prefix, and in a list with the timestamp before it.
    fn listed(&self, text: &str, stamp: Option<&str>) -> String {
        let text = format!("{}{text}", self.spec.prefix);
        let place = self.spec.timestamp.as_ref().map(|timestamp| &timestamp.place);
        match (self.spec.separator.map(Separator::as_str), place, stamp) {
            (Some(separator), Some(TimestampPlace::Item(start)), Some(stamp)) => {
                format!("{start}{stamp}{separator}{text}")
            }
            _ => text,
        }
    }

    /// Header and payload of a token.
    fn claims(&self, body: &[u8]) -> String {
        let mut payload = serde_json::Map::new();
        if let Some(claim) = &self.spec.claim {
            if let Some(issuer) = &claim.issuer {
                payload.insert("iss".into(), issuer.as_str().into());
            }
            payload.insert(claim.name.clone(), claim.encoding.encode(&key::hashed(body)).into());
        }
        let payload = serde_json::Value::Object(payload).to_string();
        let header = Encoding::Base64Url.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        format!("{header}.{}", Encoding::Base64Url.encode(payload.as_bytes()))
    }
}

fn private_key(secret: &Secret) -> Option<Ed25519KeyPair> {
    let text = secret.expose();
    if let Some((_, pkcs8)) = key::pem(text) {
        return Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok();
    }
    let bytes = match text.strip_prefix(WHSK_PREFIX) {
        Some(text) => Encoding::Base64.decode(text)?,
        None => Encoding::Hex.decode(text)?,
    };
    let (seed, public) = bytes.split_at_checked(ED25519_SEED_BYTES)?;
    match public {
        [] => Ed25519KeyPair::from_seed_unchecked(seed).ok(),
        public => Ed25519KeyPair::from_seed_and_public_key(seed, public).ok(),
    }
}

/// The delivery as its receiver will see it, so that both sides read it with the same eyes.
fn request(method: &Method, out: &Outgoing) -> Result<Request, SignError> {
    let after_scheme = out.url.split_once("://").map_or(out.url.as_str(), |(_, rest)| rest);
    let target = after_scheme.find(['/', '?']).and_then(|at| after_scheme.get(at..)).unwrap_or("/");
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    Ok(Request {
        id: String::new(),
        peer: Peer::Unix,
        method: method.clone(),
        path: path.to_owned(),
        query,
        headers: request_head(out)?,
        body: Bytes::copy_from_slice(&out.body),
    })
}

fn request_head(out: &Outgoing) -> Result<HeaderMap, SignError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &out.headers {
        let fault = || SignError::Header(name.clone());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| fault())?);
    }
    Ok(headers)
}
