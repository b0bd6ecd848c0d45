//! What a case is made of, and the short forms of the usual ones.

use crate::hooks_file::Kind;

pub(super) struct Case {
    pub(super) kind: Kind,
    /// Distinguishes cases of one kind; one with the word `template` is read with `-template`.
    pub(super) name: &'static str,
    /// The paths that are checked, below the case's directory.
    pub(super) hooks: &'static [&'static str],
    /// Name, text and mode.
    pub(super) files: &'static [(&'static str, &'static str, u32)],
}

pub(super) const PRIVATE: u32 = 0o600;

/// `$text` as the whole file.
macro_rules! file {
    ($kind:ident $name:literal $text:expr) => {
        Case {
            kind: Kind::$kind,
            name: $name,
            hooks: &["hooks.yaml"],
            files: &[("hooks.yaml", $text, PRIVATE)],
        }
    };
}

/// A guarded hook with `$keys`.
macro_rules! hook {
    ($kind:ident $name:literal $keys:literal) => {
        file!($kind $name concat!(
            "- id: a\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n  ", $keys, "\n"
        ))
    };
}

/// A hook with the rule `$rule`.
macro_rules! rule {
    ($kind:ident $name:literal $rule:literal) => {
        file!($kind $name concat!(
            "- id: a\n  execute-command: 'true'\n  verify: {sender: none}\n  http-methods: [POST]\n  trigger-rule: ", $rule, "\n"
        ))
    };
}

/// A hook with these lines alone, beside a file `tool`.
macro_rules! command {
    ($kind:ident $name:literal $keys:literal, $tool:literal, $mode:literal) => {
        Case {
            kind: Kind::$kind,
            name: $name,
            hooks: &["hooks.yaml"],
            files: &[
                (
                    "hooks.yaml",
                    concat!("- id: a\n  verify: {sender: none}\n  http-methods: [POST]\n  ", $keys, "\n"),
                    PRIVATE,
                ),
                ("tool", $tool, $mode),
            ],
        }
    };
}

pub(super) use {command, file, hook, rule};
