//! A server that runs: its address, its log, what it tells the service manager, and its end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use super::lines::Lines;
use super::{Connection, Request, Response, eventually, processes};

/// A server that is ready. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    address: Option<SocketAddr>,
    log: Arc<Lines>,
    notices: Arc<Lines>,
    /// Waiting for the log looks only at lines from here on.
    log_from: usize,
    directory: TempDir,
}

impl Server {
    /// Waits until `process`, just started, says so on `notify`. With `has_address`, the status names it.
    pub(super) fn ready(
        process: Child,
        directory: TempDir,
        stderr: PipeReader,
        notify: UnixDatagram,
        has_address: bool,
    ) -> Self {
        let log = Arc::<Lines>::default();
        let notices = Arc::<Lines>::default();
        collect_log(stderr, Arc::clone(&log), Arc::clone(&notices));
        collect_notices(notify, Arc::clone(&notices));
        let mut server = Self { process, address: None, log, notices, log_from: 0, directory };
        server.wait_for_notice("READY=1");
        if has_address {
            let status = server.wait_for_notice("://");
            server.address = status
                .split_whitespace()
                .filter_map(|word| word.split_once("://"))
                .find_map(|(_, address)| address.trim_end_matches(['/', ',', ';']).parse().ok());
        }
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("STATUS= names the address")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::tcp(self.address()).unwrap()
    }

    pub(crate) fn try_send(&self, request: &Request) -> io::Result<Response> {
        Connection::tcp(self.address())?.send(request)
    }

    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.try_send(request).unwrap()
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(&Request::get(target))
    }

    #[track_caller]
    pub(crate) fn post(&self, target: &str) -> Response {
        self.send(&Request::post(target))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Forgets all that the server has logged so far: the mark goes behind it, into the same pipe.
    pub(crate) fn mark_log(&mut self) {
        let mark = format!("mark {}", self.log.count());
        let stderr = File::options().append(true).open(format!("/proc/{}/fd/2", self.pid()));
        // In one piece: a line of the server could come between two.
        stderr.unwrap().write_all(format!("{mark}\n").as_bytes()).unwrap();
        let (number, _) = self.log.find(self.log_from, |line| line == mark).expect("the log is read");
        self.log_from = number + 1;
    }

    /// The log since the mark, as far as it has come.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.since(self.log_from)
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        self.wait_for_log_line(text, |line| line.contains(text))
    }

    #[track_caller]
    pub(crate) fn wait_for_log_line(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let found = self.log.find(self.log_from, fits);
        found.unwrap_or_else(|| panic!("no log line with `{what}`")).1
    }

    /// The first line sent to the service manager that has `text`.
    #[track_caller]
    pub(crate) fn wait_for_notice(&self, text: &str) -> String {
        let found = self.notices.find(0, |line| line.contains(text));
        found.unwrap_or_else(|| panic!("the server never announced `{text}`")).1
    }

    /// SIGHUP, and back once the service manager was told that the reload is done.
    pub(crate) fn reload(&self, signal: Signal) {
        let from = self.notices.count();
        self.signal(signal);
        for notice in ["RELOADING=1", "READY=1"] {
            assert!(self.notices.find(from, |line| line == notice).is_some(), "no {notice} on reload");
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.process)
    }

    /// SIGTERM, its end, and the log since the mark in full.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}");
        self.log.all().split_off(self.log_from)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.process.id();
        // Commands that are still running: each leads a group of its own.
        for child in processes().iter().filter(|child| child.parent == pid && child.group == child.id) {
            let group = Pid::from_raw(child.group as i32);
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Empty: the end for `collect_notices`.
        let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(&[], self.path("notify")));
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log.since(0).join("\n"));
        }
    }
}

/// Waits for its end.
pub(super) fn wait(process: &mut Child) -> ExitStatus {
    let mut status = None;
    eventually("the server ends", || {
        status = process.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

fn collect_log(stderr: PipeReader, log: Arc<Lines>, notices: Arc<Lines>) {
    thread::spawn(move || {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            log.push(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            line.clear();
        }
        log.end();
        notices.end();
    });
}

fn collect_notices(socket: UnixDatagram, notices: Arc<Lines>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]);
            text.lines().for_each(|line| notices.push(line.to_owned()));
        }
    });
}
