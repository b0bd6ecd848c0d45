//! Headers that belong to the connection cannot be configured.

use crate::support::{Request, Setup};

const OF_THE_CONNECTION: [(&str, &str); 5] = [
    ("content-length", "5"),
    ("Content-Length", "5"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("Connection", "upgrade"),
];

#[test]
fn they_are_refused_at_the_command_line() {
    for (name, value) in OF_THE_CONNECTION {
        let exit = Setup::new().says("hello", "hi").flags(&format!("-header {name}={value}")).run();
        assert_eq!(exit.code, Some(2), "{name}: {exit:?}");
        let named = format!("`{}`", name.to_lowercase());
        assert!(exit.stderr.contains(&named), "{name}: {}", exit.stderr);
    }
}

#[test]
fn in_a_hook_they_are_errors_at_load_and_are_not_sent() {
    for (name, value) in OF_THE_CONNECTION {
        let hook = format!(
            "- id: hello\n  execute-command: 'true'\n  response-message: longer than five\n  \
             response-headers: [{{name: {name}, value: '{value}'}}, {{name: X-Kept, value: kept}}]\n"
        );
        let server = Setup::new().hooks(&hook).start();
        server.wait_for_log_line(name, |line| {
            line.contains("ERROR") && line.contains("hello") && line.contains(&name.to_lowercase())
        });
        // The second answer is where it begins only if the first is framed well.
        let mut connection = server.connect();
        for _ in 0..2 {
            let response = connection.send(&Request::get("/hooks/hello")).unwrap();
            response.assert(200, "longer than five");
            assert_eq!(response.header("x-kept"), Some("kept"), "{name}");
            assert_eq!(response.header("content-length"), Some("16"), "{name}");
            assert_eq!(response.header("connection"), None, "{name}");
            assert_eq!(response.header("transfer-encoding"), None, "{name}");
        }
    }
}
