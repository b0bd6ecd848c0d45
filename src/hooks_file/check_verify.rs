//! `verify` and `deduplicate` as written, checked. Every mistake refuses the hook: what cannot be
//! verified runs nothing.

use std::path::PathBuf;
use std::time::Duration;

use super::check::reference;
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use super::secrets::secrets;
use crate::hook::{Deduplicate, DuplicateKey, Verify};
use crate::reference::Subject;
use crate::secret::Secret;
use crate::sender::{self, Options, RawSpec, Spec, SpecError, Verifier};

/// How long a delivery is remembered when `for` is absent: senders retry for hours, GitHub's page offers
/// a redelivery for three days.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(24 * 3_600);

/// Read as a duration, for the record has it as a text.
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
        verify_token: verify_token(reader, record),
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
            report(reader, record, &error);
        }
        return None;
    }
    let row = name.as_deref().and_then(sender::find);
    if let Some(unfilled) = row.and_then(|row| row.unfilled(&overrides)) {
        report(reader, record, &unfilled);
    }
    match build(name.as_deref(), overrides, options) {
        Ok((verifier, needless)) => {
            needless.iter().for_each(|needless| report(reader, record, needless));
            Some(Verify { verifier, sender: name.unwrap_or_else(|| CUSTOM.to_owned()), set_up_file })
        }
        Err(errors) => {
            errors.iter().for_each(|error| report(reader, record, error));
            None
        }
    }
}

/// Reports the mistake at the key it is about.
fn report(reader: &mut Reader<'_>, record: Record<'_>, error: &SpecError) {
    let (kind, key) = match error {
        SpecError::Sender { .. } => (Kind::UnknownSender, "sender"),
        SpecError::NoSecret => (Kind::NoSecret, "secret"),
        SpecError::Secret { .. } => (Kind::BadSender, "secret"),
        SpecError::Placeholder { .. } => (Kind::BadSender, "message"),
        SpecError::Unfilled { .. } => (Kind::UnfilledMessage, "message"),
        SpecError::Needless { field, .. } if is_harmless(error) => (Kind::NeedlessKey, *field),
        SpecError::Value { field, .. }
        | SpecError::Absent { field, .. }
        | SpecError::Needless { field, .. }
        | SpecError::Unused { field, .. } => (Kind::BadSender, *field),
    };
    let help = "`hookrunner senders` shows what each sender needs";
    reader.report_at_entry((record, key), kind, error.to_string(), help);
}

/// What would do nothing and looks like no protection: one hook's keys are often another's with the name of
/// the sender changed.
fn is_harmless(error: &SpecError) -> bool {
    matches!(error, SpecError::Needless { field: "public-url", .. })
}

/// With what is to be told of a sender that works.
fn build(
    name: Option<&str>,
    overrides: RawSpec,
    options: Options,
) -> Result<(Verifier, Vec<SpecError>), Vec<SpecError>> {
    let spec = match name {
        Some(name) => sender::named(name).and_then(|row| row.overridden(overrides)),
        None => Spec::build(None, overrides),
    };
    let spec = spec.map_err(|error| vec![error])?;
    let misfits = Verifier::misfits(&spec, &options);
    if !misfits.iter().all(is_harmless) {
        return Err(misfits);
    }
    Verifier::new(spec, options).map(|verifier| (verifier, misfits)).map_err(|error| vec![error])
}

/// A handshake has one token.
fn verify_token(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Secret> {
    let tokens = secrets(reader, record, "verify-token");
    if tokens.len() > 1 {
        let message = "`verify-token` is one token, not a list";
        reader.report_at_entry(
            (record, "verify-token"),
            Kind::BadSender,
            message.to_owned(),
            "keep one of them",
        );
    }
    tokens.into_iter().next()
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
    let can = |can: fn(&Verifier) -> bool| verify.map_or(is_sender_refused, |verify| can(&verify.verifier));
    let by = reader.entry(index, "by", |reader| duplicate_key(reader, by, can))?;
    Some(Deduplicate { by, lifetime })
}

fn duplicate_key(
    reader: &mut Reader<'_>,
    node: &Node,
    sender_can: impl Fn(fn(&Verifier) -> bool) -> bool,
) -> Option<DuplicateKey> {
    match node {
        Node::Text(word) if word == "delivery-id" => {
            if sender_can(Verifier::has_delivery_id) {
                return Some(DuplicateKey::DeliveryId);
            }
            let message = "the hook's sender gives its deliveries no id";
            reader.report(
                Kind::BadDeduplicate,
                message,
                "write `signature`, or a reference to what tells deliveries apart",
            );
            None
        }
        Node::Text(word) if word == "signature" => {
            if sender_can(Verifier::has_fresh_signature) {
                return Some(DuplicateKey::Signature);
            }
            let message = "the hook's sender does not sign its deliveries, or not each one differently";
            reader.report(
                Kind::BadDeduplicate,
                message,
                "write `delivery-id`, or a reference to what tells deliveries apart",
            );
            None
        }
        Node::Mapping(_) => {
            let record = reader.record(node, "a reference", keys::DUPLICATE_REFERENCE)?;
            let reference = reference(reader, record);
            let is_constant = matches!(reference.subject, Subject::Literal(_) | Subject::Unusable { .. });
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

/// The records of the table have tolerances in seconds without a unit, and in days.
fn tolerance(reader: &mut Reader<'_>, record: Record<'_>) -> Option<Duration> {
    let of_table = reader.text(record, TOLERANCE).and_then(|text| sender::duration(&text));
    of_table.or_else(|| reader.duration(record, TOLERANCE))
}
