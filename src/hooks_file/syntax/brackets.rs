//! Mistakes between `{` and `}`, `[` and `]`: JSON, and YAML's short form.

use super::{Mistake, Scene, at};
use crate::hooks_file::node::Position;

fn is_of_brackets(scene: &Scene<'_>) -> bool {
    scene.says("',' or '}'") || scene.says("',' or ']'")
}

/// `{{ getenv "X" }}` in a file that is not read as a template, without quotes or with further quotes in it.
pub(super) fn template(scene: &Scene<'_>) -> Option<Mistake> {
    let line = scene.lines.get(scene.position.line);
    let byte = line.find("{{").filter(|_| line.contains("}}"))?;
    if !scene.says("expected a string") && !scene.says("did not find expected") {
        return None;
    }
    let column = line.get(..byte).unwrap_or_default().chars().count() + 1;
    at(
        Position { column, ..scene.position },
        "`{{` begins a template, and the file is read as it stands",
        "start with `-template`, or put the value in quotes if it is meant as it stands",
    )
}

/// A mapping or list for a key: mostly the one before it was to end first.
pub(super) fn no_key(scene: &Scene<'_>) -> Option<Mistake> {
    if !scene.says("expected a string") || !(scene.says("type: map") || scene.says("type: sequence")) {
        return None;
    }
    at(
        scene.position,
        "a mapping or list stands where a key is wanted",
        "look for a `}` or `]` that is missing before it",
    )
}

/// Nothing where a value or item is wanted: `[a,, b]`, `{a: }, }`.
pub(super) fn no_value(scene: &Scene<'_>) -> Option<Mistake> {
    if !scene.says("expected node content") {
        return None;
    }
    let first = scene.rest.chars().next()?;
    at(scene.position, format!("a value is missing before this `{first}`"), "write it, or remove the mark")
}

/// A bracket that is open to the end, or to where the keys of a hook go on.
pub(super) fn unclosed(scene: &Scene<'_>) -> Option<Mistake> {
    let opened = scene.began.filter(|_| is_of_brackets(scene) || scene.says("expected node content"))?;
    let indent = |number: usize| {
        let line = scene.lines.get(number);
        line.len() - line.trim_start().len()
    };
    let ends = scene.rest.trim().is_empty() && scene.lines.all().len() <= scene.position.line;
    let goes_on = !scene.is_json()
        && opened.line < scene.position.line
        && indent(scene.position.line) <= indent(opened.line);
    if !ends && !goes_on {
        return None;
    }
    let (open, close) = match scene.letter_at(opened)? {
        '[' => ('[', ']'),
        '{' => ('{', '}'),
        // Where it was opened is not known.
        _ => return None,
    };
    at(
        opened,
        format!("the `{open}` that opens here is not closed"),
        format!("write `{close}` where it ends"),
    )
}

/// A comma or colon that is missing, or another mark in its place.
pub(super) fn separator(scene: &Scene<'_>) -> Option<Mistake> {
    if !is_of_brackets(scene) {
        return None;
    }
    let (above, written) = scene.lines.above(scene.position.line).unwrap_or_default();
    let first = scene.rest.chars().next()?;
    if let Some(column) = comment(written) {
        let position = Position { line: above, column };
        return at(
            position,
            "`//` and `/*` begin no comment here",
            "write `#` instead, or remove the comment",
        );
    }
    match first {
        '=' => return at(scene.position, "a key has a `:` after it, not `=`", "write `:`"),
        ';' => return at(scene.position, "entries are separated by commas, not by `;`", "write `,`"),
        _ => {}
    }
    let is_first =
        scene.before.trim().is_empty() || (first == ':' && !scene.before.contains([',', '{', '[']));
    if is_first && above > 0 {
        let position = Position { line: above, column: written.trim_end().chars().count() };
        return at(position, "a comma is missing at the end of this line", "write `,` after it");
    }
    let mut written = scene.before.chars().rev().chain(written.chars().rev());
    let mark = written.find(|letter| ",:{[".contains(*letter))?;
    let is_key = scene.says("'}'") && mark != ':';
    match is_key {
        true => at(scene.position, "`:` is missing between a key and its value", "write `:` before this"),
        false => at(scene.position, "a comma is missing before this", "write `,` before it"),
    }
}

/// The column of a comment as other languages have them.
fn comment(line: &str) -> Option<usize> {
    let text = line.trim_start();
    (text.starts_with("//") || text.starts_with("/*")).then(|| line.len() - text.len() + 1)
}

/// One that closes nothing.
pub(super) fn needless(scene: &Scene<'_>) -> Option<Mistake> {
    let bracket = scene.rest.chars().next().filter(|letter| "]}".contains(*letter))?;
    at(scene.position, format!("this `{bracket}` closes nothing"), "remove it, or open it before")
}
