//! Flags as Go's flag package reads them, and the ones that print and leave.

use crate::support::{Server, Setup};

fn hello() -> Setup {
    Setup::new().says("hello", "hi")
}

#[test]
fn a_value_is_joined_or_separate_after_one_dash_or_two() {
    for flags in ["-urlprefix in", "-urlprefix=in", "--urlprefix in", "--urlprefix=in"] {
        let response = hello().flags(flags).start().get("/in/hello");
        assert_eq!((response.status, response.text().as_str()), (200, "hi"), "{flags}");
    }
}

#[test]
fn an_empty_value_and_a_value_with_slashes_are_values() {
    hello().flags("-urlprefix=").start().get("/hello").assert(200, "hi");
    hello().flag("-urlprefix").flag("").start().get("/hello").assert(200, "hi");
    hello().flags("-urlprefix=a/b").start().get("/a/b/hello").assert(200, "hi");
}

#[test]
fn a_repeated_single_flag_takes_its_last_value() {
    hello().flags("-urlprefix first -urlprefix last").start().get("/last/hello").assert(200, "hi");
}

#[test]
fn booleans_take_no_value_or_a_joined_one() {
    let verbose = |flags: &str| {
        let server = hello().flags(flags).start();
        server.get("/hooks/hello").assert(200, "hi");
        server.stop().iter().any(|line| line.contains("hook triggered successfully"))
    };
    for flags in ["-verbose", "--verbose", "-verbose=true", "-verbose=1", "-verbose=T", "-debug"] {
        assert!(verbose(flags), "{flags}");
    }
    for flags in ["", "-verbose=false", "--verbose=0", "-verbose=F", "-verbose -verbose=false"] {
        assert!(!verbose(flags), "{flags}");
    }
}

#[test]
fn hooks_files_are_repeatable_and_may_be_json_or_yaml_whatever_their_name() {
    let server = Setup::new()
        .file("one", r#"[{"id": "one", "execute-command": "true", "response-message": "1"}]"#)
        .file("two.json", "- {id: two, execute-command: 'true', response-message: '2'}")
        .flags("-hooks one --hooks=two.json")
        .start();
    server.get("/hooks/one").assert(200, "1");
    server.get("/hooks/two").assert(200, "2");
}

#[test]
fn hooks_json_in_the_working_directory_is_the_default() {
    let hooks = r#"[{"id": "hello", "execute-command": "true", "response-message": "hi"}]"#;
    Setup::new().file("hooks.json", hooks).start().get("/hooks/hello").assert(200, "hi");
}

#[test]
fn a_directory_stands_for_the_hooks_files_in_it() {
    let hook = |id: &str| format!("- {{id: {id}, execute-command: 'true', response-message: {id}}}\n");
    let server = Setup::new()
        .file("all/a.yaml", hook("a"))
        .file("all/b.yml", hook("b"))
        .file("all/c.json", hook("c"))
        .file("all/README.txt", "no hooks at all: [")
        .flags("-hooks all")
        .start();
    for id in ["a", "b", "c"] {
        server.get(&format!("/hooks/{id}")).assert(200, id);
    }
}

#[test]
fn headers_are_repeatable_and_appear_where_something_matched() {
    let server = hello().flags("-header X-One=1 -header=X-Two=a=b").start();
    let headers = |server: &Server, target: &str| {
        let response = server.get(target);
        ["x-one", "x-two"].map(|name| response.header(name).map(str::to_owned))
    };
    let both = [Some("1".to_owned()), Some("a=b".to_owned())];
    assert_eq!(headers(&server, "/"), both);
    assert_eq!(headers(&server, "/hooks/hello"), both);
    assert_eq!(headers(&server, "/hooks/unknown"), [None, None]);
}

#[test]
fn methods_are_limited_and_a_refusal_names_the_allowed_ones() {
    let server = hello().flag("-http-methods= post , put").start();
    server.post("/hooks/hello").assert(200, "hi");
    let refused = server.get("/hooks/hello");
    refused.assert(405, "");
    let allowed = refused.header("allow").unwrap_or_default().to_owned();
    assert!(allowed.contains("POST") && allowed.contains("PUT"), "{allowed}");
}

#[test]
fn the_version_is_one_line_of_the_known_form() {
    for flag in ["-version", "--version"] {
        let exit = Setup::new().without_address().flags(flag).run();
        assert_eq!(exit.code, Some(0));
        assert_eq!(exit.stdout, concat!("hookrunner version ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn cipher_suites_are_listed_by_their_iana_names() {
    let exit = Setup::new().without_address().flags("-list-cipher-suites").run();
    assert_eq!(exit.code, Some(0));
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] {
        assert!(exit.stdout.contains(suite), "{suite} is not in\n{}", exit.stdout);
    }
}

#[test]
fn help_lists_every_flag_with_its_default() {
    const DEFAULTS: &[(&str, &str)] = &[
        ("hooks", "hooks.json"),
        ("ip", "0.0.0.0"),
        ("port", "9000"),
        ("socket", ""),
        ("urlprefix", "hooks"),
        ("http-methods", ""),
        ("header", ""),
        ("verbose", ""),
        ("debug", ""),
        ("logfile", ""),
        ("log-format", "text"),
        ("nopanic", ""),
        ("hotreload", ""),
        ("template", ""),
        ("secure", ""),
        ("cert", "cert.pem"),
        ("key", "key.pem"),
        ("tls-min-version", "1.2"),
        ("cipher-suites", ""),
        ("list-cipher-suites", ""),
        ("pidfile", ""),
        ("setuid", ""),
        ("setgid", ""),
        ("x-request-id", ""),
        ("x-request-id-limit", ""),
        ("max-multipart-mem", ""),
        ("max-body-size", "32MiB"),
        ("max-body-memory", "256MiB"),
        ("max-output", "32MiB"),
        ("max-connections", "1024"),
        ("header-timeout", "10s"),
        ("body-timeout", "60s"),
        ("drain-timeout", "30s"),
        ("version", ""),
    ];
    for spelling in ["-help", "--help", "-h"] {
        let exit = Setup::new().without_address().flags(spelling).run();
        assert_eq!(exit.code, Some(0), "{spelling}");
        let help = exit.stdout + &exit.stderr;
        for (flag, default) in DEFAULTS {
            let entry = help_entry(&help, flag);
            let entry = entry.unwrap_or_else(|| panic!("{spelling} does not list -{flag}:\n{help}"));
            assert!(
                entry.replace(' ', "").contains(default),
                "{spelling} does not give the default {default} of -{flag}:\n{entry}"
            );
        }
    }
}

/// The lines about `flag`, up to those about the next one.
fn help_entry(help: &str, flag: &str) -> Option<String> {
    let is_entry = |line: &str| line.trim_start().starts_with('-');
    let names_flag = |line: &str| {
        let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        is_entry(line) && words.any(|word| word.starts_with('-') && word.trim_start_matches('-') == flag)
    };
    let mut lines = help.lines().skip_while(|line| !names_flag(line));
    let first = lines.next()?;
    let more = lines.take_while(|line| !is_entry(line));
    Some([first].into_iter().chain(more).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_command_line_that_cannot_be_understood_is_exit_2_and_names_the_flag() {
    const MISTAKES: &[(&str, &str)] = &[
        ("-no-such-flag", "no-such-flag"),
        ("--no-such-flag=1", "no-such-flag"),
        ("-port nine", "port"),
        ("-port", "port"),
        ("-verbose=maybe", "verbose"),
        ("-max-body-size 3x", "max-body-size"),
        ("-drain-timeout soon", "drain-timeout"),
        ("-log-format xml", "log-format"),
        ("-http-methods ,", "http-methods"),
    ];
    for (flags, named) in MISTAKES {
        let exit = hello().without_address().flags(flags).run();
        assert_eq!(exit.code, Some(2), "{flags}: {exit:?}");
        assert!(exit.stderr.contains(named), "{flags}: {exit:?}");
    }
}

#[test]
fn a_first_word_that_is_no_command_is_exit_2_and_the_commands_are_named() {
    for (word, said) in [
        ("chek", "there is no command `chek`; did you mean `check`?"),
        ("serve", "there is no command `serve`\n\nThe commands are `check`, `explain`"),
    ] {
        let exit = Setup::new().without_address().flags(word).flags("-hooks hooks.yaml").run();
        assert_eq!(exit.code, Some(2), "{word}: {exit:?}");
        assert!(exit.stderr.contains(said), "{word}: {exit:?}");
    }
}

#[test]
fn certificates_without_https_are_warned_of() {
    let server = hello().flags("-cert cert.pem -key own.pem").start();
    server.wait_for_log("serving plain HTTP: `-cert` and `-key` count with `-secure` only");
    assert!(hello().flags("-cert cert.pem").start().stop().iter().all(|line| !line.contains("plain HTTP")));
}

#[test]
fn sizes_and_durations_take_their_units() {
    let flags = "-max-body-size 1KiB -max-body-memory 2MiB -max-output 1GiB -header-timeout 250ms \
                 -body-timeout 5m -drain-timeout 1h";
    hello().flags(flags).start().get("/hooks/hello").assert(200, "hi");
    hello().flags("-max-body-size 4096 -drain-timeout 10s").start().get("/hooks/hello").assert(200, "hi");
}

const MISMATCHING: &str =
    "trigger-rule: {match: {type: value, value: never, parameter: {source: request, name: method}}}";

#[test]
fn the_status_of_a_rule_that_is_not_met_may_be_another_for_all_hooks() {
    let hook =
        |id: &str, keys: &str| format!("- {{id: {id}, execute-command: 'true', {keys}{MISMATCHING}}}\n");
    let hooks = hook("usual", "")
        + &hook("own", "trigger-rule-mismatch-http-response-code: 418, ")
        + &hook("unset", "trigger-rule-mismatch-http-response-code: 0, ");
    let request = |id: &str| format!("GET /hooks/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (flags, statuses) in [("", [200, 418, 200]), ("-mismatch-http-response-code 400", [400, 418, 400])] {
        let server = Setup::new().hooks(&hooks).flags(flags).start();
        for (id, status) in ["usual", "own", "unset"].into_iter().zip(statuses) {
            server.get(&format!("/hooks/{id}")).assert(status, "Hook rules were not satisfied.");
            let explaining = Setup::new().file("hooks.yaml", &hooks).file("request.http", request(id));
            let explain = "explain -hooks @DIR@/hooks.yaml -request @DIR@/request.http -format json";
            let exit = explaining.without_address().flags(explain).flags(flags).run();
            assert!(exit.stdout.contains(&format!("\"status\": {status},")), "{flags} {id}: {}", exit.stdout);
        }
    }
}

#[test]
fn a_status_that_is_never_sent_does_not_start() {
    for status in ["0", "-1", "99", "101", "299", "600", "403x", ""] {
        let exit = hello().flag(&format!("-mismatch-http-response-code={status}")).run();
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(2), ""), "{status}: {}", exit.stderr);
        assert!(exit.stderr.contains("write a status"), "{status}: {}", exit.stderr);
    }
}
