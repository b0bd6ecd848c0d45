//! `verify` and `deduplicate` as written, checked. A mistake refuses the hook: what cannot be verified runs
//! nothing. A key that does nothing is only told.

use std::path::PathBuf;
use std::time::Duration;

use super::check_reference::reference;
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use super::secrets::secrets;
use crate::hook::{Deduplicate, DuplicateKey, Verify};
use crate::reference::Subject;
use crate::secret::Secret;
use crate::sender::{self, Options, RawSpec, Spec, SpecError, Verifier};
use crate::units::parse_long_duration;

/// How long a delivery is remembered when `for` is absent: senders retry for hours, GitHub's page offers
/// a redelivery for three days.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(24 * 3_600);

/// Read as a duration; a row of the table has seconds.
const TOLERANCE: &str = "tolerance";

/// The name of a sender whose record is written in the hook.
const CUSTOM: &str = "custom";

pub(super) fn verify(reader: &mut Reader<'_>, node: &Node) -> Option<Verify> {
    let record = reader.record(node, "a sender", keys::VERIFY)?;
    let name = reader.text(record, "sender");
    let set_up_file = reader.text(record, "set-up-file").map(PathBuf::from);
    let options = Options {
        secrets: verify_secrets(reader, record, set_up_file.as_ref()),
        tolerance: tolerance(reader, record),
        public_url: reader.text(record, "public-url"),
        username: reader.text(record, "username"),
        verify_token: one_secret(reader, record, "verify-token"),
        encoding_aes_key: one_secret(reader, record, "encoding-aes-key"),
        receive_id: reader.text(record, "receive-id"),
        set_up: set_up_file.is_some(),
    };
    let mut overrides = RawSpec::default();
    for (_, key) in RawSpec::KEYS.iter().filter(|(_, key)| *key != TOLERANCE) {
        let Some(text) = reader.text(record, key) else { continue };
        if let Some(field) = overrides.field_mut(key) {
            *field = Some(text);
        }
    }
    // A secret that could not be read is reported already, with its reason; the sender is looked at all
    // the same.
    if reader.refusal.is_some() {
        if let Some(Err(error)) = name.as_deref().map(sender::named) {
            refuse(reader, record, &error);
        }
        return None;
    }
    match build(name.as_deref(), overrides, options, |told| tell(reader, record, told)) {
        Ok(verifier) => {
            Some(Verify { verifier, sender: name.unwrap_or_else(|| CUSTOM.to_owned()), set_up_file })
        }
        Err(error) => {
            refuse(reader, record, &error);
            None
        }
    }
}

/// Reports a mistake that leaves the hook without a sender, at the key it is about. Each of these kinds
/// refuses the hook.
fn refuse(reader: &mut Reader<'_>, record: Record<'_>, error: &SpecError) {
    let kind = match error {
        SpecError::Sender { .. } => Kind::UnknownSender,
        SpecError::NoSecret => Kind::NoSecret,
        _ => Kind::BadSender,
    };
    let help = help(record);
    reader.report_at_entry((record, key_of(error)), kind, error.to_string(), help);
}

/// Reports what is to be looked at or mended, and refuses nothing.
fn tell(reader: &mut Reader<'_>, record: Record<'_>, told: &SpecError) {
    let kind = match told {
        SpecError::Unfilled { .. } => Kind::UnfilledMessage,
        SpecError::Absent { .. } => Kind::UnansweredHandshake,
        SpecError::Weak { .. } => Kind::WeakSender,
        _ => Kind::NeedlessKey,
    };
    let help = help(record);
    reader.report_at_entry((record, key_of(told)), kind, told.to_string(), help);
}

/// Where to read on.
fn help(record: Record<'_>) -> String {
    match record.get("sender") {
        Some((_, Node::Text(name))) if sender::named(name).is_ok() => {
            format!("`hookrunner senders {name}` shows what it needs, and a hook to copy")
        }
        Some(_) => "write a known name, or a record of your own instead".to_owned(),
        None => "docs/senders.md has the keys of a record, `hookrunner senders` the senders that need none"
            .to_owned(),
    }
}

fn key_of(error: &SpecError) -> &'static str {
    match error {
        SpecError::Sender { .. } => "sender",
        SpecError::NoSecret | SpecError::Secret { .. } => "secret",
        SpecError::Opened => "algorithm",
        SpecError::EchoKey => "encoding-aes-key",
        SpecError::Placeholder { .. } | SpecError::Unfilled { .. } => "message",
        SpecError::Value { field, .. }
        | SpecError::Absent { field, .. }
        | SpecError::Needless { field, .. }
        | SpecError::Weak { field, .. }
        | SpecError::Unused { field, .. } => field,
    }
}

/// `tell` gets what refuses nothing.
fn build(
    name: Option<&str>,
    overrides: RawSpec,
    options: Options,
    mut tell: impl FnMut(&SpecError),
) -> Result<Verifier, SpecError> {
    let row = name.map(sender::named).transpose()?;
    let unfilled = row.and_then(|row| row.unfilled(&overrides));
    let spec = match row {
        Some(row) => row.overridden(overrides),
        None => Spec::build(None, overrides),
    }?;
    unfilled.iter().for_each(&mut tell);
    // What is so in the table is the sender's own.
    let of_row = row.map(|row| row.spec.weaknesses(options.tolerance)).unwrap_or_default();
    let weaknesses = spec.weaknesses(options.tolerance);
    weaknesses.iter().filter(|weakness| !of_row.contains(weakness)).for_each(&mut tell);
    Verifier::unanswerable(&spec, &options).iter().for_each(&mut tell);
    Verifier::needless(&spec, &options).iter().for_each(&mut tell);
    Verifier::new(spec, options)
}

/// A handshake has one token and one key.
fn one_secret(reader: &mut Reader<'_>, record: Record<'_>, key: &str) -> Option<Secret> {
    let found = secrets(reader, record, key);
    if found.len() > 1 {
        let message = format!("`{key}` is one secret, not a list");
        reader.report_at_entry((record, key), Kind::BadSender, message, "keep one of them");
    }
    found.into_iter().next()
}

/// While a sender is being set up, the file of its secret may not be there yet.
fn verify_secrets(reader: &mut Reader<'_>, record: Record<'_>, set_up_file: Option<&PathBuf>) -> Vec<Secret> {
    let is_same = |file: &PathBuf| match record.get("secret") {
        Some((_, Node::Mapping(source))) => source
            .iter()
            .any(|(_, path)| matches!(path, Node::Text(path) if file.as_os_str() == path.as_str())),
        other => other.is_none(),
    };
    let is_awaited = set_up_file.is_some_and(|file| !file.exists() && is_same(file));
    if is_awaited { Vec::new() } else { secrets(reader, record, "secret") }
}

/// With `is_sender_refused` nothing is said of what the sender could do: its own mistake comes first.
pub(super) fn deduplicate(
    reader: &mut Reader<'_>,
    node: &Node,
    verify: Option<&Verify>,
    is_sender_refused: bool,
) -> Option<Deduplicate> {
    let record = reader.record(node, "a rule for duplicates", keys::DEDUPLICATE)?;
    let lifetime = reader.duration(record, "for").unwrap_or(LIFETIME_DEFAULT);
    if lifetime.is_zero() {
        let message = "`for: 0` remembers nothing".to_owned();
        reader.report_at_entry((record, "for"), Kind::BadDeduplicate, message, "write how long, as `24h`");
    }
    let Some((index, by)) = record.get("by") else {
        let help = "write `delivery-id`, `signature` or a reference";
        reader.report(Kind::BadDeduplicate, "`deduplicate` has no `by`", help);
        return None;
    };
    let sender = Sender { verify, is_refused: is_sender_refused };
    let by = reader.entry(index, "by", |reader| duplicate_key(reader, by, &sender))?;
    Some(Deduplicate { by, lifetime })
}

/// What the hook knows of its sender, for what only a sender can tell.
struct Sender<'v> {
    verify: Option<&'v Verify>,
    is_refused: bool,
}

impl Sender<'_> {
    /// Reports that the sender cannot do it, if so.
    fn can(
        &self,
        reader: &mut Reader<'_>,
        can: fn(&Verifier) -> bool,
        (cannot, instead): (&str, &str),
    ) -> bool {
        let (message, help) = match self.verify {
            Some(verify) if can(&verify.verifier) => return true,
            None if self.is_refused => return true,
            Some(_) => (cannot, format!("write `{instead}`, or a reference to what tells deliveries apart")),
            None => (
                "without `verify` nothing is known of a sender",
                "add `verify`, or write a reference to what tells deliveries apart".to_owned(),
            ),
        };
        reader.report(Kind::BadDeduplicate, message, help);
        false
    }
}

fn duplicate_key(reader: &mut Reader<'_>, node: &Node, sender: &Sender<'_>) -> Option<DuplicateKey> {
    match node {
        Node::Text(word) if word == "delivery-id" => {
            let otherwise = ("the hook's sender gives its deliveries no id", "signature");
            sender.can(reader, Verifier::has_delivery_id, otherwise).then_some(DuplicateKey::DeliveryId)
        }
        Node::Text(word) if word == "signature" => {
            let otherwise = (
                "the hook's sender does not sign its deliveries, or not each one differently",
                "delivery-id",
            );
            sender.can(reader, Verifier::has_fresh_signature, otherwise).then_some(DuplicateKey::Signature)
        }
        Node::Mapping(_) => {
            let record = reader.record(node, "a reference", keys::DUPLICATE_REFERENCE)?;
            let reference = reference(reader, record);
            let is_constant = match &reference.subject {
                Subject::Literal(_) | Subject::Unusable { .. } => true,
                Subject::Template(template) => template.is_constant(),
                _ => false,
            };
            if is_constant {
                let message = "the reference is the same for every delivery";
                reader.report(Kind::BadDeduplicate, message, "name what tells deliveries apart");
            }
            (!is_constant).then_some(DuplicateKey::Value(reference))
        }
        _ => {
            reader.report(
                Kind::BadDeduplicate,
                "unknown way to tell deliveries apart",
                "write `delivery-id`, `signature` or a reference",
            );
            None
        }
    }
}

/// Seconds when there is no unit, as in the table. Of any length: whoever has old requests verified wants that.
fn tolerance(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Duration> {
    let written = reader.text(record, TOLERANCE);
    let read = written.and_then(|text| sender::seconds(&text).or_else(|| parse_long_duration(&text).ok()));
    read.or_else(|| reader.duration(record, TOLERANCE))
}
