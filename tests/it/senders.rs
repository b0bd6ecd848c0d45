//! `hookrunner senders`: the table, a sender's page, and the document that has the table too.

use std::fs;

use crate::support::{Exit, Setup};

fn senders(arguments: &str) -> Exit {
    Setup::new().without_address().flags("senders").flags(arguments).run()
}

#[test]
fn without_a_name_all_are_listed() {
    let exit = senders("");
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let github = exit.stdout.lines().find(|line| line.starts_with("github ")).unwrap();
    let cells: Vec<&str> = github.split_whitespace().collect();
    assert_eq!(cells, ["github", "hub", "X-Hub-Signature-256", "-", "X-GitHub-Delivery", "X-GitHub-Event"]);
    assert!(exit.stdout.lines().last().unwrap().contains("adyen"), "{}", exit.stdout);
}

#[test]
fn a_name_shows_how_it_signs_and_a_hook() {
    let exit = senders("github");
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    for text in ["`X-Hub-Signature-256`", "HMAC with SHA-256", "- id: github", "    sender: github"] {
        assert!(exit.stdout.contains(text), "{text} is not in\n{}", exit.stdout);
    }
}

/// What is shown is what works.
#[test]
fn the_hook_to_copy_serves() {
    let exit = senders("circleci");
    let hook = &exit.stdout[exit.stdout.find("- id: ").unwrap()..];
    let server = Setup::new().hooks(hook).env("CIRCLECI_WEBHOOK_SECRET", "s3cr3t").start();
    server.post("/hooks/circleci").assert(401, "Request could not be verified.");
}

#[test]
fn a_name_that_is_none_is_explained() {
    #[track_caller]
    fn check(name: &str, said: &str) {
        let exit = senders(name);
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""), "{name}");
        assert!(exit.stderr.contains(said), "{name}: {}", exit.stderr);
    }
    check("githbu", "did you mean `github`?");
    check("adyen", "`adyen` cannot be verified: its signature is inside the JSON");
    check("sns", "its key is a certificate that must be fetched");
    check("whoever", "`hookrunner senders` lists those that are");
}

#[test]
fn help_tells_of_the_commands_and_each_command_has_its_own() {
    let help = |flags: &str| {
        let exit = Setup::new().without_address().flags(flags).run();
        assert_eq!(exit.code, Some(0), "{flags}: {}", exit.stderr);
        exit.stdout
    };
    let all = help("--help");
    assert!(all.contains("hookrunner senders") && all.contains("hookrunner send "), "{all}");
    assert!(help("senders --help").contains("Usage: hookrunner senders [NAME]"));
    for flags in ["send --help", "send -h", "send -help"] {
        let help = help(flags);
        assert!(help.contains("Usage: hookrunner send [OPTIONS] --sender <NAME> <URL>"), "{help}");
    }
}

/// Only the first argument is a command.
#[test]
fn a_flag_s_value_may_be_called_like_a_command() {
    Setup::new().says("hello", "hi").flags("-urlprefix send").start().get("/send/hello").assert(200, "hi");
}

#[test]
fn the_document_has_the_table() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/senders.md")).unwrap();
    let table = senders("--markdown").stdout;
    assert!(
        page.contains(&table),
        "the table in docs/senders.md is old: replace it by what `hookrunner senders --markdown` prints"
    );
}
