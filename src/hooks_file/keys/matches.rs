//! The types and keys of a match.

use super::{Key, Shape, key};

pub(in crate::hooks_file) const MATCH_TYPES: [&str; 17] = [
    "value",
    "regex",
    "in",
    "contains",
    "starts-with",
    "ends-with",
    "greater",
    "less",
    "at-least",
    "at-most",
    "exists",
    "null",
    "payload-hmac-sha1",
    "payload-hmac-sha256",
    "payload-hmac-sha512",
    "ip-whitelist",
    "scalr-signature",
];

/// Still taken, with a warning.
pub(in crate::hooks_file) const OLD_MATCH_TYPES: [&str; 3] =
    ["payload-hash-sha1", "payload-hash-sha256", "payload-hash-sha512"];

pub(in crate::hooks_file) const MATCH: &[Key] = &[
    key("type", Shape::MatchType, "How to compare."),
    key("parameter", Shape::Reference, "The value of the request that is compared."),
    key(
        "match-all",
        Shape::Flag,
        "When the parameter's name has a `*`: all that it leads to must hold, and be one at least. Without it: any.",
    ),
    key(
        "value",
        Shape::TextOrTexts,
        "What the parameter is compared with: the text that it must equal, begin with and so on, or the number. For \
         `in` a list, as `values`.",
    ),
    key("values", Shape::Texts, "For `in`: the texts of which the parameter must be one."),
    key(
        "other-parameter",
        Shape::Reference,
        "In place of `value` or `values`: the value of the request that the parameter is compared with.",
    ),
    key(
        "regex",
        Shape::Text,
        "For `regex`: a pattern in Go's syntax (RE2). It matches anywhere in the parameter: write ^ and $ for all of it.",
    ),
    key(
        "secret",
        Shape::Secrets,
        "For `payload-hmac-…` and `scalr-signature`: the secret that the sender signs with.",
    ),
    key(
        "ip-range",
        Shape::TextOrTexts,
        "For `ip-whitelist`: addresses and networks, separated by spaces, or a list of them. Behind a proxy the address \
         is the proxy's, unless `-trusted-proxies` names it.",
    ),
    key(
        "ip-file",
        Shape::Text,
        "For `ip-whitelist`: a file of addresses and networks, one a line. It is read when the hooks file is.",
    ),
];
