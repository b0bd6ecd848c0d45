//! `hookrunner check` and `hookrunner schema`: what is wrong with hooks files, before a server has them.

mod json;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::{self, CheckFlags};
use crate::hooks_file::{Examination, HooksFiles, Problem, Reading, schema};
use crate::privileges;
use crate::respond;
use crate::run;

/// Something is wrong.
const ERRORS: u8 = 1;
/// Something may be wrong, and `--strict` was given.
const WARNINGS: u8 = 2;

/// What was found, to be counted and shown.
pub(crate) struct Report {
    problems: Vec<Problem>,
    /// With `-template`, places are in what the templates gave.
    is_template: bool,
    /// The hooks that would be in force, in words.
    hooks: String,
}

impl Report {
    fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.effect().is_error()).count()
    }

    fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }

    pub(crate) fn text(&self) -> String {
        text::of(self)
    }

    pub(crate) fn json(&self) -> String {
        json::of(self)
    }
}

#[inline(never)]
pub(crate) fn check(flags: CheckFlags) -> ExitCode {
    let CheckFlags { mut hooks, paths, template, format, strict } = flags;
    hooks.extend(paths);
    if hooks.is_empty() {
        hooks.push("hooks.json".into());
    }
    let report = report(hooks, template);
    print(&if format == "json" { report.json() } else { report.text() });
    match (report.errors(), report.warnings()) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) if !strict => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(WARNINGS),
        _ => ExitCode::from(ERRORS),
    }
}

/// Of files and directories, as the server would read them here.
pub(crate) fn report(paths: Vec<PathBuf>, is_template: bool) -> Report {
    let reading = Reading {
        // No problem hangs on it.
        mismatch_code: None,
        is_template,
        surroundings: cli::hooks_file_surroundings(),
        may_run_as: privileges::may_run_as(),
        examination: Some(examination(cli::run_surroundings())),
    };
    let (table, problems) = HooksFiles::new(paths, reading).load();
    Report { problems, is_template, hooks: table.summary() }
}

fn examination(surroundings: run::Surroundings) -> Examination {
    let examine =
        move |program: &Path, directory: Option<&Path>| run::examine(program, directory, &surroundings);
    Examination { command: Box::new(examine), is_status_sent: respond::is_sent }
}

/// Prints the JSON Schema of a hooks file.
#[inline(never)]
pub(crate) fn print_schema() -> ExitCode {
    print(&format!("{:#}\n", schema()));
    ExitCode::SUCCESS
}

/// A reader that has left, as `head`, is no failure.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
