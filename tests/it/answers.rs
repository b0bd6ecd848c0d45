//! What the client is told of a run, where the hook says more than adnanh/webhook can.

use crate::support::{Fifo, RUN_ERROR, Setup, WITH_OUTPUT};

const WAIT: &str = "wait-for-command: true\nresponse-message: deployed";
const ON_EXIT: &str = "response-on-exit: {75: 503, 3: 422, 4: 202}";

/// A hook `run` that prints and exits with the query's `code`.
fn exits(keys: &str) -> Setup {
    let script = "echo out; exit $HOOK_code";
    let keys = format!("pass-environment-to-command: [{{source: url, name: code}}]\n{keys}");
    Setup::new().shell("run", script, &keys)
}

#[test]
fn waiting_answers_the_message_once_the_command_has_ended() {
    let setup = Setup::new().shell("run", "read line < @DIR@/gate; echo out > @DIR@/finished", WAIT);
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let mut connection = server.connect();
    connection.write(b"POST /hooks/run HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").unwrap();
    gate.send("go\n");
    connection.response().unwrap().assert(200, "deployed");
    assert!(server.path("finished").exists(), "the answer came before the end");
}

#[test]
fn a_failure_that_was_waited_for_is_a_500() {
    let server = exits(WAIT).start();
    server.post("/hooks/run?code=0").assert(200, "deployed");
    server.post("/hooks/run?code=3").assert(500, RUN_ERROR);
}

#[test]
fn exit_codes_have_statuses_of_their_own() {
    let server = exits(&format!("{WAIT}\n{ON_EXIT}\nsuccess-http-response-code: 201")).start();
    server.post("/hooks/run?code=0").assert(201, "deployed");
    server.post("/hooks/run?code=75").assert(503, RUN_ERROR);
    server.post("/hooks/run?code=3").assert(422, RUN_ERROR);
    server.post("/hooks/run?code=4").assert(202, "deployed");
    server.post("/hooks/run?code=5").assert(500, RUN_ERROR);
}

#[test]
fn exit_codes_have_statuses_beside_output_too() {
    let on_error = "include-command-output-in-response-on-error: true";
    let server = exits(&format!("{WITH_OUTPUT}\n{ON_EXIT}")).start();
    server.post("/hooks/run?code=75").assert(503, RUN_ERROR);
    server.post("/hooks/run?code=4").assert(202, "out\n");
    let server = exits(&format!("{WITH_OUTPUT}\n{on_error}\n{ON_EXIT}")).start();
    server.post("/hooks/run?code=75").assert(503, "out\n");
    server.post("/hooks/run?code=5").assert(500, "out\n");
}

#[test]
fn exit_codes_say_nothing_where_the_answer_is_sent_at_once() {
    let server = exits(&format!("response-message: started\n{ON_EXIT}")).flags("-verbose").start();
    server.post("/hooks/run?code=75").assert(200, "started");
    server.wait_for_log("exit status 75");
}

#[test]
fn a_failure_is_answered_in_the_hooks_own_words() {
    let words = "response-message-on-error: deploy failed";
    let server = exits(&format!("{WAIT}\n{words}\n{ON_EXIT}"))
        .hooks(&format!("- {{id: gone, execute-command: /nonexistent/command, {words}}}\n"))
        .start();
    server.post("/hooks/run?code=0").assert(200, "deployed");
    server.post("/hooks/run?code=1").assert(500, "deploy failed");
    server.post("/hooks/run?code=75").assert(503, "deploy failed");
    server.post("/hooks/gone").assert(500, "deploy failed");
}

#[test]
fn a_failed_delivery_that_was_answered_503_runs_again_when_it_comes_again() {
    let keys = format!(
        "{WAIT}\nresponse-on-exit: {{75: 503}}\nverify: {{sender: none}}\n\
         deduplicate: {{by: {{source: url, name: id}}}}"
    );
    let script = "echo >> @DIR@/runs; test -e @DIR@/mended || exit 75";
    let server = Setup::new().shell("run", script, &keys).start();
    let runs = || std::fs::read_to_string(server.path("runs")).unwrap().lines().count();
    server.post("/hooks/run?id=1").assert(503, RUN_ERROR);
    std::fs::write(server.path("mended"), "").unwrap();
    // Forgotten before the answer, so that even the quickest retry runs.
    server.post("/hooks/run?id=1").assert(200, "deployed");
    server.post("/hooks/run?id=1").assert(200, "deployed");
    assert_eq!(runs(), 2);
}

#[test]
fn mistakes_are_named_and_the_other_entries_count() {
    let keys = format!("{WAIT}\nresponse-on-exit: {{256: 503, ok: 503, 5: 99, 6: fine, 7: 503}}");
    let server = exits(&keys).start();
    for named in
        ["`256` is no exit code", "`ok` is no exit code", "response-on-exit.5: ", "response-on-exit.6: "]
    {
        server.wait_for_log(named);
    }
    server.post("/hooks/run?code=7").assert(503, RUN_ERROR);
    server.post("/hooks/run?code=5").assert(500, RUN_ERROR);
}
