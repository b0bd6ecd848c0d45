//! What is wrong with a hooks file: where, what, what to write instead, and what follows from it.

use std::fmt;
use std::sync::Arc;

use super::excerpt::Excerpt;
use super::node::Position;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Something to look at; everything runs.
    Warning,
    /// A mistake that leaves the hook usable.
    Error,
    /// The hook answers with an error and runs nothing.
    HookRefused,
    /// The file is not loaded.
    FileRefused,
}

impl Effect {
    /// The word for it in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "none",
            Self::Error => "some",
            Self::HookRefused => "hook-refused",
            Self::FileRefused => "file-refused",
        }
    }

    pub(crate) fn is_error(self) -> bool {
        self > Self::Warning
    }
}

macro_rules! kinds {
    (at load: $($kind:ident $code:literal $effect:ident,)+; by check: $($lint:ident $lint_code:literal,)+) => {
        /// The kinds of problems, each with the code that docs/check.md explains.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $($kind,)+ $($lint,)+ }

        impl Kind {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind,)+ $(Self::$lint,)+];

            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                    $(Self::$lint => $lint_code,)+
                }
            }

            pub(crate) fn effect(self) -> Effect {
                match self {
                    $(Self::$kind => Effect::$effect,)+
                    $(Self::$lint => Effect::Warning,)+
                }
            }

            /// Looked for by `check` only: start-up says what keeps a hook from working, and no more.
            pub(crate) fn is_lint(self) -> bool {
                matches!(self, $(Self::$lint)|+)
            }
        }
    };
}

kinds! {
    at load:
    Unreadable "unreadable" FileRefused,
    Template "template" FileRefused,
    Syntax "syntax" FileRefused,
    WrongType "wrong-type" FileRefused,
    DuplicateId "duplicate-id" FileRefused,
    RepeatedKey "repeated-key" HookRefused,
    MisspeltKey "misspelt-key" HookRefused,
    EmptyGuard "empty-guard" HookRefused,
    GuardType "guard-type" HookRefused,
    MisplacedKey "misplaced-key" HookRefused,
    BadCases "bad-cases" HookRefused,
    EmptyRule "empty-rule" HookRefused,
    SeveralOperators "several-operators" HookRefused,
    DeepRule "deep-rule" HookRefused,
    UnknownMatchType "unknown-match-type" HookRefused,
    IncompleteMatch "incomplete-match" HookRefused,
    BadRegex "bad-regex" HookRefused,
    BadComparison "bad-comparison" HookRefused,
    BadNetwork "bad-network" HookRefused,
    UnreadableNetworks "unreadable-networks" HookRefused,
    NoSecret "no-secret" HookRefused,
    EmptySecret "empty-secret" HookRefused,
    UnreadableSecret "unreadable-secret" HookRefused,
    SecretSource "secret-source" HookRefused,
    ManySecrets "many-secrets" HookRefused,
    UnknownSender "unknown-sender" HookRefused,
    BadSender "bad-sender" HookRefused,
    BadDeduplicate "bad-deduplicate" HookRefused,
    BadDuration "bad-duration" HookRefused,
    BadEnvironment "bad-environment" HookRefused,
    UnknownAccount "unknown-account" HookRefused,
    NoPrivilege "no-privilege" HookRefused,
    BadLimit "bad-limit" HookRefused,
    BadId "bad-id" HookRefused,
    BadReference "bad-reference" HookRefused,
    UnknownOutput "unknown-output" HookRefused,
    BadConcurrency "bad-concurrency" HookRefused,
    BadRetry "bad-retry" HookRefused,
    BadTemplate "bad-template" HookRefused,
    NoId "no-id" Error,
    NoCommand "no-command" Error,
    UnknownSource "unknown-source" Error,
    UnverifiedDelivery "unverified-delivery" Error,
    UnfilledMessage "unfilled-message" Error,
    UnansweredHandshake "unanswered-handshake" Error,
    BadHeader "bad-header" Error,
    BadExitCode "bad-exit-code" Error,
    BadVariable "bad-variable" Error,
    SeveralDocuments "several-documents" Error,
    NoHooks "no-hooks" Error,
    UnknownKey "unknown-key" Warning,
    NeedlessKey "needless-key" Warning,
    WeakSender "weak-sender" Warning,
    LiteralVariable "literal-variable" Warning,
    DroppedSecret "dropped-secret" Warning,
    EmptyTriggerRule "empty-trigger-rule" Warning,
    OldMatchType "old-match-type" Warning,
    RereadNumber "reread-number" Warning,
    RereadWord "reread-word" Warning,
    NamelessMethod "nameless-method" Warning,
    NotShown "not-shown" Warning,
    ;
    by check:
    NoGuard "no-guard",
    AddressGuard "address-guard",
    GetAllowed "get-allowed",
    SecretInQuery "secret-in-query",
    NoName "no-name",
    ValueForSignature "value-for-signature",
    OptionalSignature "optional-signature",
    NeverMet "never-met",
    AlwaysMet "always-met",
    NotOfMissing "not-of-missing",
    MetByDefault "met-by-default",
    NeverMissing "never-missing",
    ErrorOutputAlone "error-output-alone",
    UnusedStatus "unused-status",
    UnusedAnswer "unused-answer",
    KillGraceAlone "kill-grace-alone",
    MissingVariable "missing-variable",
    ShellName "shell-name",
    ReadableSecret "readable-secret",
    WritableFile "writable-file",
    WritableCommand "writable-command",
    CommandMissing "command-missing",
    CommandWithSpaces "command-with-spaces",
    CommandNotExecutable "command-not-executable",
    NoInterpreter "no-interpreter",
    CarriageReturn "carriage-return",
    NoWorkingDirectory "no-working-directory",
    NeverRetried "never-retried",
    GroupMaxDiffers "group-max-differs",
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) file: Arc<str>,
    /// In what the template gave, if the file is one and the mistake is not in the template itself.
    pub(crate) position: Position,
    /// The id of the hook it belongs to, when it belongs to one that has an id.
    pub(crate) hook: Option<String>,
    /// `trigger-rule.and[1].match.regex`; empty when the place is the hook or the file itself.
    pub(crate) key: String,
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: String,
    /// The line to show with it.
    pub(crate) excerpt: Option<Excerpt>,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(super) fn of_file(kind: Kind, file: Arc<str>, message: String, help: &str) -> Self {
        Self {
            kind,
            file,
            position: Position::default(),
            hook: None,
            key: String::new(),
            message,
            help: help.to_owned(),
            excerpt: None,
        }
    }

    pub(crate) fn effect(&self) -> Effect {
        self.kind.effect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.position.line > 0 {
            write!(f, ":{}:{}", self.position.line, self.position.column)?;
        }
        f.write_str(": ")?;
        if let Some(hook) = &self.hook {
            write!(f, "hook `{hook}`: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.message, self.help)?;
        if self.effect() == Effect::HookRefused {
            f.write_str(" (the hook is refused: it answers 500 and runs nothing)")?;
        }
        Ok(())
    }
}
