//! Hides secrets in texts that are about to be shown: arguments, environments and outputs can hold what a
//! sender proves itself with.

use std::borrow::Cow;

use crate::hook::Hook;
use crate::json_text;
use crate::request::Request;
use crate::secret::Secret;
use crate::value::Value;

/// Stands for what is not to be shown.
pub(crate) const MASK: &str = "***";

/// What must not be shown. The default hides nothing.
#[derive(Debug)]
pub(crate) struct Concealer {
    /// The longest first, so that none is found in part only.
    secrets: Vec<Secret>,
    /// The bytes that secrets begin with: most bytes of a text are none of them.
    is_first: [bool; 256],
}

impl Default for Concealer {
    fn default() -> Self {
        Self { secrets: Vec::new(), is_first: [false; 256] }
    }
}

impl Concealer {
    /// What `request` shows to the hook's sender check, what it is checked with, and the tokens of the rule.
    pub(crate) fn of(hook: &Hook, request: &Request) -> Self {
        let mut secrets = Vec::new();
        if let Some(verify) = &hook.verify {
            secrets.extend(verify.verifier.secret_texts(request));
        }
        if let Some(rule) = &hook.rule {
            rule.collect_secrets(&mut secrets);
        }
        Self::new(secrets)
    }

    fn new(mut secrets: Vec<Secret>) -> Self {
        let in_json: Vec<Secret> = secrets.iter().filter_map(in_json).collect();
        secrets.extend(in_json);
        secrets.sort_by(|one, other| {
            let (one, other) = (one.expose(), other.expose());
            other.len().cmp(&one.len()).then_with(|| one.cmp(other))
        });
        secrets.dedup();
        let mut concealer = Self { secrets, ..Self::default() };
        for secret in &concealer.secrets {
            if let Some(first) = secret.expose().first() {
                concealer.is_first[usize::from(*first)] = true;
            }
        }
        concealer
    }

    /// `text` with `***` for each secret in it.
    pub(crate) fn conceal<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let mut out = Vec::new();
        let (mut rest, mut plain) = (text, 0);
        while let Some((before, from)) = rest.split_at_checked(plain)
            && let Some(first) = from.first()
        {
            let found = self.secrets.iter().map(Secret::expose);
            let found = self.is_first[usize::from(*first)]
                .then(|| found.into_iter().find(|secret| from.starts_with(secret)))
                .flatten();
            let Some(secret) = found else {
                plain += 1;
                continue;
            };
            out.extend_from_slice(before);
            out.extend_from_slice(MASK.as_bytes());
            rest = from.get(secret.len()..).unwrap_or_default();
            plain = 0;
        }
        if out.is_empty() {
            return Cow::Borrowed(text);
        }
        out.extend_from_slice(rest);
        Cow::Owned(out)
    }
}

/// As it stands in `entire-payload` and the like, if that is another text.
fn in_json(secret: &Secret) -> Option<Secret> {
    let mut quoted = Vec::new();
    json_text::write(&Value::Text(secret.expose().into()), &mut quoted);
    let text = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Secret::new(text).filter(|text| text != secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        #[track_caller]
        fn check(secrets: &[&str], text: &str, shown: &str) {
            let secrets = secrets.iter().map(|secret| Secret::new(secret.as_bytes()).unwrap()).collect();
            let concealed = Concealer::new(secrets).conceal(text.as_bytes()).into_owned();
            assert_eq!(String::from_utf8(concealed).unwrap(), shown, "{text}");
        }
        check(&[], "anything", "anything");
        check(&["abc"], "", "");
        check(&["abc"], "abc", "***");
        check(&["abc"], "ab", "ab");
        check(&["abc"], "aabcab abc", "a***ab ***");
        check(&["abc"], "abcabc", "******");
        check(&["abc", "Bearer abc"], "x=Bearer abc;abc", "x=***;***");
        check(&["ab", "abc"], "abcab", "******");
        check(&["a\"<b"], r#"{"t":"a\"\u003cb"} a"<b"#, r#"{"t":"***"} ***"#);
        check(&["ü"], "grün", "gr***n");
        assert!(matches!(Concealer::default().conceal(b"text"), Cow::Borrowed(b"text")));
    }
}
