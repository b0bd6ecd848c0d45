//! Hooks files: from a path to checked hooks and every problem found on the way.
//!
//! Load, reload and the tests share this one path. Reading a file is here; what its text means is in
//! `check`; which files form the table is in `set`.

mod check;
mod check_rule;
mod check_verify;
mod node;
mod problem;
mod record;
mod secrets;
mod set;
pub(crate) mod template;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::hook::Entry;
use template::Surroundings;

pub(crate) use problem::{Effect, Problem};
pub(crate) use set::{HooksFiles, hooks_files_in};

/// A hooks file larger than this is no hooks file: ten thousand hooks take about five MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// One file's hooks, each with its index in the file.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) hooks: Vec<(usize, Entry)>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) is_refused: bool,
}

/// What a file's text is read with.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// With `-template`, the file is a Go template first.
    pub(crate) is_template: bool,
    /// What templates and secrets may ask of the machine.
    pub(crate) surroundings: Surroundings,
}

/// Reads and checks a file. `is_first`: it was not read before.
pub(crate) fn load(path: &Path, reading: &Reading, is_first: bool) -> Loaded {
    let file: Arc<str> = path.to_string_lossy().into();
    let refused = |message: String, position: node::Position| Loaded {
        problems: vec![Problem {
            effect: Effect::FileRefused,
            file: file.clone(),
            position,
            hook: None,
            key: String::new(),
            message,
            help: None,
        }],
        is_refused: true,
        ..Loaded::default()
    };
    match text_of(path, reading, is_first) {
        Ok(text) => check::check(&text, file, &reading.surroundings),
        Err((message, position)) => refused(message, position),
    }
}

/// `FILE:LINE` of the hook at `index`, found by reading the file again.
fn place_of_hook(path: &Path, reading: &Reading, index: usize) -> String {
    match text_of(path, reading, false) {
        Ok(text) => format!("{}:{}", path.display(), check::line_of_hook(&text, index)),
        Err(_) => path.display().to_string(),
    }
}

/// The YAML text of a file.
fn text_of(path: &Path, reading: &Reading, is_first: bool) -> Result<String, (String, node::Position)> {
    let text = read(path, is_first).map_err(|message| (message, node::Position::default()))?;
    if !reading.is_template {
        return Ok(text);
    }
    template::render(&text, &reading.surroundings).map_err(|error| {
        let position = node::Position { line: error.line, column: error.column };
        (format!("template: {}", error.message), position)
    })
}

fn read(path: &Path, is_first: bool) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned());
    }
    if !metadata.is_file() && !is_first {
        // Opening a pipe again would wait for a writer, perhaps for ever.
        return Err("is no regular file, so it is read only at the start".to_owned());
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(text).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("is not UTF-8 text (line {})", line + 1)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
