//! The command that the recorded hooks run. It tells the test how it was started: arguments, the variables
//! that hooks set, working directory, files. `compat.rs` compiles it alone, so that it needs std only, starts
//! in a millisecond, and is there however the tests are started.
//!
//! A record is lines of `kind hex…`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let socket = env::var_os("RECORD_TO").expect("RECORD_TO names the test's socket");
    let mut test = UnixStream::connect(socket).expect("the test listens");
    test.write_all(record(&arguments).as_bytes()).expect("the test reads");
    drop(test);

    match arguments.first().and_then(|mode| mode.to_str()?.strip_prefix("exit=")) {
        Some(code) => {
            println!("out:exit={code}");
            eprintln!("err:exit={code}");
            ExitCode::from(code.parse::<u8>().expect("an exit code"))
        }
        None => {
            let lengths: Vec<_> = arguments.iter().map(|argument| letters(argument).to_string()).collect();
            // Whoever closed the pipe has seen enough.
            let _ = writeln!(io::stdout(), "ran {}", lengths.join(" "));
            ExitCode::SUCCESS
        }
    }
}

fn record(arguments: &[impl AsRef<OsStr>]) -> String {
    let mut lines = String::new();
    let mut line = |kind: &str, fields: &[&[u8]]| {
        lines.push_str(kind);
        for field in fields {
            lines.push(' ');
            field.iter().for_each(|byte| lines.push_str(&format!("{byte:02x}")));
        }
        lines.push('\n');
    };
    for argument in arguments {
        line("argument", &[argument.as_ref().as_bytes()]);
    }
    for (name, value) in env::vars_os() {
        let name = name.as_bytes();
        if ![b"HOOK_".as_slice(), b"X_", b"FILE_"].iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let names_file = name.starts_with(b"FILE_") || matches!(name, b"HOOK_FILE" | b"HOOK_A.B");
        match names_file.then(|| fs::read(&value)) {
            Some(Ok(content)) => line("file", &[name, &content]),
            Some(Err(_)) => line("no-file", &[name, value.as_bytes()]),
            None => line("variable", &[name, value.as_bytes()]),
        }
    }
    let directory = env::current_dir().expect("a working directory");
    line("directory", &[directory.as_os_str().as_bytes()]);
    lines
}

/// As the recordings count them: letters of UTF-8, and each byte that is none.
fn letters(text: &OsStr) -> usize {
    text.as_bytes().utf8_chunks().map(|part| part.valid().chars().count() + part.invalid().len()).sum()
}
