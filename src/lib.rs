//! hookrunner: an HTTP server that runs commands when webhooks arrive.
//!
//! A request becomes one decision and at most one run. Its way, in the order of the modules:

// Values: what goes from stage to stage.
mod circumstances;
mod outcome;
mod request;
mod secret;
mod value;

// Pure: decides, does nothing.
mod admission;
mod capture;
mod conceal;
mod facts;
mod forwarded;
mod hook;
mod invocation;
mod json_text;
mod judge;
mod log_text;
mod lookup;
mod nearest;
mod network;
mod pattern;
mod payload;
mod reference;
mod retry;
mod route;
mod rule;
mod secrecy;
mod sender;
mod template;
mod units;

// Effects: does, decides nothing.
mod body;
mod clock;
mod duplicates;
mod hooks_file;
mod log;
mod pidfile;
mod privileges;
mod request_id;
mod run;
mod runs;
mod saved_requests;
mod set_up;
mod systemd;
mod turns;
mod watch;

// Order: the one function that knows all stages, and the one place with client texts.
mod deliver;
mod respond;

// Edge and wiring: the commands.
mod check;
mod cli;
mod explain;
mod send;
mod senders;
mod serve;
mod server;

// For the fuzz targets, which `cargo fuzz` compiles with this setting, and the tests of their seeds.
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;

// For the benchmark of single stages.
#[cfg(feature = "stages")]
#[doc(hidden)]
pub mod stages;

use std::process::ExitCode;

use cli::CommandLine;

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = run::be_helper() {
        return code;
    }
    let flags = match cli::read() {
        CommandLine::Serve(flags) => *flags,
        CommandLine::Check(flags) => return check::check(flags),
        CommandLine::Explain(flags) => return explain::command(&flags),
        CommandLine::Schema => return check::print_schema(),
        CommandLine::Senders(flags) => return senders::senders(&flags),
        CommandLine::Send(flags) => return send::send(*flags),
    };
    if flags.version {
        println!("{} version {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    if flags.tls.list_cipher_suites {
        for name in server::tls::cipher_suite_names() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    serve::serve(flags)
}
