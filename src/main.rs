//! The program: reads the command line and serves.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookrunner::main()
}
