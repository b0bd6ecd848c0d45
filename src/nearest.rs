//! "Did you mean": the known word that an unknown one was probably meant to be.

/// The word of `known` nearest to `word`, if it is near enough to be a slip: the same but for case,
/// `_` for `-` and a plural, or a few letters off.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = plain(word);
    let distance = |known: &str| edit_distance(&word, &plain(known));
    let near = known.iter().map(|known| (distance(known), *known)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, known)| *distance <= slips_allowed(known)).map(|(_, known)| known)
}

fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// One slip in four letters, three at the most; a short word must be the same.
fn slips_allowed(word: &str) -> usize {
    (word.len() / 4).min(3)
}

/// Levenshtein's distance with swaps of neighbours (optimal string alignment).
fn edit_distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let mut cost =
                (last[column] + usize::from(l != r)).min(last[column + 1] + 1).min(current[column] + 1);
            let is_swap = row > 0 && column > 0 && *l == right[column - 1] && left[row - 1] == *r;
            if is_swap && let Some(before) = before_last.get(column - 1) {
                cost = cost.min(before + 1);
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        #[track_caller]
        fn check(word: &str, expected: Option<&str>) {
            let known =
                ["id", "trigger-rule", "http-methods", "execute-command", "secret", "value", "github"];
            assert_eq!(nearest(word, &known), expected, "{word}");
        }
        check("trigger_rule", Some("trigger-rule"));
        check("trigger-rules", Some("trigger-rule"));
        check("triggerRule", Some("trigger-rule"));
        check("http-method", Some("http-methods"));
        check("exceute-command", Some("execute-command"));
        check("sceret", Some("secret"));
        check("vlaue", Some("value"));
        check("ID", Some("id"));
        check("it", None);
        check("whatever", None);
        check("description", None);
        check("githbu", Some("github"));
        check("", None);
    }
}
