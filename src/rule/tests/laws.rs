//! Random rules: against the reference's evaluator, and the laws that hold between rules.
//!
//! Two rules are equivalent when they give the same truth and the same fault beside it: then they are
//! interchangeable inside any other rule too. Because of the fault, and most of all because `not` keeps
//! the note of a missing parameter, the operators are not quite those of logic; each law says where it
//! holds.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::payload::{self, Reading, Wanted};

/// The evaluators of adnanh/webhook 2.8.2 (`internal/hook/hook.go`), line by line; `r` is evaluated by the
/// method of its type. The endings of the matches that are reached go into `reached`.
fn reference(r: &Shape, soft: bool, leaf: &mut dyn FnMut(&Leaf) -> Truth) -> Truth {
    match r {
        Shape::And(parts) => {
            let mut res = true;
            for v in parts {
                let (rv, err) = reference(v, soft, leaf);
                if err.is_some() {
                    return (false, err);
                }
                res = res && rv;
                if !res {
                    return (res, None);
                }
            }
            (res, None)
        }
        Shape::Or(parts) => {
            let mut res = false;
            for v in parts {
                let (rv, err) = reference(v, soft, leaf);
                let is_parameter_node_error = matches!(err, Some(Fault::NotFound(_)));
                let is_signature_error = matches!(err, Some(Fault::Signature));
                if err.is_some() && !is_parameter_node_error && (!soft || !is_signature_error) {
                    return (false, err);
                }
                res = res || rv;
                if res {
                    return (res, None);
                }
            }
            (res, None)
        }
        Shape::Not(part) => {
            let (rv, err) = reference(part, soft, leaf);
            (!rv, err)
        }
        Shape::Leaf(part) => leaf(part),
    }
}

/// What the reference's HTTP handler makes of it.
fn reference_verdict((ok, err): Truth) -> Verdict {
    match err {
        Some(err) if !matches!(err, Fault::NotFound(_)) => Verdict::Failed(err),
        _ if ok => Verdict::Fired,
        _ => Verdict::NotFired,
    }
}

fn truth_of_leaf(leaf: &Leaf, facts: &Facts<'_>) -> Truth {
    match evaluate_match(&leaf.to_match(), facts, NOW_UNIX_S) {
        MatchResult::Holds => (true, None),
        MatchResult::Fails(_) => (false, None),
        MatchResult::Fault(fault) => (false, Some(fault)),
    }
}

/// Truth and fault of a rule over matches whose endings do not depend on the request.
fn truth(shape: &Shape, soft: bool) -> Truth {
    let request = request(&[]);
    let facts = facts(&request);
    let mut evaluation = Evaluation {
        facts: &facts,
        conditions: conditions(soft),
        steps: Vec::new(),
        observe: &mut |_, _| {},
    };
    evaluation.rule(&shape.to_rule())
}

fn verdict(shape: &Shape, soft: bool) -> Verdict {
    let request = request(&[]);
    judged(shape, &facts(&request), soft).0
}

/// `context` with `part` in the place of one of its parts.
fn put(context: &Shape, place: Index, part: &Shape) -> Shape {
    fn count(shape: &Shape) -> usize {
        1 + match shape {
            Shape::And(parts) | Shape::Or(parts) => parts.iter().map(count).sum(),
            Shape::Not(part) => count(part),
            Shape::Leaf(_) => 0,
        }
    }
    fn walk(shape: &Shape, left: &mut usize, part: &Shape) -> Shape {
        if *left == 0 {
            *left = usize::MAX;
            return part.clone();
        }
        *left -= 1;
        match shape {
            Shape::And(parts) => and(parts.iter().map(|below| walk(below, left, part)).collect::<Vec<_>>()),
            Shape::Or(parts) => or(parts.iter().map(|below| walk(below, left, part)).collect::<Vec<_>>()),
            Shape::Not(below) => not(walk(below, left, part)),
            Shape::Leaf(leaf) => L(leaf.clone()),
        }
    }
    walk(context, &mut place.index(count(context)), part)
}

fn rule_over(leaf: impl Strategy<Value = Leaf> + 'static) -> impl Strategy<Value = Shape> {
    leaf.prop_map(L).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 1..5).prop_map(and),
            2 => prop::collection::vec(inner.clone(), 1..5).prop_map(or),
            1 => inner.prop_map(not),
        ]
    })
}

fn ending() -> impl Strategy<Value = Leaf> {
    select(ENDINGS.map(|(_, leaf)| leaf).to_vec())
}

fn rule() -> impl Strategy<Value = Shape> {
    rule_over(ending())
}

fn faultless_rule() -> impl Strategy<Value = Shape> {
    rule_over(select(vec![Leaf::True, Leaf::False]))
}

fn parts() -> impl Strategy<Value = Vec<Shape>> {
    prop::collection::vec(rule(), 1..5)
}

const SOURCES: [&str; 10] = [
    "header",
    "query",
    "payload",
    "string",
    "request",
    "raw-request-body",
    "entire-payload",
    "entire-query",
    "entire-headers",
    "nowhere",
];

/// Matches whose ending depends on the request.
fn leaf() -> impl Strategy<Value = Leaf> {
    let name = prop_oneof![
        select(vec!["x-a", "X-B", "a", "a.b", "a.0", "n.x", "", "method"]).prop_map(str::to_owned),
        any::<String>(),
    ];
    let name = name.boxed();
    let text = prop_oneof![
        select(vec!["", "1", "POST", "<nil>", "null", "{}"]).prop_map(str::to_owned),
        any::<String>(),
    ];
    let regex = select(vec!["", "^a", r"\bb\b", "(?s).", "[^a-z]", "a{2}|$", "(?i)\u{e9}"]);
    let algorithm = select(vec![HmacAlgorithm::Sha1, HmacAlgorithm::Sha256, HmacAlgorithm::Sha512]);
    let networks = prop::collection::vec(select(vec!["192.0.2.0/24", "10.0.0.0/8", "::/0"]), 0..3);
    let keys = || prop::collection::vec(select(vec![KEY, "k"]), 0..3);
    prop_oneof![
        ending(),
        (select(SOURCES.to_vec()), name.clone(), text).prop_map(|(source, name, value)| Leaf::Value {
            source,
            name,
            value
        }),
        (select(SOURCES.to_vec()), name, regex).prop_map(|(source, name, regex)| Leaf::Regex {
            source,
            name,
            regex
        }),
        (select(vec!["x-a", "x-signature"]), algorithm, keys())
            .prop_map(|(name, algorithm, keys)| Leaf::Hmac { name, algorithm, keys }),
        networks.prop_map(|networks| Leaf::IpWhitelist { networks }),
        keys().prop_map(|keys| Leaf::Scalr { keys }),
    ]
}

/// Requests that nobody sends, and some that somebody might.
fn any_request() -> impl Strategy<Value = Request> {
    let header_name = select(vec!["x-a", "x-b", "x-signature", "date", "content-type", "host"]);
    let header_value = prop_oneof![
        select(vec![
            "application/json",
            "application/x-www-form-urlencoded",
            "text/xml",
            "multipart/form-data; boundary=b",
            "Fri 08 Sep 2017 11:24:32 UTC",
            "Fri 99 Sep 9999 99:99:99 UTC",
            "sha1=,sha256=,sha512=,",
            "1",
        ])
        .prop_map(HeaderValue::from_static),
        any::<Vec<u8>>().prop_filter_map("no header value", |bytes| HeaderValue::from_bytes(&bytes).ok()),
    ];
    let headers = prop::collection::vec((header_name.prop_map(HeaderName::from_static), header_value), 0..5);
    let body = prop_oneof![
        select(vec![
            BODY,
            "",
            r#"{"a": {"b": "POST"}, "n": null, "x-a": [1, {"0": []}]}"#,
            r#"{"a": ["1", null], "a.b": {}}"#,
            "[1]",
            "a=1&a.b=%ff&;",
            "<a><b>1</b><b n='x'/></a>",
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        any::<Vec<u8>>(),
    ];
    let peer = prop_oneof![
        any::<std::net::SocketAddr>().prop_map(Peer::Tcp),
        select(vec![Peer::Unix, Peer::Tcp("192.0.2.7:1".parse().unwrap())]),
    ];
    let query = prop::option::of(prop_oneof![Just("a=1&a=2&x-a=%zz&a.b=%41".to_owned()), any::<String>()]);
    (headers, body, peer, query).prop_map(|(headers, body, peer, query)| {
        let headers = headers.into_iter().collect();
        Request { peer, query, headers, body: body.into(), ..request(&[]) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_rule_ends_for_any_request_as_in_the_reference(
        shape in rule_over(leaf()),
        request in any_request(),
        soft: bool,
    ) {
        let reading = Reading { content_type: None, wanted: &Wanted::everything(), json_parts: &["a"], uploads: &[] };
        let Ok(payload) = payload::parse(&request, reading) else { return Ok(()) };
        let facts = Facts::new(&request, payload, Origin::default());
        let mut expected = Vec::new();
        let truth = reference(&shape, soft, &mut |leaf| {
            expected.push(evaluate_match(&leaf.to_match(), &facts, NOW_UNIX_S));
            truth_of_leaf(leaf, &facts)
        });
        let mut reached = Vec::new();
        let verdict = evaluate(&shape.to_rule(), &facts, conditions(soft), &mut |_, observed| {
            if let Observed::Match(_, result) = observed {
                reached.push(result.clone());
            }
        });
        prop_assert_eq!(verdict, reference_verdict(truth));
        prop_assert_eq!(reached, expected);
    }

    /// Without exception, the note included: `not` turns the truth and leaves the fault alone.
    #[test]
    fn a_double_negation_is_equivalent_to_the_rule(
        shape in rule(),
        context in rule(),
        place: Index,
        soft: bool,
    ) {
        let doubled = not(not(shape.clone()));
        prop_assert_eq!(truth(&doubled, soft), truth(&shape, soft));
        let (with, without) = (put(&context, place, &doubled), put(&context, place, &shape));
        prop_assert_eq!(verdict(&with, soft), verdict(&without, soft), "{:?}", without);
    }

    /// A negation differs from the rule where that has no fault, or only a note; a fault stays what it is.
    #[test]
    fn a_negation_turns_the_verdict_and_keeps_the_fault(shape in rule(), soft: bool) {
        let expected = match verdict(&shape, soft) {
            Verdict::Fired => Verdict::NotFired,
            Verdict::NotFired => Verdict::Fired,
            failed => failed,
        };
        prop_assert_eq!(verdict(&not(shape), soft), expected);
    }

    /// `and[r]` is `r` unless `r` is true with a fault beside it, as only a `not` can be: then it is false
    /// with that fault. `or[r]` is `r` where `r` has no fault, and has the same verdict where that is a note.
    #[test]
    fn an_operator_with_one_part_is_that_part(shape in rule(), soft: bool) {
        let alone = truth(&shape, soft);
        let in_and = truth(&and([shape.clone()]), soft);
        let in_or = truth(&or([shape.clone()]), soft);
        match &alone {
            (_, None) => prop_assert_eq!((&in_and, &in_or), (&alone, &alone)),
            (true, fault) => {
                prop_assert!(matches!(shape, Shape::Not(_)));
                prop_assert_eq!(&in_and, &(false, fault.clone()));
            }
            (false, _) => prop_assert_eq!(&in_and, &alone),
        }
        match &alone {
            (truth, Some(Fault::NotFound(_))) => prop_assert_eq!(in_or, (*truth, None)),
            (truth, Some(Fault::Signature)) if soft => prop_assert_eq!(in_or, (*truth, None)),
            (_, Some(fault)) => prop_assert_eq!(in_or, (false, Some(fault.clone()))),
            (_, None) => {}
        }
    }

    #[test]
    fn saying_a_part_twice_changes_nothing(mut parts in parts(), place: Index, soft: bool) {
        let once = [and(parts.clone()), or(parts.clone())].map(|shape| truth(&shape, soft));
        let place = place.index(parts.len());
        parts.insert(place, parts[place].clone());
        prop_assert_eq!([and(parts.clone()), or(parts)].map(|shape| truth(&shape, soft)), once);
    }

    #[test]
    fn the_same_operator_inside_itself_can_be_written_flat(
        before in prop::collection::vec(rule(), 0..3),
        inner in parts(),
        after in prop::collection::vec(rule(), 0..3),
        soft: bool,
    ) {
        for operator in [Shape::And, Shape::Or] {
            let nested = [&before[..], &[operator(inner.clone())], &after].concat();
            let flat = [&before[..], &inner, &after].concat();
            prop_assert_eq!(truth(&operator(nested), soft), truth(&operator(flat), soft));
        }
    }

    /// An `and` is decided by a part that is false or has a fault; an `or` by one that is true, or has a
    /// fault that ends it. Nothing after that is even looked at.
    #[test]
    fn nothing_counts_after_a_part_that_decides(parts in parts(), after in parts(), soft: bool) {
        let all = [&parts[..], &after].concat();
        let request = request(&[]);
        let facts = facts(&request);
        if truth(&and(parts.clone()), soft) != (true, None) {
            prop_assert_eq!(judged(&and(all.clone()), &facts, soft), judged(&and(parts.clone()), &facts, soft));
        }
        if truth(&or(parts.clone()), soft) != (false, None) {
            prop_assert_eq!(judged(&or(all), &facts, soft), judged(&or(parts), &facts, soft));
        }
    }

    /// Without faults the operators are those of logic, in any order of their parts.
    #[test]
    fn without_faults_the_laws_of_logic_hold(
        parts in prop::collection::vec(faultless_rule(), 1..5),
        turn: Index,
        soft: bool,
    ) {
        let is_true = |shape: &Shape| truth(shape, soft).0;
        let negated: Vec<Shape> = parts.iter().cloned().map(not).collect();
        prop_assert_eq!(truth(&and(parts.clone()), soft), (parts.iter().all(is_true), None));
        prop_assert_eq!(truth(&or(parts.clone()), soft), (parts.iter().any(is_true), None));
        prop_assert_eq!(truth(&not(and(parts.clone())), soft), truth(&or(negated.clone()), soft));
        prop_assert_eq!(truth(&not(or(parts.clone())), soft), truth(&and(negated), soft));
        let mut turned = parts.clone();
        turned.rotate_left(turn.index(parts.len()));
        turned.reverse();
        prop_assert_eq!(truth(&and(turned.clone()), soft), truth(&and(parts.clone()), soft));
        prop_assert_eq!(truth(&or(turned), soft), truth(&or(parts), soft));
    }

    /// A fault that is not a note ends the evaluation and is the verdict, unless the hook is soft on it.
    #[test]
    fn no_fault_is_lost(shape in rule(), soft: bool) {
        let mut reached = Vec::new();
        let request = request(&[]);
        let verdict = evaluate(&shape.to_rule(), &facts(&request), conditions(soft), &mut |_, observed| {
            if let Observed::Match(_, result) = observed {
                reached.push(result.clone());
            }
        });
        let is_fatal = |result: &MatchResult| match result {
            MatchResult::Fault(Fault::Other(_)) => true,
            MatchResult::Fault(Fault::Signature) => !soft,
            _ => false,
        };
        match reached.iter().position(is_fatal) {
            Some(place) => {
                prop_assert_eq!(place, reached.len() - 1);
                prop_assert_eq!(MatchResult::Fault(match verdict {
                    Verdict::Failed(fault) => fault,
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                }), reached.pop().unwrap());
            }
            None => prop_assert!(!matches!(verdict, Verdict::Failed(Fault::Other(_) | Fault::NotFound(_)))),
        }
    }

    /// Softness only ever turns the error of a wrong signature into something else.
    #[test]
    fn softness_matters_only_for_a_wrong_signature(shape in rule()) {
        let hard = verdict(&shape, false);
        if hard != Verdict::Failed(Fault::Signature) {
            prop_assert_eq!(verdict(&shape, true), hard);
        }
    }
}
