//! `hookrunner send`: what it signs is verified, and it is as patient as a sender should be.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Exit, Server, Setup};

/// The table as it is compiled in.
const SENDERS: &str = include_str!("../../src/sender/senders.json");

/// Their private keys are theirs alone.
const UNSIGNABLE: [&str; 4] = ["kick", "paypal", "sendgrid", "travis"];

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC_HEX: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const PUBLIC_WHPK: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

type Row = BTreeMap<String, Value>;

fn rows() -> Vec<Row> {
    serde_json::from_str(SENDERS).unwrap()
}

fn text<'r>(row: &'r Row, key: &str) -> &'r str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What the sender holds, and what the hook.
fn secrets(row: &Row) -> (&'static str, &'static str) {
    match (text(row, "alg"), text(row, "key")) {
        ("ed25519", "whpk") => (SEED, PUBLIC_WHPK),
        ("ed25519", _) => (SEED, PUBLIC_HEX),
        ("basic", _) => ("user:s3cr3t", "user:s3cr3t"),
        (_, "hex") => ("5aa5c33c0ff0", "5aa5c33c0ff0"),
        (_, "base64") => ("c2VjcmV0LWtleQ==", "c2VjcmV0LWtleQ=="),
        (_, "whsec") => ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        _ => ("s3cr3t", "s3cr3t"),
    }
}

/// Answers with what the delivery says of itself.
fn hook(row: &Row) -> String {
    let name = text(row, "name");
    let mut hook = format!(
        "- id: {name}\n  execute-command: echo\n  include-command-output-in-response: true\n  \
         pass-arguments-to-command:\n  - {{source: delivery, name: sender}}\n  - {{source: delivery, name: id}}\n  \
         - {{source: delivery, name: event}}\n  verify:\n    sender: {name}\n"
    );
    if text(row, "alg") != "none" {
        hook.push_str(&format!("    secret: '{}'\n", secrets(row).1));
    }
    let message = text(row, "msg");
    if message.contains("{url}") || message.contains("{path}") {
        hook.push_str(&format!("    public-url: https://hooks.example.com/hooks/{name}\n"));
    }
    hook
}

fn send(arguments: &str, secret: &str) -> Exit {
    let setup = if secret.is_empty() { Setup::new() } else { Setup::new().env("SECRET", secret) };
    setup.without_address().flags("send").flags(arguments).run()
}

/// The raw request, as a peer that knows nothing of us would send it.
fn deliver(server: &Server, raw: &str) -> (u16, String) {
    let mut connection = server.connect();
    connection.write(raw.as_bytes()).unwrap();
    let response = connection.response().unwrap();
    (response.status, response.text())
}

#[test]
fn what_it_signs_verifies_for_every_sender() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| !UNSIGNABLE.contains(&text(row, "name"))).collect();
    let hooks: String = rows.iter().map(hook).collect();
    let server = Setup::new().hooks(&hooks).start();
    for row in &rows {
        let name = text(row, "name");
        let mut arguments = format!(
            "--dry-run --sender {name} --public-url https://hooks.example.com/hooks/{name} http://{}/hooks/{name}",
            server.address()
        );
        let secret = if text(row, "alg") == "none" { "" } else { secrets(row).0 };
        if !secret.is_empty() {
            arguments.push_str(" --secret-env SECRET");
        }
        if !text(row, "id").is_empty() {
            arguments.push_str(" --delivery-id 0b7c-42");
        }
        if !text(row, "event").is_empty() {
            arguments.push_str(" --event push");
        }
        let exit = send(&arguments, secret);
        assert_eq!(exit.code, Some(0), "{name}: {}", exit.stderr);
        let expected = match text(row, "alg") {
            "none" => format!("{name}  \n"),
            // Nothing that it signs is a delivery, and what is no check of a URL is refused.
            _ if name == "wecom" => {
                assert_eq!(deliver(&server, &exit.stdout), (400, String::new()), "{}", exit.stdout);
                continue;
            }
            _ => {
                let id = if text(row, "id").is_empty() { "" } else { "0b7c-42" };
                let event = if text(row, "event").is_empty() { "" } else { "push" };
                format!("{name} {id} {event}\n")
            }
        };
        assert_eq!(deliver(&server, &exit.stdout), (200, expected), "{name}\n{}", exit.stdout);
    }
    assert!(rows.len() > 110);
}

#[test]
fn a_key_that_only_the_sender_has_cannot_sign() {
    for name in UNSIGNABLE {
        let exit = send(&format!("--sender {name} --secret-env SECRET --dry-run http://localhost/"), "x");
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(2), ""), "{name}");
        assert!(exit.stderr.contains("needs the sender's private key"), "{name}: {}", exit.stderr);
    }
}

#[test]
fn the_answer_is_printed_and_decides_the_exit_code() {
    let hooks = "- {id: deploy, execute-command: 'true', response-message: deployed, \
                 verify: {sender: github, secret: s3cr3t}, \
                 trigger-rule: {match: {type: value, value: push, parameter: {source: delivery, name: event}}}, \
                 trigger-rule-mismatch-http-response-code: 403}\n";
    let server = Setup::new().hooks(hooks).start();
    let url = format!("http://{}/hooks/deploy", server.address());
    let exit = send(&format!("-sender=github -secret-env SECRET {url} -event push"), "s3cr3t");
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    assert!(exit.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{}", exit.stdout);
    assert!(exit.stdout.contains("\r\ncontent-type: text/plain"), "{}", exit.stdout);
    assert!(exit.stdout.ends_with("\r\n\r\ndeployed"), "{}", exit.stdout);
    for (event, secret, status) in
        [("ping", "s3cr3t", "403 Forbidden"), ("push", "wrong", "401 Unauthorized")]
    {
        let exit = send(&format!("--sender github --secret-env SECRET --event {event} {url}"), secret);
        assert_eq!(exit.code, Some(1), "{event} {secret}");
        assert!(exit.stdout.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{}", exit.stdout);
    }
}

#[test]
fn the_request_is_what_the_flags_say() {
    let setup = Setup::new().file("secret", "s3cr3t\n").file("body.json", "{\"ref\": \"main\"}");
    let flags = "send --sender github --secret-file @DIR@/secret --data @@DIR@/body.json --method PUT --event push \
                 --delivery-id 42 --dry-run http://localhost:9000/hooks/a?b=c";
    let exit = setup.without_address().flags(flags).flag("--header").flag("X-Custom: a b").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let (head, body) = exit.stdout.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"ref\": \"main\"}");
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("PUT /hooks/a?b=c HTTP/1.1"));
    let headers: Vec<&str> = lines.collect();
    for header in [
        "Host: localhost:9000",
        "X-Custom: a b",
        "Content-Type: application/json",
        "X-GitHub-Delivery: 42",
        "X-GitHub-Event: push",
        "X-Hub-Signature-256: sha256=479a1ee21c69dd6a3c0c218a13cbc50fdf96b544c939604ff2b22cef855ff4eb",
        "Content-Length: 15",
    ] {
        assert!(headers.contains(&header), "{header} is not in {headers:#?}");
    }
}

#[test]
fn an_id_is_made_up_afresh_each_time() {
    let id = || {
        let exit = send("--sender github --secret-env SECRET --dry-run http://localhost/", "s3cr3t");
        let line = exit.stdout.lines().find_map(|line| line.strip_prefix("X-GitHub-Delivery: "));
        line.unwrap().trim_end().to_owned()
    };
    let (first, second) = (id(), id());
    assert_ne!(first, second);
    let lengths: Vec<usize> = first.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{first}");
}

#[test]
fn a_call_that_does_not_fit_is_exit_2_and_says_why() {
    #[track_caller]
    fn check(arguments: &str, said: &str) {
        let exit = send(arguments, "s3cr3t");
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(2), ""), "{arguments}: {}", exit.stderr);
        assert!(exit.stderr.contains(said), "{arguments}: {}", exit.stderr);
        assert!(!exit.stderr.contains("s3cr3t"), "{arguments}: {}", exit.stderr);
    }
    let github = "--sender github --secret-env SECRET";
    check("", "--sender");
    check("--sender github", "URL");
    check("--sender githbu --secret-env SECRET http://localhost/", "did you mean `github`?");
    check("--sender adyen --secret-env SECRET http://localhost/", "cannot be verified");
    check("--sender github http://localhost/", "needs a secret");
    check("--sender github --secret-env NO_SUCH http://localhost/", "NO_SUCH is not set");
    check("--sender sendgrid --secret-env NO_SUCH http://localhost/", "which only the sender has");
    check("--sender github --secret-file /dev/null http://localhost/", "the file /dev/null is empty");
    check(&format!("{github} --secret-file /dev/null http://localhost/"), "cannot be used with");
    check("--sender quay --secret-env SECRET http://localhost/", "signs nothing");
    check("--sender clerk --secret-env SECRET http://localhost/", "the secret is not `whsec_` and base64");
    check("--sender postmark --secret-env SECRET http://localhost/", "`username`");
    check("--sender discord --secret-env SECRET http://localhost/", "not an Ed25519 private key");
    check(&format!("{github} --username me http://localhost/"), "no effect");
    check(&format!("{github} ftp://localhost/"), "`ftp://localhost/`");
    check(&format!("{github} --header X-Custom http://localhost/"), "Name: value");
    check(&format!("{github} --header Content-Length:1 http://localhost/"), "by hookrunner itself");
    check(&format!("{github} --header A(b:1 http://localhost/"), "cannot be a header's name");
    check(&format!("{github} --data @/no/such/file http://localhost/"), "/no/such/file");
    check(&format!("{github} --timeout 0 http://localhost/"), "timeout");
    check("--sender asana --secret-env SECRET --event push http://localhost/", "no event");
    let stripe = "--sender stripe --secret-env SECRET --event charge http://localhost/ --data";
    let taken =
        "`-event charge` contradicts the request: JSON value `/type` says otherwise; leave one of them out";
    check(&format!("{stripe} {{\"type\":\"refund\"}}"), taken);
    check(&format!("{stripe} {{\"type\":null}}"), taken);
    check(
        &format!("{stripe} plain"),
        "the body is not a JSON object, which this sender puts JSON value `/type` into",
    );
    let id = "--sender stripe --secret-env SECRET --delivery-id 1 --data {\"id\":2} http://localhost/";
    check(id, "`-delivery-id 1` contradicts the request: JSON value `/id` says otherwise");
    let header = format!("{github} --event push --header X-GitHub-Event:ping http://localhost/");
    check(&header, "`-event push` contradicts the request: header `X-GitHub-Event` says otherwise");
    check(
        &format!("{github} --delivery-id 1 --header x-github-delivery:2 http://localhost/"),
        "`-delivery-id 1`",
    );
    check(&format!("{github} --header x-hub-signature-256:00 http://localhost/"), "written by signing");
    check(
        "--sender slack --secret-env SECRET --header X-Slack-Request-Timestamp:1 http://localhost/",
        "by signing",
    );
    check(
        "--sender postmark --secret-env SECRET --username me --header authorization:x http://localhost/",
        "the header `authorization` is written by signing: leave it out",
    );
}

/// In the body of the sender, or of the user: what is there already stays as it is.
#[test]
fn an_event_in_the_body_is_put_there() {
    #[track_caller]
    fn check(arguments: &str, body: &str) {
        let exit = send(&format!("--dry-run --secret-env SECRET {arguments} http://localhost/"), "s3cr3t");
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{arguments}");
        assert_eq!(exit.stdout.split_once("\r\n\r\n").unwrap().1, body, "{arguments}");
    }
    let stripe = "--sender stripe --event charge";
    check(&format!("{stripe} --delivery-id 1"), r#"{"id":"1","type":"charge"}"#);
    check(&format!("{stripe} --data {{\"a\":1}}"), r#"{"a":1,"type":"charge"}"#);
    check(&format!("{stripe} --data {{\"type\":\"charge\",\"a\":1e0}}"), r#"{"type":"charge","a":1e0}"#);
    check("--sender tailscale --event up", r#"[{"type":"up"}]"#);
    check("--sender tailscale --event up --data []", r#"[{"type":"up"}]"#);
    check("--sender mattermost --event up --data text=a", "text=a&trigger_word=up&token=s3cr3t");
    check("--sender mattermost --event up --data trigger_word=up", "trigger_word=up&token=s3cr3t");
    check("--sender stripe --data {\"id\":7} --delivery-id 7", r#"{"id":7}"#);
    check("--sender github --event push --header X-GitHub-Event:push", "{}");
}

/// What a listener got, and when.
struct Received {
    id: String,
    signature: String,
    at: Instant,
}

/// Answers one connection after the other, each once.
fn answering(answers: &'static [&'static str]) -> (SocketAddr, JoinHandle<Vec<Received>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listening = thread::spawn(move || {
        let mut received = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut reader = BufReader::new(stream);
            let mut headers = BTreeMap::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some((name, value)) = line.trim_end().split_once(": ") {
                    headers.insert(name.to_lowercase(), value.to_owned());
                }
                line.clear();
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            let (id, signature) = (headers["webhook-id"].clone(), headers["webhook-signature"].clone());
            received.push(Received { id, signature, at: Instant::now() });
        }
        received
    });
    (address, listening)
}

const SENDING: &str = "--sender render --secret-env SECRET";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn it_is_sent_again_with_the_same_id_and_a_fresh_signature() {
    let (address, listening) = answering(&[
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ]);
    let exit = send(&format!("{SENDING} --retries 3 http://{address}/"), WHSEC);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stdout.ends_with("\r\n\r\nhi"), "{}", exit.stdout);
    let told: Vec<&str> = exit.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("answered 503") && told[1].contains("answered 429"), "{told:?}");
    let received = listening.join().unwrap();
    let [first, second, third] = received.as_slice() else { panic!("not three") };
    assert!(received.iter().all(|delivery| delivery.id == first.id));
    assert_ne!(first.signature, second.signature);
    for (before, after) in [(first, second), (second, third)] {
        let waited = after.at - before.at;
        assert!(waited >= Duration::from_secs(1), "{waited:?} {told:?}");
    }
}

#[test]
fn a_connection_that_breaks_is_tried_again() {
    let (address, listening) = answering(&["", "HTTP/1.1 204 No Content\r\n\r\n"]);
    let exit = send(&format!("{SENDING} --retries 1 http://{address}/"), WHSEC);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains("failed to get an answer"), "{}", exit.stderr);
    assert_eq!(listening.join().unwrap().len(), 2);
}

#[test]
fn without_retries_the_first_answer_counts_and_a_4xx_always_does() {
    for (answer, flags) in [
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "--retries 3"),
    ] {
        let answers = Box::leak(Box::new([answer]));
        let (address, listening) = answering(answers);
        let exit = send(&format!("{SENDING} {flags} http://{address}/"), WHSEC);
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(1), ""));
        assert!(exit.stdout.starts_with(&answer[..20]), "{}", exit.stdout);
        assert_eq!(listening.join().unwrap().len(), 1);
    }
}

#[test]
fn nobody_there_or_nobody_answering_is_exit_1() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let exit = send(&format!("{SENDING} --timeout 100ms http://{address}/"), WHSEC);
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""));
    assert!(exit.stderr.contains("did not answer within 100ms"), "{}", exit.stderr);
    drop(silent);
    let exit = send(&format!("{SENDING} http://{address}/"), WHSEC);
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""));
    assert!(exit.stderr.contains("failed to reach 127.0.0.1:"), "{}", exit.stderr);
}

#[test]
fn https_checks_the_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Setup::new()
        .hooks("- {id: a, execute-command: 'true', verify: {sender: github, secret: s3cr3t}}\n")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .flags("-secure")
        .start();
    let flags = format!(
        "send --sender github --secret-env SECRET https://localhost:{}/hooks/a",
        server.address().port()
    );
    let send = |trusted: &str| {
        let setup = Setup::new()
            .env("SECRET", "s3cr3t")
            .env("SSL_CERT_FILE", "@DIR@/roots.pem")
            .env("SSL_CERT_DIR", "");
        setup.file("roots.pem", trusted).without_address().flags(&flags).run()
    };
    let exit = send(&made.cert.pem());
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let exit = send(&other.cert.pem());
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""));
    assert!(exit.stderr.contains("failed to set up TLS"), "{}", exit.stderr);
    let exit = send("");
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""));
    assert!(exit.stderr.contains("knows no certificate authority"), "{}", exit.stderr);
}
