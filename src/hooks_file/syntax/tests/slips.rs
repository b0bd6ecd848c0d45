//! A slip anywhere in a file: it is told without a panic, and no line that could be shown has a secret in it.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::hooks_file::excerpt::Excerpt;
use crate::hooks_file::masking::Masking;

const SECRETS: [&str; 3] = ["hunter22", "swordfish", "rosebud1"];

const TEXTS: [&str; 4] = [
    "- id: a\n  execute-command: 'true' # it's one\n  verify:\n    sender: github\n    secret: hunter22\n  \
     http-methods: [POST, GET]\n- id: b\n  trigger-rule:\n    match:\n      type: payload-hmac-sha1\n      \
     secret:\n        - hunter22\n        - \"swordfish\"\n      parameter: {source: header, name: X}\n",
    "[{\"id\": \"a\", \"verify\": {\"sender\": \"github\", \"secret\": \"hunter22\"}},\n {\"id\": \"b\", \"verify\": \
     {\"sender\": \"github\", \"secret\": [\"swordfish\", \"rosebud1\"]}}]\n",
    "[\n\t{\n\t\t\"id\": \"a\",\n\t\t\"trigger-rule\": {\n\t\t\t\"match\": {\n\t\t\t\t\"type\": \"value\",\n\t\t\t\t\
     \"value\": \"hunter22\",\n\t\t\t\t\"parameter\": {\"source\": \"header\", \"name\": \"X-Token\"}\n\t\t\t}\n\t\t}\n\t}\n]\n",
    "- id: a\n  verify: {sender: meta, secret: 'hunter22', verify-token: rosebud1}\n  response-message: |\n    it's \
     done: \"all\"\n  pass-arguments-to-command:\n  - source: payload\n    name: ref\n",
];

/// `text` with a slip at `place`, which is in none of its secrets.
fn with_slip(text: &str, place: usize, typed: Option<char>) -> Option<String> {
    let is_in_secret = |secret: &&str| {
        text.match_indices(*secret).any(|(start, _)| place > start && place < start + secret.len())
    };
    if SECRETS.iter().any(is_in_secret) {
        return None;
    }
    let (before, after) = (text.get(..place)?, text.get(place..)?);
    let is_at_secret = SECRETS.iter().any(|secret| after.starts_with(secret));
    Some(match typed {
        Some(letter) => format!("{before}{letter}{after}"),
        None if is_at_secret => return None,
        None => format!("{before}{}", after.get(after.chars().next()?.len_utf8()..)?),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_slip_is_told_and_no_secret_is(
        text in select(TEXTS.to_vec()),
        place: Index,
        typed in prop::option::of(select("'\"{}[]:,-#\t =&*!|>%@\\é\n".chars().collect::<Vec<_>>())),
    ) {
        let Some(text) = with_slip(text, place.index(text.len()), typed) else { return Ok(()) };
        let is_unread = match parse(&text) {
            Ok(_) => false,
            Err(error) => {
                let found = mistake(&text, &error);
                prop_assert!(found.position.line <= text.lines().count() + 1, "{found:?}");
                prop_assert!(SECRETS.iter().all(|secret| !format!("{found:?}").contains(secret)), "{text}\n{found:?}");
                true
            }
        };
        if is_unread {
            let masking = Masking::new(&text, true, []);
            for line in 1..=text.lines().count() {
                let excerpt = Excerpt::at(&text, Position { line, column: 1 }, &masking);
                let shown = excerpt.map(|excerpt| excerpt.line).unwrap_or_default();
                prop_assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{text}\n{shown}");
            }
        }
    }
}
