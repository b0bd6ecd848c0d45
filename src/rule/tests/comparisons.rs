//! Comparisons that the reference does not have.

use super::*;

const FACTS: &str = r#"{
    "size": 1.10, "many": 123456789012345678901234567890, "word": "deploy", "gone": null, "no": false,
    "labels": ["bug", 7, {"a": 1}], "none": [], "empty": "", "low": "-3", "access_token": "hush"
}"#;

/// How the match ends for a request with this payload and the header `X-Size: 2`.
#[track_caller]
fn check(part: Match, expected: &str) {
    let request = request(&[("x-size", "2")]);
    let Ok(Value::Object(fields)) = json::parse(FACTS.as_bytes()) else { panic!("{FACTS}") };
    let payload = Payload { fields: Some(fields), ..Payload::default() };
    let facts = Facts::new(&request, payload, Origin::default());
    let result = evaluate_match(&part, &facts, NOW_UNIX_S).to_string();
    assert_eq!(result, expected, "{} {part}", part.kind());
}

fn payload(name: &str) -> Reference {
    Reference::new("payload", name)
}

fn text(text: &str) -> Operand {
    Operand::Text(text.to_owned())
}

fn number(name: &str, order: Order, operand: Operand) -> Match {
    Match::text(payload(name), Comparison::Number(order, operand))
}

fn part(name: &str, place: Place, operand: Operand) -> Match {
    Match::text(payload(name), Comparison::Part(place, operand))
}

#[test]
fn numbers_are_compared_by_value() {
    use Order::{AtLeast, AtMost, Greater, Less};
    // For smaller, equal and greater: what the parameter is, of what it is to be.
    let rows = [
        (Greater, ["not greater", "not greater", "holds"]),
        (Less, ["holds", "not less", "not less"]),
        (AtLeast, ["less", "holds", "holds"]),
        (AtMost, ["holds", "holds", "greater"]),
    ];
    for (order, [smaller, equal, greater]) in rows {
        check(number("size", order, text("1.2")), smaller);
        check(number("size", order, text("11e-1")), equal);
        check(number("size", order, text("-9")), greater);
        check(number("many", order, text("123456789012345678901234567891")), smaller);
        check(number("many", order, text("1.23456789012345678901234567890e29")), equal);
        check(number("low", order, text("-3.0")), equal);
        let header = || Operand::Parameter(Reference::new("header", "x-size"));
        check(number("size", order, header()), smaller);
        check(number("many", order, header()), greater);
    }
}

#[test]
fn what_is_no_number_is_an_error_that_names_both() {
    let other = |source, name| Operand::Parameter(Reference::new(source, name));
    let greater = |name, operand| number(name, Order::Greater, operand);
    check(greater("word", text("10")), r#"payload word "deploy" and "10" must both be numbers"#);
    check(greater("gone", text("10")), r#"payload gone "<nil>" and "10" must both be numbers"#);
    check(
        greater("labels", text("1")),
        r#"payload labels "[\"bug\",7,{\"a\":1}]" and "1" must both be numbers"#,
    );
    check(
        greater("size", other("payload", "word")),
        r#"payload size "1.10" and payload word "deploy" must both be numbers"#,
    );
    check(greater("access_token", text("10")), r#"payload access_token and "10" must both be numbers"#);
    check(
        greater("size", other("payload", "access_token")),
        r#"payload size "1.10" and payload access_token must both be numbers"#,
    );
    check(greater("absent", text("10")), "parameter node not found");
    check(greater("size", other("payload", "absent")), "parameter node not found");
    check(greater("size", other("payload", "gone.by")), "`payload gone.by` leads into a null");
}

#[test]
fn parts_of_texts_are_found_where_they_must_be() {
    use Place::{Anywhere, End, Start};
    for (place, other, expected) in [
        (Anywhere, "plo", "holds"),
        (Anywhere, "deploy", "holds"),
        (Anywhere, "Plo", "not in it"),
        (Anywhere, "deployed", "not in it"),
        (Start, "dep", "holds"),
        (Start, "deploy", "holds"),
        (Start, "ep", "begins otherwise"),
        (End, "oy", "holds"),
        (End, "deploy", "holds"),
        (End, "o", "ends otherwise"),
    ] {
        check(part("word", place, text(other)), expected);
    }
    for place in [Anywhere, Start, End] {
        check(part("word", place, Operand::Parameter(payload("word"))), "holds");
        check(part("word", place, Operand::Parameter(payload("empty"))), "the other text is empty");
        check(part("word", place, Operand::Parameter(payload("absent"))), "parameter node not found");
        check(part("absent", place, text("x")), "parameter node not found");
    }
}

#[test]
fn a_value_may_be_one_of_several_or_equal_another() {
    let is_in = |name: &str, texts: &[&str]| {
        Match::text(
            payload(name),
            Comparison::In(Choices::Texts(texts.iter().map(|text| (*text).to_owned()).collect())),
        )
    };
    check(is_in("word", &["test", "deploy"]), "holds");
    check(is_in("word", &["deploy", "test"]), "holds");
    check(is_in("word", &["test", "deploy "]), "none of these");
    check(is_in("size", &["1.1"]), "none of these");
    check(is_in("no", &["true", "false"]), "holds");
    check(is_in("absent", &["true"]), "parameter node not found");
    let is_in = |name, list| {
        Match::text(Reference::new("string", name), Comparison::In(Choices::Parameter(payload(list))))
    };
    check(is_in("bug", "labels"), "holds");
    check(is_in("7", "labels"), "holds");
    check(is_in("feature", "labels"), "none of these");
    check(is_in("", "none"), "none of these");
    check(is_in("deploy", "word"), "holds");
    check(is_in("deploy", "absent"), "parameter node not found");
    let equals =
        |one: Reference, other: Reference| Match::text(one, Comparison::Value(Operand::Parameter(other)));
    check(equals(payload("word"), payload("word")), "holds");
    check(equals(payload("word"), Reference::new("header", "x-size")), "not equal");
    check(equals(payload("word"), payload("absent")), "parameter node not found");
}

#[test]
fn a_value_exists_or_is_null() {
    let exists = |source, name| Match::Exists { parameter: Reference::new(source, name) };
    let null = |source, name| Match::Null { parameter: Reference::new(source, name) };
    for (source, name, is_there, is_null) in [
        ("payload", "word", "holds", "not null"),
        ("payload", "empty", "holds", "not null"),
        ("payload", "gone", "holds", "holds"),
        ("payload", "absent", "not in the request", "not null"),
        ("payload", "gone.by", "not in the request", "not null"),
        ("payload", "labels.1", "holds", "not null"),
        ("payload", "labels.9", "not in the request", "not null"),
        ("header", "x-size", "holds", "not null"),
        ("header", "x-other", "not in the request", "not null"),
        ("query", "token", "holds", "not null"),
        ("query", "none", "not in the request", "not null"),
    ] {
        check(exists(source, name), is_there);
        check(null(source, name), is_null);
    }
    let unusable = "`nowhere name` names no part of a request";
    check(exists("nowhere", "name"), unusable);
    check(null("nowhere", "name"), unusable);
}

/// They end in no note, so that `not` turns them and goes on in an `and`.
#[test]
fn not_of_a_missing_value_is_simply_true() {
    for part in [Match::Exists { parameter: payload("absent") }, Match::Null { parameter: payload("absent") }]
    {
        let not = Rule::Not(Box::new(Rule::Match(Box::new(part))));
        let rule = Rule::And(vec![not, L(Leaf::True).to_rule()]);
        let request = request(&[]);
        let verdict = evaluate(&rule, &facts(&request), conditions(false), &mut |_, _| {});
        assert_eq!(verdict, Verdict::Fired);
    }
}
