//! Go's regular expressions (RE2 in its Perl mode), matched by the `regex` crate.
//!
//! The two dialects look alike and differ in what they mean: `\w` and `\b` are ASCII in Go, a `{` that
//! starts no repetition is a brace, `[a&&b]` is three characters. So a pattern is never passed
//! through: `translate` reads it by Go's rules and writes it anew. Whether a text matches is all that
//! is asked, so groups lose their captures and repetitions their laziness.

mod class;
mod translate;

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// What one compiled pattern may take. Go has 128 MiB of a denser form; `\pL{1000}` fits here as well.
const COMPILED_BYTES_MAX: usize = 64 << 20;

/// How deep groups, branches and repetitions may nest, together. The crate recurses, and at Go's thousand
/// an unoptimised build overflows a worker thread's stack.
const TREE_LEVELS_MAX: u32 = 250;

#[derive(Debug, Clone)]
pub(crate) struct GoRegex {
    pattern: Box<str>,
    regex: Regex,
}

impl GoRegex {
    pub(crate) fn new(pattern: &str) -> Result<Self, GoRegexError> {
        Self::within(COMPILED_BYTES_MAX, pattern)
    }

    fn within(bytes_max: usize, pattern: &str) -> Result<Self, GoRegexError> {
        let translated = translate::translate(pattern)?;
        RegexBuilder::new(&translated)
            .size_limit(bytes_max)
            .nest_limit(TREE_LEVELS_MAX)
            .build()
            .map(|regex| Self { pattern: pattern.into(), regex })
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => GoRegexError::TooLarge { bytes_max },
                other => GoRegexError::Compile(other),
            })
    }

    /// As written.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the pattern matches somewhere in `text`. A byte that is no UTF-8 counts as one U+FFFD.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(&as_characters(text))
    }
}

/// Go replaces byte by byte, where `from_utf8_lossy` makes one character of a truncated sequence.
fn as_characters(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut characters = String::with_capacity(text.len() + 16);
    for chunk in text.utf8_chunks() {
        characters.push_str(chunk.valid());
        characters.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(characters)
}

#[derive(Debug, Clone, PartialEq, Error)]
pub(crate) enum GoRegexError {
    #[error("{problem} at byte {offset}{}", problem.advice())]
    Syntax {
        /// Where in the pattern, in bytes.
        offset: usize,
        problem: Problem,
    },
    #[error("takes more than {bytes_max} bytes when compiled")]
    TooLarge { bytes_max: usize },
    #[error("cannot be compiled; groups, branches and repetitions nest {TREE_LEVELS_MAX} levels at most")]
    Compile(#[source] regex::Error),
}

impl GoRegexError {
    /// The byte of the pattern that is wrong, when it is one.
    pub(crate) fn offset(&self) -> Option<usize> {
        match self {
            Self::Syntax { offset, .. } => Some(*offset),
            Self::TooLarge { .. } | Self::Compile(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("nothing to repeat")]
    NothingToRepeat,
    #[error("a repetition of a repetition")]
    StackedRepetition,
    #[error("a repetition of more than {}, or one whose end is below its start,", translate::REPEAT_MAX)]
    RepeatCount,
    #[error("`(` without its `)`")]
    UnclosedGroup,
    #[error("`)` without its `(`")]
    UnopenedGroup,
    #[error("unsupported look-around")]
    LookAround,
    #[error("unknown flag or kind of group")]
    GroupKind,
    #[error("malformed group name")]
    GroupName,
    #[error("`[` without its `]`")]
    UnclosedClass,
    #[error("a range that ends before it starts")]
    ClassRange,
    #[error("unknown `[:class:]`")]
    PosixClass,
    #[error("unknown Unicode class")]
    UnicodeClass,
    #[error("unsupported back-reference")]
    BackReference,
    #[error("unsupported `\\C`")]
    AnyByte,
    #[error("unsupported `\\Z`")]
    EndBeforeNewline,
    #[error("malformed `\\x` escape")]
    Hexadecimal,
    #[error("unknown escape")]
    Escape,
    #[error("a lone `\\` at the end")]
    TrailingBackslash,
}

impl Problem {
    fn at(self, offset: usize) -> GoRegexError {
        GoRegexError::Syntax { offset, problem: self }
    }

    /// What to write instead, to follow the message.
    fn advice(self) -> &'static str {
        match self {
            Self::NothingToRepeat => r"; for the character itself write `\*`, `\+`, `\?` or `\{`",
            Self::StackedRepetition => {
                "; there are no possessive repetitions: keep one, or group the inner one"
            }
            Self::UnopenedGroup => r"; for the character itself write `\)`",
            Self::UnclosedGroup => r"; for the character itself write `\(`",
            Self::UnclosedClass => r"; for the character itself write `\[`",
            Self::LookAround => "; say it with a second rule under `and` or `not`",
            Self::GroupKind => "; the flags are `i`, `m`, `s` and `U`",
            Self::GroupName => "; a name is letters, digits and `_`, closed by `>`",
            Self::ClassRange => r"; for the character itself write `\-`",
            Self::UnicodeClass => r"; categories and scripts are known, as in `\p{Lu}` and `\p{Greek}`",
            Self::AnyByte => "; write `(?s:.)`",
            Self::EndBeforeNewline => r"; write `\z`, or `\n?\z` to allow a last newline",
            Self::Hexadecimal => r"; write `\x41` or `\x{10FFFF}`",
            Self::TrailingBackslash => r"; for the character itself write `\\`",
            Self::RepeatCount | Self::PosixClass | Self::BackReference | Self::Escape => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Outcome {
        Found,
        Missed,
        Refused { offset: usize },
    }
    use Outcome::*;

    fn check(pattern: &str, text: &[u8], expected: &Outcome) {
        let outcome = match GoRegex::new(pattern) {
            Ok(regex) if regex.is_match(text) => Found,
            Ok(_) => Missed,
            Err(GoRegexError::Syntax { offset, .. }) => Refused { offset },
            Err(other) => panic!("`{pattern}` {other}"),
        };
        assert_eq!(&outcome, expected, "`{pattern}` in {:?}", text.escape_ascii().to_string());
    }

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, found, missed) in MEANINGS {
            found.iter().for_each(|text| check(pattern, text.as_bytes(), &Found));
            missed.iter().for_each(|text| check(pattern, text.as_bytes(), &Missed));
        }
        for (pattern, offset) in REFUSALS {
            check(pattern, b"", &Refused { offset: *offset });
        }
    }

    #[test]
    fn a_byte_that_is_no_utf8_is_one_character() {
        for (pattern, text, expected) in [
            ("^.$", b"\xff".as_slice(), Found),
            ("^\u{FFFD}{2}$", b"\xff\xfe", Found),
            ("^.{2}$", b"\xe2\x82", Found),
            ("^.$", b"\xe2\x82", Missed),
            ("^.{3}$", b"\xed\xa0\x80", Found),
            (r"^a\W+b$", b"a\xf0\x9f\x98b", Found),
            (r"a\b", b"a\x80", Found),
            ("\u{E9}", b"\xe9", Missed),
        ] {
            check(pattern, text, &expected);
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let bytes_max = 10_000;
        let refusal = GoRegex::within(bytes_max, r"\pL{9}").unwrap_err();
        assert_eq!(refusal, GoRegexError::TooLarge { bytes_max });
        assert!(GoRegex::within(bytes_max, "x{9}").is_ok());
        assert!(GoRegex::new(r"^\pL{200}").is_ok());
        let deep = "(?:a|".repeat(300) + "b" + &")*".repeat(300);
        assert!(matches!(GoRegex::new(&deep).unwrap_err(), GoRegexError::Compile(_)));
        let within = "(?:a|".repeat(60) + "b" + &")*".repeat(60);
        assert!(GoRegex::new(&within).unwrap().is_match(b"b"));
    }

    #[test]
    fn a_refusal_says_where_and_what_to_write() {
        let message = GoRegex::new(r"World\Z").unwrap_err().to_string();
        assert_eq!(message, r"unsupported `\Z` at byte 5; write `\z`, or `\n?\z` to allow a last newline");
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in r"([\x20-\x7e]|\PC){0,24}", text: Vec<u8>) {
            if let Ok(regex) = GoRegex::new(&pattern) {
                regex.is_match(&text);
            }
        }

        #[test]
        fn no_near_pattern_panics(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12),
            text in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            match GoRegex::new(&pieces.concat()) {
                Ok(regex) => { regex.is_match(&text); }
                // Whatever the translation accepts, the crate below must accept too.
                Err(GoRegexError::Syntax { offset, .. }) => prop_assert!(offset <= pieces.concat().len()),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }

    /// A pattern, texts in which it is found, texts in which it is not.
    #[rustfmt::skip]
    const MEANINGS: &[(&str, &[&str], &[&str])] = &[
        (r"^\w+$", &[], &["Ünïcode"]), (r"^\pL+$", &["Ünïcode"], &[]), ("one.two", &[], &["one\ntwo"]),
        ("(?s)one.two", &["one\ntwo"], &[]), ("x{,2}|Hello", &["Hello World"], &[]),
        ("x{,2}", &["ax{,2}"], &[]), ("[a-z&&[^b]]+", &["b]"], &["Hello World"]),
        ("{", &["a{b"], &["Hello World"]), ("a{", &["a{"], &[]), ("^a{1$", &["a{1"], &[]),
        ("a{1,", &["a{1,"], &[]), ("^a*{$", &["aa{"], &[]), ("a{01}", &["a{01}"], &[]),
        ("a{1,02}", &["a{1,02}"], &[]), ("a{ 1}", &["a{ 1}"], &[]), ("(?U)l+", &["Hello World"], &[]),
        ("Hel{2}o", &["Hello World"], &[]), ("^Hel{3}o", &[], &["Hello World"]),
        ("^(?i:hello) World$", &["HELLO World"], &["HELLO WORLD"]), (r"\110ello", &["Hello World"], &[]),
        ("a??", &["b"], &[]), ("a{2}?", &["aa"], &[]), ("^a{2,3}$", &[], &["aaaa"]),
        ("^a{2,}$", &["aaaa"], &[]), ("^a{0}b", &["b"], &[]), ("(?:[a-z]{4}){0,250}", &["abcd"], &[]),
        ("(a{2}){0,500}", &["x"], &[]), ("", &["anything"], &[]), ("|", &["anything"], &[]),
        ("x|a*", &["b"], &[]), ("^(|a)*$", &["aaa"], &[]), ("^(a|)$", &[""], &[]), ("^(?:)*$", &[""], &[]),
        ("^()$", &[""], &[]), ("a||b", &["c"], &[]), ("^*", &["x"], &[]), ("^a*(?i)?$", &["aaaa"], &[]),
        ("a(?i)*b", &["aaaB"], &[]), ("a(?i)b|c", &["aB", "C"], &["Ab"]),
        ("(?:(?i)a|b)c", &["Bc"], &["BC"]), ("(?i)a(?-i)b", &[], &["AB"]),
        ("(?i)(?:a(?-i)b)c", &["AbC"], &[]), ("(?-i:a)b", &["ab"], &[]), ("(?s-i:.)a", &["\na"], &[]),
        ("(?i)straße", &["STRAẞE"], &["STRASSE"]), ("(?i)k", &["K"], &[]), ("(?i)s", &["ſ"], &[]),
        ("(?i)σ", &["ς"], &[]), (r"(?i)\w", &["ſ"], &[]), (r"(?i)\W", &[], &["ſ"]), (r"\w", &[], &["ſ"]),
        ("(?i)i", &[], &["İ"]), ("(?i)[^a-z]", &[], &["K"]), ("(?i)[[:upper:]]", &["a"], &[]),
        ("[[:upper:]]", &[], &["a"]), (r"(?i)\p{Lu}", &["é"], &[]), (r"\p{Lu}", &[], &["é"]),
        (r"(?i)\P{Lu}", &[], &["é"]), (r"(?i)[^\p{Lu}]", &[], &["é"]), (r"\d", &[], &["٣"]),
        (r"\pN", &["٣"], &[]), (r"\p{Nd}", &["٣"], &[]), (r"\PN", &[], &["٣"]),
        (r"\p{^Greek}", &[], &["α"]), (r"\p{Greek}", &["α"], &[]), (r"\P{^Greek}", &["α"], &[]),
        (r"\P{Greek}", &[], &["α"]), (r"[\p{Greek}x-z]", &["y"], &[]), (r"[^\p{Greek}]", &[], &["α"]),
        (r"^\p{Han}+$", &["漢字"], &[]), (r"^\p{Any}$", &["☺"], &[]), (r"\p{Sc}", &["€"], &[]),
        (r"\p{Cs}", &[], &["a"]), (r"\P{Cs}", &["a"], &[]), (r"\pC", &["\x07"], &["͸"]),
        (r"\s", &[], &["\x0b", "\u{a0}"]), ("[[:space:]]", &["\x0b"], &[]), (r"^\S$", &["\u{a0}"], &[]),
        (r"\bb", &["éb"], &[]), (r"\Bb", &[], &["éb"]), (r"\bé", &["aé"], &[]), (r"^\B$", &[""], &[]),
        (r"^\b", &[], &[""]), ("[[:word:]]", &["_"], &[]), ("[[:^alpha:]]", &[], &["a"]),
        ("[^[:^alpha:]]", &["a"], &[]), ("^[[:punct:]]+$", &["!/:@[`{~"], &[]),
        ("^[[:cntrl:]]$", &["\x7f"], &[]), ("[[:alpha]", &["[", ":l"], &[]), ("[:alpha:]", &[":"], &["b"]),
        ("[[a]b]", &["[b]"], &["ab"]), ("[]a]", &["]"], &[]), ("[^]a]", &["b"], &["]"]),
        ("[a-]", &["-"], &[]), ("[-a]", &["-"], &[]), (r"[a\-z]", &["-"], &["b"]),
        ("[a-c-e]", &["-"], &["d"]), (r"[\d-z]", &["-"], &["a"]), (r"[^\d\s]", &["a"], &["1"]),
        (r"[\D]", &[], &["1"]), (r"[\W\d]", &[], &["a"]), ("[a~~b]", &["~"], &[]), ("[+--]", &[","], &[]),
        ("[a||b]", &["|"], &[]), ("[#x ]", &["#"], &[]), (r"[\n]", &["\n"], &[]), ("[^a]", &["\n"], &[]),
        (r"[\]]", &["]"], &[]), ("[.*]", &["."], &["a"]), ("[$]", &["$"], &[]), ("[(?i)]", &["("], &[]),
        (r"[\x41-\x{43}]", &["B"], &[]), (r"[\101-\103]", &["B"], &[]),
        (r"^[\x{D7FF}-\x{E000}]$", &["\u{E000}"], &[]), (r"[\x{D800}-\x{DFFF}]", &[], &["\u{FFFD}"]),
        (r"\x{D800}", &[], &["\u{FFFD}"]), (r"^[^\x{D800}]$", &["a"], &[]), ("^a$", &[], &["a\n"]),
        ("(?m)^b$", &["a\nb\nc"], &[]), ("(?m)a$", &[], &["a\r\n"]), (r"(?m)\Ab", &[], &["a\nb"]),
        (r"(?m)a\z", &[], &["a\nb"]), (r"\Aa\z", &["a"], &[]), ("(?m:^)b", &["a\nb"], &[]),
        ("(?-m)^b", &[], &["a\nb"]), ("(?m)$", &[""], &[]), (".", &[], &["\n"]), ("[^x]", &["\n"], &[]),
        (r"\Qa.b*\E+", &["a.b**"], &[]), (r"\Qa.b\E", &[], &["axb"]), (r"^\Qab\E+$", &["abb"], &[]),
        (r"\Q(unclosed", &["(unclosed"], &[]), (r"\Q\\E", &["\\"], &[]), (r"^a\Q\E+$", &["aa"], &[]),
        (r"(?i)\Qa.\E", &["A."], &[]), (r#"\_\-\<\>\ \""#, &["_-<> \""], &[]),
        (r"\.\*\(\[\{", &[".*([{"], &[]), ("a # b", &["a # b"], &[]),
        (r"^\a\f\t\n\r\v$", &["\x07\x0c\t\n\r\x0b"], &[]), (r"^\0$", &["\0"], &[]),
        (r"^\08$", &["\08"], &[]), (r"^\12$", &["\n"], &[]), (r"^\1234$", &["S4"], &[]),
        (r"^\777$", &["ǿ"], &[]), (r"^\x{10FFFF}$", &["\u{10FFFF}"], &[]),
        (r"^\x{00000041}$", &["A"], &[]), ("^(?P<n>a)(?P<n>b)$", &["ab"], &[]),
        ("^(?<1_n>a)$", &["a"], &[]), ("^(?:a|b)+$", &["abba"], &[]), ("}a]", &["}a]"], &[]),
        ("~", &["~"], &[]), ("a-b&&c", &["a-b&&c"], &[]), ("é*", &["é"], &[]), ("^.$", &["é"], &[]),
        ("(?i)(?s)(?m)(?U).", &["\n"], &[]), ("(?)", &[""], &[]), ("(?imsU-imsU:A)", &[], &["a"]),
        (r"^([a-z0-9]+)(\.[a-z]{2,})+$", &["example.org"], &[]),
        ("refs/heads/(main|release/.+)$", &["refs/heads/release/1.2"], &[]),
    ];

    /// A pattern and where it is wrong.
    #[rustfmt::skip]
    const REFUSALS: &[(&str, usize)] = &[
        (r"World\Z", 5), ("*bad", 0), ("a**", 2), ("a*+", 2), ("a++", 2), ("a???", 3), ("a{2}{3}", 4),
        ("a{2}*", 4), ("a*{2}", 2), ("a*?*", 3), ("x|*", 2), ("(*)", 1), ("(?i)*", 4), (r"\Q\E*", 4),
        ("{2}", 0), ("({2})", 1), ("x{2,1}", 1), ("x{1001}", 1), ("x{1,1001}", 1), ("x{1001,}", 1),
        ("x{9999999999}", 1), ("x{1,9876543210}", 1), ("(?:[a-z]{4}){0,251}", 12),
        ("((x{10}){10}){11}", 13), ("(x{501}|y){2}", 10), (r"\C", 0), ("[a--z]", 1), ("[z-a]", 1),
        (r"[a-\d]", 3), ("[a-[:alpha:]]", 1), ("[[:foo:]]", 1), ("[[:^foo:]]", 1), ("[[:a]x[b:]]", 1),
        ("[", 0), ("a[b", 1), ("[]", 0), ("[^]", 0), ("[a-", 0), (r"[]\", 2), (r"[\b]", 1),
        (r"[\Qa\E]", 1), (r"[\z]", 1), ("(", 0), ("a(b(c)", 1), (")", 0), ("a(b))", 4), ("(?x)a", 0),
        ("(?i", 0), ("(?-)", 0), ("(?i-:a)", 0), ("(?--i)", 0), ("(?=a)", 0), ("a(?!b)", 1),
        ("(?<=a)b", 0), ("(?<!a)b", 0), ("(?>a)", 0), ("(?#c)", 0), ("(?P=n)", 0), ("(?P<n", 0),
        ("(?P<>a)", 0), ("(?P<x y>a)", 0), ("(?'n'a)", 0), (r"\1", 0), (r"(a)\1", 3), (r"\8", 0),
        (r"\18", 0), (r"\y", 0), (r"\Gé", 0), (r"\é", 0), (r"\E", 0), (r"\u0041", 0), (r"\x4", 0),
        (r"\x", 0), (r"\x{}", 0), (r"\x{110000}", 0), (r"\x{4g}", 0), (r"a\", 1), (r"\p", 0), (r"\p{", 0),
        (r"\p{}", 0), (r"\p{Foo}", 0), (r"\pX", 0), (r"\p^", 0), (r"\p{Greek", 0), (r"\p{Alphabetic}", 0),
        (r"[\p{Foo}]", 1),
    ];

    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "a", "é", "K", " ", "-", "^", "$", ".", "*", "+", "?", "|", "(", ")", "(?i)", "(?:", "(?s-i:", "(?P<n>",
        "(?=", "[", "]", "[^", "&&", "~~", "[:alpha:]", "[:", r"\d", r"\W", r"\b", r"\B", r"\z", r"\Q", r"\E",
        r"\pL", r"\p{", "}", r"\P{^Greek}", r"\p{C}", "{", "{2}", "{0,3}", "{40}", r"\x{D800}", r"\1", r"\12",
        "a-z", "\\", "<", ":",
    ];
}
