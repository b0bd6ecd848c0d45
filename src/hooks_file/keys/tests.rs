//! The tables describe every key once.

use std::collections::BTreeSet;

use super::*;
use crate::sender::RawSpec;

#[test]
fn every_key_of_a_senders_record_is_described() {
    let described: BTreeSet<&str> = names(VERIFY).into_iter().collect();
    let of_record: BTreeSet<&str> = RawSpec::KEYS.iter().map(|(_, long)| *long).collect();
    assert!(described.is_superset(&of_record), "{:?}", of_record.difference(&described));
    let own = [
        "sender",
        "secret",
        "public-url",
        "username",
        "verify-token",
        "encoding-aes-key",
        "receive-id",
        "set-up-file",
    ];
    assert_eq!(described.len(), of_record.len() + own.len());
}

#[test]
fn a_key_stands_in_its_table_once() {
    for table in [
        HOOK,
        ARGUMENT,
        HEADER,
        RULE,
        MATCH,
        SECRET,
        VERIFY,
        DEDUPLICATE,
        CONCURRENCY,
        RETRY,
        COMMAND_ENVIRONMENT,
        RUN_AS,
        LIMITS,
    ] {
        let names = names(table);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}
