//! What `explain` says and what the server does are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Explained, explain, run};
use crate::compat::{Asked, Group, Run, canonical, canonical_json, latin1, recorded_groups};
use crate::support::{BINARY, Request, Setup};

const THREADS: usize = 4;

/// Stands for the recorder, which nobody runs here.
const COMMAND: &str = "/usr/bin/env";

/// Flags of the server that `explain` has too; those with a value of their own first.
const SHARED_FLAGS: [&str; 3] = ["-header", "-urlprefix", "-http-methods"];

fn request(asked: &Asked) -> Request {
    let body = STANDARD.decode(&asked.body_b64).unwrap();
    let request = Request::new(&asked.method, &asked.path).body(body);
    asked.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// The recorded answers and runs are the server's: `compat.rs` sees to that.
#[test]
fn every_recorded_case_is_explained_as_it_went() {
    let waiting = Mutex::new(recorded_groups().into_iter());
    let differing = Mutex::new(Vec::new());
    let count = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(group) = { waiting.lock().unwrap().next() } {
                    *count.lock().unwrap() += group.cases.len();
                    differing.lock().unwrap().extend(explain_group(group));
                }
            });
        }
    });
    let differing = differing.into_inner().unwrap();
    assert_eq!(count.into_inner().unwrap(), 672);
    assert!(differing.is_empty(), "{} differ\n\n{}", differing.len(), differing.join("\n"));
}

fn explain_group(group: Group) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let work = fs::canonicalize(directory.path()).unwrap();
    let work = work.to_str().unwrap();
    fs::create_dir(format!("{work}/wd")).unwrap();
    let hooks = group.hooks_text.replace("@ECHO@", COMMAND).replace("@WD@", &format!("{work}/wd"));
    let hooks_path = format!("{work}/hooks.{}", group.hooks_ext);
    for (name, contents) in &group.extra_files {
        fs::write(format!("{work}/{name}"), contents).unwrap();
    }
    let mut flags = vec!["-hooks".to_owned(), hooks_path.clone(), "-format=json".to_owned()];
    let mut given = group.flags.iter();
    while let Some(flag) = given.next() {
        if SHARED_FLAGS.contains(&flag.as_str()) {
            flags.extend([flag.clone(), given.next().unwrap().clone()]);
        } else if flag == "-template" || flag.starts_with("-urlprefix=") {
            flags.push(flag.clone());
        }
    }
    let mut differing = Vec::new();
    let hooks_of = hooks_by_id(&hooks);
    for case in group.cases {
        let id = case.request.path.split(['/', '?']).nth(2).unwrap_or_default();
        fs::write(&hooks_path, hooks_of.get(id).unwrap_or(&hooks)).unwrap();
        let mut command = Command::new(BINARY);
        command.arg("explain").args(["-request", "-"]).args(&flags).envs(&group.env).current_dir(work);
        let explained = run(command, &request(&case.request).to_bytes());
        let expected = canonical(case.expect);
        // The server starts without a file that does not load, if it is told to; nothing is explained by it.
        if explained.code == 1 {
            assert_eq!((expected.status, expected.runs.len()), (404, 0), "{}", explained.stderr);
            continue;
        }
        let json = explained.json();
        let mut runs = Vec::new();
        // Runs of other commands are not recorded.
        if json["verdict"] == "run" && json["invocation"]["argv"][0] == COMMAND {
            runs.push(run_of(&json["invocation"], work, &expected.runs));
        }
        // The output of a command, and whether it fails, is not known before.
        let is_known = !json["answer"]["body"].is_null();
        let body = json["answer"]["body"].as_str().unwrap_or_default();
        let same_answer = json["status"] == expected.status && body == expected.body;
        if runs != expected.runs || (is_known && !same_answer) {
            let name = format!("{}/{}", group.name, case.id);
            differing.push(format!("{name}\n  expected {expected:?}\n  runs {runs:?}\n  explained {json}\n"));
        }
    }
    differing
}

/// Each hook of a JSON list as a list of its own, as it is written: a hundred patterns are not compiled anew
/// for each request. Empty when the text is something else.
fn hooks_by_id(text: &str) -> BTreeMap<String, String> {
    let mut hooks = BTreeMap::new();
    if serde_json::from_str::<Vec<Value>>(text).is_err() {
        return hooks;
    }
    let (mut depth, mut start, mut in_text, mut escaped) = (0, 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if !in_text => {
                depth += 1;
                if depth == 1 {
                    start = at;
                }
            }
            '}' if !in_text => {
                depth -= 1;
                if depth == 0 {
                    let hook = &text[start..=at];
                    let id = serde_json::from_str::<Value>(hook).unwrap()["id"].clone();
                    hooks.insert(id.as_str().unwrap_or_default().to_owned(), format!("[{hook}]"));
                }
            }
            _ => {}
        }
        in_text ^= letter == '"' && !escaped;
        escaped = in_text && letter == '\\' && !escaped;
    }
    hooks
}

/// The run as the recorder would tell it: of the environment only what the recordings hold.
fn run_of(invocation: &Value, work: &str, recorded: &[Run]) -> Run {
    let place = |text: String| text.replace(&format!("{work}/wd"), "@WD@").replace(work, "@WORK@");
    let argv = texts(invocation, "argv", "argv_base64");
    let mut env: BTreeMap<String, String> = invocation["env"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| ["HOOK_", "X_", "FILE_"].iter().any(|start| name.starts_with(start)))
        .map(|(name, value)| {
            let encoded = &invocation["env_base64"][name];
            (latin1(name.as_bytes()), canonical_json(&place(text(value, encoded))))
        })
        .collect();
    let mut files = BTreeMap::new();
    for file in invocation["files"].as_array().unwrap() {
        let variable = latin1(file["variable"].as_str().unwrap().as_bytes());
        let content = text(&file["content"], &file["content_base64"]);
        // The recorder reads only files of certain names.
        if recorded.iter().any(|run| run.files.contains_key(&variable)) {
            env.insert(variable.clone(), "@FILE@".to_owned());
            files.insert(variable, Some(canonical_json(&content)));
        }
    }
    Run {
        argv: argv.into_iter().skip(1).map(|argument| canonical_json(&place(argument))).collect(),
        env,
        cwd: place(invocation["cwd"].as_str().unwrap().to_owned()),
        files,
    }
}

fn texts(invocation: &Value, key: &str, key_base64: &str) -> Vec<String> {
    let encoded = &invocation[key_base64];
    let items = invocation[key].as_array().unwrap().iter().enumerate();
    items.map(|(index, item)| text(item, &encoded[index])).collect()
}

/// A Latin-1 view of the bytes.
fn text(value: &Value, encoded: &Value) -> String {
    match encoded.as_str() {
        Some(encoded) => latin1(&STANDARD.decode(encoded).unwrap()),
        None => latin1(value.as_str().unwrap().as_bytes()),
    }
}

/// Twice: without a window for timestamps, where the server can be asked, and at the vector's own time.
#[test]
fn every_vector_of_a_sender_is_explained_as_the_server_answers() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../data/senders/vectors.json")).unwrap();
    assert_eq!(vectors.len(), 153);
    let hooks = vectors.iter().enumerate().map(|(number, vector)| hook(number, vector, false));
    let hooks = serde_json::to_string(&hooks.collect::<Vec<_>>()).unwrap();
    let server = Setup::new().hooks(&hooks).start();
    let directory = tempfile::tempdir().unwrap();
    let mut verdicts = BTreeSet::new();
    for (number, vector) in vectors.iter().enumerate() {
        let request = vector_request(number, vector);
        let described = format!("vector {number}: {} {}", vector["spec"], vector["note"]);
        for (name, is_timed) in [("open.yaml", false), ("timed.yaml", true)] {
            let hooks = Value::Array(vec![hook(number, vector, is_timed)]);
            fs::write(directory.path().join(name), hooks.to_string()).unwrap();
        }
        let explained = explain(directory.path(), &request.to_bytes(), &["-hooks=open.yaml", "-format=json"]);
        let answered = server.send(&request).status;
        assert_eq!(explained.json()["status"], answered, "{described}");

        let at = rfc3339(vector["now"].as_i64().unwrap_or_default());
        let flags = ["-hooks=timed.yaml", "-format=json", "-at", &at];
        let explained = explain(directory.path(), &request.to_bytes(), &flags);
        let json = explained.json();
        let is_verified = json["verify"]["result"] != "refused";
        assert_eq!(is_verified, vector["expect"] == "valid", "{described}: {json:#}");
        assert_no_secret(&explained, vector);
        verdicts.insert(json["verdict"].as_str().unwrap().to_owned());
    }
    assert_eq!(verdicts.iter().map(String::as_str).collect::<Vec<_>>(), ["not-verified", "run"]);
}

fn hook(number: usize, vector: &Value, is_timed: bool) -> Value {
    let mut verify = json!({
        "sender": vector["spec"],
        "secret": vector["secret"],
    });
    // Senders that do not sign it have no use for it, and are verified all the same.
    verify["public-url"] = json!(vector["url"].as_str().unwrap().split('?').next().unwrap());
    let long_names = [
        ("alg", "algorithm"),
        ("enc", "encoding"),
        ("sig", "signature"),
        ("split", "separator"),
        ("tol", "tolerance"),
    ];
    for (short, long) in long_names {
        if let Some(value) = vector["spec_override"].get(short) {
            verify[long] = value.clone();
        }
    }
    if !is_timed || vector["now"].is_null() {
        verify["tolerance"] = json!("0s");
    }
    json!({"id": format!("v{number}"), "execute-command": "true", "verify": verify})
}

fn vector_request(number: usize, vector: &Value) -> Request {
    let query = vector["url"].as_str().unwrap().split_once('?').map(|(_, query)| format!("?{query}"));
    let target = format!("/hooks/v{number}{}", query.unwrap_or_default());
    let request = Request::new(vector["method"].as_str().unwrap(), &target)
        .body(STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap());
    let headers = vector["headers"].as_object().unwrap();
    headers.iter().fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap()))
}

/// Shorter secrets are words of our own.
#[track_caller]
fn assert_no_secret(explained: &Explained, vector: &Value) {
    let secrets = match &vector["secret"] {
        Value::Array(secrets) => secrets.clone(),
        secret => vec![secret.clone()],
    };
    for secret in secrets.iter().filter_map(Value::as_str).filter(|secret| secret.len() > 6) {
        assert!(!explained.stdout.contains(secret), "{}", explained.stdout);
    }
}

/// Howard Hinnant's `civil_from_days`.
fn rfc3339(unix_s: i64) -> String {
    let (days, second) = (unix_s.div_euclid(86_400) + 719_468, unix_s.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
