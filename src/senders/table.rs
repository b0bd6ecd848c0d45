//! All senders, a line each.

use crate::sender::{Row, Scheme, Source, TimestampPlace, UNFIT, table};

const TITLES: [&str; 6] = ["name", "family", "signature", "timestamp", "delivery id", "event"];

/// Aligned, for a terminal.
pub(super) fn text() -> String {
    let rows: Vec<[String; 6]> = std::iter::once(TITLES.map(str::to_uppercase)).chain(cells()).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let line = |row: [String; 6]| {
        let cells = row.into_iter().zip(widths).map(|(cell, width)| match cell.as_str() {
            "" => format!("{:width$}", "-"),
            cell => format!("{cell:width$}"),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let unfit: Vec<&str> = UNFIT.iter().map(|(name, _)| *name).collect();
    let lines: String = rows.into_iter().map(line).collect();
    format!("{lines}\nCannot be verified; the name as argument says why: {}\n", unfit.join(", "))
}

/// For docs/senders.md.
pub(super) fn markdown() -> String {
    let line = |cells: [String; 6]| format!("| {} |\n", cells.join(" | "));
    let marked = |cells: [String; 6]| {
        let [name, family, places @ ..] = cells;
        let code = |text: String| if text.is_empty() { text } else { format!("`{text}`") };
        let [signature, timestamp, id, event] = places.map(code);
        line([code(name), family, signature, timestamp, id, event])
            .replace("|  |", "| |")
            .replace("|  |", "| |")
    };
    let head = line(TITLES.map(str::to_owned)) + &"|---".repeat(TITLES.len()) + "|\n";
    cells().map(marked).fold(head, |text, line| text + &line)
}

fn cells() -> impl Iterator<Item = [String; 6]> {
    table().into_iter().map(|row| {
        let Row { name, spec, .. } = row;
        let signature = match (&spec.signature, spec.algorithm.scheme()) {
            (None, Scheme::Basic) => "Authorization".to_owned(),
            (signature, _) => place(signature.as_ref()),
        };
        let timestamp = match spec.timestamp.as_ref().map(|timestamp| &timestamp.place) {
            Some(TimestampPlace::Item(start)) => format!("item:{start}"),
            Some(TimestampPlace::At(source)) => place(Some(source)),
            None => String::new(),
        };
        let [id, event] = [&spec.delivery_id, &spec.event].map(|source| place(source.as_ref()));
        [name.clone(), row.family().to_string(), signature, timestamp, id, event]
    })
}

/// Most are headers, so those go by their names alone.
fn place(source: Option<&Source>) -> String {
    match source {
        None => String::new(),
        Some(Source::Header(field)) => field.text.clone(),
        Some(source) => source.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let text = text();
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        let family = head.find("FAMILY").unwrap();
        let signature = head.find("SIGNATURE").unwrap();
        for line in lines.take_while(|line| !line.is_empty()) {
            let (before, cell) = line.split_at(family);
            assert!(before.ends_with("  ") && !cell.starts_with(' '), "{line}");
            let (before, cell) = line.split_at(signature);
            assert!(before.ends_with("  ") && !cell.starts_with(' '), "{line}");
        }
        assert_eq!(text.lines().count(), 1 + table().len() + 2);
    }

    #[test]
    fn places_are_shown_as_records_write_them() {
        #[track_caller]
        fn check(line: &str) {
            assert!(markdown().lines().any(|known| known == line), "{line}");
        }
        check("| `github` | hub | `X-Hub-Signature-256` | | `X-GitHub-Delivery` | `X-GitHub-Event` |");
        check("| `stripe` | stripe | `Stripe-Signature` | `item:t=` | `json:/id` | `json:/type` |");
        check("| `postmark` | basic | `Authorization` | | | |");
        check("| `quay` | open | | | | |");
    }

    #[test]
    fn the_document_has_every_family_every_note_and_what_cannot_fit() {
        let page = include_str!("../../docs/senders.md");
        for family in table().into_iter().map(Row::family) {
            let line = format!("| {family} | {} |", family.explained());
            assert!(page.contains(&line), "docs/senders.md lacks the line\n{line}");
        }
        let words: Vec<&str> = page.split_whitespace().collect();
        let words = words.join(" ");
        for row in table() {
            let Some(note) = &row.note else { continue };
            let entry = format!("- `{}`: {note}", row.name);
            assert!(words.contains(&entry), "docs/senders.md lacks the note\n{entry}");
        }
        for (name, reason) in UNFIT {
            let line = format!("| `{name}` | {reason} |");
            assert!(page.contains(&line), "docs/senders.md lacks the line\n{line}");
        }
    }
}
