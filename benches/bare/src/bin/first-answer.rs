//! How long a server takes from exec to its first 200 on `/`.
//!
//! `first-answer ADDRESS PROGRAM ARGUMENT…` starts it, asks until it answers, ends it and prints
//! milliseconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bare::Failure;

/// Between two attempts to connect: short against what is measured, long enough to leave it the core.
const PAUSE: Duration = Duration::from_micros(200);
/// A server that takes longer than this is broken.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: first-answer ADDRESS PROGRAM ARGUMENT…";
    let address: SocketAddr = arguments.next().ok_or(usage)?.parse()?;
    if TcpStream::connect(address).is_ok() {
        return Err(format!("something else listens on {address}").into());
    }
    let mut command = command(&arguments.next().ok_or(usage)?);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let mut server = command.spawn()?;
    let took = wait_for_answer(&mut server, address, started);
    server.kill()?;
    server.wait()?;
    println!("{:.2}", took?.as_secs_f64() * 1e3);
    Ok(())
}

fn wait_for_answer(server: &mut Child, address: SocketAddr, started: Instant) -> Result<Duration, Failure> {
    while started.elapsed() < PATIENCE {
        if let Ok(mut stream) = TcpStream::connect(address) {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut first = [0; 12];
            stream.read_exact(&mut first)?;
            let took = started.elapsed();
            return match &first {
                b"HTTP/1.1 200" => Ok(took),
                other => Err(format!("answered `{}`", String::from_utf8_lossy(other)).into()),
            };
        }
        if let Some(status) = server.try_wait()? {
            return Err(format!("the server ended with {status}").into());
        }
        thread::sleep(PAUSE);
    }
    Err("no answer".into())
}

#[expect(clippy::disallowed_methods, reason = "the ban is meant for the server")]
fn command(program: &str) -> std::process::Command {
    std::process::Command::new(program)
}
