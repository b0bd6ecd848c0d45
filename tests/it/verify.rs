//! `verify` and `deduplicate` from outside: who is let in, who is not, and what runs how often. Signatures are
//! made here, with nothing of the server's.

mod duplicates;
mod handshakes;
mod mistakes;
mod recorded;
mod rotation;
mod senders;
mod untold;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::support::{Request, Server, Setup, WITH_OUTPUT};

/// One text for every cause.
const NOT_VERIFIED: &str = "Request could not be verified.";

/// Told by every script that runs.
const COUNTED: &str = "echo run >> @DIR@/runs";

fn hmac_sha256(secret: &str, message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

fn hmac_sha1(secret: &str, message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

#[test]
fn strangers_do_not_take_the_lines_of_those_who_are_verified() {
    let keys = "verify: {sender: github, secret: known}\nhttp-methods: [POST]\n\
                trigger-rule: {match: {type: value, value: main, parameter: {source: payload, name: ref}}}";
    let server = Setup::new().shell("deploy", "exit 0", keys).start();
    for _ in 0..20 {
        server.send(&Request::json("/hooks/deploy", "{}")).assert(401, NOT_VERIFIED);
        server.get("/hooks/deploy").assert(405, "");
    }
    let request = github("known", "1", r#"{"ref":"other"}"#);
    server.send(&request).assert(200, "Hook rules were not satisfied.");
    server.wait_for_log("payload ref: not equal");
}

#[test]
fn a_secret_that_nothing_was_put_in_the_place_of_is_told_at_the_start() {
    for secret in ["$DEPLOY_SECRET", "'{{ getenv \"DEPLOY_SECRET\" }}'"] {
        let keys = format!("verify: {{sender: github, secret: {secret}}}");
        Setup::new().shell("run", "exit 0", &keys).start().wait_for_log("the secret is th");
    }
}

/// `sha256=…`, as GitHub and many others write it.
fn github_signature(secret: &str, body: &str) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(secret, body)))
}

/// A delivery to the hook `deploy` as GitHub makes it.
pub(crate) fn github(secret: &str, id: &str, body: &str) -> Request {
    Request::json("/hooks/deploy", body)
        .header("X-GitHub-Event", "push")
        .header("X-GitHub-Delivery", id)
        .header("X-Hub-Signature-256", &github_signature(secret, body))
}

/// A hook that counts its runs and is waited for; `keys` are its `verify` and more.
fn counting(id: &str, keys: &str) -> Setup {
    Setup::new().shell(id, COUNTED, &format!("{WITH_OUTPUT}\n{keys}"))
}

fn runs(server: &Server) -> usize {
    fs::read_to_string(server.path("runs")).unwrap_or_default().lines().count()
}

fn unix_s_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The log says why, and none of it tells a text that nobody may know.
#[track_caller]
fn assert_untold(log: &[String], hidden: &[&str]) {
    for text in hidden {
        let told = log.iter().find(|line| line.contains(text));
        assert!(told.is_none(), "`{text}` is told: {told:?}");
    }
}
