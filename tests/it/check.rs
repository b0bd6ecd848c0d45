//! `hookrunner check` and `hookrunner schema` from outside, and what this repository shows its readers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::BINARY;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(arguments: &[&str], directory: &Path) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
}

fn problems(output: &Output) -> Vec<(String, String)> {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let problems = document["problems"].as_array().unwrap();
    problems.iter().map(|problem| (text(problem, "code"), text(problem, "hook"))).collect()
}

#[test]
fn exit_codes_and_forms() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hooks.json");
    #[track_caller]
    fn check(directory: &Path, arguments: &[&str], code: i32, says: &str) {
        let output = run(arguments, directory);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {text}");
        assert!(text.contains(says), "{arguments:?} {text}");
    }
    let here = directory.path();
    check(here, &["check"], 1, "error[unreadable]");
    fs::write(&path, "[]").unwrap();
    check(here, &["check"], 1, "error[no-hooks]");
    fs::write(&path, "- {id: a, execute-command: 'true', verify: {sender: none}, http-methods: [POST]}")
        .unwrap();
    check(here, &["check"], 0, "1 hook: no problem");
    check(here, &["check", "-strict"], 0, "no problem");
    check(here, &["check", "-hooks", "hooks.json", "--format", "json"], 0, "\"errors\": 0");
    fs::write(&path, "- {id: a, execute-command: 'true', http-methods: [POST]}").unwrap();
    check(here, &["check", "hooks.json"], 0, "warning[no-guard]");
    check(here, &["check", "--strict", "hooks.json"], 2, "1 warning");
    check(here, &["check", "-strict=false", "-format=json"], 0, "\"code\": \"no-guard\"");
    fs::write(&path, "- {id: a, execute-comand: 'true'}").unwrap();
    check(here, &["check"], 1, "did you mean `execute-command`?");
    fs::write(&path, "- {id: a, execute-command: '{{ getenv \"PATH\" }}'}").unwrap();
    check(here, &["check", "-template"], 0, "command-missing");
    check(here, &["check", "-nonsense"], 2, "");
}

#[test]
fn schema_is_what_the_repository_has() {
    let output = run(&["schema"], root());
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = fs::read_to_string(root().join("docs/hooks.schema.json")).unwrap();
    assert!(printed == serde_json::from_str::<Value>(&written).unwrap());
}

/// What the reader is to fill in, and what is not on this machine.
const LEFT_OPEN: [&str; 7] = [
    "empty-secret",
    "no-secret",
    "unreadable-secret",
    "command-missing",
    "no-working-directory",
    "readable-secret",
    "writable-file",
];

#[test]
fn the_example_has_no_mistakes() {
    let output = run(&["check", "-hooks", "hooks.example.yaml", "-format", "json"], root());
    let found: Vec<_> =
        problems(&output).into_iter().filter(|(code, _)| !LEFT_OPEN.contains(&code.as_str())).collect();
    // Both are meant, and say so in their comments.
    let expected = [("no-guard", "hello"), ("address-guard", "inspect")];
    assert_eq!(found, expected.map(|(code, hook)| (code.to_owned(), hook.to_owned())));
}

#[test]
fn what_the_pages_show_has_no_mistakes() {
    let mut pages = vec![root().join("README.md")];
    pages.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let directory = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        for (line, language, text) in blocks(&fs::read_to_string(page).unwrap()) {
            count += 1;
            check_block(page, line, &language, &text, directory.path());
        }
    }
    assert!(count > 5, "only {count} blocks were found");
}

/// The blocks of a page that are marked as YAML or JSON, each with its line.
fn blocks(page: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let text: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim_start() != "```").collect();
        if matches!(language, "yaml" | "yml" | "json") {
            found.push((at + 1, language.to_owned(), text.join("\n") + "\n"));
        }
    }
    found
}

/// A list of hooks is checked as it is, keys of a hook as a hook. Other JSON is a request or a report.
fn check_block(page: &Path, line: usize, language: &str, text: &str, directory: &Path) {
    let place = format!("{}:{line}", page.display());
    if language == "json" && text.trim_start().starts_with('{') {
        let value: Result<Value, _> = serde_json::from_str(text);
        assert!(value.is_ok(), "{place}: {value:?}");
        return;
    }
    let written: serde_yaml::Value =
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}"));
    let whole = match &written {
        serde_yaml::Value::Sequence(_) => text.to_owned(),
        _ => as_hook(text),
    };
    let path: PathBuf = directory.join("hooks.yaml");
    fs::write(&path, whole).unwrap();
    let output = run(&["check", "--format", "json", "hooks.yaml"], directory);
    // A part of a hook may lack its guard, be of a template, and name users and variables of another machine.
    let elsewhere = ["unknown-account", "no-privilege", "missing-variable"];
    let allowed = |code: &str| {
        LEFT_OPEN.contains(&code)
            || ["no-guard", "get-allowed", "literal-variable"].contains(&code)
            || elsewhere.contains(&code)
    };
    let found: Vec<_> = problems(&output).into_iter().filter(|(code, _)| !allowed(code)).collect();
    assert_eq!(found, [], "{place}: {}", String::from_utf8_lossy(&output.stdout));
}

/// Keys of a hook, or of what is in one.
fn as_hook(text: &str) -> String {
    let first = text.trim_start().split(':').next().unwrap_or_default();
    let indent = text.len() - text.trim_start_matches(' ').len();
    let hook = "- id: block\n  execute-command: 'true'\n";
    let around = match first {
        "secret" => format!("{hook}  verify:\n    sender: github\n"),
        "match" | "and" | "or" | "not" => format!("{hook}  trigger-rule:\n"),
        _ => hook.to_owned(),
    };
    let wanted = around.lines().last().map_or(0, |line| line.len() - line.trim_start().len());
    let wanted = if around.ends_with("trigger-rule:\n") { wanted + 2 } else { wanted };
    let shifted = text.lines().map(|line| match line.get(indent..) {
        Some(rest) => format!("{}{rest}\n", " ".repeat(wanted)),
        None => "\n".to_owned(),
    });
    around.clone() + &shifted.collect::<String>()
}
