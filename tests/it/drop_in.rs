//! What adnanh/webhook does with the odd requests and files that the recordings do not show.

use crate::support::{Request, Setup, WITH_OUTPUT};

const NOT_FOUND: &str = "Hook not found.";

#[test]
fn paths_that_can_be_written_shorter_are_redirected() {
    let server = Setup::new().says("hello", "hi").start();
    for (path, location) in [
        ("//hooks/hello", "/hooks/hello"),
        ("/hooks//hello?a=b&c=%20", "/hooks/hello?a=b&c=%20"),
        ("/x/../hooks/./hello/?", "/hooks/hello/?"),
        ("/hooks/a%2F..%2Fb%20c", "/hooks/b%20c"),
        ("//evil.example/", "/evil.example/"),
    ] {
        let response = server.post(path);
        response.assert(301, "");
        assert_eq!(response.header("Location"), Some(location), "{path}");
    }
    server.post("/hooks/hello").assert(200, "hi");
    server.post("/hooks/hello/").assert(404, NOT_FOUND);
    server.post("/hooks/%FF").assert(404, NOT_FOUND);
    server.post("/hooks/hello%2").assert(400, "400 Bad Request");
}

#[test]
fn a_connection_goes_on_after_a_body_that_nobody_reads() {
    let refused = "- {id: refused, execute-command: 'true', trigger-rule: {and: []}}\n";
    let server = Setup::new().hooks(refused).start();
    let mut connection = server.connect();
    for (path, status) in [("/x", 404), ("/hooks/x", 404), ("/hooks/refused", 500), ("/", 200), ("//", 301)] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
        connection.write(head.as_bytes()).unwrap();
        connection.write(b"{}").unwrap();
        assert_eq!(connection.response().unwrap().status, status, "{path}");
    }
}

#[test]
fn plain_scalars_are_read_as_yaml_1_1() {
    let server = Setup::new()
        .hooks(
            "- {id: 010, execute-command: 'true', response-message: yes}
- {id: 1.10, execute-command: 'true', response-message: 1_000}
- {id: '1.10', execute-command: 'true', response-message: \"yes\", success-http-response-code: 201.0}
- {id: value, execute-command: 'true', trigger-rule: {match: {type: value, value: on, parameter: {source: url, name: a}}}}
- null
",
        )
        .start();
    server.post("/hooks/8").assert(200, "true");
    server.post("/hooks/010").assert(404, NOT_FOUND);
    server.post("/hooks/1.1").assert(200, "1000");
    server.post("/hooks/1.10").assert(201, "yes");
    server.post("/hooks/value?a=true").assert(200, "");
    server.post("/hooks/value?a=on").assert(200, "Hook rules were not satisfied.");
    server.wait_for_log("the hook has no `id`");
}

#[test]
fn words_and_numbers_among_methods_are_texts() {
    let server = Setup::new()
        .hooks(
            "- {id: some, execute-command: 'true', http-methods: [POST, on, 7, null], response-message: \"it\\'s\"}
- {id: none, execute-command: 'true', http-methods: [null]}
",
        )
        .start();
    server.post("/hooks/some").assert(200, "it's");
    let refused = server.get("/hooks/some");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST, TRUE, 7")));
    assert_eq!(server.post("/hooks/none").status, 405);
    server.wait_for_log("allows no method");
}

#[test]
fn headers_of_the_transfer_are_not_the_hooks() {
    let keys =
        format!("{WITH_OUTPUT}\npass-environment-to-command: [{{source: entire-headers, envname: HEADERS}}]");
    let server = Setup::new().shell("shown", "echo $HEADERS", &keys).start();
    let mut connection = server.connect();
    connection
        .write(
            b"POST /hooks/shown HTTP/1.1\r\nHost: a\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
              2\r\n{}\r\n0\r\nX-T: t\r\n\r\n",
        )
        .unwrap();
    connection.response().unwrap().assert(200, "{\"X-A\":\"b\"}\n");
}

#[test]
fn line_breaks_in_a_header_are_blanks() {
    let server = Setup::new()
        .hooks(
            "- id: hello
  execute-command: 'true'
  response-headers:
  - name: X-Block
    value: |
      one
      two
",
        )
        .start();
    assert_eq!(server.post("/hooks/hello").header("X-Block"), Some("one two"));
}

#[test]
fn forms_are_taken_with_bare_line_feeds() {
    let keys =
        format!("{WITH_OUTPUT}\npass-environment-to-command: [{{source: entire-payload, envname: FORM}}]");
    let server = Setup::new().shell("shown", "echo $FORM", &keys).start();
    let form = "--b\nContent-Disposition: form-data; name=a\n\nx--b\n--b--\n";
    let request =
        Request::post("/hooks/shown").header("Content-Type", "multipart/form-data; boundary=b").body(form);
    server.send(&request).assert(200, "{\"a\":\"x--b\"}\n");
}
