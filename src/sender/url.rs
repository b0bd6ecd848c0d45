//! The address that the sender was given. It comes from the configuration: `Host` and `X-Forwarded-*`
//! are the client's to choose.

/// An `http` or `https` URL. A query in it is not kept: the request's own takes its place, so that one
/// hook serves `?a=1` and `?a=2`, and the signature covers the query that was really sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    base: String,
    path_at: usize,
}

impl PublicUrl {
    pub(crate) const ALLOWED: &'static str =
        "the URL that the sender was given, `https://HOST/PATH`, without a `#` part";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return None;
        }
        let host_len = rest.find(['/', '?']).unwrap_or(rest.len());
        let base = text.split('?').next().unwrap_or(text).to_owned();
        (host_len > 0).then(|| Self { base, path_at: text.len() - rest.len() + host_len })
    }

    pub(super) fn with_query(&self, query: Option<&str>) -> String {
        joined(&self.base, query)
    }

    pub(super) fn path_with_query(&self, query: Option<&str>) -> String {
        match self.base.get(self.path_at..) {
            None | Some("") => joined("/", query),
            Some(path) => joined(path, query),
        }
    }
}

fn joined(start: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{start}?{query}"),
        None => start.to_owned(),
    }
}
