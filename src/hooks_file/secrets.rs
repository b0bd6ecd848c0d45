//! Secrets as a hooks file writes them: a text, `{env: NAME}`, `{file: PATH}`, `{credential: NAME}`, or a
//! list of these. They are read when the file is, so a reload brings new ones into force.

use std::io::Read;
use std::path::Path;

use super::inspect;
use super::keys;
use super::node::Node;
use super::problem::Kind;
use super::record::{Reader, Record};
use crate::reference::Reference;
use crate::secrecy::looks_random;
use crate::secret::Secret;

/// No key of any sender is longer; a file that is was named by mistake.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Secrets of one hook: the new one and the old, with room to spare. Each costs an HMAC per request.
const SECRETS_MAX: usize = 8;

/// Whether the value at `reference` is a secret, by its name.
pub(super) fn is_secret(reference: &Reference) -> bool {
    reference.subject.has_secret_name()
}

/// The secrets at `key`; none when the key is absent. What cannot be read refuses the hook.
pub(super) fn secrets(reader: &mut Reader<'_>, record: Record<'_>, key: &str) -> Vec<Secret> {
    let Some((index, node)) = record.get(key) else { return Vec::new() };
    reader.entry(index, key, |reader| {
        let Node::Sequence(items) = node else { return secret(reader, node).into_iter().collect() };
        if items.is_empty() {
            reader.report(Kind::EmptySecret, "the list of secrets is empty", "write at least one secret");
        }
        if items.len() > SECRETS_MAX {
            let message = format!("more than {SECRETS_MAX} secrets");
            reader.report(Kind::ManySecrets, message, "remove those that no sender uses any more");
        }
        let items = items.iter().take(SECRETS_MAX).enumerate();
        items.filter_map(|(index, item)| reader.item(index, |reader| secret(reader, item))).collect()
    })
}

/// Tells of a secret that is written as if something put the real one in its place. It may be meant as it is, so it
/// is not shown.
fn tell_literal_variable(reader: &mut Reader<'_>, text: &str) {
    let braced = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let name = braced.or_else(|| text.strip_prefix('$')).unwrap_or_default();
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.starts_with(|letter: char| is_of_name(letter) && !letter.is_ascii_digit())
        && name.chars().all(is_of_name)
    {
        let message = "the secret is the text itself, `$` and all: nothing puts a variable in its place";
        reader.report(Kind::LiteralVariable, message, "write `{ env: NAME }`");
    } else if text.contains("{{") && text.contains("}}") && !reader.reading.is_template {
        let message = "the secret is this text itself: without `-template` nothing puts a value in the place of `{{…}}`";
        reader.report(Kind::LiteralVariable, message, "start with `-template`, or write `{ env: NAME }`");
    }
}

fn secret(reader: &mut Reader<'_>, node: &Node) -> Option<Secret> {
    match node {
        Node::Text(text) | Node::Number { written: text, .. } => {
            reader.keep_literal_secret(text);
            tell_literal_variable(reader, text);
            non_empty(reader, Secret::new(text.clone().into_bytes()), "the secret")
        }
        Node::Mapping(_) => {
            let record = reader.record(node, "a secret", keys::SECRET)?;
            let mut present = keys::names(keys::SECRET).into_iter().filter(|source| record.has(source));
            match (present.next(), present.next()) {
                (Some(source), None) => {
                    let name = reader.text(record, source).filter(|name| !name.is_empty());
                    let Some(name) = name else {
                        let message = format!("`{source}` is empty");
                        reader.report(Kind::SecretSource, message, "write where the secret is");
                        return None;
                    };
                    from(reader, source, &name)
                }
                _ => {
                    let help = "write one of `env`, `file`, `credential`";
                    reader.report(Kind::SecretSource, "a secret has one source", help);
                    None
                }
            }
        }
        other => reader.wrong_type(other, "a text, `{env: NAME}`, `{file: PATH}` or `{credential: NAME}`"),
    }
}

fn from(reader: &mut Reader<'_>, source: &str, name: &str) -> Option<Secret> {
    if looks_random(name) && source != "file" {
        let message = format!("`{source}` takes a name, and this looks like the secret itself");
        reader.keep_literal_secret(name);
        reader.report(
            Kind::UnreadableSecret,
            message,
            "write the secret as a plain text, or name where it is",
        );
        return None;
    }
    let surroundings = &reader.reading.surroundings;
    let (what, read) = match source {
        "env" => {
            let value = surroundings.environment.get(name).map(|value| value.clone().into_bytes());
            (format!("the environment variable {name}"), value.ok_or_else(|| "is not set".to_owned()))
        }
        "credential" => match &surroundings.credentials_directory {
            _ if !is_name_of_credential(name) => {
                (format!("the credential {name}"), Err("is no name of a credential".to_owned()))
            }
            Some(directory) => (format!("the credential {name}"), read_file(&directory.join(name))),
            None => {
                let reason = "cannot be read: the service manager passed none";
                (format!("the credential {name}"), Err(reason.to_owned()))
            }
        },
        _ => {
            if reader.reading.examination.is_some() {
                inspect::secret_file(reader, Path::new(name));
            }
            (format!("the file {name}"), read_file(Path::new(name)))
        }
    };
    match read {
        Ok(bytes) => non_empty(reader, Secret::from_text(bytes), &what),
        Err(reason) => {
            reader.report(Kind::UnreadableSecret, format!("{what} {reason}"), help_to_read(source, name));
            None
        }
    }
}

/// Otherwise it would name a file elsewhere.
fn is_name_of_credential(name: &str) -> bool {
    !name.contains('/') && name != ".."
}

/// A process has the environment and the credentials that it was started with.
fn help_to_read(source: &str, name: &str) -> String {
    match source {
        "env" if name.starts_with('$') => {
            format!("write the name alone: `{{ env: {} }}`", name.trim_matches(['$', '{', '}']))
        }
        "env" => "set it where the server is started, and start it anew".to_owned(),
        "credential" if !is_name_of_credential(name) => "write the name alone, without a path".to_owned(),
        "credential" => format!("write `LoadCredential={name}:PATH` in the unit, and start the server anew"),
        _ => "write the secret into it, readable by the server's user, and reload".to_owned(),
    }
}

/// The bytes of a secret's file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("is larger than {SECRET_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

fn non_empty(reader: &mut Reader<'_>, secret: Option<Secret>, what: &str) -> Option<Secret> {
    if secret.is_none() {
        let help = "an empty secret protects nothing: put the one the sender uses there";
        reader.report(Kind::EmptySecret, format!("{what} is empty"), help);
    }
    secret
}
