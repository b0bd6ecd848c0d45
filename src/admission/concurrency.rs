//! The limit on the runs of a hook, as its file says it.

use std::sync::Arc;

/// How many runs of a hook go on at once, and what a delivery beyond that meets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Concurrency {
    /// The hook's id.
    pub(crate) hook: Arc<str>,
    pub(crate) max: usize,
    pub(crate) group: Group,
    pub(crate) when_busy: WhenBusy,
}

/// Whose runs are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Those of the hook with this id.
    Hook(Arc<str>),
    /// Those of all hooks that name the group.
    Named(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    /// First in, first out; `limit` runs of the hook may wait.
    Queue {
        limit: usize,
    },
    /// Only the newest of the hook waits.
    Latest,
    Reject,
}
