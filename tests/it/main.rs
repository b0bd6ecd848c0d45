//! The built binary, from outside: every test starts `hookrunner` in a directory of its own, speaks to it
//! over its sockets and signals, and reads its answers, its log and its exit code.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]
#![expect(
    clippy::disallowed_methods,
    reason = "the bans are for the server; tests start it and its surroundings"
)]

mod activation;
mod admission;
mod answers;
mod background;
mod check;
mod child;
mod circumstances;
mod compat;
mod drop_in;
mod errors_at_load;
mod examples;
mod explain;
mod flags;
mod invariants;
mod limits;
mod log;
mod pidfile;
mod privileges;
mod proxies;
#[expect(dead_code, reason = "compat.rs compiles it alone, as the command of the recorded hooks")]
mod recorder;
mod references;
mod reload;
mod robustness;
mod rules;
mod send;
mod senders;
mod shutdown;
mod socket;
mod starts;
mod stream;
mod support;
mod tls;
mod verify;
