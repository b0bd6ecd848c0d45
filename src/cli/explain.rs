//! The flags of `hookrunner explain`.

use std::path::PathBuf;

use clap::Parser;
use hyper::header::{HeaderName, HeaderValue};

use super::values::{header, methods, parse_status};
use crate::forwarded::TrustedProxies;
use crate::units::parse_size;

/// Shows what the server would do with a request, and why, without running anything.
///
/// The request is a raw HTTP/1.1 message, as `-save-requests` writes it: request line, headers, an empty line, the
/// body. Exit code 0: the command would be started; 3: it would not; 1: there is nothing to explain; 2: a wrong command
/// line.
#[derive(Debug, Parser)]
#[command(
    name = "hookrunner explain",
    bin_name = "hookrunner explain",
    args_override_self = true,
    max_term_width = 100
)]
pub(crate) struct ExplainFlags {
    /// File with the request; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) request: PathBuf,
    /// Hooks file, or a directory of such files; may be repeated [default: hooks.json]
    #[arg(long, value_name = "PATH")]
    pub(crate) hooks: Vec<PathBuf>,
    /// Take this hook, whatever the request's path
    #[arg(long, value_name = "ID")]
    pub(crate) hook: Option<String>,
    /// When the request comes, as 2026-01-01T12:00:00Z [default: as the file says, or now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Who sends it: an address, or `@` for a Unix socket [default: as the file says, or 127.0.0.1]
    #[arg(long, value_name = "IP")]
    pub(crate) peer: Option<String>,
    /// `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
    /// Hooks files are Go templates
    #[arg(long)]
    pub(crate) template: bool,
    /// Hooks are served at /PREFIX/{id}
    #[arg(long, value_name = "PREFIX", default_value = "hooks")]
    pub(crate) urlprefix: String,
    /// Methods for hooks without `http-methods`, separated by commas [default: all]
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true, value_parser = methods)]
    pub(crate) http_methods: String,
    /// Answer of hooks without `trigger-rule-mismatch-http-response-code` whose rule is not met [default: 200]
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    pub(crate) mismatch_http_response_code: Option<i64>,
    /// Header of the responses of `/` and of known hooks, `name=value`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    pub(crate) header: Vec<(HeaderName, HeaderValue)>,
    /// Proxies that are believed who the client is, separated by commas: addresses, networks, `unix`
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true, value_parser = TrustedProxies::parse)]
    pub(crate) trusted_proxies: TrustedProxies,
    /// Largest request body; a larger one is answered 413
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = parse_size)]
    pub(crate) max_body_size: usize,
}
