//! Which hook a request is for.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::hook::{Entry, Hook, HookTable};

/// What is escaped in the path of a redirection, as in the reference.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

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
    /// The path has empty segments or dots; what it stands for, percent-encoded.
    Moved {
        path: String,
    },
    /// A `%` in the path is not followed by two hexadecimal digits.
    BadPath,
}

impl Route {
    pub(crate) fn is_to_hook(&self) -> bool {
        matches!(self, Self::Hook(_) | Self::HandshakeOnly { .. })
    }

    /// Of the hook at the path, also of one that is refused or not asked; empty when there is none.
    pub(crate) fn hook_id(&self) -> &str {
        match self {
            Self::Hook(hook) | Self::HandshakeOnly { hook, .. } => &hook.id,
            Self::MethodNotAllowed { id, .. } => id,
            Self::Refused { id, .. } => id,
            Self::Index | Self::UnknownHook { .. } | Self::NotFound | Self::Moved { .. } | Self::BadPath => {
                ""
            }
        }
    }
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
        if has_bad_escape(path) {
            return Route::BadPath;
        }
        let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
        if let Some(clean) = cleaned(&decoded) {
            return Route::Moved { path: percent_encode(&clean, ESCAPED).to_string() };
        }
        match decoded.strip_prefix(self.prefix.as_bytes()) {
            Some(id) => match str::from_utf8(id) {
                Ok(id) => self.to_hook(method, id, table),
                Err(_) => Route::UnknownHook { id: String::from_utf8_lossy(id).into_owned() },
            },
            None => Route::NotFound,
        }
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
                    Route::MethodNotAllowed { id: hook.id.clone(), allowed: allowed.clone() }
                }
                _ => Route::Hook(hook.clone()),
            },
        }
    }
}

fn has_bad_escape(path: &str) -> bool {
    let mut pieces = path.as_bytes().split(|byte| *byte == b'%');
    pieces.next();
    pieces
        .any(|piece| !matches!(piece, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

/// `path` without empty segments and dots, if it has any; a slash at its end stays. `*` is no path.
fn cleaned(path: &[u8]) -> Option<Vec<u8>> {
    let inside = path.strip_prefix(b"/")?;
    let mut named = inside.strip_suffix(b"/").unwrap_or(inside).split(|byte| *byte == b'/');
    if named.all(|segment| !matches!(segment, b"" | b"." | b"..")) {
        return None;
    }
    let segments = inside.split(|byte| *byte == b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in segments {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let mut clean = Vec::with_capacity(path.len());
    for segment in &kept {
        clean.push(b'/');
        clean.extend_from_slice(segment);
    }
    if kept.is_empty() || path.ends_with(b"/") {
        clean.push(b'/');
    }
    (clean != path).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_somewhere() {
        #[track_caller]
        fn check(path: &str, expected: &str) {
            let route = Routing::new("hooks", "").route("POST", path, &HookTable::default());
            let shown = match route {
                Route::Index => "index".to_owned(),
                Route::UnknownHook { id } => format!("hook {id}"),
                Route::Moved { path } => format!("to {path}"),
                Route::NotFound => "not found".to_owned(),
                Route::BadPath => "bad".to_owned(),
                other => panic!("{other:?}"),
            };
            assert_eq!(shown, expected, "{path}");
        }
        #[rustfmt::skip]
        let rows = [
            ("/", "index"), ("/hooks/a", "hook a"), ("/hooks/a/", "hook a/"), ("/hooks/", "hook "),
            ("/hooks/a/b", "hook a/b"), ("/hooks/a%2Fb%20%C3%A9", "hook a/b é"), ("/hooks/a+b", "hook a+b"),
            ("/hooks/a%252F", "hook a%2F"), ("/%68ooks/a", "hook a"), ("/hooks/...", "hook ..."),
            ("/hooks/%FF", "hook \u{FFFD}"), ("/hooks", "not found"), ("/HOOKS/a", "not found"),
            ("*", "not found"),
            ("//", "to /"), ("//hooks/a", "to /hooks/a"), ("/hooks//a", "to /hooks/a"),
            ("/hooks///a//", "to /hooks/a/"), ("/hooks/./a/.", "to /hooks/a"), ("/hooks/a/..", "to /hooks"),
            ("/x/../hooks/a", "to /hooks/a"), ("/../..", "to /"), ("/hooks/%2E%2e/a", "to /a"),
            ("/hooks/a%2F%2Fb", "to /hooks/a/b"), ("/hooks//a%20b%3F%22é", "to /hooks/a%20b%3F%22%C3%A9"),
            ("//a:b;c=@$&,~!*'()", "to /a:b;c=@$&,~%21%2A%27%28%29"), ("//%FF", "to /%FF"),
            ("/hooks/a%", "bad"), ("/hooks/a%2", "bad"), ("/hooks/%zz", "bad"), ("/hooks/%25%", "bad"),
        ];
        for (path, expected) in rows {
            check(path, expected);
        }
    }
}
