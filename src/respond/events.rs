//! Output as server-sent events: one for each line, and one for the end. What a command prints can end a
//! line, never an event stream: every line stands behind `data:`.

use std::mem;

use serde_json::json;

use crate::outcome::Ending;

/// A longer line comes in several events, so that output without line ends takes no memory.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Cuts output into lines. They end with LF, CRLF or CR, as the lines of an event stream do.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What has come of a line that has not ended.
    begun: Vec<u8>,
    /// The last byte was a CR: a LF that follows belongs to it.
    is_after_cr: bool,
}

impl Lines {
    /// The events of the lines that end in `piece`.
    pub(super) fn events_of(&mut self, mut piece: &[u8]) -> Vec<u8> {
        let mut events = Vec::new();
        if piece.is_empty() {
            return events;
        }
        if mem::take(&mut self.is_after_cr) {
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = piece.split_at(end);
            self.begin(line, &mut events);
            push_event(&mut events, &mem::take(&mut self.begun));
            piece = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.is_after_cr = true;
                    &[]
                }
                rest => rest.get(1..).unwrap_or_default(),
            };
        }
        self.begin(piece, &mut events);
        events
    }

    /// The events of what is left, and of the end.
    pub(super) fn end(&mut self, ending: Ending) -> Vec<u8> {
        let mut events = Vec::new();
        if !self.begun.is_empty() {
            push_event(&mut events, &mem::take(&mut self.begun));
        }
        let exit_code = match ending {
            Ending::Exited(code) => Some(code),
            _ => None,
        };
        let outcome = json!({
            "outcome": ending.to_string(),
            "success": ending.is_success(),
            "exit_code": exit_code,
        });
        events.extend_from_slice(format!("event: end\ndata: {outcome}\n\n").as_bytes());
        events
    }

    /// Adds to the line that has begun.
    fn begin(&mut self, mut part: &[u8], events: &mut Vec<u8>) {
        while self.begun.len() + part.len() > LINE_BYTES_MAX {
            let (fitting, rest) = part.split_at(LINE_BYTES_MAX - self.begun.len());
            self.begun.extend_from_slice(fitting);
            let rest_of_character = self.begun.split_off(self.begun.len() - cut_character(&self.begun));
            push_event(events, &mem::replace(&mut self.begun, rest_of_character));
            part = rest;
        }
        self.begun.extend_from_slice(part);
    }
}

/// How many bytes at the end of `text` begin a character of UTF-8 that goes on behind it.
fn cut_character(text: &[u8]) -> usize {
    let tail = text.iter().rev().take(3).position(|byte| *byte >= 0xc0).map_or(0, |at| at + 1);
    let wanted = match text.get(text.len() - tail) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 0,
    };
    if wanted > tail { tail } else { 0 }
}

/// The format is UTF-8 alone: what is none becomes U+FFFD.
fn push_event(events: &mut Vec<u8>, line: &[u8]) {
    events.extend_from_slice(b"data: ");
    events.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
    events.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_line_is_an_event() {
        #[track_caller]
        fn check(pieces: &[&str], lines: &[&str]) {
            let mut cut = Lines::default();
            let mut events: String =
                pieces.iter().map(|piece| text(cut.events_of(piece.as_bytes()))).collect();
            events += &text(cut.end(Ending::Exited(0)));
            let mut expected: String = lines.iter().map(|line| format!("data: {line}\n\n")).collect();
            expected +=
                "event: end\ndata: {\"exit_code\":0,\"outcome\":\"exit status 0\",\"success\":true}\n\n";
            assert_eq!(events, expected, "{pieces:?}");
        }
        check(&[], &[]);
        check(&["one\ntwo\n"], &["one", "two"]);
        check(&["o", "ne\nt", "wo"], &["one", "two"]);
        check(&["one\r\ntwo\rthree\n\n"], &["one", "two", "three", ""]);
        check(&["one\r", "\ntwo\r", "three\r", "\r\n"], &["one", "two", "three", ""]);
        check(&["\r", "", "\n"], &[""]);
        check(&["event: end\ndata: {}\n\n"], &["event: end", "data: {}", ""]);
        check(&["\u{feff}a: b\n: c"], &["\u{feff}a: b", ": c"]);
    }

    #[test]
    fn the_end_says_how() {
        #[track_caller]
        fn check(ending: Ending, expected: &str) {
            assert_eq!(text(Lines::default().end(ending)), format!("event: end\ndata: {expected}\n\n"));
        }
        check(Ending::Exited(3), r#"{"exit_code":3,"outcome":"exit status 3","success":false}"#);
        check(Ending::Signalled(9), r#"{"exit_code":null,"outcome":"killed by signal 9","success":false}"#);
    }

    #[test]
    fn what_is_no_utf_8_is_replaced() {
        assert_eq!(
            text(Lines::default().events_of(b"a\xffb\xc3\n\xa9\n")),
            "data: a\u{fffd}b\u{fffd}\n\ndata: \u{fffd}\n\n"
        );
    }

    #[test]
    fn a_line_without_end_comes_in_parts_of_whole_characters() {
        for character in ["a", "é", "€", "😀"] {
            for shift in 0..4 {
                let line = "x".repeat(shift) + &character.repeat(LINE_BYTES_MAX);
                let mut cut = Lines::default();
                let mut events = String::new();
                for piece in line.as_bytes().chunks(1000) {
                    events += &text(cut.events_of(piece));
                    assert!(cut.begun.len() <= LINE_BYTES_MAX);
                }
                events += &text(cut.events_of(b"\n"));
                assert_eq!(events.replace("data: ", "").replace("\n\n", ""), line);
            }
        }
    }

    proptest! {
        #[test]
        fn how_output_is_cut_into_pieces_does_not_matter(
            pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(b"ab\r\n\xc3\xa9\xff".as_slice()), 0..6), 0..12),
        ) {
            let mut cut = Lines::default();
            let mut in_pieces: Vec<u8> = pieces.iter().flat_map(|piece| cut.events_of(piece)).collect();
            in_pieces.extend(cut.end(Ending::Lost));
            let mut whole = Lines::default();
            let mut at_once = whole.events_of(&pieces.concat());
            at_once.extend(whole.end(Ending::Lost));
            prop_assert_eq!(text(in_pieces), text(at_once));
        }
    }
}
