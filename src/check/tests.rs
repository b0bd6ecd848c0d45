//! Every kind of problem, as people and as programs read it.

use std::collections::BTreeSet;
use std::fs::{Permissions, create_dir_all, read_to_string, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;
use crate::hooks_file::Kind;

mod case;
mod cases;
mod guards;
use case::Case;
use cases::CASES;

const ENVIRONMENT: [(&str, &str); 2] = [("SET", "of the environment"), ("EMPTY", "")];

/// A case and what is said about it, with the directory of its files as `DIR`.
struct Checked {
    case: &'static Case,
    report: Report,
    text: String,
    json: String,
}

fn on_this_machine(temporary_directory: &Path) -> Examination {
    examination(run::Surroundings {
        path: Some("/usr/bin:/bin".into()),
        temporary_directory: temporary_directory.to_owned(),
        ..run::Surroundings::default()
    })
}

fn report_of(case: &'static Case) -> Checked {
    // Too short a name to look like a secret, which would be masked.
    let directory = tempfile::Builder::new().prefix(".check-").rand_bytes(3).tempdir().unwrap();
    let deep = "{not: ".repeat(101) + "{}" + &"}".repeat(101);
    let many: String = (0..1001).map(|number| format!("x{number}: 1\n  ")).collect();
    let place = |text: &str| {
        let text = text.replace("@DIR@", directory.path().to_str().unwrap());
        text.replace("@DEEP@", &deep).replace("@MANY@", many.trim_end())
    };
    set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    for (name, text, mode) in case.files {
        let path = directory.path().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, place(text)).unwrap();
        set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
    }
    let paths: Vec<PathBuf> = case.hooks.iter().map(|name| directory.path().join(name)).collect();
    let is_template = case.kind == Kind::Template || case.name.contains("template");
    let mut reading = Reading { is_template, ..Reading::default() };
    reading.surroundings.environment.extend(ENVIRONMENT.map(|(name, value)| (name.into(), value.into())));
    reading.examination = Some(on_this_machine(directory.path()));
    let (table, mut problems) = HooksFiles::new(paths, reading).load();
    let own = directory.path().to_str().unwrap();
    let here = std::env::current_dir().unwrap();
    let shown = |text: &str| text.replace(own, "DIR").replace(here.to_str().unwrap(), "HERE");
    if problems.len() > 100 {
        problems.drain(..problems.len() - 1);
    }
    let report = Report { problems, is_template, hooks: table.summary() };
    let (text, json) = (shown(&report.text()), shown(&report.json()));
    Checked { case, report, text, json }
}

/// All cases, each checked once.
fn checked() -> &'static [Checked] {
    static CHECKED: LazyLock<Vec<Checked>> = LazyLock::new(|| CASES.iter().map(report_of).collect());
    &CHECKED
}

#[test]
fn every_kind_has_a_case_that_shows_it() {
    let mut missing: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
    for Checked { case, report, .. } in checked() {
        let kinds: Vec<&str> = report.problems.iter().map(|problem| problem.kind.code()).collect();
        assert!(kinds.contains(&case.kind.code()), "{}: {kinds:?}", case.name);
        missing.remove(&case.kind);
    }
    assert!(missing.is_empty(), "without a case: {missing:?}");
}

/// The secrets of the cases.
#[test]
fn no_report_shows_a_secret() {
    for Checked { case, text, json, .. } in checked() {
        for secret in ["hunter22", "9f86d081884c7d65"] {
            assert!(!text.contains(secret) && !json.contains(secret), "{}: {text}", case.name);
        }
    }
}

#[test]
fn reports_for_people() {
    insta::assert_snapshot!(all(|checked| &checked.text));
}

#[test]
fn reports_for_programs() {
    insta::assert_snapshot!(all(|checked| &checked.json));
}

fn all(form: impl Fn(&Checked) -> &str) -> String {
    let one = |checked: &Checked| {
        format!("=== {}: {}\n\n{}\n", checked.case.kind.code(), checked.case.name, form(checked))
    };
    checked().iter().map(one).collect()
}

#[test]
fn every_kind_is_in_the_documentation() {
    let page = read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let (code, effect) = (cells.next()?.trim().strip_suffix('`')?, cells.next()?.trim());
        Some((code.to_owned(), effect.to_owned()))
    });
    let documented: BTreeSet<(String, String)> =
        rows.filter(|(_, effect)| EFFECTS.contains(&effect.as_str())).collect();
    let known = Kind::ALL.iter().map(|kind| (kind.code().to_owned(), documented_effect(*kind).to_owned()));
    assert_eq!(documented, known.collect());
}

const EFFECTS: [&str; 4] = ["warning", "error", "hook refused", "file refused"];

fn documented_effect(kind: Kind) -> &'static str {
    match kind.effect().as_str() {
        "none" => "warning",
        "some" => "error",
        "hook-refused" => "hook refused",
        _ => "file refused",
    }
}

/// Mistakes of every sort in one file are all found in one run.
#[test]
fn one_run_finds_everything() {
    const TEXT: &str = "- id: one\n  execute-command: [a]\n  response-headers: x\n  http-methods: [{}]\n\
                - execute-command: 'true'\n  triggr-rule: {}\n\
                - id: two\n  execute-command: 'true'\n  trigger-rule:\n    and:\n    - {match: {type: valeu}}\n    \
                - {match: {type: regex, regex: '(', parameter: {source: haeder, name: x}}}\n    \
                - {match: {type: ip-whitelist, ip-range: '1.2.3 4.5.6.7 x'}}\n    - {}\n    \
                - {or: [], not: {match: {type: payload-hmac-sha1, secret: ''}}}\n";
    const ALL: Case = Case {
        kind: Kind::WrongType,
        name: "all",
        hooks: &["hooks.yaml"],
        files: &[("hooks.yaml", TEXT, 0o600)],
    };
    let report = report_of(&ALL).report;
    let mut found: Vec<(usize, &str)> =
        report.problems.iter().map(|problem| (problem.position.line, problem.kind.code())).collect();
    found.sort_unstable();
    let expected = [
        (2, "wrong-type"),
        (3, "wrong-type"),
        (4, "wrong-type"),
        (5, "no-id"),
        (6, "misspelt-key"),
        (11, "unknown-match-type"),
        (12, "bad-regex"),
        (12, "unknown-source"),
        (13, "bad-network"),
        (13, "bad-network"),
        (14, "empty-rule"),
        (15, "empty-rule"),
        (15, "empty-secret"),
        (15, "incomplete-match"),
        (15, "several-operators"),
    ];
    for (line, code) in expected {
        let at = found.iter().position(|one| *one == (line, code));
        assert!(at.is_some(), "{code} in line {line} is not in {found:?}");
        found.remove(at.unwrap());
    }
}
