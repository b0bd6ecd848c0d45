//! Every recorded handshake, from outside: the answer is the recorded one, and nothing runs.

use serde_json::Value;

use super::{COUNTED, NOT_VERIFIED, runs};
use crate::support::{Request, Response, Server, Setup};

const CHALLENGES: &str = include_str!("../../data/senders/challenges.json");

/// Those that count only when they are signed, which the recorded ones are not.
const SIGNED: [&str; 3] = ["slack", "twitch", "discord"];

/// The seed 00..1f and its public key.
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

struct Case {
    id: String,
    sender: String,
    recorded: Value,
}

impl Case {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.recorded.pointer(pointer).and_then(Value::as_str)
    }

    fn headers(&self, pointer: &str) -> Vec<(&str, &str)> {
        let headers = self.recorded.pointer(pointer).and_then(Value::as_object);
        headers.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
    }

    fn verify(&self) -> String {
        let secret = match self.sender.as_str() {
            "discord" => PUBLIC,
            _ => self.text("/secret").unwrap_or("secret"),
        };
        let keys = match self.sender.as_str() {
            // It has a row of its own in no table: its deliveries are signed in another way.
            "monday" => "signature: 'header:X-Signature', handshake: monday".to_owned(),
            "asana" => format!("sender: asana, set-up-file: '@DIR@/{}'", self.id),
            "trello" => "sender: trello, public-url: 'https://h/'".to_owned(),
            "wecom" => format!(
                "sender: wecom, tolerance: 0, encoding-aes-key: {}, receive-id: {}",
                self.text("/aes_key").unwrap(),
                self.text("/receive_id").unwrap()
            ),
            sender => format!("sender: {sender}"),
        };
        format!("verify: {{{keys}, secret: {secret}}}")
    }

    fn request(&self) -> Request {
        let query = self.text("/request/url").and_then(|url| url.split_once('?'));
        let query = query.map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let target = format!("/hooks/{}{query}", self.id);
        let request = Request::new(self.text("/request/method").unwrap(), &target);
        let request = request.body(self.text("/request/body").unwrap_or_default());
        let headers = self.headers("/request/headers");
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// What its sender would have sent, which is signed.
    fn signed(&self, server: &Server) -> Vec<u8> {
        let secret = if self.sender == "discord" { SEED } else { "secret" };
        let url = format!("http://{}/hooks/{}", server.address(), self.id);
        let setup =
            Setup::new().without_address().env("SECRET", secret).flags("send --dry-run --secret-env SECRET");
        let setup = setup.flags(&format!("--sender {} {url}", self.sender)).flag("--data");
        let setup = setup.flag(self.text("/request/body").unwrap());
        let headers = self.headers("/request/headers");
        let with_header =
            |setup: Setup, (name, value)| setup.flag("--header").flag(&format!("{name}: {value}"));
        let exit = headers.into_iter().fold(setup, with_header).run();
        assert_eq!(exit.code, Some(0), "{}: {}", self.sender, exit.stderr);
        exit.stdout.into_bytes()
    }

    #[track_caller]
    fn assert_answer(&self, answer: &Response) {
        let Self { id, .. } = self;
        assert_eq!(Some(u64::from(answer.status)), self.recorded["response"]["status"].as_u64(), "{id}");
        assert_eq!(Some(answer.text().as_str()), self.text("/response/body"), "{id}");
        for (name, value) in self.headers("/response/headers") {
            assert_eq!(answer.header(name), Some(value), "{id}: {name}");
        }
        if let Some(kind) = self.text("/response/content_type") {
            let given = answer.header("content-type").unwrap_or_default();
            assert_eq!(given.split(';').next(), Some(kind), "{id}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{id}");
        }
    }
}

fn cases() -> Vec<Case> {
    let recorded: Vec<Value> = serde_json::from_str(CHALLENGES).unwrap();
    let case = |(number, recorded): (usize, Value)| {
        let sender = recorded["sender"].as_str().unwrap().to_owned();
        Case { id: format!("{sender}-{number}"), sender, recorded }
    };
    recorded.into_iter().enumerate().map(case).collect()
}

#[test]
fn every_recorded_handshake_has_its_answer() {
    let cases = cases();
    assert_eq!(cases.len(), 16);
    let with_hook = |setup: Setup, case: &Case| setup.shell(&case.id, COUNTED, &case.verify());
    let server = cases.iter().fold(Setup::new(), with_hook).start();
    for case in &cases {
        let mut connection = server.connect();
        if SIGNED.contains(&case.sender.as_str()) {
            server.send(&case.request()).assert(401, NOT_VERIFIED);
            connection.write(&case.signed(&server)).unwrap();
        } else {
            connection.write(&case.request().to_bytes()).unwrap();
        }
        let is_head = case.text("/request/method") == Some("HEAD");
        let answer = if is_head { connection.response_head() } else { connection.response() };
        case.assert_answer(&answer.unwrap());
    }
    assert_eq!(runs(&server), 0);
}
