//! A hook for a sender, to copy.

use crate::sender::{Handshake, KeyEncoding, Own, Row, Scheme, Spec};

/// The hook's `public-url` in examples.
pub(super) const EXAMPLE_URL: &str = "https://hooks.example.com/hooks";

/// Valid as it stands, once the secret is there.
pub(super) fn yaml(row: &Row) -> String {
    let Row { name, spec, own, .. } = row;
    let mut lines = vec![format!("- id: {name}"), format!("  execute-command: /usr/local/bin/on-{name}")];
    if spec.event.is_some() {
        lines.push("  pass-arguments-to-command:".to_owned());
        lines.push("    - { source: delivery, name: event }".to_owned());
    }
    lines.push("  verify:".to_owned());
    lines.push(format!("    sender: {name}"));
    lines.extend(verify(name, spec, own.as_ref()).into_iter().map(|line| format!("    {line}")));
    if spec.handshake.is_some_and(Handshake::is_all_there_is) {
        // Nothing runs, so nothing runs twice.
    } else if spec.delivery_id.is_some() {
        lines.push("  deduplicate: { by: delivery-id, for: 24h }".to_owned());
    } else if spec.signature_is_fresh() && spec.timestamp.is_some() {
        // Without a time in what is signed, two events with equal bodies would be one delivery.
        lines.push("  deduplicate: { by: signature, for: 24h }".to_owned());
    }
    lines.join("\n") + "\n"
}

fn verify(name: &str, spec: &Spec, own: Option<&Own>) -> Vec<String> {
    let mut lines = Vec::new();
    if spec.needs_secret() {
        lines.push(format!("secret: {{ {} }}", secret(name, spec)));
    }
    if spec.algorithm.scheme() == Scheme::Basic {
        lines.push("username: hookrunner".to_owned());
    }
    match spec.handshake {
        Some(handshake) if handshake.brings_token() => {
            lines.push(format!("verify-token: {{ env: {}_VERIFY_TOKEN }}", variable(name)));
        }
        Some(Handshake::Wecom) => {
            lines.push(format!("encoding-aes-key: {{ env: {}_ENCODING_AES_KEY }}", variable(name)));
            lines.push("receive-id: ww1234567890abcdef # your CorpID instead".to_owned());
        }
        Some(handshake) if handshake.brings_secret() => {
            lines.push(format!("set-up-file: {}", set_up_file(name)));
        }
        _ => {}
    }
    if spec.needs_public_url() {
        lines.push(format!("public-url: {EXAMPLE_URL}/{name}"));
    }
    if let Some(Own { word, example }) = own {
        lines.push(format!("# write your {word} instead of {example}"));
        lines.push(format!("message: '{}'", spec.message.to_string().replace(word, example)));
    }
    lines
}

/// Where the secret is: several lines of PEM fit into a file only, and what the sender brings is one.
fn secret(name: &str, spec: &Spec) -> String {
    if spec.handshake.is_some_and(Handshake::brings_secret) {
        return format!("file: {}", set_up_file(name));
    }
    if spec.key_encoding == KeyEncoding::Pem {
        return format!("file: /etc/hookrunner/{name}.pem");
    }
    let what = match spec.algorithm.scheme() {
        Scheme::PublicKey => "PUBLIC_KEY",
        Scheme::Token => "WEBHOOK_TOKEN",
        Scheme::Basic => "WEBHOOK_PASSWORD",
        _ => "WEBHOOK_SECRET",
    };
    format!("env: {}_{what}", variable(name))
}

fn set_up_file(name: &str) -> String {
    format!("/var/lib/hookrunner/{name}.secret")
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::hook::Entry;
    use crate::hooks_file::{Loaded, Reading, load};
    use crate::sender::{Algorithm, table};

    const ED25519: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    /// A public key of the right kind, from the recorded deliveries.
    fn recorded_key(sender: &str) -> String {
        let vectors = include_str!("../../tests/data/senders/vectors.json");
        let vectors: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_str(vectors).unwrap();
        let key = vectors
            .iter()
            .filter(|vector| vector["spec"] == sender)
            .find_map(|vector| vector["secret"].as_str());
        key.unwrap_or_else(|| panic!("no vector of {sender} has a key")).to_owned()
    }

    fn dummy(row: &Row) -> String {
        match (row.spec.algorithm, row.spec.key_encoding) {
            (Algorithm::EcdsaSha256 | Algorithm::RsaSha1 | Algorithm::RsaSha256, _) => {
                recorded_key(&row.name)
            }
            (Algorithm::Ed25519, KeyEncoding::Whpk) => recorded_key(&row.name),
            (Algorithm::Ed25519, _) => ED25519.to_owned(),
            // For `encoding-aes-key` too.
            _ if row.spec.handshake == Some(Handshake::Wecom) => "4711".repeat(10) + "abc",
            (_, KeyEncoding::Hex) => "5aa5c33c0ff0".to_owned(),
            (_, KeyEncoding::Base64) => "c2VjcmV0LWtleQ==".to_owned(),
            (_, KeyEncoding::Whsec) => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            _ => "a secret".to_owned(),
        }
    }

    /// The file, with every secret it asks for there.
    fn loaded(yaml: &str, secret: &str) -> Loaded {
        let directory = tempfile::tempdir().unwrap();
        let (path, pem) = (directory.path().join("hooks.yaml"), directory.path().join("key.pem"));
        std::fs::write(&pem, secret).unwrap();
        let mut text = String::new();
        let mut environment = BTreeMap::new();
        for line in yaml.lines() {
            match line.split_once("{ env: ").and_then(|(_, rest)| rest.split_once(" }")) {
                Some((name, _)) => environment.insert(name.to_owned(), secret.to_owned()),
                None => None,
            };
            let line = match line.split_once("{ file: /etc/") {
                Some((before, _)) => format!("{before}{{ file: {} }}", pem.display()),
                None => line.to_owned(),
            };
            text.push_str(&line);
            text.push('\n');
        }
        std::fs::write(&path, text).unwrap();
        let mut reading = Reading::default();
        reading.surroundings.environment = environment.into_iter().collect();
        load(Path::new(&path), &reading, true)
    }

    #[track_caller]
    fn check(yaml: &str, secret: &str) {
        let Loaded { hooks, problems, is_refused } = loaded(yaml, secret);
        assert!(problems.is_empty() && !is_refused, "{problems:?}\n{yaml}");
        assert!(
            !hooks.is_empty() && hooks.iter().all(|(_, entry)| matches!(entry, Entry::Ready(_))),
            "{yaml}"
        );
    }

    #[test]
    fn every_hook_to_copy_loads() {
        for row in table() {
            check(&yaml(row), &dummy(row));
        }
        check(&yaml(crate::sender::find("none").unwrap()), "unused");
    }

    #[test]
    fn github_s_is_as_short_as_can_be() {
        let expected = "\
- id: github
  execute-command: /usr/local/bin/on-github
  pass-arguments-to-command:
    - { source: delivery, name: event }
  verify:
    sender: github
    secret: { env: GITHUB_WEBHOOK_SECRET }
  deduplicate: { by: delivery-id, for: 24h }
";
        assert_eq!(yaml(crate::sender::find("github").unwrap()), expected);
    }
}
