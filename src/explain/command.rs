//! `hookrunner explain`: reads the hooks files and the request, and prints the explanation.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use super::report::Report;
use super::{Explained, explain, near_hook};
use crate::capture::{self, Capture, HEAD_BYTES_MAX};
use crate::cli::{self, ExplainFlags};
use crate::clock::unix_ms_now;
use crate::hook::HookTable;
use crate::hooks_file::{Effect, HooksFiles};
use crate::request::{Peer, Request};
use crate::route::Routing;
use crate::sender::{Unit, parse_ms};

/// The request would not be run.
const NOT_RUN: u8 = 3;

/// Who sent a request that says nothing about it.
const PEER_DEFAULT: Peer = Peer::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));

#[inline(never)]
pub(crate) fn command(flags: &ExplainFlags) -> ExitCode {
    let explained = explained(flags).and_then(|(report, output)| {
        let written = io::stdout().lock().write_all(output.as_bytes());
        written.map(|()| report).map_err(|error| format!("failed to print: {error}"))
    });
    match explained {
        Ok(report) if report.is_run() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(NOT_RUN),
        Err(reason) => {
            eprintln!("hookrunner explain: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn explained(flags: &ExplainFlags) -> Result<(Report, String), String> {
    let table = table(flags)?;
    if let Some(id) = flags.hook.as_deref().filter(|id| table.get(id).is_none()) {
        return Err(format!("no hook has the id `{id}`{}", near_hook(id, &table)));
    }
    let (request, at_unix_ms) = request(flags)?;
    let server = Explained {
        routing: Routing::new(&flags.urlprefix, &flags.http_methods),
        global_headers: flags.header.clone(),
        body_bytes_max: flags.max_body_size,
        surroundings: cli::run_surroundings(),
        table: &table,
        hook: flags.hook.as_deref(),
    };
    let report = explain(&server, &request, at_unix_ms);
    let output = match flags.format.as_str() {
        "json" => report.json().map_err(|error| format!("failed to write JSON: {error}"))?,
        _ => report.text(&request, at_unix_ms),
    };
    Ok((report, output))
}

/// As at the server's start; a file that it would not load is an error here.
fn table(flags: &ExplainFlags) -> Result<HookTable, String> {
    let paths = if flags.hooks.is_empty() { vec!["hooks.json".into()] } else { flags.hooks.clone() };
    let (table, problems) =
        HooksFiles::new(paths, cli::hooks_file_reading(flags.template, flags.mismatch_http_response_code))
            .load();
    let mut fatal = problems.iter().filter(|problem| problem.effect() == Effect::FileRefused);
    match fatal.next() {
        Some(first) => {
            let problems = std::iter::once(first).chain(fatal).map(ToString::to_string);
            Err(problems.collect::<Vec<_>>().join("\n"))
        }
        None => Ok(table),
    }
}

/// The request, and when it is to have come.
fn request(flags: &ExplainFlags) -> Result<(Request, i64), String> {
    let at = flags.at.as_deref().map(time).transpose()?;
    let given_peer = flags.peer.as_deref().map(peer_of).transpose()?;
    let path = &flags.request;
    let message = message(path, flags.max_body_size)
        .map_err(|error| format!("failed to read the request {}: {error}", path.display()))?;
    let capture = capture::read(message.into())
        .map_err(|error| format!("failed to read the request {}: {error}", path.display()))?;
    let Capture { method, path, query, headers, body, excess_bytes, peer, received_unix_ms } = capture;
    if excess_bytes > 0 {
        eprintln!("hookrunner explain: {excess_bytes} bytes after the body's end are left out");
    }
    let peer = given_peer.or(peer).unwrap_or(PEER_DEFAULT);
    let peer = flags.trusted_proxies.client(peer, &headers);
    let at_unix_ms = at.or(received_unix_ms).unwrap_or_else(unix_ms_now);
    Ok((Request { id: "explain".to_owned(), peer, method, path, query, headers, body }, at_unix_ms))
}

fn time(text: &str) -> Result<i64, String> {
    let time = parse_ms(text.as_bytes(), Unit::Rfc3339);
    time.ok_or_else(|| format!("`-at {text}` is no time: write it like 2026-01-01T12:00:00Z"))
}

/// An address without a port gets one: every connection has.
fn peer_of(text: &str) -> Result<Peer, String> {
    let peer = capture::peer(text.as_bytes()).map(|peer| match peer {
        Peer::Address(ip) => Peer::Tcp(SocketAddr::new(ip, 0)),
        peer => peer,
    });
    peer.ok_or_else(|| format!("`-peer {text}` is no address: write one, or `@` for a Unix socket"))
}

/// `-` is standard input.
fn message(path: &Path, body_bytes_max: usize) -> io::Result<Vec<u8>> {
    let bytes_max = HEAD_BYTES_MAX.saturating_add(body_bytes_max);
    let is_stdin = path == Path::new("-");
    let source: Box<dyn Read> =
        if is_stdin { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    let mut message = Vec::new();
    source.take(bytes_max as u64 + 1).read_to_end(&mut message)?;
    if message.len() > bytes_max {
        return Err(io::Error::other(format!("it is larger than {bytes_max} bytes: raise `-max-body-size`")));
    }
    Ok(message)
}
