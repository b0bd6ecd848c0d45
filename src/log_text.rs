//! Texts of strangers, fit for a log line.

use std::borrow::Cow;

/// Characters of a stranger's text in a log line: enough to recognise it.
const CHARACTERS_MAX: usize = 200;

/// The beginning of `text`; an ellipsis stands for the rest.
pub(crate) fn clipped(text: &str) -> Cow<'_, str> {
    if text.len() <= CHARACTERS_MAX {
        return text.into();
    }
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped("short"), "short");
        assert_eq!(clipped(&"é".repeat(CHARACTERS_MAX)), "é".repeat(CHARACTERS_MAX));
        assert_eq!(clipped(&"é".repeat(CHARACTERS_MAX + 1)), "é".repeat(CHARACTERS_MAX) + "…");
    }
}
