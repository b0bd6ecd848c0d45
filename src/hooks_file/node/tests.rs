use super::*;

fn text(value: &str) -> Node {
    Node::Text(value.to_owned())
}

#[test]
fn scalars_are_read() {
    #[track_caller]
    fn check(yaml: &str, expected: Node) {
        assert_eq!(parse(yaml).unwrap().0, expected, "{yaml}");
    }
    fn number(text: &str) -> Node {
        Node::as_written(text.to_owned())
    }
    fn read(text: &str, written: &str) -> Node {
        Node::Number { text: text.to_owned(), written: written.to_owned() }
    }
    check("7", number("7"));
    check("1.10", read("1.1", "1.10"));
    check("1e3", number("1e3"));
    check("017", read("15", "017"));
    check("0x1F", number("31"));
    check("123456789012345678901", read("1.2345679e+20", "123456789012345678901"));
    check("[1.10, x, 2.50]", Node::Sequence(vec![read("1.1", "1.10"), text("x"), read("2.5", "2.50")]));
    check("-3", number("-3"));
    check("true", Node::Bool { value: true, is_word: false });
    check("yes", Node::Bool { value: true, is_word: true });
    check("~", Node::Null);
    check("", Node::Null);
    for quoted in ["'1.10'", "\"1.10\"", "!!str 1.10", "!!str &a 1.10", "|-\n  1.10", ">-\n  1.10"] {
        check(quoted, text("1.10"));
    }
    check("['yes', \"no\",on,!!str off]", {
        Node::Sequence(vec![text("yes"), text("no"), Node::Bool { value: true, is_word: true }, text("off")])
    });
    check("['017', \"017\", 017 ]", Node::Sequence(vec![text("017"), text("017"), read("15", "017")]));
    check(
        "{a: {b: 1.0}, \"c\":\"n\", 'd': n}",
        Node::Mapping(vec![
            ("a".to_owned(), Node::Mapping(vec![("b".to_owned(), read("1", "1.0"))])),
            ("c".to_owned(), text("n")),
            ("d".to_owned(), Node::Bool { value: false, is_word: true }),
        ]),
    );
    check("- &x 010\n- *x", Node::Sequence(vec![read("8", "010"), read("8", "010")]));
    check("[\n\t1, # one\n\t2,\n]", Node::Sequence(vec![number("1"), number("2")]));
    check("{a: 1, a: 2}", Node::Mapping(vec![("a".to_owned(), number("1")), ("a".to_owned(), number("2"))]));
}

#[test]
fn merge_keys_add_what_is_not_there() {
    let (node, _) = parse("- &d {a: x, b: y}\n- {<<: *d, b: z}\n").unwrap();
    let Node::Sequence(items) = node else { panic!("no sequence") };
    assert_eq!(
        items[1],
        Node::Mapping(vec![
            ("<<".to_owned(), Node::Null),
            ("b".to_owned(), text("z")),
            ("a".to_owned(), text("x")),
        ])
    );
}

#[test]
fn a_place_is_found_again() {
    let yaml = "- id: a\n  rule:\n    and:\n      - x: 1\n      - yy: {z: 2}\n- id: b\n";
    #[track_caller]
    fn check(yaml: &str, path: &[Segment], at_key: bool, line: usize, column: usize) {
        let position = locate(yaml, &Target { path: path.to_vec(), at_key });
        assert_eq!(position, Position { line, column });
    }
    use Segment::{Entry, Item};
    check(yaml, &[Item(0), Entry(0)], false, 1, 7);
    check(yaml, &[Item(0), Entry(1)], true, 2, 3);
    check(yaml, &[Item(0), Entry(1), Entry(0), Item(1), Entry(0)], true, 5, 9);
    check(yaml, &[Item(0), Entry(1), Entry(0), Item(1), Entry(0), Entry(0)], false, 5, 17);
    check(yaml, &[Item(1)], false, 6, 3);
    check(r#"[{"id": "a"}, {"id": 5}]"#, &[Item(1), Entry(0)], false, 1, 22);
    // What a merge key adds.
    check("- &d {a: x}\n- {<<: *d, b: z}\n- {}\n", &[Item(1), Entry(2)], false, 2, 3);
}

#[test]
fn the_place_of_an_item_is_found_whatever_the_list_looks_like() {
    #[track_caller]
    fn check(text: &str, lines: &[usize]) {
        for (index, line) in lines.iter().enumerate() {
            let target = Target { path: vec![Segment::Item(index), Segment::Entry(0)], at_key: false };
            assert_eq!(locate(text, &target).line, *line, "item {index} of {text}");
        }
    }
    check("- id: a\n- id: b\n- id: c\n", &[1, 2, 3]);
    check("# hooks\n---\n- id: a\n\n- id: b\n# end\n", &[3, 5]);
    check("- id: a\n  x: |\n    - y\n    - z\n- id: b\n", &[1, 5]);
    // A text that looks like items.
    check("- id: \"a\n\n- b\n\n- c\"\n- id: d\n- id: e\n", &[1, 6, 7]);
    check("  - id: a\n  - id: b\n", &[1, 2]);
    check("[\n  {\n    \"id\": \"a\"\n  },\n  {\n    \"id\": \"b\"\n  }\n]\n", &[3, 6]);
    check("[\n  {\"id\": \"a\"}, {\"id\": \"b\"},\n  {\"id\": \"c\"}, {\"id\": \"d\"}\n]\n", &[2, 2, 3, 3]);
    check("\n[{\"id\": {\n}},\n{\"id\": \"b\"}, {\"id\":\n\"c\"}]", &[2, 4, 5]);
}

#[test]
fn a_syntax_error_has_its_place() {
    let error = parse("- id: a\n  x: [1,\n").unwrap_err();
    assert!(error.position.line >= 2, "{error:?}");
    assert!(!error.message.contains("line"), "{error:?}");
}
