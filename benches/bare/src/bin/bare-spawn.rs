//! The ceiling of all that start processes: `/bin/true` by posix_spawn, one loop for each core, no pipes.
//!
//! `bare-spawn SECONDS` prints runs per second, the 99th percentile in microseconds and how many failed.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use bare::Failure;

fn main() -> Result<(), Failure> {
    let seconds: u64 = std::env::args().nth(1).ok_or("usage: bare-spawn SECONDS")?.parse()?;
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let loops: Vec<_> =
        (0..thread::available_parallelism()?.get()).map(|_| thread::spawn(move || run_until(end))).collect();
    let mut took = Vec::new();
    let mut failed = 0;
    for one in loops {
        let (times, failures) = one.join().map_err(|_| "a loop panicked")?;
        took.extend(times);
        failed += failures;
    }
    let rate = took.len() as f64 / started.elapsed().as_secs_f64();
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).ok_or("nothing ran")?.as_secs_f64() * 1e6;
    println!("{rate:.1} {p99:.1} {failed}");
    Ok(())
}

/// How long each run took, and how many failed.
fn run_until(end: Instant) -> (Vec<Duration>, usize) {
    let mut took = Vec::new();
    let mut failed = 0;
    while Instant::now() < end {
        let started = Instant::now();
        match command().stdin(Stdio::null()).status() {
            Ok(status) if status.success() => took.push(started.elapsed()),
            _ => failed += 1,
        }
    }
    (took, failed)
}

#[expect(clippy::disallowed_methods, reason = "the ban is meant for the server")]
fn command() -> std::process::Command {
    std::process::Command::new("/bin/true")
}
