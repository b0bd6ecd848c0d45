//! Rules as data tables: how each operator deals with each ending of its parts, and what the log is told.

mod comparisons;
mod endings;
mod laws;
mod matches;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use super::*;
use crate::facts::Origin;
use crate::payload::{Payload, json};
use crate::request::{Peer, Request};
use crate::secret::Secret;
use crate::value::Value;

/// Test case 2 of RFC 2202 and RFC 4231, whose signatures are in `matches`.
const KEY: &str = "Jefe";
const BODY: &str = "what do ya want for nothing?";

const NOW_UNIX_S: i64 = 1_504_869_872;

const PAYLOAD: &str = r#"{"ref": "refs/heads/main", "gone": null, "count": 1.10, "list": ["a", {"b": 1}]}"#;

/// A rule that can be shown, copied and compared.
#[derive(Debug, Clone)]
enum Shape {
    And(Vec<Shape>),
    Or(Vec<Shape>),
    Not(Box<Shape>),
    Leaf(Leaf),
}

use Shape::Leaf as L;

/// A match with one ending whatever the request, or one whose ending depends on the request.
#[derive(Debug, Clone)]
enum Leaf {
    True,
    False,
    NotFound,
    Signature,
    Other,
    Value { source: &'static str, name: String, value: String },
    Regex { source: &'static str, name: String, regex: &'static str },
    Hmac { name: &'static str, algorithm: HmacAlgorithm, keys: Vec<&'static str> },
    IpWhitelist { networks: Vec<&'static str> },
    Scalr { keys: Vec<&'static str> },
}

/// The five endings, with the letter each has in the tables.
const ENDINGS: [(char, Leaf); 5] = [
    ('t', Leaf::True),
    ('f', Leaf::False),
    ('n', Leaf::NotFound),
    ('s', Leaf::Signature),
    ('o', Leaf::Other),
];

impl Leaf {
    fn to_match(&self) -> Match {
        let text = Match::text;
        let literal = |text: &str| Reference::new("string", text);
        let value = |value: &str| Comparison::Value(Operand::Text(value.to_owned()));
        let hmac = |algorithm, keys: &[&str]| Comparison::Hmac(hmac_keys(algorithm, keys));
        match self {
            Self::True => text(literal("x"), value("x")),
            Self::False => text(literal("x"), value("y")),
            Self::NotFound => text(Reference::new("header", "x-never-sent"), value("x")),
            Self::Signature => text(literal("forged"), hmac(HmacAlgorithm::Sha256, &[KEY])),
            Self::Other => text(Reference::new("nowhere", "name"), value("x")),
            Self::Value { source, name, value: wanted } => text(Reference::new(source, name), value(wanted)),
            Self::Regex { source, name, regex } => {
                text(Reference::new(source, name), Comparison::Regex(GoRegex::new(regex).unwrap()))
            }
            Self::Hmac { name, algorithm, keys } => {
                text(Reference::new("header", name), hmac(*algorithm, keys))
            }
            Self::IpWhitelist { networks } => Match::IpWhitelist {
                networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            },
            Self::Scalr { keys } => Match::ScalrSignature { keys: hmac_keys(HmacAlgorithm::Sha1, keys) },
        }
    }
}

fn hmac_keys(algorithm: HmacAlgorithm, keys: &[&str]) -> Vec<HmacKey> {
    let secrets = keys.iter().map(|key| Secret::new(key.as_bytes()).unwrap());
    secrets.map(|secret| HmacKey::new(algorithm, &secret)).collect()
}

fn and(parts: impl Into<Vec<Shape>>) -> Shape {
    Shape::And(parts.into())
}

fn or(parts: impl Into<Vec<Shape>>) -> Shape {
    Shape::Or(parts.into())
}

fn not(part: Shape) -> Shape {
    Shape::Not(Box::new(part))
}

impl Shape {
    fn to_rule(&self) -> Rule {
        match self {
            Self::And(parts) => Rule::And(parts.iter().map(Self::to_rule).collect()),
            Self::Or(parts) => Rule::Or(parts.iter().map(Self::to_rule).collect()),
            Self::Not(part) => Rule::Not(Box::new(part.to_rule())),
            Self::Leaf(leaf) => Rule::Match(Box::new(leaf.to_match())),
        }
    }
}

/// A push to `main`, with each further header given.
fn request(headers: &[(&str, &str)]) -> Request {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    Request {
        id: "1".to_owned(),
        peer: Peer::Tcp("192.0.2.7:51234".parse().unwrap()),
        method: Method::POST,
        path: "/hooks/push".to_owned(),
        query: Some("token=a%2Bb&twice=1&twice=2".to_owned()),
        headers: headers.iter().map(header).collect::<HeaderMap>(),
        body: BODY.into(),
    }
}

fn facts(request: &Request) -> Facts<'_> {
    let Ok(Value::Object(fields)) = json::parse(PAYLOAD.as_bytes()) else { panic!("{PAYLOAD}") };
    let payload = Payload { fields: Some(fields), ..Payload::default() };
    Facts::new(request, payload, Origin::default())
}

fn conditions(soft: bool) -> Conditions {
    Conditions { soft_signature_failures: soft, now_unix_s: NOW_UNIX_S }
}

/// The verdict, and what was observed: each match that was reached, by its path.
fn judged(shape: &Shape, facts: &Facts<'_>, soft: bool) -> (Verdict, Vec<String>) {
    let mut reached = Vec::new();
    let verdict = evaluate(&shape.to_rule(), facts, conditions(soft), &mut |steps, observed| {
        if let Observed::Match(part, result) = observed {
            reached.push(format!("{} {part}: {result}", Way(steps)));
        }
    });
    (verdict, reached)
}

/// `+` fired, `-` not fired, else the letter of the fault.
fn letter(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Fired => '+',
        Verdict::NotFired => '-',
        Verdict::Failed(Fault::Signature | Fault::Outdated { .. }) => 's',
        Verdict::Failed(Fault::Other(_)) => 'o',
        Verdict::Failed(Fault::Required(_)) => 'r',
        Verdict::Failed(Fault::NotFound(_)) => panic!("a note fails no rule"),
    }
}

/// `row` has the verdict for each of [`ENDINGS`], which `shape` makes a rule of.
#[track_caller]
fn check_row(name: &str, soft: bool, shape: impl Fn(Shape) -> Shape, row: &str) {
    let request = request(&[]);
    let facts = facts(&request);
    let verdicts = ENDINGS.map(|(_, leaf)| letter(&judged(&shape(L(leaf)), &facts, soft).0));
    assert_eq!(String::from_iter(verdicts), row, "{name}, soft: {soft}");
}

#[test]
fn a_row_for_each_operator_and_first_part() {
    // For each first part: the verdicts by the second part, in the order t f n s o; hard, then soft.
    const AND: [(&str, &str); 5] =
        [("+--so", "+--so"), ("-----", "-----"), ("-----", "-----"), ("sssss", "sssss"), ("ooooo", "ooooo")];
    const OR: [(&str, &str); 5] =
        [("+++++", "+++++"), ("+--so", "+---o"), ("+--so", "+---o"), ("sssss", "+---o"), ("ooooo", "ooooo")];
    for ((letter, first), (in_and, in_or)) in ENDINGS.iter().zip(AND.iter().zip(OR)) {
        for (soft, in_and, in_or) in [(false, in_and.0, in_or.0), (true, in_and.1, in_or.1)] {
            let first = || L(first.clone());
            check_row(&format!("and[{letter} _]"), soft, |second| and([first(), second]), in_and);
            check_row(&format!("or[{letter} _]"), soft, |second| or([first(), second]), in_or);
        }
    }
}

#[test]
fn a_row_for_each_nesting_of_not() {
    use Leaf::{False, True};
    type Nesting = (&'static str, fn(Shape) -> Shape, &'static str, &'static str);
    const NESTINGS: [Nesting; 17] = [
        ("_", |part| part, "+--so", "+--so"),
        ("not _", not, "-++so", "-++so"),
        ("not not _", |part| not(not(part)), "+--so", "+--so"),
        ("and[_]", |part| and([part]), "+--so", "+--so"),
        ("or[_]", |part| or([part]), "+--so", "+---o"),
        // The note of a missing parameter travels with `not`, and ends an enclosing `and` as false …
        ("and[not _]", |part| and([not(part)]), "-+-so", "-+-so"),
        ("and[t not _]", |part| and([L(True), not(part)]), "-+-so", "-+-so"),
        ("and[not _ t]", |part| and([not(part), L(True)]), "-+-so", "-+-so"),
        ("and[f not _]", |part| and([L(False), not(part)]), "-----", "-----"),
        ("not and[not _]", |part| not(and([not(part)])), "+-+so", "+-+so"),
        // … while an `or` takes the truth and drops the note, also that of a wrong signature it is soft on.
        ("or[not _]", |part| or([not(part)]), "-++so", "-+++o"),
        ("or[f not _]", |part| or([L(False), not(part)]), "-++so", "-+++o"),
        ("or[not _ f]", |part| or([not(part), L(False)]), "-++so", "-+++o"),
        ("and[t or[not _]]", |part| and([L(True), or([not(part)])]), "-++so", "-+++o"),
        ("and[t not or[_]]", |part| and([L(True), not(or([part]))]), "-++so", "-+++o"),
        ("and[t not and[_]]", |part| and([L(True), not(and([part]))]), "-+-so", "-+-so"),
        // Softness is that of the nearest `or`: the `and` in it still ends in the fault.
        ("or[and[_ t] f]", |part| or([and([part, L(True)]), L(False)]), "+--so", "+---o"),
    ];
    for (name, shape, hard, soft) in NESTINGS {
        check_row(name, false, shape, hard);
        check_row(name, true, shape, soft);
    }
}

#[test]
fn each_match_that_was_reached_is_told_by_its_path() {
    use Leaf::{False, NotFound, Other, Signature, True};
    #[track_caller]
    fn check(shape: Shape, soft: bool, expected: &[&str]) {
        let request = request(&[]);
        let (_, reached) = judged(&shape, &facts(&request), soft);
        assert_eq!(reached, expected, "{shape:?}");
    }
    let branch =
        || L(Leaf::Value { source: "payload", name: "ref".to_owned(), value: "refs/heads/next".to_owned() });
    let into_null = || L(Leaf::Value { source: "payload", name: "gone.by".to_owned(), value: String::new() });
    let forged = "the signature does not match";
    let missing = "header X-Never-Sent: parameter node not found";
    check(L(True), false, &["match string: holds"]);
    check(branch(), false, &["match payload ref: not equal"]);
    check(into_null(), false, &["match payload gone.by: `payload gone.by` leads into a null"]);
    check(L(Other), false, &["match nowhere name: `nowhere name` names no part of a request"]);
    check(
        and([L(True), branch(), L(True)]),
        false,
        &["and[0].match string: holds", "and[1].match payload ref: not equal"],
    );
    check(
        or([branch(), L(NotFound), L(True), L(False)]),
        false,
        &[
            "or[0].match payload ref: not equal",
            &format!("or[1].match {missing}"),
            "or[2].match string: holds",
        ],
    );
    check(
        and([or([L(Signature), L(False)]), L(False)]),
        false,
        &[&format!("and[0].or[0].match string: {forged}")],
    );
    check(
        and([or([L(Signature), L(False)]), L(False)]),
        true,
        &[&format!("and[0].or[0].match string: {forged}"), "and[0].or[1].match string: not equal"],
    );
    check(
        and([not(L(False)), not(and([not(L(NotFound)), L(True)])), not(L(True))]),
        false,
        &["and[0].not.match string: not equal", &format!("and[1].not.and[0].not.match {missing}")],
    );
}
