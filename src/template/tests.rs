//! What templates make of a request, and what is no template.

use std::borrow::Cow;

use super::*;
use crate::payload::json::parse;

const PAYLOAD: &str = r#"{
    "ref": "refs/heads/main", "n": 1.10, "i": 42, "big": 123456789012345678901234567890, "e": 1e5, "f": 2.5,
    "yes": true, "no": false, "null": null, "empty": "", "a.b": "dotted", "html": "<&>", "zero": 0,
    "commits": [{"id": "f1e3", "tags": ["x", "y"]}, {"id": "72d3"}], "map": {"k": {"deep": 1}, "a": "<"}
}"#;

fn value_of(name: Name) -> Value<'static> {
    let json = match name {
        Name::Payload => PAYLOAD,
        Name::Header => r#"{"X-Github-Event": "push", "Etag": "1"}"#,
        Name::Query => r#"{"page": "2"}"#,
        Name::Request => r#"{"method": "POST", "remote-addr": "192.0.2.7:1"}"#,
        Name::Delivery | Name::Path => "{}",
    };
    parse(json.as_bytes()).unwrap().into_owned()
}

fn rendered(source: &str) -> Result<String, Unrendered> {
    Template::new(source).unwrap().render(value_of)
}

#[test]
fn values_read_as_references_to_them() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(rendered(source), Ok(expected.to_owned()), "{source}");
    }
    check("{{ payload.ref }}@{{ header['X-GitHub-Event'] }}", "refs/heads/main@push");
    check("{{ header['x-github-event'] }} {{ header.ETAG }}", "push 1");
    check("{{ query.page }} {{ request.method }} {{ request['remote-addr'] }}", "2 POST 192.0.2.7:1");
    check(
        "{{ payload.n }} {{ payload.i }} {{ payload.big }} {{ payload.e }} {{ payload.f }}",
        "1.10 42 123456789012345678901234567890 1e5 2.5",
    );
    check("{{ payload.yes }} {{ payload.no }} {{ payload.null }} {{ payload.empty }}", "true false <nil> ");
    check("{{ payload['a.b'] }} {{ payload.html }}", "dotted <&>");
    check("{{ payload.commits }}", r#"[{"id":"f1e3","tags":["x","y"]},{"id":"72d3"}]"#);
    check("{{ payload.map }} {{ payload.map.k.deep + 1 }}", r#"{"a":"\u003c","k":{"deep":1}} 2"#);
    check("{{ payload.commits[1].id }} {{ payload.commits[0].tags|join('+') }}", "72d3 x+y");
    check("{% for c in payload.commits %}{{ loop.index }}{{ c.id }} {% endfor %}", "1f1e3 272d3 ");
    check("{% for key in payload.map %}{{ key }}{% endfor %} {{ payload.commits|length }}", "ak 2");
    check("{% if payload.i > 41 and 'main' in payload.ref %}yes{% else %}no{% endif %}", "yes");
    check("{% if payload.zero or payload.empty %}yes{% else %}no{% endif %}", "no");
    check("{{ payload.ref|replace('refs/heads/', '')|upper }}", "MAIN");
    check("{{ payload.gone|default('x') }}{{ payload.gone is defined }}", "xfalse");
    check("{% set p = payload %}{{ p.ref }}", "refs/heads/main");
    check("/queue/{{ payload.map.a|urlencode }}?{{ payload.ref|urlencode }}", "/queue/%3C?refs/heads/main");
    check("{{ payload.commits[0].tags|tojson }}", r#"["x", "y"]"#);
    check("{% with n = 1 %}{{ n }}{% endwith %}{% autoescape true %}{{ '<' }}{% endautoescape %}", "1&lt;");
    check("{{ payload.ref[:4] }}", "refs");
    check("{{ payload.ref[:4] }} {{ payload.i }}", "refs 42");
    check("{% filter replace('refs', query.page) %}refs{% endfilter %}", "2");
    check(
        "{% if payload.yes %}{{ payload.ref }}{% endif %}{% set payload = 1 %}{{ payload }}",
        "refs/heads/main1",
    );
    check("no names", "no names");
    check("", "");
}

#[test]
fn texts_that_are_not_utf_8_are_mended() {
    let template = Template::new("{{ header.A }} {{ header }}").unwrap();
    let header = |_| {
        let text = Value::Text(Cow::Borrowed(b"\xe9"));
        Value::Object([(Cow::Borrowed(&b"A"[..]), text)].into())
    };
    assert_eq!(template.render(header).unwrap(), "\u{fffd} {\"A\":\"\\ufffd\"}");
}

#[test]
fn what_is_not_there_is_named() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(rendered(source), Err(Unrendered::Undefined(expected.to_owned())), "{source}");
    }
    check("a {{ payload.gone }}", "payload.gone");
    check("{{ payload.gone.deeper }}", "payload.gone.deeper");
    check("{{ payload.null.deeper }}", "payload.null.deeper");
    check("é{{ header['X-Gone'] }}", "header['X-Gone']");
    check("{{ delivery.id }}", "delivery.id");
    check("{{ payload.commits[2] }}", "payload.commits[2]");
    check("{{ payload['a'] }}", "payload['a']");
    check("{{ payload.gone|upper }}", "payload.gone|upper");
    check("{% if payload.gone %}{% endif %}", "payload.gone");
    check("{% for x in payload.gone %}{% endfor %}", "payload.gone");
}

/// Without a word of the request in it.
#[test]
fn a_rendering_that_fails_is_told_in_the_templates_words() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(rendered(source), Err(Unrendered::Failed(expected.to_owned())), "{source}");
    }
    check("{{ payload.ref + 1 }}", "`payload.ref + 1`: invalid operation");
    check("{{ payload.ref|int }}", "`payload.ref|int`: invalid operation");
    check("{{ payload.get('ref') }}", "`payload.get('ref')`: unknown method");
}

#[test]
fn what_a_template_does_is_bounded() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let Err(Unrendered::Failed(reason)) = rendered(source) else { panic!("{source}") };
        assert!(reason.ends_with(expected), "{reason}");
    }
    check("{{ 'x' * 100000000 }}", "engine ran out of fuel");
    check("{{ 'x' * 1048577 }}", "its text is longer than 1048576 bytes");
    let loops = "{% for a in payload.ref|list %}".repeat(6) + "x" + &"{% endfor %}".repeat(6);
    check(&loops, "engine ran out of fuel");
    let doubled = "{% set x = 'xxxxxxxx' %}".to_owned() + &"{% set x = x ~ x %}".repeat(40) + "{{ x }}";
    check(&doubled, "engine ran out of fuel");
}

#[test]
fn what_is_no_template_is_said_where_it_is() {
    #[track_caller]
    fn check(source: &str, offset: usize, message: &str) {
        let error = Template::new(source).unwrap_err();
        assert_eq!((error.offset, error.message.as_str()), (offset, message), "{source}");
    }
    check("é\n  {{ a b }}", 10, "unexpected identifier, expected end of variable block");
    check("{{ payload.ref", 11, "unexpected end of input, expected end of variable block");
    for statement in ["macro", "call", "block", "extends", "include", "import", "from", "break", "continue"] {
        check(&format!("{{% {statement} %}}"), 3, &format!("unknown statement {statement}"));
    }
    check(
        "a {{ paylod.ref }}",
        5,
        "a template does not know `paylod`, only payload, header, query, request, delivery, path",
    );
    check(
        "{{ range(9) }}",
        3,
        "a template does not know `range`, only payload, header, query, request, delivery, path",
    );
    check("{{ payload.ref|uper }}", 15, "filter uper is unknown");
    check("{{ payload.ref is odder }}", 18, "test odder is unknown");
    let deep = "{{ ".to_owned() + &"(".repeat(100_000);
    assert!(Template::new(&deep).is_err());
    let deep = "{% if payload.yes %}".repeat(100_000);
    assert!(Template::new(&deep).is_err());
}

#[test]
fn the_places_it_looks_at_are_known() {
    #[track_caller]
    fn check(source: &str, expected: Option<&[&str]>) {
        let template = Template::new(source).unwrap();
        let names =
            template.payload_names().map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(names.as_deref(), expected, "{source}");
    }
    check("{{ payload.a.b }}{{ payload.c }}", Some(&["a.b", "c"]));
    check("{{ payload.commits|map(attribute='id') }}", Some(&["commits"]));
    check("{% for c in payload.commits %}{{ c.id }}{% endfor %}", None);
    check("{{ payload.after[:7] }}", None);
    check("{{ payload.after[:7] }}{{ payload.ref }}", None);
    check("{{ payload['a'] }}", None);
    check("{{ payload }}{{ payload.a }}", None);
    check("{% set p = payload %}{{ p.a }}", None);
    check("{{ payload|attr('a') }}", None);
    check("{{ header.A }}", Some(&[]));
    check("{% if header.A %}{% endif %}", Some(&[]));
}

#[test]
fn the_names_it_has_are_known() {
    #[track_caller]
    fn check(source: &str, expected: &[Name]) {
        let template = Template::new(source).unwrap();
        let names: Vec<Name> = Name::ALL.into_iter().filter(|name| template.has(*name)).collect();
        assert_eq!(names, expected, "{source}");
    }
    check("payload {{ payload.query . path }} request", &[Name::Payload]);
    check("{{ 'payload \\' }} query' }} delivery {{ header.A[:2] }}", &[Name::Header]);
    check("{{ {'a': {'b': 1}}.a.b ~ query.a[1:] }}", &[Name::Query]);
    check("{% filter replace('a', delivery.id) %}{% endfilter %}", &[Name::Delivery]);
}

#[test]
fn what_a_rendering_copies_is_bounded() {
    let long = Value::Text(Cow::Owned(vec![b'x'; 1 << 20]));
    let payload = |_| Value::Object([(Cow::Borrowed(&b"a"[..]), long.clone())].into());
    let rendered = |source: &str| Template::new(source).unwrap().render(payload);
    let spent = Err(Unrendered::Failed("it copies more than 67108864 bytes of the request".to_owned()));
    let looked_up = |rounds: usize| {
        let list = "0,".repeat(rounds);
        format!("{{% for i in [{list}] %}}{{% if payload.a %}}{{% endif %}}{{% endfor %}}")
    };
    assert_eq!(rendered(&looked_up(50)), Ok(String::new()));
    assert_eq!(rendered(&looked_up(70)), spent);
    assert_eq!(rendered(&looked_up(70).replace("payload.a", "payload.a is defined")), spent);
}
