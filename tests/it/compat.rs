//! What adnanh/webhook 2.8.2 answered and started, exchange by exchange, must be what this server answers and
//! starts. `tests/data/compat/cases.json` holds the recordings: groups of cases, one server per group.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{env, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::support::{PATIENCE, Request, Response, Server, Setup};

/// Recordings that this server does not follow, each with its reason.
const DELIBERATE: &[(&str, &str)] = &[];

/// Servers at a time: their commands sleep and wait more than they compute.
const SERVERS_AT_ONCE: usize = 4;

/// How long a run that is *not* expected may take to show up, once the answer was already wrong.
const STRAY_RUN_WAIT: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) flags: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) hooks_text: String,
    pub(crate) hooks_ext: String,
    #[serde(default)]
    pub(crate) extra_files: BTreeMap<String, String>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) request: Asked,
    pub(crate) expect: Exchange,
}

#[derive(Deserialize, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_b64: String,
}

/// Texts are Latin-1 views of bytes.
#[derive(Deserialize, Debug, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) runs: Vec<Run>,
}

#[derive(Deserialize, Debug, PartialEq, Default)]
pub(crate) struct Run {
    pub(crate) argv: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: String,
    /// Base64 in the recordings; `None` is a file that could not be read.
    pub(crate) files: BTreeMap<String, Option<String>>,
}

pub(crate) fn recorded_groups() -> Vec<Group> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compat/cases.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

#[test]
fn every_recorded_exchange_is_repeated() {
    let groups = recorded_groups();
    let count: usize = groups.iter().map(|group| group.cases.len()).sum();
    assert_eq!(count, 672);

    let tools = tempfile::tempdir().unwrap();
    let recorder = compile_recorder(tools.path());
    let waiting = Mutex::new(groups.into_iter());
    let differing = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..SERVERS_AT_ONCE {
            scope.spawn(|| {
                while let Some(group) = { waiting.lock().unwrap().next() } {
                    let found = run_group(group, &recorder);
                    differing.lock().unwrap().extend(found);
                }
            });
        }
    });

    let mut differing = differing.into_inner().unwrap();
    let agreeing: Vec<_> =
        DELIBERATE.iter().map(|(id, _)| *id).filter(|id| differing.remove(*id).is_none()).collect();
    assert!(agreeing.is_empty(), "listed as different on purpose, yet equal: {agreeing:?}");
    let report: Vec<_> = differing.values().map(String::as_str).collect();
    assert!(report.is_empty(), "{} of {count} differ\n\n{}", report.len(), report.join("\n"));
}

/// The cases that differ, by id, each with what to print about it.
fn run_group(group: Group, recorder: &str) -> BTreeMap<String, String> {
    let setup = Setup::new();
    let work = setup.directory().to_str().unwrap().to_owned();
    let writable = setup.path("wd");
    fs::create_dir(&writable).unwrap();
    let hooks = group.hooks_text.replace("@ECHO@", recorder).replace("@WD@", writable.to_str().unwrap());
    let hooks_name = format!("hooks.{}", group.hooks_ext);
    let mut setup = setup
        .file(&hooks_name, hooks)
        .env("RECORD_TO", "@DIR@/records")
        .flags("-nopanic -hooks")
        .flag(&format!("@DIR@/{hooks_name}"));
    for (name, contents) in &group.extra_files {
        setup = setup.file(name, contents);
    }
    for (name, value) in &group.env {
        setup = setup.env(name, value);
    }
    for flag in &group.flags {
        setup = setup.flag(&flag.replace("@WORK@", &work));
    }
    let listener = UnixListener::bind(setup.path("records")).unwrap();
    let records = receive_records(listener);
    let server = setup.start();

    let mut differing = BTreeMap::new();
    for case in group.cases {
        let expected = canonical(case.expect);
        let got = exchange(&server, &case.request, &expected, &records)
            .map(|exchange| canonical(exchange.placed(&work)))
            .map_err(|error| error.to_string());
        if got.as_ref() != Ok(&expected) {
            let report = format!(
                "{}/{}\n  request  {:?}\n  expected {expected:?}\n  got      {got:?}\n",
                group.name, case.id, case.request
            );
            differing.insert(case.id, report);
        }
    }
    differing.extend(stray_runs(server, &records).into_iter().map(|run| {
        let report = format!("{}: a run that no case expected: {run:?}\n", group.name);
        (format!("{}: stray run", group.name), report)
    }));
    differing
}

/// One request and the runs it starts. Where the answer is the recorded one, so many runs are awaited as were
/// recorded, and none is looked for where none was: a stray one is found when the server has ended.
fn exchange(
    server: &Server,
    asked: &Asked,
    expected: &Exchange,
    records: &Receiver<Run>,
) -> std::io::Result<Exchange> {
    let mut request = Request::new(&asked.method, &asked.path)
        .header("Host", &server.address().to_string())
        .body(STANDARD.decode(&asked.body_b64).unwrap());
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let response = server.try_send(&request)?;
    let body = latin1(&response.body);
    let as_recorded = (response.status, &body) == (expected.status, &expected.body);
    let (runs_awaited, patience) = match as_recorded {
        true => (expected.runs.len(), PATIENCE),
        false => (expected.runs.len().max(1), STRAY_RUN_WAIT),
    };
    let runs = (0..runs_awaited).map_while(|_| records.recv_timeout(patience).ok()).collect();
    Ok(Exchange { status: response.status, headers: compared_headers(&response), body, runs })
}

fn compared_headers(response: &Response) -> BTreeMap<String, String> {
    let named = response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    named
        .filter(|(name, _)| ["x-", "access-", "location"].iter().any(|start| name.starts_with(start)))
        .collect()
}

/// A server that was told to stop lets its runs finish, and each of them has connected before it ends. So what
/// is there before our own empty record came from no case, and nothing can follow.
fn stray_runs(mut server: Server, records: &Receiver<Run>) -> Vec<Run> {
    server.signal(Signal::TERM);
    server.wait();
    UnixStream::connect(server.path("records")).unwrap();
    records.iter().collect()
}

impl Exchange {
    /// The directory of this run, as the recordings name it.
    fn placed(mut self, work: &str) -> Self {
        let place = |text: &str| text.replace(&format!("{work}/wd"), "@WD@").replace(work, "@WORK@");
        self.body = place(&self.body);
        for run in &mut self.runs {
            run.cwd = place(&run.cwd);
            run.argv.iter_mut().chain(run.env.values_mut()).for_each(|text| *text = place(text));
        }
        self
    }
}

/// JSON texts that mean the same become the same text, files are decoded, headers that are not compared go.
pub(crate) fn canonical(mut exchange: Exchange) -> Exchange {
    for run in &mut exchange.runs {
        run.argv.iter_mut().chain(run.env.values_mut()).for_each(|text| *text = canonical_json(text));
        for content in run.files.values_mut().flatten() {
            *content = canonical_json(&latin1(&STANDARD.decode(&content).unwrap()));
        }
    }
    exchange.headers.retain(|name, _| !matches!(name.as_str(), "x-content-type-options" | "x-request-id"));
    exchange
}

/// Keys sorted, escapes undone, number literals as they were written. Other texts stay.
pub(crate) fn canonical_json(text: &str) -> String {
    if !text.starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let mut value: Value = serde_json::from_str(&numbers_as_texts(text)).unwrap();
    value.sort_all_objects();
    value.to_string()
}

/// `[1.10]` becomes `["number 1.10"]`.
fn numbers_as_texts(json: &str) -> String {
    let mut texts = String::new();
    let (mut in_text, mut in_number, mut escaped) = (false, false, false);
    for letter in json.chars() {
        let of_number = !in_text && matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        if in_number && !of_number {
            texts.push('"');
            in_number = false;
        } else if !in_number && of_number && matches!(letter, '0'..='9' | '-') {
            texts.push_str("\"number ");
            in_number = true;
        }
        in_text ^= letter == '"' && !escaped;
        escaped = in_text && letter == '\\' && !escaped;
        texts.push(letter);
    }
    texts
}

pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Each command connects, reports and closes, before it prints anything. An empty record is the last.
fn receive_records(listener: UnixListener) -> Receiver<Run> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut record = String::new();
            stream.unwrap().read_to_string(&mut record).unwrap();
            if record.is_empty() || sender.send(parse_record(&record)).is_err() {
                break;
            }
        }
    });
    receiver
}

fn parse_record(record: &str) -> Run {
    let mut run = Run::default();
    for line in record.lines() {
        let mut words = line.split(' ');
        let kind = words.next().unwrap();
        let fields: Vec<_> = words.map(|field| hex::decode(field).unwrap()).collect();
        match (kind, fields.as_slice()) {
            ("argument", [text]) => run.argv.push(latin1(text)),
            ("variable", [name, value]) => drop(run.env.insert(latin1(name), latin1(value))),
            ("file", [name, content]) => {
                run.env.insert(latin1(name), "@FILE@".to_owned());
                run.files.insert(latin1(name), Some(STANDARD.encode(content)));
            }
            ("no-file", [name, value]) => {
                run.env.insert(latin1(name), latin1(value));
                run.files.insert(latin1(name), None);
            }
            ("directory", [path]) => run.cwd = latin1(path),
            _ => panic!("{line}"),
        }
    }
    run
}

/// The compiler that built this test is there when `cargo test` is, whichever targets were selected.
fn compile_recorder(directory: &Path) -> String {
    let beside_cargo = env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustc"));
    let compiler: PathBuf = env::var_os("RUSTC")
        .map(Into::into)
        .or(beside_cargo.filter(|path| path.exists()))
        .unwrap_or_else(|| "rustc".into());
    let program = directory.join("recorder");
    let built = Command::new(&compiler)
        .args(["--edition", "2024", "--crate-name", "recorder", "-C", "opt-level=1", "-o"])
        .arg(&program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recorder.rs"))
        .output()
        .unwrap_or_else(|error| panic!("{compiler:?} does not run: {error}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program.to_str().unwrap().to_owned()
}
