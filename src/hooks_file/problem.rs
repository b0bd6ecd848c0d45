//! What is wrong with a hooks file: where, what, what to write instead, and what follows from it.

use std::fmt;
use std::sync::Arc;

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) effect: Effect,
    pub(crate) file: Arc<str>,
    pub(crate) position: Position,
    /// The id of the hook it belongs to, when it belongs to one that has an id.
    pub(crate) hook: Option<String>,
    /// `trigger-rule.and[1].match.regex`; empty when the place is the hook or the file itself.
    pub(crate) key: String,
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: Option<String>,
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
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        if self.effect == Effect::HookRefused {
            f.write_str(" (the hook is refused: it answers 500 and runs nothing)")?;
        }
        Ok(())
    }
}
