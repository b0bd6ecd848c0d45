//! A record with a hook's secrets and settings: everything that is checked and prepared at load.

use std::time::Duration;

use super::encrypted_echo::EchoKey;
use super::key::Key;
use super::reading::Reading;
use super::record::SpecError;
use super::source::{HeaderField, Source};
use super::spec::{Spec, TOLERANCE_DEFAULT};
use super::url::PublicUrl;
use super::words::{Handshake, Scheme};
use crate::request::Request;
use crate::secret::Secret;

/// Bytes of a delivery id or event name. They go to logs and arguments; real ones are under 100.
pub(crate) const LABEL_BYTES_MAX: usize = 256;

/// What a hook sets besides the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Any of them may match: the new one and the old, while a secret is changed.
    pub(crate) secrets: Vec<Secret>,
    /// Before the record's own. Zero switches the window off.
    pub(crate) tolerance: Option<Duration>,
    pub(crate) public_url: Option<String>,
    /// For `basic`, when the secret is the password alone.
    pub(crate) username: Option<String>,
    /// What Meta and Lark send in their handshake. Meta's is one of the secrets when this is absent.
    pub(crate) verify_token: Option<Secret>,
    /// What WeCom encrypts its handshake with: the key as WeCom shows it.
    pub(crate) encoding_aes_key: Option<Secret>,
    /// Whom that handshake must be for. An empty id is one too.
    pub(crate) receive_id: Option<String>,
    /// Answer the handshakes that bring a secret (Asana, Notion). Secrets may be absent meanwhile.
    pub(crate) set_up: bool,
}

pub(crate) struct Verifier {
    pub(super) spec: Spec,
    pub(super) secrets: Vec<(Secret, Key)>,
    pub(super) verify_token: Option<Secret>,
    pub(super) echo_key: Option<EchoKey>,
    pub(super) set_up: bool,
    pub(super) public_url: Option<PublicUrl>,
    /// Zero: no window.
    pub(super) tolerance_ms: i64,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// What a delivery calls itself. Senders mostly do not sign these.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) delivery_id: Option<String>,
    pub(crate) event: Option<String>,
}

impl Verifier {
    pub(crate) fn new(spec: Spec, options: Options) -> Result<Self, SpecError> {
        if let Some(misfit) = Self::misfit(&spec, &options) {
            return Err(misfit);
        }
        let Options {
            secrets,
            tolerance,
            public_url,
            username,
            verify_token,
            encoding_aes_key,
            receive_id,
            set_up,
        } = options;
        let public_url = public_url.map(|text| {
            PublicUrl::parse(&text).ok_or_else(|| SpecError::Value {
                field: "public-url",
                written: text,
                allowed: PublicUrl::ALLOWED.to_owned(),
            })
        });
        let public_url = public_url.transpose()?;
        if spec.needs_public_url() && public_url.is_none() {
            return Err(SpecError::Absent {
                field: "public-url",
                reason: "this sender signs the URL it was given",
            });
        }
        let echo_key = match encoding_aes_key {
            Some(letters) => Some(EchoKey::new(letters, receive_id).ok_or(SpecError::EchoKey)?),
            None => None,
        };
        let keyed = |(position, secret): (usize, Secret)| match Key::new(&spec, &secret, username.as_deref())
        {
            Ok(key) => Ok((secret, key)),
            Err(fault) => Err(SpecError::Secret { position: position + 1, fault }),
        };
        let secrets = secrets.into_iter().enumerate().map(keyed).collect::<Result<_, _>>()?;
        let own = spec.timestamp.as_ref().map(|timestamp| timestamp.tolerance);
        let tolerance = tolerance.or(own).unwrap_or(TOLERANCE_DEFAULT);
        let tolerance_ms = i64::try_from(tolerance.as_millis()).unwrap_or(i64::MAX);
        Ok(Self { spec, secrets, verify_token, echo_key, set_up, public_url, tolerance_ms })
    }

    /// A secret that must be there and is not, or one that nothing is checked with.
    fn misfit(spec: &Spec, options: &Options) -> Option<SpecError> {
        let is_set_up = options.set_up && spec.handshake.is_some_and(Handshake::brings_secret);
        match (options.secrets.is_empty(), spec.needs_secret()) {
            (false, false) => {
                Some(SpecError::Unused { field: "secret", with: format!("`algorithm: {}`", spec.algorithm) })
            }
            (true, true) if !is_set_up => Some(SpecError::NoSecret),
            _ => None,
        }
    }

    /// Every key that does nothing with this sender. The deliveries are checked all the same, so that it is
    /// only told.
    pub(crate) fn needless(spec: &Spec, options: &Options) -> Vec<SpecError> {
        let Options {
            secrets: _,
            tolerance,
            public_url,
            username,
            verify_token,
            encoding_aes_key,
            receive_id,
            set_up,
        } = options;
        let scheme = spec.algorithm.scheme();
        let brings_token = spec.handshake.is_some_and(Handshake::brings_token);
        let brings_secret = spec.handshake.is_some_and(Handshake::brings_secret);
        let encrypts_echo = spec.handshake == Some(Handshake::Wecom);
        let has_time = spec.timestamp.is_some() || scheme == Scheme::Jws;
        // Without a timestamp, zero says what is so: there is no window.
        let sets_window = tolerance.is_some_and(|tolerance| !tolerance.is_zero());
        let no_password = "this sender sends no user and password";
        let no_echo = "this sender encrypts no handshake";
        let keys = [
            (username.is_some() && scheme != Scheme::Basic, "username", no_password),
            (
                public_url.is_some() && !spec.needs_public_url(),
                "public-url",
                "this sender does not sign the URL",
            ),
            (sets_window && !has_time, "tolerance", "this sender sends no timestamp"),
            (
                verify_token.is_some() && !brings_token,
                "verify-token",
                "this sender has no handshake that brings one",
            ),
            (encoding_aes_key.is_some() && !encrypts_echo, "encoding-aes-key", no_echo),
            (receive_id.is_some() && !encrypts_echo, "receive-id", no_echo),
            (*set_up && !brings_secret, "set-up-file", "this sender brings no secret in a handshake"),
        ];
        let needless = keys.into_iter().filter(|(is_needless, ..)| *is_needless);
        needless.map(|(_, field, reason)| SpecError::Needless { field, reason }).collect()
    }

    /// Every key that the sender's handshake cannot be answered without, and that is not there.
    pub(crate) fn unanswerable(spec: &Spec, options: &Options) -> Vec<SpecError> {
        if spec.handshake != Some(Handshake::Wecom) {
            return Vec::new();
        }
        let keys = [
            (
                options.encoding_aes_key.is_none(),
                "encoding-aes-key",
                "the sender's check of the URL is refused without its EncodingAESKey",
            ),
            (
                options.receive_id.is_none(),
                "receive-id",
                "the sender's check of the URL is refused without the id it is for, as your CorpID",
            ),
        ];
        let absent = keys.into_iter().filter(|(is_absent, ..)| *is_absent);
        absent.map(|(_, field, reason)| SpecError::Absent { field, reason }).collect()
    }

    /// Where the signature is; what is there is not for logs.
    pub(crate) fn signature(&self) -> Option<&Source> {
        self.spec.signature.as_ref()
    }

    pub(crate) fn secret_count(&self) -> usize {
        self.secrets.len()
    }

    /// Whether the sender gives its deliveries an id at all.
    pub(crate) fn has_delivery_id(&self) -> bool {
        self.spec.delivery_id.is_some()
    }

    /// Whether the signature tells one delivery from another.
    pub(crate) fn has_fresh_signature(&self) -> bool {
        self.spec.signature_is_fresh()
    }

    /// Whether the sender asks for an answer before it sends, with whatever method.
    pub(crate) fn has_handshake(&self) -> bool {
        self.spec.handshake.is_some()
    }

    /// The names that a rule, an argument or the log may use: printable ASCII of a bounded length.
    pub(crate) fn labels(&self, request: &Request) -> Labels {
        let reading = Reading::new(request);
        let label = |source: &Option<Source>| {
            let text = reading.text(source.as_ref()?).ok()?;
            let fit = !text.is_empty() && text.len() <= LABEL_BYTES_MAX;
            let printable = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            (fit && printable).then(|| String::from_utf8(text.into_owned()).ok())?
        };
        Labels { delivery_id: label(&self.spec.delivery_id), event: label(&self.spec.event) }
    }

    /// What must not be shown of a request of this sender: the secrets, and what came where the proof of them
    /// stands, as it was sent and as it is read. A token is the secret itself.
    pub(crate) fn secret_texts(&self, request: &Request) -> Vec<Secret> {
        let mut texts: Vec<Secret> = self.secrets.iter().map(|(secret, _)| secret.clone()).collect();
        texts.extend(self.verify_token.iter().chain(self.echo_key.as_ref().map(EchoKey::letters)).cloned());
        let reading = Reading::new(request);
        let is_basic = self.spec.algorithm.scheme() == Scheme::Basic;
        let authorization = is_basic.then(|| Source::Header(HeaderField::authorization()));
        if let Some(source) = self.spec.signature.clone().or(authorization) {
            for text in reading.every(&source) {
                let credentials = text.splitn(2, |byte| *byte == b' ').nth(1).filter(|_| is_basic);
                let bare = text.strip_prefix(self.spec.prefix.as_bytes());
                texts.extend(credentials.or(bare).and_then(Secret::new));
                texts.extend(Secret::new(text));
            }
        }
        texts
    }

    /// Leeway for the times in a token, which has no window of its own. `None`: not looked at.
    pub(super) fn leeway_ms(&self) -> Option<i64> {
        (self.tolerance_ms > 0).then_some(self.tolerance_ms)
    }
}
