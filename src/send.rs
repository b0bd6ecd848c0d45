//! The command `hookrunner send`: a delivery made and signed as its sender would, sent, and sent again
//! as a patient sender does. What is signed is the business of `sender`; the secret, the clock, chance
//! and the network are here.

mod client;
mod prepare;
mod request;
mod retry;
mod target;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};

use crate::cli::SendFlags;
use crate::clock::unix_ms_now;
use crate::sender::SignError;
use client::{Answer, Client, ClientError};
use prepare::{Mistake, Prepared};
use request::Outbound;
use retry::Again;

/// The exit code for a call that cannot be carried out as it stands, as clap's own.
const EXIT_USAGE: u8 = 2;

#[inline(never)]
pub(crate) fn send(flags: SendFlags) -> ExitCode {
    let SendFlags { retries, timeout, dry_run, .. } = flags;
    let sent = Prepared::new(flags).map_err(Failure::from).and_then(|prepared| {
        if dry_run {
            let request = prepared.outbound(unix_ms_now())?;
            return Ok(print(&request.raw()));
        }
        deliver(&prepared, retries, timeout)
    });
    sent.unwrap_or_else(|failure| {
        eprintln!("hookrunner send: {failure}");
        match failure {
            Failure::Mistake(_) | Failure::Unsigned(_) => ExitCode::from(EXIT_USAGE),
            Failure::Client(_) | Failure::Setup(_) => ExitCode::FAILURE,
        }
    })
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Mistake(#[from] Mistake),
    #[error(transparent)]
    Unsigned(#[from] SignError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("failed to start: {0}")]
    Setup(#[from] io::Error),
}

fn deliver(prepared: &Prepared, retries: u32, timeout: Duration) -> Result<ExitCode, Failure> {
    let client = Client::new(&prepared.target, timeout)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(attempts(prepared, &client, retries))?;
    print(&answer.raw());
    if answer.is_cut {
        eprintln!("hookrunner send: the rest of the answer is left out");
    }
    Ok(if answer.head.status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The last answer. Each attempt has the same id and, where the sender signs a time, a signature of its
/// own time.
async fn attempts(prepared: &Prepared, client: &Client, retries: u32) -> Result<Answer, Failure> {
    let mut attempt = 0;
    loop {
        let request: Outbound = prepared.outbound(unix_ms_now())?;
        let result = client.exchange(&request).await;
        let again = match &result {
            Ok(answer) => {
                retry::after_answer(answer.head.status.as_u16(), answer.retry_after(), unix_ms_now())
            }
            Err(error) => (!error.is_lasting()).then_some(Again::InTheirTime),
        };
        let Some(again) = again.filter(|_| attempt < retries) else {
            return result.map_err(Failure::from);
        };
        let wait = retry::wait(attempt, again, random().map(u16::from_be_bytes).unwrap_or_default());
        let what = match &result {
            Ok(answer) => format!("answered {}", answer.head.status),
            Err(error) => error.to_string(),
        };
        eprintln!("hookrunner send: {what}; again in {:.1} s", wait.as_secs_f64());
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// Whoever reads it may leave early: `| head` is no failure of the delivery.
fn print(bytes: &[u8]) -> ExitCode {
    let mut out = io::stdout().lock();
    // For the next prompt.
    let end = if out.is_terminal() && !bytes.ends_with(b"\n") { "\n" } else { "" };
    let _ = out.write_all(bytes).and_then(|()| out.write_all(end.as_bytes())).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn random<const COUNT: usize>() -> Result<[u8; COUNT], Unspecified> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}
