//! A secret is changed while deliveries come.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;

use super::{NOT_VERIFIED, assert_untold, counting, github, runs};
use crate::support::{Server, Setup, eventually};

const OLD: &str = "old-secret-4711";
const NEW: &str = "new-secret-4712";
const BODY: &str = r#"{"ref":"refs/heads/main"}"#;

#[track_caller]
fn check(server: &Server, secret: &str, status: u16) {
    let response = server.send(&github(secret, "id", BODY));
    let body = if status == 200 { "" } else { NOT_VERIFIED };
    response.assert(status, body);
}

#[test]
fn both_secrets_of_a_list_count_and_the_log_names_the_position() {
    let keys = format!("verify: {{sender: github, secret: [{NEW}, {OLD}]}}");
    let mut server = counting("deploy", &keys).flags("-debug").start();
    for (secret, told) in [(NEW, "verified with secret 1"), (OLD, "verified with secret 2")] {
        server.mark_log();
        check(&server, secret, 200);
        server.wait_for_log(told);
    }
    server.mark_log();
    check(&server, "other", 401);
    server.wait_for_log("secrets tried: 2");
    assert_untold(&server.stop(), &[OLD, NEW]);
}

#[test]
fn a_single_secret_has_no_position() {
    let server =
        counting("deploy", &format!("verify: {{sender: github, secret: {NEW}}}")).flags("-debug").start();
    check(&server, NEW, 200);
    assert_untold(&server.stop(), &["verified with secret", NEW]);
}

#[test]
fn a_secret_is_changed_without_losing_a_delivery() {
    let server = counting("deploy", "verify: {sender: github, secret: [{file: new}, {file: '@DIR@/old'}]}")
        .file("new", format!("{OLD}\n"))
        .file("old", OLD)
        .flags("-verbose")
        .start();
    let (is_new, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let sent = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut connection = server.connect();
            let mut sent = 0;
            while !is_over.load(Ordering::SeqCst) {
                let secret = if is_new.load(Ordering::SeqCst) { NEW } else { OLD };
                connection.send(&github(secret, "id", BODY)).unwrap().assert(200, "");
                sent += 1;
            }
            sent
        });
        let some_more = || {
            let before = runs(&server);
            eventually("deliveries go on", || runs(&server) > before + 2 || sender.is_finished());
        };
        some_more();
        check(&server, NEW, 401);
        // The new secret is known to the server first, then to the sender, and the old one goes last.
        fs::write(server.path("new"), format!("{NEW}\r\n")).unwrap();
        some_more();
        server.reload(Signal::HUP);
        some_more();
        check(&server, NEW, 200);
        check(&server, OLD, 200);
        is_new.store(true, Ordering::SeqCst);
        some_more();
        some_more();
        fs::write(server.path("old"), NEW).unwrap();
        server.reload(Signal::HUP);
        some_more();
        is_over.store(true, Ordering::SeqCst);
        sender.join().unwrap()
    });
    check(&server, OLD, 401);
    check(&server, NEW, 200);
    assert_eq!(runs(&server), sent + 3);
}

#[test]
fn a_secret_that_cannot_be_read_on_reload_closes_the_hook_until_it_can() {
    let server =
        counting("deploy", "verify: {sender: github, secret: {file: secret}}").file("secret", OLD).start();
    check(&server, OLD, 200);
    for damage in [None, Some("")] {
        fs::remove_file(server.path("secret")).unwrap();
        if let Some(text) = damage {
            fs::write(server.path("secret"), text).unwrap();
        }
        server.reload(Signal::HUP);
        for secret in [OLD, ""] {
            assert_eq!(server.send(&github(secret, "id", BODY)).status, 500, "{damage:?}");
        }
        fs::write(server.path("secret"), OLD).unwrap();
        server.reload(Signal::HUP);
        check(&server, OLD, 200);
    }
    assert_eq!(runs(&server), 3);
}

#[test]
fn a_credential_of_the_service_manager_is_a_secret() {
    let keys = "verify: {sender: github, secret: {credential: github}}";
    let server = counting("deploy", keys)
        .file("credentials/github", format!("{NEW}\n"))
        .env("CREDENTIALS_DIRECTORY", "@DIR@/credentials")
        .start();
    check(&server, NEW, 200);
    check(&server, OLD, 401);
}

#[test]
fn a_match_with_several_secrets_takes_each_and_names_the_one_that_fits() {
    let hooks = "- id: deploy\n  execute-command: 'true'\n  trigger-rule:\n    match:\n      \
                 type: payload-hmac-sha256\n      secret: [the-new-one, the-old-one]\n      \
                 parameter: {source: header, name: X-Hub-Signature-256}\n";
    let server = Setup::new().hooks(hooks).flags("-verbose").start();
    let status = |secret: &str| server.send(&github(secret, "id", BODY)).status;
    for (secret, position) in [("the-new-one", 1), ("the-old-one", 2)] {
        assert_eq!(status(secret), 200);
        server.wait_for_log(&format!("verified with secret {position}"));
    }
    assert_eq!(status("another"), 500);
}
