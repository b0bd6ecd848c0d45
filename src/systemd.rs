//! systemd: readiness and watchdog (sd_notify(3)), socket activation (sd_listen_fds(3)), journald.

#![expect(clippy::disallowed_methods, reason = "the service manager speaks through the environment")]

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager's ear, if there is a service manager.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

impl Notifier {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        Self {
            socket: std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()),
            watchdog: number("WATCHDOG_USEC").filter(|_| is_for_us).map(Duration::from_micros),
        }
    }

    /// Sends lines like `READY=1`. A manager that does not listen is no reason to stop.
    pub(crate) fn notify(&self, state: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = send(socket.as_bytes(), state) {
            tracing::debug!("failed to notify the service manager: {error}");
        }
    }

    /// Tells that a reload begins, with the time systemd wants to see with it.
    pub(crate) fn reloading(&self) {
        let monotonic_us = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
            .map(|time| Duration::from(time).as_micros())
            .unwrap_or_default();
        self.notify(&format!("RELOADING=1\nMONOTONIC_USEC={monotonic_us}\n"));
    }

    /// How often to say that the server is alive: twice within the manager's patience.
    pub(crate) fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|patience| patience / 2)
    }
}

fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(socket))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

/// A listening socket that the service manager opened.
#[derive(Debug)]
pub(crate) enum PassedSocket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// The socket that was passed at the start, if one was.
pub(crate) fn passed_socket() -> Result<Option<PassedSocket>, String> {
    let mut passed = listenfd::ListenFd::from_env();
    match passed.len() {
        0 => return Ok(None),
        1 => {}
        several => {
            return Err(format!("{several} sockets were passed at the start, and one is wanted"));
        }
    }
    if let Ok(Some(listener)) = passed.take_tcp_listener(0) {
        return Ok(Some(PassedSocket::Tcp(listener)));
    }
    match passed.take_unix_listener(0) {
        Ok(Some(listener)) => Ok(Some(PassedSocket::Unix(listener))),
        _ => Err("what was passed at the start is no listening socket".to_owned()),
    }
}

/// Whether stderr is connected to journald (systemd.exec(5), `JOURNAL_STREAM`).
pub(crate) fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else {
        return false;
    };
    let Ok(metadata) = std::fs::File::from(stderr).metadata() else {
        return false;
    };
    stream == format!("{}:{}", metadata.dev(), metadata.ino())
}
