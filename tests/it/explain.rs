//! `hookrunner explain`: it says of every request what the server does with it, and shows no secret.

mod agreement;
mod saved;
mod shown;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::support::BINARY;

pub(crate) struct Explained {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Explains `message` in `directory`.
fn explain(directory: &Path, message: &[u8], flags: &[&str]) -> Explained {
    let mut command = Command::new(BINARY);
    command.arg("explain").args(["-request", "-"]).args(flags).current_dir(directory);
    run(command, message)
}

fn run(mut command: Command, input: &[u8]) -> Explained {
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that refuses its flags does not read.
    let _ = process.stdin.take().unwrap().write_all(input);
    let output = process.wait_with_output().unwrap();
    Explained {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Explained {
    /// The one object, which fits the schema, and whose verdict the exit code repeats.
    #[track_caller]
    fn json(&self) -> Value {
        let json: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?} {}", self.stdout, self.stderr));
        let errors: Vec<_> = SCHEMA.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {json:#}");
        assert_eq!(self.code, if json["verdict"] == "run" { 0 } else { 3 }, "{json:#}");
        json
    }
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../docs/explain.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});
