mod problems;

use std::fs;
use std::path::{Path, PathBuf};

use super::{DEPTH_MAX, FILE_BYTES_MAX, NESTING_MAX, Surroundings, render};

const ENVIRONMENT: [(&str, &str); 6] = [
    ("A", "a"),
    ("M", "bb"),
    ("EMPTY", ""),
    ("T_ID", "tid"),
    ("T_MSG", "m"),
    ("ODD", "\"<é>&'=\\\u{200b}\t"),
];

fn surroundings(credentials_directory: Option<PathBuf>) -> Surroundings {
    let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Surroundings { environment, credentials_directory }
}

/// The output, or `line:column: message`.
fn outcome(text: &str, surroundings: &Surroundings) -> Result<String, String> {
    render(text, surroundings).map_err(|error| match error.line {
        0 => error.to_string(),
        line => format!("{line}:{}: {error}", error.column),
    })
}

fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(outcome(text, &surroundings(None)).as_deref(), Ok(*expected), "{text}");
    }
}

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("template-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Path {
        fs::write(self.0.join(name), content).unwrap();
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn whole_hooks_files() {
    check(&[
        (
            r#"[{"id":"{{ getenv "T_ID" | js }}","m":"{{ getenv "T_MSG" | js }}"{{ if getenv "T_ON" }},"code":201{{ end }}}]"#,
            r#"[{"id":"tid","m":"m"}]"#,
        ),
        (
            "{{ $m := getenv \"M\" }}{{ define \"hook\" }}- id: {{ . }}\n  message: {{ len . }}-{{ . | html }}-{{ eq . \"a\" }}-\
             {{ and (ne . \"a\") (not false) }}\n{{ end }}{{ template \"hook\" \"a\" }}{{ template \"hook\" $m }}",
            "- id: a\n  message: 1-a-true-false\n- id: bb\n  message: 2-bb-false-true\n",
        ),
        ("", ""),
        ("- id: plain }} {\n", "- id: plain }} {\n"),
    ]);
}

#[test]
fn syntax() {
    check(&[
        ("a \n {{- \"x\" -}} \t\r\n b", "axb"),
        ("a {{- /* c */ -}} b{{/* d\n}} */}} c", "ab c"),
        ("{{- 3 -}} {{-3}} {{3}}", "3-3 3"),
        ("{{\nprint\n1\n}}", "1"),
        ("{{ \"}}\" }}{{ `a\r\n\\n` }}", "}}a\n\\n"),
        (r#"{{"\x41\u00e9\U0001F600\101\t\\\""}}{{'a'}} {{'\''}}"#, "Aé😀A\t\\\"97 39"),
        (
            "{{1e3}} {{0x1F}} {{017}} {{0b11}} {{0o17}} {{1_000}} {{+5}} {{.5}} {{123456789.0}} {{1e21}}",
            "1000 31 15 3 15 1000 5 0.5 1.23456789e+08 1e+21",
        ),
        (
            "{{true}} {{.}} {{$}} {{.Any.Thing}} {{print nil .}}",
            "true <no value> <no value> <no value> <nil> <nil>",
        ),
        (r#"{{ (getenv "A") | printf "%s%s" (print "x") }}"#, "xa"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "32"),
        ("{{($x := 3)}}{{$x}}", "33"),
        (r#"{{print "a" |}}"#, "a"),
    ]);
}

#[test]
fn blocks() {
    check(&[
        (r#"{{if false}}a{{else if eq (getenv "M") "bb"}}b{{else}}c{{end}}"#, "b"),
        (r#"{{if $x := ""}}{{else if $y := "v"}}{{$x}}{{$y}}{{end}}"#, "v"),
        (r#"{{with getenv "M"}}{{.}}{{$}}{{end}}{{with ""}}a{{else}}{{.}}{{end}}"#, "bb<no value><no value>"),
        (r#"{{with ""}}a{{else with $x := "b"}}{{.}}{{$x}}{{else}}c{{end}}"#, "bb"),
        ("{{range .}}x{{else}}none{{end}}{{range $i, $e := .}}x{{else}}-{{end}}", "none-"),
        ("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range 0}}x{{else}}none{{end}}", "01201none"),
        ("{{range 9}}{{if eq . 1}}{{continue}}{{end}}{{if gt . 3}}{{break}}{{end}}{{.}}{{end}}", "023"),
        ("{{$n := 7}}{{range $n = 2}}{{$x := .}}{{$x}}{{end}}{{$n}}", "011"),
        (r#"{{block "b" "v"}}<{{.}}{{$}}>{{end}}{{template "b"}}"#, "<vv><<no value><no value>>"),
        (r#"{{template "raw"}}{{define `raw`}}x{{end}}"#, "x"),
        ("{{define \"a\"}} {{end}}{{define \"a\"}}2{{end}}{{define \"a\"}}\n{{end}}{{template \"a\"}}", "2"),
        (
            "{{define \"r\"}}{{if .}}[{{slice . 0 1}}]{{template \"r\" (slice . 1)}}{{end}}{{end}}{{template \"r\" \"abc\"}}",
            "[a][b][c]",
        ),
    ]);
}

#[test]
fn functions() {
    check(&[
        (
            r#"{{and 1 0 (index "a" 9)}} {{or "" "x" (index "a" 9)}} {{or 0 ""}}| {{"p" | and 1}} {{not .}}"#,
            "0 x | p true",
        ),
        (r#"{{eq 1 2 3 1}} {{eq . nil}} {{eq nil "a"}} {{ne "a" "b"}}"#, "true true false true"),
        (r#"{{lt "a" "b"}} {{le 1 1}} {{gt 1.5 0.5}} {{ge 2 3}} {{gt 1 1}}"#, "true true true false false"),
        (
            r#"{{len "é"}} {{index "abc" 1}} {{index "abc"}} {{slice "abcdef" 1 3}} {{slice "abc" 3}}|"#,
            "2 98 abc bc |",
        ),
        (r#"{{print 1 2 "a" 3 nil 4}}|{{println 1 "a" nil}}{{println}}"#, "1 2a3 <nil> 4|1 a <nil>\n\n"),
        (
            r#"{{html 1 nil 3 "\x00\"'&<>"}} {{js .}}"#,
            "1&lt;no value&gt;3\u{fffd}&#34;&#39;&amp;&lt;&gt; \\u003Cno value\\u003E",
        ),
        (r#"{{getenv "ODD" | js}}"#, r#"\"\u003Cé\u003E\u0026\u0027\u003D\\\u200B\u0009"#),
        ("{{js \"\\x00\\x7f\\u2028\\ufeff\\U000e0001\"}}", "\\u0000\u{7f}\\u2028\\uFEFF\\uE0001"),
        (r#"{{getenv "ODD" | html}}"#, "&#34;&lt;é&gt;&amp;&#39;=\\\u{200b}\t"),
        ("{{urlquery \"a b/~é-_.*'\\x00\\xff\"}}", "a+b%2F~%C3%A9-_.%2A%27%00%FF"),
        (
            r#"{{getenv "NONE"}}|{{cat "/nonexistent"}}|{{cat "/"}}|{{credential "A"}}|{{credential "../A"}}"#,
            "|||a|",
        ),
    ]);
}

#[test]
fn formats() {
    check(&[
        (
            r#"{{printf "%s|%v|%d|%t|%q|%x|%%|%c|%U" "a" 1.5 -7 true "é\n\u200b" "hi" 233 233}}"#,
            r#"a|1.5|-7|true|"é\n\u200b"|6869|%|é|U+00E9"#,
        ),
        (
            r#"{{printf "%5d|%-5d|%05d|%+d|% d|%.3d|%10s|%-10s|%.2s|%05s" 3 3 -3 3 3 3 "a" "é" "éab" "x"}}"#,
            "    3|3    |-0003|+3| 3|003|         a|é         |éa|0000x",
        ),
        (
            r#"{{printf "%b %o %O %x %X %#x %#o %+q %#q %q" 5 8 8 255 255 255 8 "é" "a" 97}}"#,
            "101 10 0o10 ff FF 0xff 010 \"\\u00e9\" `a` 'a'",
        ),
        (r#"{{printf "% x|%#X|%# x|%.1x|%x" "ab" "ab" "ab" "ab" ""}}"#, "61 62|0X6162|0x61 0x62|61|"),
        (
            r#"{{printf "%f|%.2f|%e|%g|%8.3f|%-8g|%08.2f|%+.1e|%G" 1.5 1.005 1234.5 1e-7 3.14159 0.5 -1.5 1500.0 1e21}}"#,
            "1.500000|1.00|1.234500e+03|1e-07|   3.142|0.5     |-0001.50|+1.5e+03|1E+21",
        ),
        (
            r#"{{printf "%[2]s %[1]s" "a" "b"}}|{{printf "%*d|%-*d|%.*f" 5 3 -4 2 1 1.5}}"#,
            "b a|    3|2   |1.5",
        ),
        (
            r#"{{printf "%d %s %z %d" "a" 3 nil}} {{printf "%d" 1 "x" nil}} {{printf "%"}} {{printf "%[9]d" 1}}"#,
            "%!d(string=a) %!s(int=3) %!z(<nil>) %!d(MISSING) 1%!(EXTRA string=x, <nil>) %!(NOVERB) %!d(BADINDEX)",
        ),
        (r#"{{printf "%T %T %T %T %T %#v" 1 "a" true 1.5 nil "q"}}"#, "int string bool float64 <nil> \"q\""),
        (
            r#"{{len (printf "%70000d" 1)}} {{len (printf "%070000.70000f" 1.5)}} {{len (printf "%.70000e" 1.5)}}"#,
            "70000 70002 70006",
        ),
    ]);
}

/// What has no end of its own ends with an error, and on the stack of a small thread.
#[test]
fn bounds() {
    let deep = format!("more than {DEPTH_MAX} template calls and blocks inside each other");
    let nested = format!("more than {NESTING_MAX} blocks and parentheses inside each other");
    let twice = "{{template `b`}}{{template `b`}}";
    for (text, expected) in [
        ("{{define `a`}}{{template `a`}}{{end}}{{template `a`}}".to_owned(), deep.as_str()),
        ("{{define `a`}}{{with 1}}{{range 1}}{{template `a` (print 1)}}{{end}}{{end}}{{end}}{{template `a`}}".into(), &deep),
        (format!("{{{{define `b`}}}}{{{{range 1000}}}}{{{{range 1000}}}}{{{{end}}}}{{{{end}}}}{{{{end}}}}{twice}"), "more than 1000000 steps"),
        ("{{range 9223372036854775807}}{{end}}".into(), "more than 1000000 steps"),
        ("{{$x := `aaaa`}}{{range 99}}{{$x = print $x $x}}{{end}}".into(), "more than 8388608 bytes of text"),
        ("{{range 99}}{{printf `%1000000d` 1}}{{end}}".into(), "more than 8388608 bytes of text"),
        ("{{range 99}}{{$x := printf `%1000000d` 1}}{{end}}".into(), "more than 67108864 bytes of text"),
        ("{{if 1}}".repeat(NESTING_MAX + 1), &nested),
        ("{{block `a` 1}}".repeat(9999), &nested),
        (format!("{{{{{}1{}}}}}", "(".repeat(9999), ")".repeat(9999)), &nested),
    ] {
        let outcome = outcome(&text, &surroundings(None)).unwrap_err();
        assert!(outcome.ends_with(expected), "{text:.60}: {outcome}");
    }
}

#[test]
fn odd_texts_never_panic() {
    let parts = [
        "{{",
        "}}",
        "{{- ",
        " -}}",
        " ",
        "\n",
        "\"",
        "'",
        "`",
        "(",
        ")",
        "|",
        "$x",
        ".",
        ".5",
        "if ",
        "else ",
        "end",
        "range ",
        "with ",
        "define ",
        "template ",
        "block ",
        "1",
        "0x",
        "1e",
        "-",
        ":=",
        "=",
        ",",
        "print ",
        "/*",
        "*/",
        "é",
        "\u{2028}",
        "\\",
        "\0",
        "printf `%*.[2]*d` ",
        "slice `é` 1",
        "{{end}}",
        "break",
    ];
    // A generator of its own, so that a failure repeats.
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(state >> 33).unwrap() % parts.len();
            text.push_str(parts[index]);
        }
        let _ = outcome(&text, &surroundings(None));
    }
}

#[test]
fn files_and_credentials() {
    let no_directory = surroundings(Some(PathBuf::new()));
    assert_eq!(outcome("{{credential `Cargo.toml`}}", &no_directory).as_deref(), Ok(""));

    let directory = Directory::new("files");
    directory.write("secret", "from file\n\n");
    directory.write("M", "");
    directory.write("large", vec![b'a'; FILE_BYTES_MAX + 1]);
    let limit = directory.write("limit", vec![b'a'; FILE_BYTES_MAX]).join("limit");
    let with = surroundings(Some(directory.0.clone()));
    let path = directory.0.display();
    for (text, expected) in [
        (
            "{{credential `secret`}}|{{credential `M`}}|{{credential `A`}}|{{credential ``}}".to_owned(),
            Ok("from file\n||a|"),
        ),
        (format!("{{{{cat (printf `%s/secret` `{path}`) | js}}}}"), Ok(r"from file\u000A")),
        (format!("{{{{len (cat `{}`)}}}}", limit.display()), Ok("1048576")),
        (format!("{{{{cat `{path}/large`}}}}"), Err("1:3: file is larger than 1048576 bytes")),
        ("{{credential `../secret`}}".into(), Err("1:3: name leads out of the credentials directory")),
        ("{{credential `/etc/passwd`}}".into(), Err("1:3: name leads out of the credentials directory")),
    ] {
        assert_eq!(outcome(&text, &with).as_deref().map_err(String::as_str), expected, "{text}");
    }
}
