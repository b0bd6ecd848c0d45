//! The command line: Go's flag syntax, read with clap. Beside `systemd` the only place that reads
//! environment variables.

#![expect(clippy::disallowed_methods, reason = "what the environment says is part of the command line")]

mod check;
mod commands;
mod explain;
mod go_flags;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser};
use hyper::header::{HeaderName, HeaderValue};

use crate::circumstances::WITHHELD_VARIABLES;
use crate::forwarded::TrustedProxies;
use crate::hooks_file::{Reading, template};
use crate::nearest::nearest;
use crate::privileges;
use crate::run;
use crate::units::{parse_duration, parse_size};

pub(crate) use check::CheckFlags;
use commands::SchemaFlags;
pub(crate) use commands::{SendFlags, SendersFlags};
pub(crate) use explain::ExplainFlags;
use values::{header, methods, parse_head_size, parse_status, parse_timeout};

/// Runs commands when webhooks arrive.
///
/// Flags may be written with one dash or two, `-name value` or `-name=value`. Durations are written
/// `250ms`, `10s`, `5m`, `1h`, `3d`; sizes as bytes or with `KiB`, `MiB`, `GiB`.
#[derive(Debug, Parser)]
#[command(name = "hookrunner", disable_version_flag = true, args_override_self = true, max_term_width = 100, after_help = COMMANDS)]
pub(crate) struct Flags {
    /// Hooks file, JSON or YAML, or a directory of such files; may be repeated [default: hooks.json]
    #[arg(long, value_name = "PATH")]
    pub(crate) hooks: Vec<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub(crate) ip: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "NUMBER", default_value_t = 9000)]
    pub(crate) port: u16,
    /// Unix socket to listen on instead; `@name` is an abstract one
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    pub(crate) socket: String,
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

    #[command(flatten)]
    pub(crate) log: LogFlags,

    /// Start although no hook could be loaded
    #[arg(long)]
    pub(crate) nopanic: bool,
    /// Reload hooks files when they change
    #[arg(long)]
    pub(crate) hotreload: bool,
    /// Hooks files are Go templates
    #[arg(long)]
    pub(crate) template: bool,

    #[command(flatten)]
    pub(crate) tls: TlsFlags,

    /// File to write the process id to
    #[arg(long, value_name = "PATH")]
    pub(crate) pidfile: Option<PathBuf>,
    /// User id to run as, once the port is open; needs -setgid
    #[arg(long, value_name = "UID", default_value_t = 0, hide_default_value = true)]
    pub(crate) setuid: u32,
    /// Group id to run as, once the port is open; needs -setuid
    #[arg(long, value_name = "GID", default_value_t = 0, hide_default_value = true)]
    pub(crate) setgid: u32,
    /// Become the parent of what commands leave behind, to wait for its end
    #[arg(long)]
    pub(crate) subreaper: bool,
    /// Take request ids from the header X-Request-Id
    #[arg(long)]
    pub(crate) x_request_id: bool,
    /// Characters of X-Request-Id that are used; 0 takes up to 128
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) x_request_id_limit: i64,
    /// Accepted for compatibility; multipart bodies are held in memory under -max-body-size
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_multipart_mem: i64,

    #[command(flatten)]
    pub(crate) limits: LimitFlags,

    /// Directory to save requests in that were not run, for `hookrunner explain`, with all their headers
    #[arg(long, value_name = "DIR")]
    pub(crate) save_requests: Option<PathBuf>,
    /// Requests to keep there; the oldest go
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) save_requests_max: u32,

    /// Print the version
    #[arg(long)]
    pub(crate) version: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogFlags {
    /// Log every request and run, not only warnings, errors and why a hook did not run
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Log arguments, environment and output too; implies -verbose
    #[arg(long)]
    pub(crate) debug: bool,
    /// Log to this file, reopened on SIGHUP; implies -verbose
    #[arg(long, value_name = "PATH")]
    pub(crate) logfile: Option<PathBuf>,
    /// Form of log lines: `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) log_format: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TlsFlags {
    /// Serve HTTPS
    #[arg(long)]
    pub(crate) secure: bool,
    /// Certificate chain, PEM
    #[arg(long, value_name = "PATH", default_value = defaults::CERT)]
    pub(crate) cert: PathBuf,
    /// Private key, PEM
    #[arg(long, value_name = "PATH", default_value = defaults::KEY)]
    pub(crate) key: PathBuf,
    /// Certificates, PEM: clients must have one that one of these has signed
    #[arg(long, value_name = "PATH")]
    pub(crate) client_ca: Option<PathBuf>,
    /// Oldest TLS version to speak: 1.2 or 1.3
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    pub(crate) tls_min_version: String,
    /// Cipher suites of TLS 1.2 to allow, separated by commas [default: all supported]
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true)]
    pub(crate) cipher_suites: String,
    /// Print the names for -cipher-suites
    #[arg(long)]
    pub(crate) list_cipher_suites: bool,
}

/// The bounds as they are when no flag changes them, in the form of the command line.
pub(crate) mod defaults {
    pub(crate) const CERT: &str = "cert.pem";
    pub(crate) const KEY: &str = "key.pem";
    /// The largest payload that GitHub sends is 25 MiB.
    pub(super) const MAX_BODY_SIZE: &str = "32MiB";
    /// Eight of the largest at once, and it fits a small VPS.
    pub(super) const MAX_BODY_MEMORY: &str = "256MiB";
    /// A head is one or two packets; ten seconds forgive a lost one several times.
    pub(super) const HEADER_TIMEOUT: &str = "10s";
    /// The largest body over a line of 5 Mbit/s.
    pub(super) const BODY_TIMEOUT: &str = "60s";
    /// Longer than proxies keep their side open, so that it is they who close.
    pub(super) const IDLE_TIMEOUT: &str = "75s";
    /// The usual limit of open files of one process.
    pub(super) const MAX_CONNECTIONS: u32 = 1024;
    /// As many as browsers and proxies together send, several times over.
    pub(super) const MAX_HEADERS: u32 = 100;
    /// Four times what common proxies pass on.
    pub(super) const MAX_HEADER_SIZE: &str = "64KiB";
    /// As much as a request may bring.
    pub(super) const MAX_OUTPUT: &str = "32MiB";
    /// What systemd's own stop time (90 s) leaves room for, with the kill after it.
    pub(super) const DRAIN_TIMEOUT: &str = "30s";
}

#[derive(Debug, clap::Args)]
pub(crate) struct LimitFlags {
    /// Largest request body; a larger one is answered 413
    #[arg(long, value_name = "SIZE", default_value = defaults::MAX_BODY_SIZE, value_parser = parse_size)]
    pub(crate) max_body_size: usize,
    /// Memory for all request bodies in flight; beyond, requests are answered 503
    #[arg(long, value_name = "SIZE", default_value = defaults::MAX_BODY_MEMORY, value_parser = parse_size)]
    pub(crate) max_body_memory: usize,
    /// Time for a request's head to arrive; later it is answered 408
    #[arg(long, value_name = "DURATION", default_value = defaults::HEADER_TIMEOUT, value_parser = parse_timeout)]
    pub(crate) header_timeout: Duration,
    /// Time for a request's body to arrive; later it is answered 408
    #[arg(long, value_name = "DURATION", default_value = defaults::BODY_TIMEOUT, value_parser = parse_timeout)]
    pub(crate) body_timeout: Duration,
    /// Time after which an idle connection, or one that does not take its answer, is closed
    #[arg(long, value_name = "DURATION", default_value = defaults::IDLE_TIMEOUT, value_parser = parse_timeout)]
    pub(crate) idle_timeout: Duration,
    /// Connections served at once; further ones wait
    #[arg(long, value_name = "NUMBER", default_value_t = defaults::MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_connections: u32,
    /// Headers of one request; with more it is answered 431
    #[arg(long, value_name = "NUMBER", default_value_t = defaults::MAX_HEADERS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) max_headers: u32,
    /// Largest head of a request; a larger one is answered 431
    #[arg(long, value_name = "SIZE", default_value = defaults::MAX_HEADER_SIZE, value_parser = parse_head_size)]
    pub(crate) max_header_size: usize,
    /// Output of a command that is kept for the response or the log; the rest is read and dropped
    #[arg(long, value_name = "SIZE", default_value = defaults::MAX_OUTPUT, value_parser = parse_size)]
    pub(crate) max_output: usize,
    /// Commands that run at once; further deliveries wait for their turn [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_concurrent_runs: Option<u32>,
    /// Time for requests and commands to end at shutdown, before commands are killed
    #[arg(long, value_name = "DURATION", default_value = defaults::DRAIN_TIMEOUT, value_parser = parse_duration)]
    pub(crate) drain_timeout: Duration,
}

const COMMANDS: &str = "\
Commands, each with its own --help:
  hookrunner check    Say everything that is wrong with hooks files, and what to write instead
  hookrunner explain  Show what the server would do with a request, and why, without running anything
  hookrunner schema   Print the JSON Schema of a hooks file, for editors
  hookrunner senders  List the senders that `verify` knows, or show how one signs and a hook for it
  hookrunner send     Sign a delivery as its sender would, send it and print the answer";

/// What the process was started for.
#[derive(Debug)]
pub(crate) enum CommandLine {
    Serve(Box<Flags>),
    Check(CheckFlags),
    Explain(Box<ExplainFlags>),
    Schema,
    Senders(SendersFlags),
    Send(Box<SendFlags>),
}

/// Reads the command line: a subcommand is its first word. Help, and what is wrong with the line, is
/// printed and ends the process.
///
/// Without a command the program serves: the Go program, whose flags these are, has no commands.
pub(crate) fn read() -> CommandLine {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1).and_then(|word| word.to_str()) {
        Some("check") => {
            arguments.remove(1);
            CommandLine::Check(parsed_beside_server(arguments))
        }
        Some("explain") => {
            arguments.remove(1);
            CommandLine::Explain(Box::new(parsed_beside_server(arguments)))
        }
        Some("schema") => {
            arguments.remove(1);
            let _: SchemaFlags = parsed(arguments);
            CommandLine::Schema
        }
        Some("senders") => {
            arguments.remove(1);
            CommandLine::Senders(parsed(arguments))
        }
        Some("send") => {
            arguments.remove(1);
            CommandLine::Send(Box::new(parsed(arguments)))
        }
        Some(word) if !word.starts_with('-') => refuse_command(word),
        _ => CommandLine::Serve(Box::new(parsed(arguments))),
    }
}

fn refuse_command(word: &str) -> ! {
    let lines = COMMANDS.lines().filter_map(|line| line.trim_start().strip_prefix("hookrunner "));
    let names: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    let nearest = nearest(word, &names).map(|near| format!("; did you mean `{near}`?"));
    let message = format!(
        "there is no command `{word}`{}\n\nThe commands are `{}`; without one, hookrunner serves",
        nearest.unwrap_or_default(),
        names.join("`, `")
    );
    command::<Flags>().error(ErrorKind::InvalidSubcommand, message).exit()
}

/// Of a command that stands in for the server: flags of the server that make no difference are left aside.
fn parsed_beside_server<F: Parser>(arguments: Vec<OsString>) -> F {
    parsed::<F>(go_flags::without_those_of(&command::<Flags>(), arguments, &command::<F>()))
}

fn parsed<F: Parser>(arguments: Vec<OsString>) -> F {
    let command = command::<F>();
    let arguments = go_flags::to_long_form(arguments, &command);
    F::from_arg_matches(&command.get_matches_from(arguments)).unwrap_or_else(|error| error.exit())
}

/// A bool flag takes a value after `=`, as in Go.
fn command<F: CommandFactory>() -> clap::Command {
    F::command().mut_args(|argument| match argument.get_action() {
        ArgAction::SetTrue => argument
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .default_value("false")
            .hide_default_value(true)
            .hide_possible_values(true)
            .value_name("BOOL")
            .value_parser(go_flags::parse_bool),
        _ => argument,
    })
}

/// What hooks files may ask of the machine, in templates and for secrets.
pub(crate) fn hooks_file_surroundings() -> template::Surroundings {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    template::Surroundings {
        environment: std::env::vars_os().filter_map(text).collect(),
        credentials_directory: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    }
}

/// What hooks files are read with, for the server or in its stead.
pub(crate) fn hooks_file_reading(is_template: bool, mismatch_code: Option<i64>) -> Reading {
    Reading {
        is_template,
        surroundings: hooks_file_surroundings(),
        mismatch_code,
        may_run_as: privileges::may_run_as(),
        examination: None,
    }
}

/// What commands find on the machine.
pub(crate) fn run_surroundings() -> run::Surroundings {
    let is_there = |name: &&str| std::env::var_os(name).is_some();
    run::Surroundings {
        path: std::env::var_os("PATH"),
        temporary_directory: std::env::temp_dir(),
        withheld: WITHHELD_VARIABLES.into_iter().filter(is_there).collect(),
        variables: Arc::new(std::env::vars_os().collect()),
        ..run::Surroundings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        command::<Flags>().debug_assert();
        command::<CheckFlags>().debug_assert();
        command::<ExplainFlags>().debug_assert();
        command::<SchemaFlags>().debug_assert();
        command::<SendersFlags>().debug_assert();
        command::<SendFlags>().debug_assert();
    }
}
