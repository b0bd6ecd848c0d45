//! Mistakes in how lines are indented and in the marks of keys and items.

use super::{Mistake, Scene, at};
use crate::hooks_file::masking::is_of_language;
use crate::hooks_file::node::Position;

/// The lines of a text.
pub(super) struct Lines<'t>(Vec<&'t str>);

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self(text.lines().collect())
    }

    /// The line by its number from 1; empty when there is none.
    pub(super) fn get(&self, number: usize) -> &'t str {
        number.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or_default()
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (usize, &'t str)> + ExactSizeIterator {
        self.0.iter().enumerate().map(|(index, line)| (index + 1, *line))
    }

    /// The last line above `number` that says something.
    pub(super) fn above(&self, number: usize) -> Option<(usize, &'t str)> {
        self.all_above(number).next()
    }

    /// Those above `number` that say something, going up.
    fn all_above(&self, number: usize) -> impl Iterator<Item = (usize, &'t str)> {
        let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let above = self.all().rev().skip_while(move |(at, _)| *at >= number);
        above.filter(move |(_, line)| says_something(line))
    }
}

/// What a line begins with: the columns of its dashes and of its key, and the key.
struct Beginning<'l> {
    dash: Option<usize>,
    column: usize,
    rest: &'l str,
}

fn beginning(line: &str) -> Beginning<'_> {
    let mut rest = line.trim_start_matches(' ');
    let mut column = line.chars().count() - rest.chars().count() + 1;
    let mut dash = None;
    while let Some(after) = rest.strip_prefix("- ") {
        dash.get_or_insert(column);
        let item = after.trim_start_matches(' ');
        column += rest.chars().count() - item.chars().count();
        rest = item;
    }
    Beginning { dash, column, rest: rest.trim_end() }
}

impl<'l> Beginning<'l> {
    /// The key, if the line has one.
    fn key(&self) -> Option<&'l str> {
        let (key, _) = self.rest.split_once(':')?;
        is_word(key).then_some(key)
    }
}

/// A word as it may be repeated: one that is not the program's own may be a secret.
fn shown(word: &str) -> &str {
    if is_of_language(word) { word } else { "…" }
}

fn is_word(text: &str) -> bool {
    let letters = |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter));
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && letters(text)
}

/// Longer than any key.
const WORD_BYTES_MAX: usize = 60;

/// `message: done: all is well`.
pub(super) fn colon_in_text(scene: &Scene<'_>) -> Option<Mistake> {
    if !scene.says("mapping values are not allowed") || !beginning(&scene.before).rest.contains(": ") {
        return None;
    }
    let shown =
        beginning(&scene.before).key().map(|key| format!(": `{}: '…'`", shown(key))).unwrap_or_default();
    at(
        scene.position,
        "a colon with a space after it cannot stand in a text without quotes",
        format!("put the whole text in quotes{shown}"),
    )
}

/// The lines that can be to blame: that of the place, that of what was being read, the one above.
fn suspects<'t>(scene: &Scene<'t>) -> impl Iterator<Item = (usize, &'t str)> {
    let of = |number: usize| (number, scene.lines.get(number));
    let began = scene.began.map(|began| of(began.line));
    let above = scene.lines.above(scene.position.line);
    began.into_iter().chain(above).chain([of(scene.position.line)])
}

fn is_of_blocks(scene: &Scene<'_>) -> bool {
    let said = ["mapping values are not allowed", "expected ':'", "'-' indicator", "parsing a block mapping"];
    said.iter().any(|words| scene.says(words))
}

/// `-id: a` and `id:a`.
pub(super) fn space(scene: &Scene<'_>) -> Option<Mistake> {
    if !is_of_blocks(scene) {
        return None;
    }
    suspects(scene).find_map(|(line, written)| {
        let Beginning { column, rest, .. } = beginning(written);
        if let Some(key) =
            rest.strip_prefix('-').filter(|rest| !rest.starts_with([' ', '-']) && !rest.is_empty())
        {
            let key = beginning(key).key().map(|key| format!(": `- {}: …`", shown(key))).unwrap_or_default();
            let position = Position { line, column };
            return at(position, "a space is missing after this `-`", format!("write it there{key}"));
        }
        let (key, value) = rest.split_once(':').filter(|(key, _)| is_word(key))?;
        let is_glued = !value.is_empty() && !value.starts_with([' ', '\t', '/'])
            || value.starts_with("/") && !value.starts_with("//");
        if !is_glued {
            return None;
        }
        let position = Position { line, column: column + key.chars().count() };
        at(position, "a space is missing after this `:`", format!("write it there: `{}: …`", shown(key)))
    })
}

/// `execute-command /bin/true`, `execute-command=/bin/true`, and a text that goes on where keys stand.
pub(super) fn no_colon(scene: &Scene<'_>) -> Option<Mistake> {
    if !scene.says("expected ':'") && !scene.says("mapping values are not allowed") {
        return None;
    }
    let (line, written) = suspects(scene).find(|(_, line)| !line.trim().is_empty() && !line.contains(':'))?;
    let Beginning { column, rest, .. } = beginning(written);
    let word: String =
        rest.chars().take_while(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect();
    let position = Position { line, column };
    if !is_of_language(&word) {
        let help = "write `key: value`; if the line goes on with the text above it, indent it further";
        return at(position, "this line has no key", help);
    }
    let after = rest.get(word.len()..).unwrap_or_default().trim_start();
    if after.starts_with('=') {
        return at(position, "a key has a `:` after it, not `=`", format!("write `{word}: …`"));
    }
    at(position, format!("`:` is missing after `{word}`"), format!("write `{word}: …`"))
}

/// A list's item that is not in the column of the others.
pub(super) fn item(scene: &Scene<'_>) -> Option<Mistake> {
    let is_first = scene.before.trim().is_empty();
    if !is_of_blocks(scene) || !is_first || !(scene.rest.starts_with("- ") || scene.rest == "-") {
        return None;
    }
    let column = scene.position.column;
    let dashes = scene.lines.all_above(scene.position.line).filter_map(|(_, line)| beginning(line).dash);
    let nearest = dashes.min_by_key(|dash| dash.abs_diff(column))?;
    at(
        scene.position,
        format!("this `-` stands in column {column}, and no list above has its items there"),
        format!("begin it in column {nearest}, where the other items begin"),
    )
}

/// A key that is not in the column of those it belongs to.
pub(super) fn key(scene: &Scene<'_>) -> Option<Mistake> {
    let line = scene.lines.get(scene.position.line);
    let column = beginning(line).column;
    if !is_of_blocks(scene) || line.trim().is_empty() {
        return None;
    }
    if column == 1 && scene.says("'-' indicator") {
        let message = "a key stands beside the list of hooks";
        return at(scene.position, message, "indent it under its hook, or begin a hook with `- id: …`");
    }
    let is_first = beginning(&scene.before).rest.is_empty() || scene.says("mapping values are not allowed");
    if !is_first {
        let message = "this does not belong to the value before it";
        return at(scene.position, message, "put the whole value in quotes, or remove this");
    }
    let (_, above) = scene.lines.above(scene.position.line)?;
    let position = Position { column, ..scene.position };
    let Beginning { column: right, rest, .. } = beginning(above);
    if column > right && !rest.ends_with(':') {
        let message = "this line is indented further than the one above, which has its value already";
        let help =
            format!("begin it in column {right}, or write only `key:` above, if it belongs under that");
        return at(position, message, help);
    }
    let nearest = open_columns(scene).into_iter().min_by_key(|key| key.abs_diff(column));
    let nearest = nearest.filter(|nearest| *nearest != column)?;
    at(
        position,
        format!("this key stands in column {column}, and none of those it may belong to does"),
        format!("begin it in column {nearest}"),
    )
}

/// The columns of the keys above that a further key could stand beside.
fn open_columns(scene: &Scene<'_>) -> Vec<usize> {
    let mut columns: Vec<usize> = Vec::new();
    for (_, line) in scene.lines.all_above(scene.position.line).take(NEIGHBOURS_MAX) {
        let Beginning { dash, column, .. } = beginning(line);
        for column in [Some(column), dash].into_iter().flatten() {
            if columns.last().is_none_or(|last| column < *last) {
                columns.push(column);
            }
        }
    }
    columns
}

/// Lines above that a key may belong beside.
const NEIGHBOURS_MAX: usize = 100;
