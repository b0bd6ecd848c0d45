//! What people do wrong, and what they are told.

mod slips;

use super::*;

#[track_caller]
fn check(text: &str, place: (usize, usize), message: &str, help: &str) {
    let error = parse(text).expect_err(text);
    let found = mistake(text, &error);
    let said = format!("{text}\n{error:?}\n{found:?}");
    assert!(found.message.contains(message), "{said}");
    assert!(found.help.contains(help), "{said}");
    assert_eq!((found.position.line, found.position.column), place, "{said}");
}

#[test]
fn tabs_and_marks() {
    check("- id: a\n\texecute-command: x\n", (2, 1), "a tab stands here", "spaces");
    check("- id: a\n  http-methods:\n  \t- GET\n", (3, 3), "a tab stands here", "spaces");
    check("-\tid: a\n  execute-command: x\n", (1, 2), "a tab stands here", "spaces");
    check("- id: a\n  execute-command: @x\n", (2, 20), "cannot begin with `@`", "`'@…'`");
    check("- id: a\n  execute-command: `x`\n", (2, 20), "cannot begin with ``", "quotes");
    check("- id: a\n  response-message: %x\n", (2, 21), "cannot begin with `%`", "quotes");
    check("- id: a\n  response-message: *x*\n", (2, 21), "`*` at the beginning", "quotes");
    check("- id: a\n  response-message: *x\n", (2, 21), "`*` at the beginning", "quotes");
    check("- id: a\n  response-message: & x\n", (2, 21), "`&` at the beginning", "quotes");
    check("- id: a\n  response-message: !x y\n", (2, 21), "`!` at the beginning", "quotes");
    check("- id: a\n  response-message: |x\n", (2, 22), "`|` and `>`", "quotes");
    check("- id: a\n  response-message: - x\n", (2, 21), "a list does not begin", "line of its own");
    check("- id: a\n  response-message: ? x\n", (2, 21), "cannot begin with `?`", "quotes");
    check("- id: a\n  response-message: \"x\u{1}\"\n", (2, 23), "U+0001", "remove it");
}

#[test]
fn quotes_and_escapes() {
    check("- id: a\n  regex: \"^\\d+$\"\n", (2, 12), "`\\d` means nothing", "single quotes");
    check("[{\"id\": \"a\",\n  \"regex\": \"^\\d+$\"}]\n", (2, 14), "`\\d` means nothing", "twice: `\\\\d`");
    check(
        "- id: a\n  execute-command: 'x\n  http-methods: [GET]\n",
        (2, 20),
        "`'` that opens here",
        "write `'`",
    );
    check("- id: a\n  execute-command: \"x\n", (2, 20), "`\"` that opens here", "write `\"`");
    check("- id: 'a\n  execute-command: 'x'\n", (1, 7), "`'` that opens here", "write `'`");
    check("[{\"id\": \"a,\n  \"execute-command\": \"x\"}]\n", (1, 9), "`\"` that opens here", "write `\"`");
    check("- id: a\n  response-message: 'it's'\n", (2, 25), "ends before this", "twice (`''`)");
    check("- id: a\n  response-message: \"a\" b\n", (2, 25), "this does not belong", "quotes");
    check("[{'id': 'it's'}]", (1, 13), "ends before this", "twice (`''`)");
}

#[test]
fn an_escaped_apostrophe_is_one_in_double_quotes_alone() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(with_plain_apostrophes(text.to_owned()), expected);
    }
    check(r#"[{"id": "it\'s", "a": "\'\\"}]"#, r#"[{"id": "it's", "a": "'\\"}]"#);
    check("# é\n- é: \"é\\'\n    \\'\"\n", "# é\n- é: \"é'\n    '\"\n");
    // Each of these is a text with a backslash in it.
    for text in [r"- 'C:\'", r"- C:\'", "- |\n  \\'\n", r#"- "\\'""#] {
        check(text, text);
    }
    // Other mistakes stay as they are.
    check(r#"- "\' \d""#, r#"- "' \d""#);
    let many = format!("- \"{}\"", r"\'".repeat(1_000));
    check(&many, &format!("- \"{}\"", "'".repeat(1_000)));
    for line_end in ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"] {
        check(
            &format!("- a{line_end}- \"{line_end} it\\'s\""),
            &format!("- a{line_end}- \"{line_end} it's\""),
        );
    }
    // As many texts as can be read anew in good time.
    let texts = "- \"\\'\"\n".repeat(2_000);
    assert!(parse(&with_plain_apostrophes(texts)).is_err());
    let texts = "- \"\\'\"\n".repeat(500);
    assert!(parse(&with_plain_apostrophes(texts)).is_ok());
}

#[test]
fn a_bracket_that_is_open_from_the_first_letter_on() {
    check("[{\"id\": \"a\", \"execute-command\": \"x\"}\n", (1, 1), "the `[` that opens here", "write `]`");
    check("[{\"id\": \"a\", \"execute-command\": \"x\"}", (1, 1), "the `[` that opens here", "write `]`");
    check("{\"id\": \"a\", \"execute-command\": \"x\"\n", (1, 1), "the `{` that opens here", "write `}`");
}

#[test]
fn indentation() {
    check("- id: a\n   execute-command: x\n", (2, 4), "indented further", "column 3");
    check("- id: a\n execute-command: x\n", (2, 2), "in column 2", "column 3");
    check("- id: a\n  execute-command: x\n   http-methods: [GET]\n", (3, 4), "indented further", "column 3");
    check("- id: a\n  execute-command: x\n http-methods: [GET]\n", (3, 2), "in column 2", "column 3");
    check(
        "- id: a\n  trigger-rule:\n    match:\n      type: value\n     value: x\n",
        (5, 6),
        "in column 6",
        "column",
    );
    check("- id: a\n  execute-command: x\n - id: b\n", (3, 2), "`-` stands in column 2", "column 1");
    check(
        "- id: a\n  pass-arguments-to-command:\n    - source: payload\n   - source: payload\n",
        (4, 4),
        "`-` stands in column 4",
        "column 5",
    );
    check("- id: a\n  verify: github\n    secret: x\n", (3, 5), "indented further", "column 3");
    check("- id: a\n  execute-command: x\nfoo: bar\n", (3, 1), "beside the list", "- id: …");
}

#[test]
fn colons_and_dashes() {
    check(
        "- id: a\n  execute-command /bin/x\n  http-methods: [GET]\n",
        (2, 3),
        "missing after `execute-command`",
        "`execute-command: …`",
    );
    check(
        "- id: a\n  execute-command=/bin/x\n  http-methods: [GET]\n",
        (2, 3),
        "not `=`",
        "`execute-command: …`",
    );
    check("- id: a\n  execute-command\n", (2, 3), "missing after `execute-command`", "`execute-command: …`");
    check(
        "- id: a\n  execute-command:/bin/x\n  http-methods: [GET]\n",
        (2, 18),
        "space is missing after this `:`",
        "`execute-command: …`",
    );
    check(
        "- id: a\n  execute-command:x\n",
        (2, 18),
        "space is missing after this `:`",
        "`execute-command: …`",
    );
    check("- id:a\n  execute-command: x\n", (1, 5), "space is missing after this `:`", "`id: …`");
    check("-id: a\n execute-command: x\n", (1, 1), "space is missing after this `-`", "`- id: …`");
    check(
        "- id: a\n  execute-command: x\n-id: b\n  execute-command: y\n",
        (3, 1),
        "space is missing after this `-`",
        "`- id: …`",
    );
    check(
        "- id: a\n  response-message: done: all\n",
        (2, 25),
        "a colon with a space",
        "`response-message: '…'`",
    );
    check(
        "- id: a\n  response-message: hello\n  world\n  execute-command: x\n",
        (3, 3),
        "has no key",
        "indent it further",
    );
    check(
        "- id: a\n  trigger-rule\n    match:\n      type: value\n",
        (2, 3),
        "missing after `trigger-rule`",
        "`trigger-rule: …`",
    );
}

#[test]
fn brackets() {
    check("- id: a\n  http-methods: [POST\n  execute-command: x\n", (2, 17), "`[` that opens here", "`]`");
    check("- id: a\n  verify: {sender: github\n", (2, 11), "`{` that opens here", "`}`");
    check(
        "- id: a\n  verify: {sender: github\n  execute-command: x\n",
        (2, 11),
        "`{` that opens here",
        "`}`",
    );
    check("- id: a\n  http-methods: [POST]]\n", (2, 23), "`]` closes nothing", "remove it");
    check("- id: a\n  verify: {sender: github}}\n", (2, 27), "`}` closes nothing", "remove it");
    check("- id: {{ getenv \"X\" }}\n  execute-command: x\n", (1, 7), "begins a template", "-template");
    check(
        "[\n  {\"id\": \"a\"}\n  {\"id\": \"b\"}\n]\n",
        (2, 13),
        "comma is missing at the end",
        "write `,`",
    );
    check(
        "[\n  {\"id\": \"a\"\n   \"execute-command\": \"x\"}\n]\n",
        (2, 12),
        "comma is missing at the end",
        "write `,`",
    );
    check("[{\"id\": \"a\" \"execute-command\": \"x\"}]", (1, 13), "comma is missing before", "write `,`");
    check("[\n {\n  \"id\" \"a\"\n }]", (3, 8), "`:` is missing between", "write `:`");
    check("[{\"id\" \"a\"}]", (1, 8), "`:` is missing between", "write `:`");
    check("[{\"id\" = \"a\"}]", (1, 8), "not `=`", "write `:`");
    check("[{\"id\": \"a\"; \"x\": 1}]", (1, 12), "not by `;`", "write `,`");
    check("[\n  {\"id\": \"a\"\n", (2, 3), "`{` that opens here", "`}`");
    check("[\n  // one\n  {\"id\": \"a\"}\n]\n", (2, 3), "begin no comment", "`#`");
    check(
        "[{\"id\": \"a\", \"x\": {\"y\": 1},\n {\"id\": \"b\"}]",
        (2, 2),
        "where a key is wanted",
        "missing before",
    );
}

/// Whatever is said of a text, nothing of its values is.
#[test]
fn values_are_not_repeated() {
    for text in [
        "- id: a\n  secret hunter22\n  x: y\n",
        "- id: a\n  secret=hunter22\n  x: y\n",
        "- id: a\n  secret: 'hunter22\n",
        "- id: a\n  secret:hunter22\n",
        "- id: a\n  secret: hunter22: x\n",
        "- id: a\n   secret: hunter22\n",
        "[{\"secret\": \"hunter22\" \"x\"}]",
        "- id: a\n  secret: *hunter22\n",
        "- id: a\n  secret: !hunter22 x\n",
        "- id: a\n  secret: @hunter22\n",
    ] {
        let found = mistake(text, &parse(text).expect_err(text));
        assert!(!format!("{found:?}").contains("hunter22"), "{text}\n{found:?}");
    }
}
