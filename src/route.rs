//! Which hook a request is for.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::hook::{Entry, Hook, HookTable};

/// How paths and methods lead to hooks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routing {
    /// What stands before the id, with a slash at both ends: `/hooks/`, or `/`.
    prefix: String,
    /// Methods of hooks that name none; `None` allows every method.
    default_methods: Option<Vec<String>>,
}

#[derive(Debug)]
pub(crate) enum Route {
    Index,
    Hook(Arc<Hook>),
    /// The method is not allowed, but may be that of the sender's handshake.
    HandshakeOnly {
        hook: Arc<Hook>,
        allowed: Vec<String>,
    },
    /// The id is known, and its hook was refused when it was loaded.
    Refused {
        id: Arc<str>,
        reason: Arc<str>,
    },
    UnknownHook {
        id: String,
    },
    MethodNotAllowed {
        id: String,
        allowed: Vec<String>,
    },
    NotFound,
}

impl Routing {
    /// `prefix` as given with `-urlprefix`, `methods` as given with `-http-methods`.
    pub(crate) fn new(prefix: &str, methods: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let methods: Vec<String> = methods
            .split(',')
            .map(|method| method.trim().to_uppercase())
            .filter(|method| !method.is_empty())
            .collect();
        Self {
            prefix: if prefix.is_empty() { "/".to_owned() } else { format!("/{prefix}/") },
            default_methods: (!methods.is_empty()).then_some(methods),
        }
    }

    /// The path at which hooks live, for messages: `/hooks/{id}`.
    pub(crate) fn pattern(&self) -> String {
        format!("{}{{id}}", self.prefix)
    }

    /// `path` is as sent, still percent-encoded. The id is compared exactly with what it decodes to.
    pub(crate) fn route(&self, method: &str, path: &str, table: &HookTable) -> Route {
        if path == "/" {
            return Route::Index;
        }
        let Ok(path) = percent_decode_str(path).decode_utf8() else {
            return Route::NotFound;
        };
        let Some(id) = path.strip_prefix(&self.prefix) else {
            return Route::NotFound;
        };
        self.to_hook(method, id, table)
    }

    /// What `method` may do at the hook `id`.
    pub(crate) fn to_hook(&self, method: &str, id: &str, table: &HookTable) -> Route {
        match table.get(id) {
            None => Route::UnknownHook { id: id.to_owned() },
            Some(Entry::Refused { id, reason }) => Route::Refused { id: id.clone(), reason: reason.clone() },
            Some(Entry::Ready(hook)) => match hook.methods.as_ref().or(self.default_methods.as_ref()) {
                // A sender's handshake may have another method than its deliveries.
                Some(allowed) if hook.has_handshake() && !allowed.iter().any(|name| name == method) => {
                    Route::HandshakeOnly { hook: hook.clone(), allowed: allowed.clone() }
                }
                Some(allowed) if !allowed.iter().any(|name| name == method) => {
                    Route::MethodNotAllowed { id: id.to_owned(), allowed: allowed.clone() }
                }
                _ => Route::Hook(hook.clone()),
            },
        }
    }
}
