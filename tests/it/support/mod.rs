//! What every test needs: a server with its whole case stated in one place, a client that can also misbehave,
//! and waiting for a condition instead of for a time.

mod client;
mod files;
mod lines;
mod processes;
mod server;
mod setup;
mod wait;

pub(crate) use client::{Connection, Request, Response};
pub(crate) use files::{Fifo, Gate, lines_of, write_executable};
pub(crate) use processes::processes;
pub(crate) use server::Server;
pub(crate) use setup::{Exit, Setup, allow_many_files};
pub(crate) use wait::{PATIENCE, eventually};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_hookrunner");

/// The key that makes the client wait for the command and read what it printed.
pub(crate) const WITH_OUTPUT: &str = "include-command-output-in-response: true";

pub(crate) const RULE_ERROR: &str = "Error occurred while evaluating hook rules.";
pub(crate) const RUN_ERROR: &str =
    "Error occurred while executing the hook's command. Please check your logs for more details.";
