//! Reports for people: the line that is meant, what is wrong with it, what to write instead.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::Report;
use crate::hooks_file::{Effect, Problem};

/// Wide enough that no message is folded by a narrow default, and the same everywhere.
const WIDTH: usize = 140;

pub(super) fn of(report: &Report) -> String {
    let renderer = Renderer::plain().decor_style(DecorStyle::Ascii).term_width(WIDTH);
    let mut text = String::new();
    for problem in &report.problems {
        text.push_str(&drawn(problem, report.is_template, &renderer));
        text.push_str("\n\n");
    }
    text.push_str(&summary(report));
    text
}

fn drawn(problem: &Problem, is_template: bool, renderer: &Renderer) -> String {
    let level = if problem.effect().is_error() { Level::ERROR } else { Level::WARNING };
    let path = plain(&problem.file);
    let position = problem.position;
    let message = plain(&problem.message);
    let mut origin = Origin::path(path.as_str());
    if position.line > 0 {
        origin = origin.line(position.line).char_column(position.column);
    }
    let title = level.primary_title(message.as_str()).id(problem.kind.code());
    let snippet = problem.excerpt.as_ref().map(|excerpt| {
        let annotation = AnnotationKind::Primary.span(excerpt.start..excerpt.end);
        Snippet::source(excerpt.line.as_str()).line_start(position.line).annotation(annotation)
    });
    let is_cut = problem.excerpt.as_ref().is_some_and(|excerpt| excerpt.is_cut);
    let mut group = match snippet {
        // The snippet counts columns itself, from the beginning of what it has.
        Some(snippet) if !is_cut => title.element(snippet.path(path.as_str())),
        Some(snippet) => title.element(origin).element(snippet),
        None => title.element(origin),
    };
    let place = place(problem, is_template);
    if !place.is_empty() {
        group = group.element(Level::NOTE.message(place));
    }
    group = group.element(Level::HELP.message(plain(&problem.help)));
    renderer.render(&[group])
}

/// The hook and key, and what follows for them.
fn place(problem: &Problem, is_template: bool) -> String {
    let mut parts = Vec::new();
    if let Some(hook) = &problem.hook {
        parts.push(format!("hook `{}`", plain(hook)));
    }
    if !problem.key.is_empty() {
        parts.push(format!("key `{}`", plain(&problem.key)));
    }
    match problem.effect() {
        Effect::HookRefused => parts.push("the hook is refused: it answers 500 and runs nothing".to_owned()),
        Effect::FileRefused => parts.push("the file is not loaded".to_owned()),
        Effect::Error | Effect::Warning => {}
    }
    if is_template && problem.position.line > 0 && problem.kind.code() != "template" {
        parts.push("the line is one of what the template gave".to_owned());
    }
    parts.join("; ")
}

/// Without control characters, which could rewrite what stands on the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn summary(report: &Report) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let (errors, warnings) = (report.errors(), report.warnings());
    let found = match (errors, warnings) {
        (0, 0) => "no problem".to_owned(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        _ => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    };
    format!("{}: {found}\n", report.hooks)
}
