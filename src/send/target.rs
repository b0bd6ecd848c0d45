//! Where a delivery goes.

use hyper::Uri;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As written, without the query.
    base: String,
    uri: Uri,
    pub(super) is_https: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` {reason}")]
pub(super) struct TargetError {
    url: String,
    reason: &'static str,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, TargetError> {
        let refused = |reason| TargetError { url: url.to_owned(), reason };
        let misformed = || refused("is not a URL of the form `https://HOST/PATH`");
        if url.contains('#') {
            return Err(refused("has a `#` part, which is never sent"));
        }
        let uri: Uri = url.parse().map_err(|_| misformed())?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(misformed()),
        };
        let authority = uri.authority().ok_or_else(misformed)?;
        if authority.as_str().contains('@') {
            // Not shown: it may hold a password.
            let reason = "holds a user: a secret does not belong on the command line";
            return Err(TargetError { url: "URL".to_owned(), reason });
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if host.is_empty() {
            return Err(misformed());
        }
        let base = url.split('?').next().unwrap_or(url).to_owned();
        Ok(Self { base, uri, is_https, host, port })
    }

    /// `HOST:PORT` as written.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// The whole URL, with this query in its own's place.
    pub(super) fn with_query(&self, query: Option<&str>) -> String {
        match query {
            Some(query) => format!("{}?{query}", self.base),
            None => self.base.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        #[track_caller]
        fn check(url: &str, https: bool, host: &str, port: u16, path: &str, query: Option<&str>) {
            let target = Target::parse(url).unwrap();
            let got = (target.is_https, target.host.as_str(), target.port, target.path(), target.query());
            assert_eq!(got, (https, host, port, path, query), "{url}");
        }
        check("http://localhost", false, "localhost", 80, "/", None);
        check("https://example.com/hooks/a?b=c", true, "example.com", 443, "/hooks/a", Some("b=c"));
        check("http://127.0.0.1:9000/hooks/a", false, "127.0.0.1", 9000, "/hooks/a", None);
        check("http://[::1]:9000/a%20b?", false, "::1", 9000, "/a%20b", Some(""));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for url in
            ["", "localhost", "/hooks/a", "ftp://host/", "http://", "http:///a", "https://a b/", "h:9000/a"]
        {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert!(Target::parse("http://a/#b").unwrap_err().to_string().contains("`#` part"));
        let error = Target::parse("http://me:hunter2@a/").unwrap_err();
        assert!(error.to_string().contains("holds a user"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn the_query_of_a_url_can_be_another() {
        let target = Target::parse("https://hooks.example.com/a?b=c").unwrap();
        assert_eq!(target.with_query(Some("d=e")), "https://hooks.example.com/a?d=e");
        assert_eq!(target.with_query(None), "https://hooks.example.com/a");
        assert_eq!(Target::parse("http://A").unwrap().with_query(None), "http://A");
    }
}
