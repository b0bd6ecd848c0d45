//! The command `hookrunner senders`: the table of all, or how one signs and a hook for it.

mod hook;
mod page;
mod table;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::SendersFlags;
use crate::sender;

#[inline(never)]
pub(crate) fn senders(flags: &SendersFlags) -> ExitCode {
    let SendersFlags { name, markdown } = flags;
    let text = match name {
        None if *markdown => table::markdown(),
        None => table::text(),
        Some(name) => match sender::find(name) {
            Some(row) => page::page(row),
            None => {
                eprintln!("hookrunner senders: {}", sender::unknown(name));
                return ExitCode::FAILURE;
            }
        },
    };
    // Whoever reads it may leave early, as `head` does.
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}
