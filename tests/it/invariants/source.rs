//! The repository as text: Rust files with comments and literals blanked out, and the program's part of
//! them apart from their tests.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Rust file. All forms of its code are as long as its text, line for line.
pub(super) struct SourceFile {
    /// From the repository's root, as `src/run/child.rs`.
    pub(super) path: String,
    pub(super) text: String,
    /// Without what comments and literals say.
    pub(super) code: String,
    /// The code that is in the program.
    pub(super) program: String,
    /// The code that is in the tests.
    pub(super) tests: String,
}

/// The Rust files of the program, and of its tests.
pub(super) fn rust_files() -> &'static [SourceFile] {
    static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(|| {
        let mut files = [rust_files_below("src"), rust_files_below("tests")].concat();
        let test_modules: HashSet<String> = files
            .iter()
            .flat_map(|(path, code)| test_modules(path, code))
            .chain(["tests".to_owned()])
            .collect();
        files.drain(..).map(|(path, code)| source_file(path, code, &test_modules)).collect()
    });
    &FILES
}

/// Path and code.
fn rust_files_below(directory: &str) -> Vec<(String, String)> {
    let paths = paths_below(&root().join(directory)).into_iter();
    let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (relative(&path), without_literals(&fs::read_to_string(&path).unwrap()))).collect()
}

fn source_file(path: String, code: String, test_modules: &HashSet<String>) -> SourceFile {
    let module = Path::new(path.trim_end_matches(".rs"));
    let is_test = module.ancestors().any(|above| test_modules.contains(above.to_str().unwrap()));
    let whole = 0..code.len();
    let parts = if is_test { vec![whole] } else { test_parts(&code) };
    let mut program = code.clone();
    let mut tests = blank(&code);
    for part in parts {
        tests.replace_range(part.clone(), &code[part.clone()]);
        program.replace_range(part.clone(), &blank(&code[part]));
    }
    SourceFile { text: fs::read_to_string(root().join(&path)).unwrap(), path, code, program, tests }
}

/// Modules that a file declares for tests, as `src/rule/tests`.
fn test_modules(path: &str, code: &str) -> Vec<String> {
    static DECLARED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"#\[cfg\(test\)\]\s*mod\s+(\w+)\s*;").unwrap());
    let own = path.trim_end_matches(".rs");
    let root = ["/lib", "/main", "/mod"].iter().find_map(|name| own.strip_suffix(name));
    let directory = root.unwrap_or(own);
    DECLARED.captures_iter(code).map(|found| format!("{directory}/{}", &found[1])).collect()
}

/// All files of the repository, without what is built or belongs to git.
pub(super) fn repository_files() -> Vec<PathBuf> {
    paths_below(root())
}

pub(super) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

fn paths_below(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_ours = |path: &PathBuf| !path.ends_with("target") && !path.ends_with(".git");
    paths
        .into_iter()
        .filter(is_ours)
        .flat_map(|path| if path.is_dir() { paths_below(&path) } else { vec![path] })
        .collect()
}

impl SourceFile {
    /// `path:line` of each match of `pattern` in `code`, which is a form of this file's code.
    pub(super) fn find(&self, code: &str, pattern: &Regex) -> Vec<String> {
        pattern.find_iter(code).map(|found| self.place(found.start(), found.as_str())).collect()
    }

    fn place(&self, offset: usize, what: &str) -> String {
        format!("{}:{}: {}", self.path, line_at(&self.code, offset), what.trim())
    }

    /// Each function of the program that has a body: its name, its place, and how many lines it takes.
    pub(super) fn functions(&self) -> Vec<(String, String, usize)> {
        static HEAD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bfn\s+(\w+)").unwrap());
        let function = |found: regex::Captures<'_>| {
            let start = found.get(0).unwrap().start();
            let end = item_end(&self.program, start)?;
            let lines = self.program[start..end].lines().count();
            Some((found[1].to_owned(), self.place(start, &found[0]), lines))
        };
        HEAD.captures_iter(&self.program).filter_map(function).collect()
    }
}

pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// As many bytes and lines, and nothing in them.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The items marked `#[cfg(test)]`.
fn test_parts(code: &str) -> Vec<Range<usize>> {
    let marks = code.match_indices("#[cfg(test)]");
    marks.map(|(start, _)| start..item_end(code, start).unwrap_or(code.len())).collect()
}

/// Behind the `;` or the closing brace of the item that begins at `start`. Array types in its head, as
/// `[u8; 4]`, do not end it.
fn item_end(code: &str, start: usize) -> Option<usize> {
    let mut braces = 0usize;
    let mut brackets = 0usize;
    for (offset, character) in code[start..].char_indices() {
        let end = start + offset + 1;
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return Some(end),
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(end),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

/// Blanks out comments, and what is between quotes.
fn without_literals(text: &str) -> String {
    // In this order: what begins first decides what the rest is.
    static LITERAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?s)//[^\n]*",
            r"|/\*.*?\*/",
            r#"|\b[bc]?r"[^"]*""#,
            r##"|\b[bc]?r#".*?"#"##,
            r###"|\b[bc]?r##".*?"##"###,
            r#"|"(?:\\.|[^"\\])*""#,
            r"|'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'",
        ))
        .unwrap()
    });
    let mut code = String::with_capacity(text.len());
    let mut rest = 0;
    for found in LITERAL.find_iter(text) {
        code.push_str(&text[rest..found.start()]);
        code.push_str(&blank(found.as_str()));
        rest = found.end();
    }
    code.push_str(&text[rest..]);
    code
}

#[test]
fn comments_and_literals_are_no_code() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let code = without_literals(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }
    check("a // {\nb /* { \n */ c", "a b c");
    check(r#"a("\"{", b"{", '{', '\'', b'{', '\u{7b}') b"#, "a( , b , , , b , ) b");
    check(r##"a(r"\", r#"{"{"#, "//") b"##, "a( , , ) b");
    check("fn a<'a>(b: &'a str) {} // é", "fn a<'a>(b: &'a str) {}");
}

#[test]
fn an_item_ends_with_its_brace_or_semicolon() {
    #[track_caller]
    fn check(code: &str, expected: &str) {
        assert_eq!(&code[..item_end(code, 0).unwrap()], expected);
    }
    check("#[cfg(test)] mod a; mod b;", "#[cfg(test)] mod a;");
    check("fn a(b: [u8; 2]) -> [u8; 2] { if b { c; } } d", "fn a(b: [u8; 2]) -> [u8; 2] { if b { c; } }");
}
