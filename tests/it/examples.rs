//! What we show to people works: the example, the hooks in the documentation, the units, the list of flags.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::{BINARY, Setup};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Starts the server in the repository's root instead of the test's directory.
fn in_the_root() -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "cd \"$0\" && exec \"$@\" </dev/null", ROOT]);
    shell
}

#[test]
fn the_example_works_as_it_stands() {
    let server = Setup::new().flags("-hooks hooks.example.yaml -verbose").launched_by(in_the_root()).start();
    let hello = server.get("/hooks/hello?name=World");
    assert_eq!(hello.status, 200);
    assert!(hello.text().starts_with("Hello"), "{}", hello.text());
    let errors = errors_of(server.stop());
    assert!(!errors.is_empty(), "the hooks with secrets run although nobody has filled them in");
    for error in errors {
        assert!(waits_for_secret(&error), "{error}");
    }
}

/// Hooks of the example that stand behind a `#`: without it they load, and each on its own.
#[test]
fn the_hooks_that_are_switched_off_in_the_example_load_too() {
    let text = fs::read_to_string(Path::new(ROOT).join("hooks.example.yaml")).unwrap();
    let text = Regex::new(r"(?m)^#(- |(?:  )+\S)").unwrap().replace_all(&text, "$1");
    let text = text.replace("/etc/hookrunner/office.txt", "office.txt");
    let mut setup = Setup::new()
        .file("hooks.yaml", &text)
        .file("office.txt", "192.0.2.0/24\n")
        .flags("-hooks hooks.yaml -verbose");
    for name in variables_in(&text) {
        setup = setup.env(&name, VALUE);
    }
    let server = setup.start();
    server.wait_for_log("serving 11 hooks");
    for error in errors_of(server.stop()) {
        // Only root may have commands run as another, and not every system has these.
        let is_of_user = error.contains("run-as");
        assert!(is_of_user || waits_for_secret(&error), "{error}");
    }
}

/// The schema says which keys there are; those of `verify` are in docs/senders.md.
#[test]
fn the_example_and_the_readme_have_every_key() {
    let schema = Setup::new().without_address().flags("schema").run().stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let example = fs::read_to_string(Path::new(ROOT).join("hooks.example.yaml")).unwrap();
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let keys = |part: &serde_json::Value| -> Vec<String> {
        let keys = part["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone());
        keys.filter(|key| key != "<<").collect()
    };
    let parts = schema["$defs"].as_object().unwrap();
    for (part, keys) in parts.iter().filter(|(part, _)| *part != "verify").map(|(part, of)| (part, keys(of)))
    {
        for key in keys {
            let shown = Regex::new(&format!(r"(?m)[\s{{]{key}:(?:\s|$)")).unwrap();
            assert!(shown.is_match(&example), "hooks.example.yaml does not show `{key}` of a {part}");
            assert!(part != "hook" || readme.contains(&format!("`{key}`")), "README.md lacks `{key}`");
        }
    }
    assert!(!keys(&schema["$defs"]["hook"]).is_empty(), "{schema}");
}

fn errors_of(log: Vec<String>) -> Vec<String> {
    log.into_iter().filter(|line| line.contains(" ERROR ")).collect()
}

/// Whether all that is wrong with a hook is that its user has yet to give it a secret.
fn waits_for_secret(error: &str) -> bool {
    let waits = r"hook `[\w-]+`: [\w.\[\]-]*\bsecret(?:\[\d+\])?: .*(?:is empty|is not set|cannot be read)";
    Regex::new(waits).unwrap().is_match(error)
}

/// A fenced block of a Markdown file.
struct Block {
    /// `README.md:12`.
    place: String,
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let root = Path::new(ROOT);
    let mut paths = vec![root.join("README.md")];
    let docs = fs::read_dir(root.join("docs")).into_iter().flatten();
    paths.extend(
        docs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
    );
    paths.iter().flat_map(|path| blocks_of(path)).collect()
}

fn blocks_of(path: &Path) -> Vec<Block> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(ROOT).unwrap().display();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open, fence) {
            (None, Some(language)) => {
                let indent = line.len() - line.trim_start().len();
                let place = format!("{name}:{}", number + 1);
                let language = language.split_whitespace().next().unwrap_or_default().to_owned();
                Some((indent, Block { place, language, text: String::new() }))
            }
            (Some((_, block)), Some(_)) => {
                blocks.push(block);
                None
            }
            (Some((indent, mut block)), None) => {
                block.text += line.get(indent..).unwrap_or(line.trim_start());
                block.text.push('\n');
                Some((indent, block))
            }
            (None, None) => None,
        };
    }
    assert!(open.is_none(), "{name}: a block is not closed");
    blocks
}

impl Block {
    /// Whether it is a hooks file and not a part of one.
    fn is_list_of_hooks(&self) -> bool {
        let first_item =
            Regex::new(r#"(?m)\A(?:\s*#[^\n]*\n|\s)*(?:-\s+\{?|\[\s*\{)(?:\s|#[^\n]*\n)*"?([\w-]+)"?\s*:"#)
                .unwrap();
        let first_key = first_item.captures(&self.text).map(|found| found[1].to_ascii_lowercase());
        let keys = ["id", "execute-command"];
        ["yaml", "yml", "json"].contains(&self.language.as_str())
            && first_key.is_some_and(|key| keys.contains(&key.as_str()))
    }
}

/// What every variable is set to: 43 letters, as an AES key of WeCom has.
const VALUE: &str = "aValueForTheTestOf43LettersWhichIsAKeyOfAes";

#[test]
fn the_hooks_in_the_documentation_load() {
    let blocks: Vec<Block> = blocks().into_iter().filter(Block::is_list_of_hooks).collect();
    assert!(!blocks.is_empty(), "README.md shows no hook");
    for block in blocks {
        let mut setup =
            Setup::new().file("hooks.yaml", &block.text).flags("-hooks hooks.yaml -nopanic -verbose");
        if block.text.contains("{{") {
            setup = setup.flags("-template");
        }
        for name in variables_in(&block.text) {
            setup = setup.env(&name, VALUE);
        }
        for error in errors_of(setup.start().stop()) {
            assert!(waits_for_secret(&error), "{}\n{}\n{error}", block.place, block.text);
        }
    }
}

/// Variables that a template or a secret of the hooks file takes from the environment.
fn variables_in(text: &str) -> Vec<String> {
    let variable = Regex::new(r#"(?:getenv|credential)\s+["`](\w+)["`]|\benv:\s*["']?(\w+)"#).unwrap();
    let name = |found: regex::Captures<'_>| {
        found.get(1).or(found.get(2)).map(|name| name.as_str().to_owned()).unwrap()
    };
    variable.captures_iter(text).map(name).collect()
}

#[test]
fn the_readme_has_every_flag() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let help = Setup::new().without_address().flags("-help").run().stdout;
    let flag = Regex::new(r"(?m)^\s+--?([a-z][a-z0-9-]+)\b").unwrap();
    let flags: Vec<&str> = flag.captures_iter(&help).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(flags.contains(&"hooks"), "{help}");
    let missing: Vec<&&str> = flags
        .iter()
        .filter(|flag| !Regex::new(&format!(r"`-{flag}[` ]")).unwrap().is_match(&readme))
        .collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[test]
fn systemd_accepts_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        // Past the capture of what tests print.
        writeln!(io::stderr(), "NOTE: systemd-analyze is not installed, the units are NOT checked").unwrap();
        return;
    }
    let mut setup = Setup::new();
    let units = ["hookrunner.service", "hookrunner.socket"];
    // systemd wants a program that is there.
    let program = Regex::new(r"(?m)^ExecStart=\S+").unwrap();
    for unit in units {
        let text = fs::read_to_string(Path::new(ROOT).join("systemd").join(unit)).unwrap();
        setup = setup.file(unit, program.replace(&text, format!("ExecStart={BINARY}").as_str()).as_bytes());
    }
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(units.map(|unit| setup.path(unit)))
        .output()
        .unwrap();
    // A key it does not know is only told, and the exit code is 0.
    let told = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("hookrunner")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{told}");
}
