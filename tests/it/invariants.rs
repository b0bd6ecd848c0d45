//! What the source promises about itself. Each test is a rule of the design; its message says what to do.

mod source;

use std::fs;

use regex::Regex;

use self::source::{SourceFile, relative, repository_files, rust_files};

/// Fails with all that was found.
#[track_caller]
fn check_none(found: Vec<String>, what_to_do: &str) {
    assert!(found.is_empty(), "{what_to_do}\n  {}", found.join("\n  "));
}

/// The files of the program, tests of its parts among them.
fn program_files() -> impl Iterator<Item = &'static SourceFile> {
    rust_files().iter().filter(|file| file.path.starts_with("src/"))
}

/// Where `pattern` is in the program, in files other than `allowed` (and those below them).
fn in_other_files(pattern: &str, allowed: &[&str]) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let is_allowed = |path: &str| {
        allowed.iter().any(|allowed| {
            let module = allowed.trim_end_matches(".rs");
            path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    };
    let others = program_files().filter(|file| !is_allowed(&file.path));
    others.flat_map(|file| file.find(&file.program, &pattern)).collect()
}

struct Layer {
    name: &'static str,
    modules: &'static [&'static str],
    /// Layers whose modules it may use.
    below: &'static [&'static str],
    /// Whether its modules may use each other.
    is_woven: bool,
}

const LAYERS: [Layer; 6] = [
    Layer {
        name: "values",
        modules: &["circumstances", "outcome", "request", "secret", "value"],
        below: &[],
        is_woven: true,
    },
    Layer {
        name: "pure",
        modules: &[
            "admission",
            "capture",
            "conceal",
            "facts",
            "forwarded",
            "hook",
            "invocation",
            "json_text",
            "judge",
            "log_text",
            "lookup",
            "nearest",
            "network",
            "pattern",
            "payload",
            "reference",
            "retry",
            "route",
            "rule",
            "secrecy",
            "sender",
            "template",
            "units",
        ],
        below: &["values"],
        is_woven: true,
    },
    Layer {
        name: "effects",
        modules: &[
            "body",
            "clock",
            "duplicates",
            "hooks_file",
            "log",
            "pidfile",
            "privileges",
            "request_id",
            "run",
            "runs",
            "saved_requests",
            "set_up",
            "systemd",
            "turns",
            "watch",
        ],
        below: &["values", "pure"],
        is_woven: false,
    },
    Layer {
        name: "order",
        modules: &["deliver", "respond"],
        below: &["values", "pure", "effects"],
        is_woven: true,
    },
    // Values too: they are what the layers hand each other.
    Layer { name: "edge", modules: &["server"], below: &["values", "order"], is_woven: true },
    Layer {
        name: "wiring",
        modules: &["check", "cli", "explain", "fuzzing", "lib", "main", "send", "senders", "serve", "stages"],
        below: &["values", "pure", "effects", "order", "edge"],
        is_woven: true,
    },
];

/// Uses that the layers forbid: who, whom, and why all the same. Better empty.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

fn layer_of(module: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.modules.contains(&module))
}

/// The top-level module that a file belongs to.
fn module_of(path: &str) -> &str {
    let path = path.trim_start_matches("src/");
    path.split(['/', '.']).next().unwrap()
}

/// Uses of one top-level module by another: place, user, used.
fn uses() -> Vec<(String, String, String)> {
    let used = Regex::new(r"\bcrate::(\w+|\{)").unwrap();
    let mut uses = Vec::new();
    for file in program_files() {
        for found in used.captures_iter(&file.program) {
            let line = source::line_at(&file.program, found.get(0).unwrap().start());
            let place = format!("{}:{line}", file.path);
            uses.push((place, module_of(&file.path).to_owned(), found[1].to_owned()));
        }
    }
    uses
}

#[test]
fn dependencies_between_layers_point_down() {
    let mut found = Vec::new();
    for file in program_files() {
        if layer_of(module_of(&file.path)).is_none() {
            found.push(format!("{}: give the module its layer in tests/it/invariants.rs", file.path));
        }
    }
    for (place, user, used) in uses() {
        let (Some(from), Some(to)) = (layer_of(&user), layer_of(&used)) else {
            found.push(format!(
                "{place}: write `crate::module`, one `use` for each module, not `crate::{used}`"
            ));
            continue;
        };
        let is_inside = from.name == to.name && (from.is_woven || user == used);
        let is_excepted = EXCEPTIONS.iter().any(|(who, whom, _)| *who == user && *whom == used);
        if !is_inside && !is_excepted && !from.below.contains(&to.name) {
            let (from, to) = (from.name, to.name);
            found.push(format!("{place}: `{user}` ({from}) uses `{used}` ({to})"));
        }
    }
    check_none(
        found,
        "a layer uses only those below it: move what is shared down, or pass it in as an argument",
    );
}

#[test]
fn modules_name_each_other_from_the_root() {
    // A `super::` in a top-level file would be a way round the layers.
    let above = Regex::new(r"\bsuper::").unwrap();
    let top = program_files().filter(|file| file.path.matches('/').count() == 1);
    let found = top.flat_map(|file| file.find(&file.program, &above)).collect();
    check_none(found, "write `crate::module`");
}

#[test]
fn no_exception_has_become_needless() {
    let uses = uses();
    let is_used = |who: &str, whom: &str| uses.iter().any(|(_, user, used)| user == who && used == whom);
    let found = EXCEPTIONS.iter().filter(|(who, whom, _)| !is_used(who, whom));
    let found = found.map(|(who, whom, _)| format!("`{who}` uses `{whom}` no longer")).collect();
    check_none(found, "take it out of EXCEPTIONS");
}

#[test]
fn what_decides_does_nothing() {
    let doing = Regex::new(
        r"(?x)\b(?:
        tokio::\w+ | tracing::\w+ | async\s+(?:fn|move) | std::(?:fs|process|thread|env|os::unix::net)\b
        | (?:SystemTime|Instant|Utc)::now | Tcp(?:Stream|Listener) | e?print(?:ln)?! | thread_rng | getrandom
    )|\.await\b",
    )
    .unwrap();
    let quiet = LAYERS.iter().filter(|layer| ["values", "pure"].contains(&layer.name));
    let quiet: Vec<&str> = quiet.flat_map(|layer| layer.modules).copied().collect();
    let files = program_files().filter(|file| quiet.contains(&module_of(&file.path)));
    let found = files.flat_map(|file| file.find(&file.program, &doing)).collect();
    check_none(
        found,
        "values and pure modules neither do nor ask: pass in what they need to know, the time too",
    );
}

#[test]
fn one_file_starts_processes() {
    let found =
        in_other_files(r"\bCommand::new\b|\bprocess::Command\b|\bfork\(|\bexecv\w*\(", &["src/run/child.rs"]);
    check_none(found, "processes start in src/run/child.rs, where their whole life is");
}

#[test]
fn one_file_reads_bodies() {
    let found = in_other_files(
        r"\bBodyExt\b|\bBodyStream\b|\bBodyDataStream\b|\.frame\(\)|\.into_data_stream\(|\bto_bytes\(",
        // The client of `send` reads answers, under its own limit and deadline.
        &["src/body.rs", "src/send/client.rs"],
    );
    check_none(found, "bodies are read in src/body.rs, under a limit, a deadline and a budget");
}

#[test]
fn one_file_holds_status_codes() {
    let found = in_other_files(r"\bStatusCode\b|\.status_mut\(|\bResponse::builder\b", &["src/respond.rs"]);
    check_none(found, "what the client reads is in src/respond.rs: give it a function there");
    // hyper answers nothing to a head that is late, so that this one answer is written by hand.
    const BY_HAND: &str = "src/server/timed.rs";
    let others = program_files().filter(|file| file.path != BY_HAND && status_lines(file) > 0);
    let found = others.map(|file| file.path.clone()).collect();
    check_none(found, "an answer goes through hyper and src/respond.rs");
    let by_hand = program_files().find(|file| file.path == BY_HAND);
    assert_eq!(by_hand.map(status_lines), Some(1), "{BY_HAND} writes its 408 and no other answer");
}

/// Answers that are written out in a file.
fn status_lines(file: &SourceFile) -> usize {
    let line = Regex::new(r"HTTP/1\.[01] \d{3}").unwrap();
    line.find_iter(&file.text).count()
}

#[test]
fn the_environment_is_read_at_the_edge_only() {
    let found = in_other_files(
        r"\benv::(?:\{|vars?(?:_os)?\b|set_var|remove_var|temp_dir|home_dir)|\bListenFd::from_env",
        &["src/cli.rs", "src/systemd.rs"],
    );
    check_none(found, "variables are read in src/cli.rs and src/systemd.rs; elsewhere they are an argument");
}

#[test]
fn a_secret_shows_itself_to_nobody() {
    let showing = r"(?x)\bimpl\b[^{;]*\b(?:
        Display|LowerHex|UpperHex|Serialize|Deref|AsRef|Borrow|ToString|IntoIterator
    )\b[^{;]*\bfor\s+(?:\w+::)*Secret\b|\bFrom<(?:\w+::)*Secret>";
    let mut found: Vec<String> = in_other_files(showing, &[]);
    let file = program_files().find(|file| file.path == "src/secret.rs").unwrap();
    for leak in [
        r"derive\([^)]*\b(?:Debug|Serialize)\b[^)]*\)\]\s*pub\(crate\) struct Secret\b",
        r"\bstruct Secret\(\s*pub\b",
    ] {
        found.extend(file.find(&file.code, &Regex::new(leak).unwrap()));
    }
    check_none(found, "what needs the bytes of a secret calls `expose`, and nothing prints them");
    let debug = r#"impl fmt::Debug for Secret \{[^}]*\{\s*f\.write_str\("\*\*\*"\)\s*\}\s*\}"#;
    assert!(
        Regex::new(debug).unwrap().is_match(&file.text),
        "the `Debug` of a `Secret` writes `***` and nothing else"
    );
}

#[test]
fn every_queue_has_a_bound() {
    let found = in_other_files(r"\bunbounded\w*|\bmpsc::channel(?:::<[^>]*>)?\(\s*\)", &[]);
    check_none(found, "use a channel with a bound, and give the bound a name");
}

#[test]
fn tests_wait_for_conditions_and_are_never_skipped() {
    let idle = Regex::new(r"#\[ignore\b|\bsleep(?:_ms)?\s*\(|\b(?:thread|time)::sleep\b").unwrap();
    let found = rust_files().iter().flat_map(|file| file.find(&file.tests, &idle)).collect();
    check_none(found, "wait with `eventually`, a channel or a fifo; make a test run, or remove it");
}

/// Files that are longer than [`FILE_LINES_MAX`], and why.
const LONG_FILES: &[(&str, &str)] = &[];
const FILE_LINES_MAX: usize = 400;

/// Functions of the program that are longer than [`FUNCTION_LINES_MAX`], by file and name, and why. A test
/// may be a table as long as it has cases.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[("src/serve.rs", "run", "the start in its order")];
const FUNCTION_LINES_MAX: usize = 60;

#[test]
fn no_file_grows_silently() {
    let mut found = Vec::new();
    for file in rust_files() {
        let lines = file.text.lines().count();
        let is_listed = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        match (lines > FILE_LINES_MAX, is_listed) {
            (true, false) => found.push(format!("{}: {lines} lines", file.path)),
            (false, true) => found.push(format!("{}: take it out of LONG_FILES", file.path)),
            _ => {}
        }
    }
    check_none(
        found,
        "a file has one noun and fits into 400 lines: split it, or give a reason in LONG_FILES",
    );
}

#[test]
fn no_function_grows_silently() {
    let mut found = Vec::new();
    let mut listed = Vec::new();
    for file in program_files() {
        for (name, place, lines) in file.functions() {
            if lines <= FUNCTION_LINES_MAX {
                continue;
            }
            match LONG_FUNCTIONS.iter().find(|(path, function, _)| *path == file.path && *function == name) {
                Some((_, function, _)) => listed.push(*function),
                None => found.push(format!("{place} has {lines} lines")),
            }
        }
    }
    let needless = LONG_FUNCTIONS.iter().filter(|(_, function, _)| !listed.contains(function));
    found
        .extend(needless.map(|(path, function, _)| format!("{path}: take {function} out of LONG_FUNCTIONS")));
    check_none(
        found,
        "a function fits on a screen of 60 lines: split it, or give a reason in LONG_FUNCTIONS",
    );
}

#[test]
fn the_repository_speaks_of_the_product_alone() {
    // Where build machines commonly keep a checkout or a home; written so that they do not find themselves.
    let machine =
        Regex::new(r#"(?m)(?:^|[\s"'`(\[=:,])/(?:work|root|workspace|builds|home/runner)/"#).unwrap();
    let unfinished = Regex::new(r"\bTO(?:)DO\b|\bFIX(?:)ME\b|\btodo[!]").unwrap();
    let mut found = Vec::new();
    for path in repository_files() {
        // A file that is no text says nothing.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (pattern, what) in [(&machine, "a path of a build machine"), (&unfinished, "unfinished")] {
            for place in pattern.find_iter(&text) {
                let line = source::line_at(&text, place.end());
                found.push(format!("{}:{line}: {what}: {}", relative(&path), place.as_str().trim()));
            }
        }
    }
    check_none(found, "write what holds on every machine, and finish or file what is unfinished");
}
