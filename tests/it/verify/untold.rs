//! What proves who sent a request stands in no log, not at `-debug` either, and in no explanation: wherever a hook
//! passes it on.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{assert_untold, github_signature};
use crate::support::{Setup, WITH_OUTPUT};

/// In all that must not be told.
const MARK: &str = "4711";

struct Case {
    verify: &'static str,
    /// A reference to the proof itself.
    proof: &'static str,
    query: &'static str,
    headers: String,
    body: &'static str,
}

fn cases() -> Vec<Case> {
    let bearing = |verify, headers: &str| Case {
        verify,
        proof: "source: header, name: Authorization",
        query: "",
        headers: headers.to_owned(),
        body: "{}",
    };
    let basic = STANDARD.encode("ci:tok-4711");
    vec![
        Case {
            proof: "source: header, name: X-Gitlab-Token",
            ..bearing("sender: gitlab, secret: tok-4711", "X-Gitlab-Token: tok-4711")
        },
        bearing("sender: alertmanager, secret: tok-4711", "Authorization: Bearer tok-4711"),
        bearing("sender: postmark, username: ci, secret: tok-4711", &format!("Authorization: Basic {basic}")),
        Case {
            proof: "source: payload, name: passcode",
            body: r#"{"event_type":"PING","passcode":"tok-\"4711"}"#,
            ..bearing("sender: figma, secret: 'tok-\"4711'", "Content-Type: application/json")
        },
        Case {
            proof: "source: payload, name: token",
            body: "token=tok%2B4711&text=a",
            ..bearing(
                "sender: mattermost, secret: tok+4711",
                "Content-Type: application/x-www-form-urlencoded",
            )
        },
        Case {
            proof: "source: url, name: t",
            query: "?t=tok%2B4711",
            ..bearing("algorithm: token, signature: 'query:t', secret: tok+4711", "X-Other: 1")
        },
        Case {
            proof: "source: string, name: tok-4711",
            ..bearing(
                "sender: github, secret: tok-4711",
                &format!("X-Hub-Signature-256: {}", github_signature("tok-4711", "{}")),
            )
        },
    ]
}

/// The hook that passes all on, and tells it again in its output.
fn hook(number: usize, case: &Case) -> String {
    let Case { verify, proof, .. } = case;
    format!(
        "- id: hook-{number}\n  execute-command: /bin/sh\n  {WITH_OUTPUT}\n  verify: {{{verify}}}\n  \
         pass-arguments-to-command:\n  - {{source: string, name: '-c'}}\n  \
         - {{source: string, name: 'printf \"%s \" \"$@\" \"$PROOF\" \"$HEADERS\"'}}\n  - {{source: string, name: sh}}\n  - {{{proof}}}\n  - {{source: entire-headers}}\n  - {{source: entire-query}}\n  - {{source: entire-payload}}\n  \
         - {{source: raw-request-body}}\n  \
         pass-environment-to-command:\n  - {{{proof}, envname: PROOF}}\n  - {{source: entire-headers, envname: HEADERS}}\n  \
         pass-file-to-command:\n  - {{source: raw-request-body, envname: BODY}}\n  \
         pass-stdin-to-command: {{source: raw-request-body}}\n"
    )
}

fn message(number: usize, case: &Case) -> String {
    let Case { query, headers, body, .. } = case;
    let length = body.len();
    format!(
        "POST /hooks/hook-{number}{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n\r\n{body}"
    )
}

#[test]
fn a_proof_is_told_nowhere() {
    let cases = cases();
    let hooks: String = cases.iter().enumerate().map(|(number, case)| hook(number, case)).collect();
    let server = Setup::new().hooks(&hooks).flags("-debug").start();
    let basic = STANDARD.encode("ci:tok-4711");
    let signature = github_signature("tok-4711", "{}");
    let hidden = [MARK, &basic, signature.trim_start_matches("sha256=")];
    for (number, case) in cases.iter().enumerate() {
        let mut connection = server.connect();
        connection.write(message(number, case).as_bytes()).unwrap();
        let answer = connection.response().unwrap();
        assert_eq!(answer.status, 200, "{}: {}", case.verify, answer.text());
        assert!(
            hidden.iter().any(|text| answer.text().contains(text)),
            "the command gets it: {}",
            answer.text()
        );
        server.wait_for_log_line("command output", |line| {
            line.contains(&format!("hook-{number}"))
                && line.contains("command output")
                && line.contains("***")
        });
        server.wait_for_log_line("executing", |line| {
            line.contains(&format!("hook-{number}"))
                && line.contains("with arguments")
                && line.contains("***")
        });
    }
    assert_untold(&server.stop(), &hidden);
    for format in ["text", "json"] {
        for (number, case) in cases.iter().enumerate() {
            let setup = Setup::new().file("hooks.yaml", &hooks).file("request.http", message(number, case));
            let flags =
                format!("explain -hooks @DIR@/hooks.yaml -request @DIR@/request.http -format {format}");
            let exit = setup.without_address().flags(&flags).run();
            assert_eq!(exit.code, Some(0), "{}: {}", case.verify, exit.stderr);
            assert!(exit.stdout.contains("***"), "{}", exit.stdout);
            assert_untold(&exit.stdout.lines().map(str::to_owned).collect::<Vec<_>>(), &hidden);
        }
    }
}
