//! `-save-requests`: from "it did not run" to the answer in two commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::{Request, Server, Setup, eventually};

const GUARDED: &str = "
- id: guarded/by rule
  execute-command: 'true'
  http-methods: [POST]
  trigger-rule:
    and:
      - match: {type: ip-whitelist, ip-range: 127.0.0.1}
      - match: {type: value, value: main, parameter: {source: payload, name: ref}}
- id: signed
  execute-command: 'true'
  verify: {sender: github, secret: correct-horse-battery}
- id: erroneous
  execute-command: 'true'
  trigger-rule: {match: {type: value, value: a, parameter: {source: payload, name: a.b}}}
- {id: gone, execute-command: /nonexistent/command}
- {id: fine, execute-command: 'true'}
- {id: refused, execute-command: 'true', trigger-rule: {}}
";

fn saved(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    files
}

/// The file that the log names for the next request, once it is there.
fn saved_of(server: &mut Server, request: &Request, status: u16) -> PathBuf {
    server.mark_log();
    assert_eq!(server.send(request).status, status);
    let line = server.wait_for_log(" saved=");
    let (_, file) = line.split_once(" saved=").unwrap();
    let file = PathBuf::from(file.split(" status=").next().unwrap());
    eventually("the request is saved", || file.exists());
    file
}

#[test]
fn what_was_not_run_is_saved_and_explained_the_same() {
    let setup = Setup::new().hooks(GUARDED).flags("-verbose -save-requests @DIR@/saved/deep");
    let mut server = setup.start();
    let form = "multipart/form-data; boundary=x";
    let cases = [
        (Request::json("/hooks/guarded/by%20rule?a=b", r#"{"ref":"dev"}"#), 200, "not-met"),
        (Request::get("/hooks/guarded/by%20rule"), 405, "method-not-allowed"),
        (
            Request::json("/hooks/signed", "{}").header("X-Hub-Signature-256", "sha256=00"),
            401,
            "not-verified",
        ),
        (Request::json("/hooks/erroneous", r#"{"a":null}"#), 500, "error"),
        (Request::post("/hooks/gone"), 500, "error"),
        (Request::post("/hooks/refused"), 500, "error"),
        (Request::post("/hooks/fine").header("Content-Type", form).body("--x\r\nbroken"), 500, "error"),
    ];
    for (request, status, verdict) in cases {
        let file = saved_of(&mut server, &request, status);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let flags = ["-hooks", "hooks.yaml", "-format=json", "-request", file.to_str().unwrap()];
        let explained = super::explain(&server.path(""), b"", &flags);
        let json = explained.json();
        assert_eq!((&json["status"], &json["verdict"]), (&status.into(), &verdict.into()), "{json:#}");
    }
    let files = saved(&server.path("saved/deep"));
    assert_eq!(files.len(), 7);
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert!(names[0].ends_with(".http") && names[0].contains("Z-guarded_by_rule-"), "{names:?}");

    // What was run is not saved, nor what is for no hook.
    assert_eq!(server.post("/hooks/fine").status, 200);
    assert_eq!(server.post("/hooks/unknown").status, 404);
    let directory = server.path("saved/deep");
    let kept = tempfile::tempdir().unwrap();
    fs::rename(&directory, kept.path().join("saved")).unwrap();
    server.stop();
    assert_eq!(saved(&kept.path().join("saved")).len(), 7);
}

#[test]
fn a_chunked_body_and_a_forged_peer_come_back_as_they_were() {
    let mut server = Setup::new().hooks(GUARDED).flags("-verbose -save-requests @DIR@/saved").start();
    let request = Request::post("/hooks/guarded/by%20rule")
        .header("X-Hookrunner-Peer", "203.0.113.7")
        .header("Content-Type", "application/json")
        .header("Transfer-Encoding", "chunked")
        .body("d\r\n{\"ref\":\"dev\"}\r\n0\r\n\r\n");
    let file = saved_of(&mut server, &request, 200);
    let explain = |flags: &[&str]| {
        let file = file.to_str().unwrap();
        let flags = [&["-hooks", "hooks.yaml", "-format=json", "-request", file], flags].concat();
        super::explain(&server.path(""), b"", &flags).json()
    };
    let json = explain(&[]);
    assert_eq!(json["rule"]["rules"][0]["found"], "127.0.0.1");
    assert_eq!(json["rule"]["rules"][1]["found"], "dev");
    let json = explain(&["-peer", "203.0.113.7"]);
    assert_eq!(json["rule"]["rules"][0]["found"], "203.0.113.7");
    assert_eq!(json["rule"]["rules"][1]["result"], "not-reached");
}

#[test]
fn a_stop_waits_until_requests_are_saved() {
    let mut server = Setup::new().hooks(GUARDED).flags("-verbose -save-requests @DIR@/saved").start();
    let body = vec![b'x'; 20 << 20];
    let length = body.len() as u64;
    assert_eq!(server.send(&Request::post("/hooks/signed").body(body)).status, 401);
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let sizes: Vec<u64> =
        saved(&server.path("saved")).iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    assert!(matches!(sizes[..], [size] if size > length), "{sizes:?}");
}

#[test]
fn the_oldest_requests_make_room() {
    let mut server =
        Setup::new().hooks(GUARDED).flags("-verbose -save-requests @DIR@/saved -save-requests-max 3").start();
    let request = |number: usize| Request::json("/hooks/signed", &number.to_string());
    let files: Vec<PathBuf> = (0..6).map(|number| saved_of(&mut server, &request(number), 401)).collect();
    let directory = server.path("saved");
    eventually("three are left", || saved(&directory).len() == 3);
    assert_eq!(saved(&directory), files[3..]);
}

#[test]
fn without_the_flag_nothing_is_saved() {
    let server = Setup::new().hooks(GUARDED).flags("-verbose").start();
    assert_eq!(server.post("/hooks/signed").status, 401);
    assert!(!server.path("saved").exists());
    assert!(server.stop().iter().all(|line| !line.contains("saved=")));
}

#[test]
fn a_directory_that_cannot_be_used_ends_the_start() {
    let exit = Setup::new().hooks(GUARDED).flags("-save-requests /dev/null/saved").run();
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("-save-requests /dev/null/saved"), "{}", exit.stderr);
}
