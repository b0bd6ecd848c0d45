//! From flags to what is sent: everything that is read once, whatever the number of attempts.

use std::io::{self, Read};
use std::path::Path;

use hyper::Method;

use super::random;
use super::request::Outbound;
use super::target::{Target, TargetError};
use crate::cli::{self, SendFlags};
use crate::hooks_file::read_secret_file;
use crate::secret::Secret;
use crate::sender::{self, Draft, SignError, Signer, Source, Spec};

/// Far above what any sender sends; a larger file was named by mistake.
const DATA_BYTES_MAX: u64 = 256 << 20;

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    #[error("{0}")]
    Sender(String),
    #[error(
        "`{sender}` needs a secret: name the variable that holds it with `-secret-env`, or the file with \
         `-secret-file`"
    )]
    NoSecret { sender: String },
    #[error("`{sender}` signs nothing: leave the secret out")]
    SecretUnused { sender: String },
    #[error("{place} {reason}")]
    Secret { place: String, reason: String },
    #[error("`-username` has no effect with `{sender}`, which is not basic authentication")]
    UsernameUnused { sender: String },
    #[error("`{sender}` gives its deliveries no {label}: leave `{flag}` out")]
    NoLabel { sender: String, label: &'static str, flag: &'static str },
    #[error("`{flag} {text}` contradicts the request: {place} says otherwise; leave one of them out")]
    LabelTaken { flag: &'static str, text: String, place: String },
    #[error("the header `{0}` is written by signing: leave it out")]
    SignedHeader(String),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the header `{0}` is written by hookrunner itself")]
    OwnHeader(String),
    #[error("failed to read the body from {place}: {reason}")]
    Data { place: String, reason: String },
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("the system gives no random numbers, which the delivery's id needs")]
    NoRandom,
}

pub(super) struct Prepared {
    pub(super) target: Target,
    signer: Signer,
    /// All but the time.
    draft: Draft,
}

impl Prepared {
    pub(super) fn new(flags: SendFlags) -> Result<Self, Mistake> {
        let SendFlags {
            url,
            sender,
            secret_env,
            secret_file,
            username,
            event,
            delivery_id,
            data,
            header: headers,
            method,
            public_url,
            retries: _,
            timeout: _,
            dry_run: _,
        } = flags;
        let row = sender::find(&sender).ok_or_else(|| Mistake::Sender(sender::unknown(&sender)))?;
        Signer::check(&row.spec)?;
        let target = Target::parse(&url)?;
        let public_url = public_url.map(|url| Target::parse(&url)).transpose()?;
        let secret = secret(secret_env, secret_file.as_deref())?;
        let signer = signer(&row.spec, &sender, secret, username.as_deref())?;
        for (name, _) in &headers {
            if Outbound::is_own_header(name) {
                return Err(Mistake::OwnHeader(name.clone()));
            }
            if signer.writes_header(name) {
                return Err(Mistake::SignedHeader(name.clone()));
            }
        }
        let is_body_ours = data.is_none() && !matches!(method, Method::GET | Method::HEAD);
        let body = match data {
            Some(data) => body(&data)?,
            None => Vec::new(),
        };
        let given_id = delivery_id.is_some();
        let delivery_id = match delivery_id {
            Some(id) => id,
            None => uuid_v4(random().map_err(|_| Mistake::NoRandom)?),
        };
        // Without what `target` has of its own.
        let url = public_url.as_ref().unwrap_or(&target).with_query(target.query());
        let mut draft = Draft { method, url, headers, body, delivery_id: delivery_id.clone(), now_ms: 0 };
        let Spec { delivery_id: id_place, event: event_place, .. } = &row.spec;
        if given_id {
            label(&sender, &mut draft, ("delivery id", "-delivery-id"), id_place.as_ref(), &delivery_id)?;
        } else if let Some(place) = id_place.as_ref().filter(|place| is_body_ours && place.is_in_body()) {
            Signer::label(place, &delivery_id, &mut draft)?;
        }
        if let Some(event) = event {
            label(&sender, &mut draft, ("event", "-event"), event_place.as_ref(), &event)?;
        }
        if is_body_ours && draft.body.is_empty() {
            draft.body = signer.default_body();
        }
        Ok(Self { target, signer, draft })
    }

    /// Signed at this time. The signature can add to the query, which is then sent too.
    pub(super) fn outbound(&self, now_ms: i64) -> Result<Outbound, SignError> {
        let signed = self.signer.sign(Draft { now_ms, ..self.draft.clone() })?;
        let query = signed.url.split_once('?').map(|(_, query)| query);
        Ok(Outbound::new(&self.draft.method, &self.target, query, signed.headers, signed.body))
    }
}

/// An id or event that would be given and not sent is a mistake.
fn label(
    sender: &str,
    draft: &mut Draft,
    (label, flag): (&'static str, &'static str),
    place: Option<&Source>,
    text: &str,
) -> Result<(), Mistake> {
    let place = place.ok_or_else(|| Mistake::NoLabel { sender: sender.to_owned(), label, flag })?;
    Signer::label(place, text, draft).map_err(|error| match error {
        SignError::Taken(place) => Mistake::LabelTaken { flag, text: text.to_owned(), place },
        error => error.into(),
    })
}

fn signer(
    spec: &Spec,
    sender: &str,
    secret: Option<Secret>,
    username: Option<&str>,
) -> Result<Signer, Mistake> {
    let sender = || sender.to_owned();
    if username.is_some() && spec.algorithm != sender::Algorithm::Basic {
        return Err(Mistake::UsernameUnused { sender: sender() });
    }
    match (secret, Signer::unsigned(spec.clone())) {
        (None, Some(signer)) => Ok(signer),
        (None, None) => Err(Mistake::NoSecret { sender: sender() }),
        (Some(_), Some(_)) => Err(Mistake::SecretUnused { sender: sender() }),
        (Some(secret), None) => Ok(Signer::new(spec.clone(), secret, username)?),
    }
}

fn secret(variable: Option<String>, file: Option<&Path>) -> Result<Option<Secret>, Mistake> {
    let (place, text) = match (variable, file) {
        (Some(name), _) => {
            let text = cli::hooks_file_surroundings().environment.get(&name).cloned();
            let text = text.map(String::into_bytes).ok_or_else(|| "is not set".to_owned());
            (format!("the environment variable {name}"), text)
        }
        (None, Some(path)) => (format!("the file {}", path.display()), read_secret_file(path)),
        (None, None) => return Ok(None),
    };
    let secret = text.and_then(|text| Secret::from_text(text).ok_or_else(|| "is empty".to_owned()));
    secret.map(Some).map_err(|reason| Mistake::Secret { place, reason })
}

fn body(data: &str) -> Result<Vec<u8>, Mistake> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => read("stdin", Ok(io::stdin().lock())),
        Some(path) => read(path, std::fs::File::open(path)),
    }
}

fn read(place: &str, from: io::Result<impl Read>) -> Result<Vec<u8>, Mistake> {
    let failed = |reason: String| Mistake::Data { place: place.to_owned(), reason };
    let mut bytes = Vec::new();
    let read = from.and_then(|from| from.take(DATA_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(failed(error.to_string())),
        Ok(_) if bytes.len() as u64 > DATA_BYTES_MAX => {
            Err(failed(format!("it is larger than {DATA_BYTES_MAX} bytes")))
        }
        Ok(_) => Ok(bytes),
    }
}

/// RFC 9562: all bits random but those that say so.
fn uuid_v4(random: [u8; 16]) -> String {
    let version_and_variant = (0xf << 76) | (0b11 << 62);
    let bits = u128::from_be_bytes(random) & !version_and_variant | (4 << 76) | (0b10 << 62);
    let group = |from: u32, bits_of_group: u32| (bits >> from) & ((1 << bits_of_group) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid_v4([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
        let counted: [u8; 16] = std::array::from_fn(|index| index as u8);
        assert_eq!(uuid_v4(counted), "00010203-0405-4607-8809-0a0b0c0d0e0f");
    }
}
