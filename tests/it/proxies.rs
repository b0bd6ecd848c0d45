//! `-trusted-proxies`: who the client is behind a proxy, for rules, commands and the log.

use std::os::unix::net::UnixStream;

use crate::support::{Connection, RULE_ERROR, Request, Server, Setup, WITH_OUTPUT};

const NOT_MET: &str = "Hook rules were not satisfied.";

/// `client` prints `remote-addr`; `office` runs for 203.0.113.0/24.
fn setup() -> Setup {
    Setup::new()
        .hooks(&format!(
            "- id: client\n  execute-command: echo\n  {WITH_OUTPUT}\n  \
             pass-arguments-to-command: [{{source: request, name: remote-addr}}]\n"
        ))
        .hooks("- id: office\n  execute-command: 'true'\n  response-message: ran\n")
        .hooks("  trigger-rule: {match: {type: ip-whitelist, ip-range: 203.0.113.0/24}}\n")
}

fn through(headers: &[(&str, &str)], hook: &str) -> Request {
    let request = Request::post(&format!("/hooks/{hook}"));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

#[track_caller]
fn check(server: &Server, headers: &[(&str, &str)], client: &str, status: u16, answer: &str) {
    server.send(&through(headers, "client")).assert(200, &format!("{client}\n"));
    server.send(&through(headers, "office")).assert(status, answer);
    server.wait_for_log_line(client, |line| {
        line.contains("/hooks/office") && line.contains(&format!(" client={client} "))
    });
}

#[test]
fn a_trusted_proxy_names_the_client() {
    let server = setup().flags("-verbose -trusted-proxies 127.0.0.0/8,10.0.0.0/8").start();
    check(&server, &[("X-Forwarded-For", "203.0.113.7")], "203.0.113.7", 200, "ran");
    check(&server, &[("X-Forwarded-For", "203.0.113.7:4711, 10.0.0.2")], "203.0.113.7:4711", 200, "ran");
    check(&server, &[("X-Forwarded-For", "203.0.113.7, 198.51.100.1")], "198.51.100.1", 200, NOT_MET);
    let two_lines = [("X-Forwarded-For", "203.0.113.7"), ("x-forwarded-for", "198.51.100.2")];
    check(&server, &two_lines, "198.51.100.2", 200, NOT_MET);
    check(&server, &[("Forwarded", "for=\"[2001:db8::1]:4711\"")], "[2001:db8::1]:4711", 200, NOT_MET);
    check(&server, &[("Forwarded", "for=203.0.113.9;proto=https")], "203.0.113.9", 200, "ran");
    let both = [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=198.51.100.1")];
    check(&server, &both, "unknown", 500, RULE_ERROR);
    server.wait_for_log("`X-Forwarded-For` and `Forwarded` do not both name one client");
}

/// The list of `office` would let the proxy itself in.
#[test]
fn a_proxy_is_not_taken_for_a_client_that_it_does_not_name() {
    let hooks = "- id: office
  execute-command: 'true'
  response-message: ran
  trigger-rule: {match: {type: ip-whitelist, ip-range: 127.0.0.0/8}}
";
    let mut server = Setup::new().hooks(hooks).flags("-verbose -trusted-proxies 127.0.0.0/8").start();
    server.send(&through(&[], "office")).assert(200, "ran");
    let many = "127.0.0.1,".repeat(40);
    for header in [("X-Forwarded-For", "unknown"), ("Forwarded", "for=_hidden"), ("X-Forwarded-For", &many)] {
        server.mark_log();
        server.send(&through(&[header], "office")).assert(500, RULE_ERROR);
        server.wait_for_log(&format!("match ip-whitelist: `{}` cannot be read, or is too long", header.0));
    }
}

#[test]
fn without_trust_the_headers_are_ignored() {
    for flags in ["-verbose", "-verbose -trusted-proxies 10.0.0.0/8,unix"] {
        let server = setup().flags(flags).start();
        for header in [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.7")] {
            let client = server.send(&through(&[header], "client")).text();
            assert!(client.starts_with("127.0.0.1:"), "{flags}: {client}");
            server.send(&through(&[header], "office")).assert(200, NOT_MET);
        }
    }
}

#[test]
fn a_peer_on_a_unix_socket_is_trusted_by_its_word() {
    for (trusted, expected) in [("unix", "203.0.113.7\n"), ("127.0.0.1", "@\n")] {
        let server =
            setup().without_address().flags("-socket @DIR@/web.sock -trusted-proxies").flag(trusted).start();
        let stream = UnixStream::connect(server.path("web.sock")).unwrap();
        let request = through(&[("X-Forwarded-For", "203.0.113.7")], "client");
        Connection::unix(stream).unwrap().send(&request).unwrap().assert(200, expected);
    }
}

#[test]
fn a_list_that_cannot_be_meant_is_refused_or_told() {
    let exit = setup().without_address().flags("-trusted-proxies 10.0.0.0/8,proxy").run();
    assert_eq!(exit.code, Some(2), "{exit:?}");
    assert!(exit.stderr.contains("`proxy` is no address and no network"), "{exit:?}");
    let server = setup().flags("-trusted-proxies 0.0.0.0/0").start();
    server.wait_for_log("every client can say that it is another");
}
