//! Deliveries as the senders' own documents describe them, right and forged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{NOT_VERIFIED, assert_untold, github_signature, hmac_sha1, hmac_sha256, runs};
use crate::support::{Request, Server, Setup, WITH_OUTPUT};

const SECRET: &str = "super-secret-1234";

const PERFSEE: &str = r#"{
  "eventType": "bundle:finished",
  "payload": {
    "data": {
      "project": {
        "id": "anything",
        "host": "Github",
        "namespace": "perfsee",
        "name": "perfsee",
        "isPublic": false,
        "artifact": {
          "id": 65,
          "branch": "feat/webhook",
          "name": "main",
          "hash": "50fae89df58f7e61431268470df5edebad4ba902",
          "status": "Passed",
          "duration": 5433,
          "failedReason": null,
          "score": 57,
          "createdAt": "2022-12-18T23:12:04.076Z"
        }
      }
    },
    "variables": {"projectId": "anything", "artifactId": 65}
  }
}"#;

const CIRCLECI: &str = r#"{"type":"workflow-completed","id":"f85a2fd5-108d-38e2-a990-fb49e7001515","happened_at":"2021-06-01T11:23:14.146Z","webhook":{"id":"1154a973-e434-407c-8051-9259d8a53e99","name":"Workflow Completed"},"workflow":{"id":"89b02ea5-7fca-4017-a902-747e68235ffd","name":"do-all-the-things","status":"success"},"project":{"name":"very-simple-non-app","slug":"github/zmarkan/very-simple-non-app"}}"#;

const FEATUREPROBE: &str = r#"{
 "action": "CREATE",
 "data": {
  "description": "",
  "environments": [{"enableApproval": false, "key": "online", "name": "online"}],
  "key": "Test",
  "name": "测试"
 },
 "operator": "test@featureprobe.com",
 "resource": "PROJECT",
 "timestamp": 1669342189510
}"#;

const GITHUB: &str = r#"{"ref":"refs/heads/main","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"full_name":"octo/hello"},"pusher":{"name":"octocat"}}"#;

struct Sender {
    name: &'static str,
    body: &'static str,
    signature: fn(secret: &str, body: &str) -> String,
    signature_header: &'static str,
    headers: &'static [(&'static str, &'static str)],
    /// A place in the body, and what is there.
    field: (&'static str, &'static str),
    id: &'static str,
    event: &'static str,
}

const SENDERS: [Sender; 4] = [
    Sender {
        name: "perfsee",
        body: PERFSEE,
        signature: github_signature,
        signature_header: "X-Perfsee-Signature-256",
        headers: &[
            ("Accept", "*/*"),
            ("content-type", "application/json"),
            ("User-Agent", "Perfsee-Hookshot/1"),
            ("X-Perfsee-Delivery", "7d1b2c66-6f3c-4c5e-9d1f-0d6f3f0f7a11"),
            ("X-Perfsee-Event", "bundle-finished"),
            ("X-Perfsee-Hook-ID", "1"),
            ("X-Perfsee-Hook-Project", "perfsee"),
        ],
        field: ("payload.data.project.artifact.id", "65"),
        id: "7d1b2c66-6f3c-4c5e-9d1f-0d6f3f0f7a11",
        event: "bundle-finished",
    },
    Sender {
        name: "circleci",
        body: CIRCLECI,
        signature: |secret, body| format!("v1={}", hex::encode(hmac_sha256(secret, body))),
        signature_header: "circleci-signature",
        headers: &[
            ("content-type", "application/json"),
            ("User-Agent", "CircleCI-Webhook/1.0"),
            ("circleci-event-type", "workflow-completed"),
        ],
        field: ("workflow.status", "success"),
        id: "f85a2fd5-108d-38e2-a990-fb49e7001515",
        event: "workflow-completed",
    },
    Sender {
        name: "featureprobe",
        body: FEATUREPROBE,
        signature: |secret, body| BASE64.encode(hmac_sha1(secret, body)),
        signature_header: "X-FeatureProbe-Sign",
        headers: &[
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "FeatureProbe-Webhook/1.0"),
        ],
        field: ("data.environments.0.key", "online"),
        id: "",
        event: "CREATE",
    },
    Sender {
        name: "github",
        body: GITHUB,
        signature: github_signature,
        signature_header: "X-Hub-Signature-256",
        headers: &[
            ("Content-Type", "application/json"),
            ("User-Agent", "GitHub-Hookshot/044aadd"),
            ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("X-GitHub-Event", "push"),
            ("X-GitHub-Hook-ID", "292430182"),
            ("X-Hub-Signature", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"),
        ],
        field: ("repository.full_name", "octo/hello"),
        id: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event: "push",
    },
];

impl Sender {
    /// The hook prints what it was told of the delivery.
    fn server(&self, verify: &str) -> Server {
        let keys = format!(
            "{WITH_OUTPUT}\nverify: {{sender: {}, {verify}}}\npass-environment-to-command:\n\
             - {{source: payload, name: {}, envname: FIELD}}\n\
             - {{source: delivery, name: id, envname: DELIVERY}}\n\
             - {{source: delivery, name: event, envname: EVENT}}\n\
             - {{source: delivery, name: sender, envname: SENDER}}",
            self.name, self.field.0
        );
        let script = format!("{}; echo \"$FIELD|$DELIVERY|$EVENT|$SENDER\"", super::COUNTED);
        Setup::new().shell("deploy", &script, &keys).env("CI_SECRET", SECRET).flags("-debug").start()
    }

    fn unsigned(&self) -> Request {
        let request = Request::post("/hooks/deploy").body(self.body);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn delivery(&self, signature: &str) -> Request {
        self.unsigned().header(self.signature_header, signature)
    }

    fn printed(&self) -> String {
        format!("{}|{}|{}|{}\n", self.field.1, self.id, self.event, self.name)
    }
}

#[test]
fn a_delivery_as_its_sender_makes_it_runs_the_hook() {
    for sender in SENDERS {
        let server = sender.server("secret: {env: CI_SECRET}");
        let signature = (sender.signature)(SECRET, sender.body);
        server.send(&sender.delivery(&signature)).assert(200, &sender.printed());
        assert_untold(&server.stop(), &[SECRET]);
    }
}

#[test]
fn a_forged_delivery_is_refused_in_one_way_and_the_log_says_why() {
    for sender in SENDERS {
        let mut server = sender.server("secret: {env: CI_SECRET}");
        let right = (sender.signature)(SECRET, sender.body);
        let upper_case = right.to_uppercase();
        let prefix = right.split_once('=').map_or("", |(prefix, _)| prefix);
        let empty = if prefix.len() < 7 { format!("{prefix}=") } else { String::new() };
        let forged = [
            ("no signature", sender.unsigned(), "missing"),
            (
                "another secret",
                sender.delivery(&(sender.signature)("super-secret-1235", sender.body)),
                "does not match",
            ),
            ("no secret", sender.delivery(&(sender.signature)("", sender.body)), "does not match"),
            ("cut short", sender.delivery(&right[..right.len() - 2]), ""),
            ("grown", sender.delivery(&format!("{right}00")), ""),
            ("no prefix or not decodable", sender.delivery("!!!!"), ""),
            ("empty", sender.delivery(&empty), ""),
            ("upper case", sender.delivery(&upper_case.replace("SHA256", "SHA-256").replace("V1", "V2")), ""),
            ("twice", sender.delivery(&right).header(sender.signature_header, &right), "more than once"),
            ("another body", sender.delivery(&right).body(sender.body.replace("6", "7")), "does not match"),
            ("no body", sender.delivery(&right).body(""), "does not match"),
            ("another space", sender.delivery(&right).body(format!("{} ", sender.body)), "does not match"),
        ];
        for (what, request, why) in forged {
            server.mark_log();
            let response = server.send(&request);
            assert_eq!(
                (response.status, response.text().as_str()),
                (401, NOT_VERIFIED),
                "{}: {what}",
                sender.name
            );
            server.wait_for_log_line(why, |line| line.contains("not verified: ") && line.contains(why));
            server.wait_for_log("duration_ms");
            assert_untold(&server.log(), &[SECRET]);
            let expected =
                right.rsplit_once("v1=").or(right.split_once("sha256=")).map_or(&*right, |(_, hex)| hex);
            assert_untold(&server.log(), &[expected]);
        }
        assert_eq!(runs(&server), 0, "{}", sender.name);
        server.send(&sender.delivery(&right)).assert(200, &sender.printed());
    }
}

/// CircleCI may send further versions beside `v1`.
#[test]
fn a_signature_among_others_counts() {
    let [_, circleci, ..] = SENDERS;
    let server = circleci.server(&format!("secret: {SECRET}"));
    let right = (circleci.signature)(SECRET, CIRCLECI);
    let wrong = (circleci.signature)("other", CIRCLECI);
    for list in [format!("v0=00,{right}"), format!("{right},v2=00"), format!("{wrong},{right}")] {
        server.send(&circleci.delivery(&list)).assert(200, &circleci.printed());
    }
    for list in [right.replace("v1=", "v2="), format!("{wrong},v2=00")] {
        server.send(&circleci.delivery(&list)).assert(401, NOT_VERIFIED);
    }
}

#[test]
fn anybody_runs_a_hook_that_says_so() {
    let server = super::counting("deploy", "verify: {sender: none}").flags("-verbose").start();
    server.post("/hooks/deploy").assert(200, "");
    server.get("/hooks/deploy").assert(200, "");
    assert_eq!(runs(&server), 2);
}

#[test]
fn what_was_verified_must_still_meet_the_rule() {
    let keys = format!(
        "verify: {{sender: github, secret: {SECRET}}}\n\
         trigger-rule: {{match: {{type: value, value: refs/heads/main, parameter: {{source: payload, name: ref}}}}}}"
    );
    let server = super::counting("deploy", &keys).start();
    server.send(&super::github(SECRET, "1", GITHUB)).assert(200, "");
    let other = GITHUB.replace("main", "other");
    server.send(&super::github(SECRET, "2", &other)).assert(200, "Hook rules were not satisfied.");
    server.send(&super::github("forged", "3", &other)).assert(401, NOT_VERIFIED);
    assert_eq!(runs(&server), 1);
}
