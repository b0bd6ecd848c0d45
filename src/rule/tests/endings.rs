//! What is said of a rule without a request is what its evaluation can come to.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::reference::Subject;

/// A rule over matches that each have a number.
#[derive(Debug, Clone)]
enum Numbered {
    And(Vec<Numbered>),
    Or(Vec<Numbered>),
    Not(Box<Numbered>),
    Leaf(usize),
}

impl Numbered {
    /// With a match for each number; the number is what the match looks at.
    fn to_rule(&self) -> Rule {
        let all = |parts: &[Self]| parts.iter().map(Self::to_rule).collect();
        match self {
            Self::And(parts) => Rule::And(all(parts)),
            Self::Or(parts) => Rule::Or(all(parts)),
            Self::Not(part) => Rule::Not(Box::new(part.to_rule())),
            Self::Leaf(number) => Rule::Match(Box::new(Match::text(
                Reference::new("string", &number.to_string()),
                Comparison::Value(Operand::Text(String::new())),
            ))),
        }
    }

    /// Each leaf is the ending that its number has in `chosen`.
    fn to_shape(&self, chosen: &[usize]) -> Shape {
        let all = |parts: &[Self]| parts.iter().map(|part| part.to_shape(chosen)).collect::<Vec<_>>();
        match self {
            Self::And(parts) => and(all(parts)),
            Self::Or(parts) => or(all(parts)),
            Self::Not(part) => not(part.to_shape(chosen)),
            Self::Leaf(number) => L(ENDINGS[chosen[*number]].1.clone()),
        }
    }

    /// Numbers the leaves from left to right.
    fn count(&mut self, next: &mut usize) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter_mut().for_each(|part| part.count(next)),
            Self::Not(part) => part.count(next),
            Self::Leaf(number) => {
                *number = *next;
                *next += 1;
            }
        }
    }
}

/// As many leaves as can be tried in every combination.
const LEAVES_MAX: usize = 5;

fn rule() -> impl Strategy<Value = Numbered> {
    let rule = Just(Numbered::Leaf(0)).prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(Numbered::And),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(Numbered::Or),
            1 => inner.prop_map(|part| Numbered::Not(Box::new(part))),
        ]
    });
    rule.prop_filter_map("too many leaves to try them all", |mut rule| {
        let mut leaves = 0;
        rule.count(&mut leaves);
        (leaves <= LEAVES_MAX).then_some(rule)
    })
}

fn truth(shape: &Shape, soft: bool) -> Endings {
    let request = request(&[]);
    let facts = facts(&request);
    let observe = &mut |_: &[Step], _: Observed<'_>| {};
    let mut evaluation =
        Evaluation { facts: &facts, conditions: conditions(soft), steps: Vec::new(), observe };
    let (truth, fault) = evaluation.rule(&shape.to_rule());
    Endings::from((truth, fault.as_ref()))
}

fn of_ending(index: usize) -> Endings {
    [Endings::HOLDS, Endings::FAILS, Endings::MISSES, Endings::WRONG_SIGNATURE, Endings::ERROR][index]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_endings_of_a_rule_are_those_of_all_its_evaluations(
        rule in rule(),
        possible in prop::collection::vec(
            select(vec![vec![0], vec![0, 1], vec![1, 2], vec![0, 1, 2], vec![2, 3], vec![0, 2, 3], vec![1, 4]]),
            LEAVES_MAX,
        ),
        soft: bool,
    ) {
        let said = endings(&rule.to_rule(), soft, &|part| {
            let number: usize = match &part.parameter().unwrap().subject {
                Subject::Literal(number) => number.parse().unwrap(),
                _ => unreachable!("every leaf has its number"),
            };
            possible[number].iter().fold(Endings::NONE, |all, index| all.or(of_ending(*index)))
        });
        let combinations = possible.iter().fold(vec![Vec::new()], |so_far, indexes| {
            so_far.iter().flat_map(|chosen| indexes.iter().map(move |index| [&chosen[..], &[*index]].concat())).collect()
        });
        let found = combinations
            .iter()
            .fold(Endings::NONE, |all, chosen: &Vec<usize>| all.or(truth(&rule.to_shape(chosen), soft)));
        prop_assert_eq!(said, found);
    }
}
