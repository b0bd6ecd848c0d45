//! Hooks files: from a path to checked hooks and every problem found on the way.
//!
//! Load, reload, `check` and the tests share this one path. Reading a file is here; what its text means is
//! in `check`; what works and is still a mistake, in `lint` and `inspect`; which files form the table, in
//! `set`.

mod check;
mod check_admission;
mod check_cases;
mod check_circumstances;
mod check_match;
mod check_networks;
mod check_reference;
mod check_response;
mod check_rule;
mod check_verify;
mod excerpt;
mod inspect;
mod keys;
mod lint;
mod masking;
mod node;
mod problem;
mod record;
mod scalar;
mod schema;
mod secrets;
mod set;
mod syntax;
pub(crate) mod template;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::hook::Entry;
use crate::outcome::StartFailure;
use excerpt::Excerpt;
use masking::Masking;
use template::Surroundings;

pub(crate) use problem::{Effect, Kind, Problem};
pub(crate) use schema::schema;
pub(crate) use secrets::read_file as read_secret_file;
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
    /// For hooks without `trigger-rule-mismatch-http-response-code`.
    pub(crate) mismatch_code: Option<i64>,
    /// Whether commands can be run as another user.
    pub(crate) may_run_as: bool,
    /// For `check`: everything is looked at, also on the machine, and lines are kept to be shown.
    pub(crate) examination: Option<Examination>,
}

/// What `check` asks of those who would do it: whether a command starts, whether a status is sent.
pub(crate) struct Examination {
    pub(crate) command: Box<ExamineCommand>,
    pub(crate) is_status_sent: fn(i64) -> bool,
}

/// The path of a program, or why it would not start, with its working directory.
type ExamineCommand = dyn Fn(&Path, Option<&Path>) -> Result<PathBuf, StartFailure> + Send + Sync;

impl fmt::Debug for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Examination").finish_non_exhaustive()
    }
}

/// A file's text.
struct Source<'p> {
    path: &'p Path,
    /// The path as reports name it.
    file: Arc<str>,
    /// The text that is read as YAML.
    text: String,
    /// The text of the file, when it is a template.
    template: Option<String>,
}

impl Source<'_> {
    /// The line at `position` for a report. Of a template's output only what stands in the template too:
    /// the rest may come from the environment.
    fn excerpt(&self, position: node::Position, masking: &Masking) -> Option<Excerpt> {
        let line = excerpt::line_at(&self.text, position.line)?;
        let stands_in = |template: &String| template.lines().any(|written| written == line);
        let is_written = self.template.as_ref().is_none_or(stands_in);
        is_written.then(|| Excerpt::at(&self.text, position, masking))?
    }
}

/// Reads and checks a file. `is_first`: it was not read before.
pub(crate) fn load(path: &Path, reading: &Reading, is_first: bool) -> Loaded {
    match source_of(path, reading, is_first) {
        Ok(source) => check::check(&source, reading),
        Err(problem) => Loaded { problems: vec![*problem], is_refused: true, ..Loaded::default() },
    }
}

/// Where the hook at `index` stands, found by reading the file again, and the line.
fn place_of_hook(path: &Path, reading: &Reading, index: usize) -> (node::Position, Option<Excerpt>) {
    match source_of(path, reading, false) {
        Ok(source) => {
            let position = check::place_of_hook(&source.text, index);
            let masking = Masking::new(&source.text, false, []);
            (position, reading.examination.as_ref().and_then(|_| source.excerpt(position, &masking)))
        }
        Err(_) => Default::default(),
    }
}

/// The YAML text of a file.
fn source_of<'p>(path: &'p Path, reading: &Reading, is_first: bool) -> Result<Source<'p>, Box<Problem>> {
    let file: Arc<str> = path.to_string_lossy().into();
    let text = read(path, is_first).map_err(|Unread { message, help }| {
        Problem::of_file(Kind::Unreadable, file.clone(), message, help)
    })?;
    if !reading.is_template {
        return Ok(Source { path, file, text: syntax::with_plain_apostrophes(text), template: None });
    }
    match template::render(&text, &reading.surroundings) {
        Ok(rendered) => {
            let rendered = syntax::with_plain_apostrophes(rendered);
            Ok(Source { path, file, text: rendered, template: Some(text) })
        }
        Err(error) => {
            let position = node::Position { line: error.line, column: error.column };
            let message = format!("template: {}", error.message);
            let help = "mend the template, or start without `-template` if the file is none";
            let problem = Problem::of_file(Kind::Template, file, message, help);
            let masking = Masking::new(&text, false, []);
            let excerpt = reading.examination.as_ref().and_then(|_| Excerpt::at(&text, position, &masking));
            Err(Box::new(Problem { position, excerpt, ..problem }))
        }
    }
}

/// Why a file has no text, and what to do.
struct Unread {
    message: String,
    help: &'static str,
}

impl From<String> for Unread {
    fn from(message: String) -> Self {
        Self {
            message,
            help: "give `-hooks` a file, or a directory of files, that the server's user can read",
        }
    }
}

fn read(path: &Path, is_first: bool) -> Result<String, Unread> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned().into());
    }
    if !metadata.is_file() && !is_first {
        // Opening a pipe again would wait for a writer, perhaps for ever.
        return Err("is no regular file, so it is read only at the start".to_owned().into());
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes").into());
    }
    let text = String::from_utf8(text).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let message = format!("is not UTF-8 text (line {})", line + 1);
        Unread { message, help: "save it as UTF-8; editors call this the encoding of the file" }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
