//! Reports for programs. docs/check.md has the form.

use serde::Serialize;

use super::Report;
use crate::hooks_file::Problem;

#[derive(Serialize)]
struct Document<'r> {
    errors: usize,
    warnings: usize,
    problems: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    severity: &'static str,
    code: &'static str,
    effect: &'static str,
    file: &'r str,
    /// `null` when the problem is with the file as a whole.
    line: Option<usize>,
    column: Option<usize>,
    /// Whether line and column are those of what a template gave.
    rendered: bool,
    hook: Option<&'r str>,
    key: Option<&'r str>,
    message: &'r str,
    help: &'r str,
}

pub(super) fn of(report: &Report) -> String {
    let document = Document {
        errors: report.errors(),
        warnings: report.warnings(),
        problems: report.problems.iter().map(|problem| row(problem, report.is_template)).collect(),
    };
    // Texts and numbers always have a JSON form.
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}

fn row(problem: &Problem, is_template: bool) -> Row<'_> {
    let known = |number: usize| (number > 0).then_some(number);
    Row {
        severity: if problem.effect().is_error() { "error" } else { "warning" },
        code: problem.kind.code(),
        effect: problem.effect().as_str(),
        file: &problem.file,
        line: known(problem.position.line),
        column: known(problem.position.column),
        rendered: is_template && problem.position.line > 0 && problem.kind.code() != "template",
        hook: problem.hook.as_deref(),
        key: Some(problem.key.as_str()).filter(|key| !key.is_empty()),
        message: &problem.message,
        help: &problem.help,
    }
}
