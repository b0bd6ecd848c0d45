//! The server's life: log, configuration, bind, hooks, ready, reload, drain, exit.

mod descriptors;
mod housekeeping;

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustix::process::set_child_subreaper;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{Level, error, info, warn};

use crate::body::{BodyBudget, BodyLimits};
use crate::cli::{self, Flags, LimitFlags, LogFlags, TlsFlags, defaults};
use crate::deliver::{Delivery, Pauses, Settings};
use crate::duplicates::Duplicates;
use crate::hook::HookTable;
use crate::hooks_file::{HooksFiles, hooks_files_in};
use crate::log::{self, LogFile, LogFormat, LogSettings, Quota};
use crate::pidfile::PidFile;
use crate::privileges::{self, Account};
use crate::request_id::RequestIds;
use crate::route::Routing;
use crate::run::{LeakedPipes, OwnChildren, Surroundings, keep_exits, reap_orphans, sink};
use crate::runs::Runs;
use crate::saved_requests::SavedRequests;
use crate::server::timed::Timeouts;
use crate::server::tls::{Tls, TlsSettings, TlsVersions};
use crate::server::{Endpoint, Listener, Server, ServerLimits};
use crate::systemd::{self, Notifier, PassedSocket};
use crate::turns::Turns;
use crate::watch::FileWatch;
use descriptors::AtOnce;
use housekeeping::{Housekeeping, Watches, load, watch_tls, watchdog};

/// Serves as `flags` say until a signal ends it. Why it could not is logged.
pub(crate) fn serve(flags: Flags) -> ExitCode {
    let log_file = match log::init(&log_settings(&flags.log)) {
        Ok(log_file) => log_file,
        Err(error) => {
            let file = flags.log.logfile.unwrap_or_default();
            eprintln!("hookrunner: failed to open the log file {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    // Before there are threads: taking the socket changes the environment.
    let passed = match systemd::passed_socket() {
        Ok(passed) => passed,
        Err(reason) => {
            error!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("failed to start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(flags, passed, log_file));
    // A thread that hangs in a dead file system must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            error!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn log_settings(flags: &LogFlags) -> LogSettings {
    let LogFlags { verbose, debug, logfile, log_format } = flags;
    let level = match (debug, *verbose || logfile.is_some()) {
        (true, _) => Level::DEBUG,
        (false, true) => Level::INFO,
        (false, false) => Level::WARN,
    };
    let format = if log_format == "json" { LogFormat::Json } else { LogFormat::Text };
    LogSettings { level, format, file: logfile.clone(), is_journal: systemd::stderr_is_journal() }
}

async fn run(flags: Flags, passed: Option<PassedSocket>, log_file: LogFile) -> Result<(), String> {
    let notifier = Notifier::from_environment();
    let account = account(&flags)?;
    let tls = tls_settings(&flags.tls)?;
    // Before the files are read, so that no change is missed.
    let tls_watch = tls.as_ref().and_then(|settings| watch_tls(&settings.files()));
    let tls = tls.map(Tls::new).transpose();
    let tls = tls.map_err(|error| error.to_string())?;
    // Signals are listened for before anything can be waited for.
    let signals = Signals::new().map_err(|error| format!("failed to listen for signals: {error}"))?;
    let endpoint = match passed {
        Some(PassedSocket::Tcp(listener)) => Endpoint::ActivatedTcp(listener),
        Some(PassedSocket::Unix(listener)) => Endpoint::ActivatedUnix(listener),
        None => endpoint(&flags, account.is_some())?,
    };
    let listener = Listener::bind(endpoint).map_err(|error| error.to_string())?;
    if let Some(account) = account {
        let given = log_file.give_to(account.user, account.group);
        given.map_err(|error| format!("failed to give the log file to user {}: {error}", account.user))?;
        privileges::drop_to(account)?;
    }
    let mut files = hooks_files(&flags);
    let pidfile = flags.pidfile.as_deref().map(PidFile::write).transpose();
    let _pidfile = pidfile.map_err(|error| error.to_string())?;
    // Before the files are read, so that no change is missed.
    let watch = flags.hotreload.then(|| FileWatch::new(files.paths(), hooks_files_in)).transpose();
    let watch = watch.map_err(|error| format!("failed to watch the hooks files: {error}"))?;
    let at_once = AtOnce::new(&flags.limits);
    let delivery = Arc::new(delivery(&flags, at_once)?);
    if flags.trusted_proxies.trusts_everybody() {
        warn!("`-trusted-proxies` has every address in it: every client can say that it is another");
    }
    load(&mut files, &delivery);
    if delivery.table.load().is_empty()
        && !flags.nopanic
        && !flags.log.verbose
        && !flags.log.debug
        && flags.log.logfile.is_none()
    {
        let paths =
            files.paths().iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "no hook could be loaded from {paths}; to start all the same, use `-nopanic` or `-verbose`"
        ));
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = match listener.is_unix() {
        true => format!("unix:{}", listener.address()),
        false => format!("{scheme}://{}", listener.address()),
    };
    let hooks = delivery.table.load().summary();
    info!("serving {hooks} on {address}{}", delivery.settings.routing.pattern());
    let server = Server::new(listener, tls.clone(), server_limits(&flags.limits, at_once), delivery.clone());
    let saved_requests = delivery.saved_requests.clone();
    let Signals { mut terminate, mut interrupt, hangup, user1 } = signals;
    tokio::spawn(reap_orphans(delivery.settings.surroundings.own_children.clone()));
    let notifier_of_reloads = notifier.clone();
    let housekeeping =
        Housekeeping { files, tls, delivery, log_file, notifier: notifier_of_reloads, address };
    notifier.notify(&format!("READY=1\n{}", housekeeping.status()));
    tokio::spawn(watchdog(notifier.clone()));
    let mut housekeeping =
        tokio::spawn(housekeeping.run(hangup, user1, Watches { hooks: watch, tls: tls_watch }));
    let (first, second) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let forward_signals = async {
        for told in [&first, &second] {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            info!("got {name}");
            told.notify_one();
        }
        std::future::pending::<()>().await;
    };
    let shutdown = async {
        first.notified().await;
        notifier.notify("STOPPING=1\nSTATUS=shutting down\n");
    };
    let watch_housekeeping = async {
        if (&mut housekeeping).await.is_err() {
            error!("reloading has stopped working because of a bug; please restart the server");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = server.run(shutdown, second.notified()) => {}
        () = forward_signals => {}
        () = watch_housekeeping => {}
    }
    housekeeping.abort();
    if let Some(saved_requests) = &saved_requests {
        saved_requests.written().await;
    }
    info!("stopped");
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user1: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        keep_exits()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
        })
    }
}

fn account(flags: &Flags) -> Result<Option<Account>, String> {
    match (flags.setuid, flags.setgid) {
        (0, 0) => Ok(None),
        (user, group) if user != 0 && group != 0 => Ok(Some(Account { user, group })),
        _ => Err("-setuid and -setgid go together: give both, and neither as 0".to_owned()),
    }
}

fn endpoint(flags: &Flags, drops_privileges: bool) -> Result<Endpoint, String> {
    if flags.socket.is_empty() {
        return address(&flags.ip, flags.port).map(Endpoint::Tcp);
    }
    if drops_privileges {
        return Err("-socket does not go with -setuid and -setgid: its file could not be removed".to_owned());
    }
    Ok(Endpoint::Unix(flags.socket.clone()))
}

/// `ip` is an address, also in brackets, or a name; empty means every address of the machine.
fn address(ip: &str, port: u16) -> Result<SocketAddr, String> {
    let host = ip.trim_start_matches('[').trim_end_matches(']');
    let host = if host.is_empty() { "::" } else { host };
    let mut found: Vec<SocketAddr> =
        (host, port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    // Of a name's addresses the IPv4 one is preferred, as Go does.
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| format!("`-ip {ip}` is neither an address nor a name with one"))
}

fn tls_settings(flags: &TlsFlags) -> Result<Option<TlsSettings>, String> {
    let TlsFlags { secure, cert, key, client_ca, tls_min_version, cipher_suites, list_cipher_suites: _ } =
        flags;
    if !secure && (cert.as_os_str(), key.as_os_str()) != (defaults::CERT.as_ref(), defaults::KEY.as_ref()) {
        warn!("serving plain HTTP: `-cert` and `-key` count with `-secure` only");
    }
    if client_ca.is_some() && !secure {
        return Err("`-client-ca` needs `-secure`: without HTTPS no client shows a certificate".to_owned());
    }
    let versions = match tls_min_version.as_str() {
        "1.2" | "" => TlsVersions::From12,
        "1.3" => TlsVersions::Only13,
        "1.0" | "1.1" => {
            return Err(format!(
                "TLS {tls_min_version} is broken and not supported: use `-tls-min-version 1.2`"
            ));
        }
        other => return Err(format!("`{other}` is no TLS version: write 1.2 or 1.3")),
    };
    let names = cipher_suites.split(',').map(str::trim).filter(|name| !name.is_empty());
    let cipher_suites = names.map(str::to_owned).collect();
    let settings = TlsSettings {
        certificate: cert.clone(),
        key: key.clone(),
        client_authorities: client_ca.clone(),
        versions,
        cipher_suites,
    };
    Ok(secure.then_some(settings))
}

/// To be asked once the server is the user that it stays.
fn hooks_files(flags: &Flags) -> HooksFiles {
    let paths = if flags.hooks.is_empty() { vec!["hooks.json".into()] } else { flags.hooks.clone() };
    HooksFiles::new(paths, cli::hooks_file_reading(flags.template, flags.mismatch_http_response_code))
}

/// Whether this process gets what runs leave behind: the first of a container gets it anyway.
fn own_children(flags: &Flags) -> Result<OwnChildren, String> {
    let own = rustix::process::getpid();
    if flags.subreaper {
        let became = set_child_subreaper(Some(own));
        became.map_err(|error| format!("failed to become a subreaper: {error}"))?;
    }
    Ok(if flags.subreaper || own.is_init() { OwnChildren::watched() } else { OwnChildren::default() })
}

fn delivery(flags: &Flags, at_once: AtOnce) -> Result<Delivery, String> {
    let LimitFlags { max_body_size, max_body_memory, body_timeout, idle_timeout, max_output, .. } =
        flags.limits;
    Ok(Delivery {
        settings: Settings {
            routing: Routing::new(&flags.urlprefix, &flags.http_methods),
            trusted_proxies: flags.trusted_proxies.clone(),
            global_headers: flags.header.clone(),
            body: BodyLimits { size_max: max_body_size, timeout: body_timeout },
            output_max: max_output,
            stream_patience: idle_timeout,
            surroundings: Surroundings {
                own_children: own_children(flags)?,
                sink: sink().map(Arc::new),
                ..cli::run_surroundings()
            },
        },
        table: ArcSwap::from_pointee(HookTable::default()),
        body_budget: BodyBudget::new(max_body_memory),
        duplicates: Duplicates::default(),
        runs: Runs::new(),
        turns: Turns::new(at_once.runs.map(|max| max as usize)),
        pauses: Pauses::default(),
        leaked_pipes: LeakedPipes::default(),
        not_run: Quota::default(),
        not_met: Quota::default(),
        request_ids: RequestIds::new(flags.x_request_id, flags.x_request_id_limit),
        saved_requests: saved_requests(flags)?,
    })
}

/// Opened as the user that the server is from here on.
fn saved_requests(flags: &Flags) -> Result<Option<SavedRequests>, String> {
    let Some(directory) = &flags.save_requests else { return Ok(None) };
    let files_max = flags.save_requests_max as usize;
    let opened = SavedRequests::open(directory, files_max);
    opened
        .map(Some)
        .map_err(|error| format!("failed to open `-save-requests {}`: {error}", directory.display()))
}

fn server_limits(flags: &LimitFlags, at_once: AtOnce) -> ServerLimits {
    let LimitFlags { header_timeout, idle_timeout, max_headers, max_header_size, drain_timeout, .. } = *flags;
    ServerLimits {
        connections_max: at_once.connections,
        headers_max: max_headers as usize,
        head_bytes_max: max_header_size,
        timeouts: Timeouts { header: header_timeout, idle: idle_timeout },
        drain: drain_timeout,
    }
}
