//! Sends one push so many times; wrk can only count seconds.
//!
//! `push-many ADDRESS PATH FILE COUNT CONNECTIONS` prints requests per second.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bare::{Failure, signature};

/// A server that is silent for longer is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Room for one answer: a head and a line of text.
const ANSWER_BYTES_MAX: usize = 4096;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, file, count, connections] = arguments.as_slice() else {
        return Err("usage: push-many ADDRESS PATH FILE COUNT CONNECTIONS".into());
    };
    let body = std::fs::read(file)?;
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n\
         X-Hub-Signature-256: sha256={}\r\nContent-Length: {}\r\n\r\n",
        signature(&body)?,
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    let count: usize = count.parse()?;
    let connections: usize = connections.parse()?;
    let taken = AtomicUsize::new(0);
    let started = Instant::now();
    thread::scope(|scope| {
        let senders: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| send(address, &request, &taken, count))).collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| "a sender panicked")?)
    })?;
    println!("{:.1}", count as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

/// Sends on one connection until `count` are taken by all together.
fn send(address: &str, request: &[u8], taken: &AtomicUsize, count: usize) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    while taken.fetch_add(1, Ordering::Relaxed) < count {
        stream.write_all(request)?;
        let answer = read_answer(&mut stream)?;
        if !answer.starts_with("HTTP/1.1 200") || !answer.ends_with("Hook rules were not satisfied.") {
            return Err(format!("answered `{answer}`").into());
        }
    }
    Ok(())
}

/// Reads one answer with a `Content-Length`.
fn read_answer(stream: &mut TcpStream) -> Result<String, Failure> {
    let mut answer = Vec::new();
    let mut chunk = [0; ANSWER_BYTES_MAX];
    while answer.len() < ANSWER_BYTES_MAX {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err("the server closed the connection".into());
        }
        answer.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.ok_or("an answer without a length")? {
            return Ok(text.into_owned());
        }
    }
    Err("an answer without an end".into())
}
