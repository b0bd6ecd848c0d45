//! Numbers compared by value, however many digits they have: `1e2` is `100`, and nothing is rounded.

use std::cmp::Ordering;

/// A longer text is no number here: nobody counts in thousands of digits, and each comparison reads all.
const NUMBER_BYTES_MAX: usize = 1_000;
/// Digits of an exponent, so that it can be counted with.
const EXPONENT_DIGITS_MAX: usize = 9;

/// A number in decimal: 0.DIGITS times ten to the power of `point`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'t> {
    is_negative: bool,
    /// The digits before and after the dot, without zeros at the outer ends. Zero has none.
    before_dot: &'t [u8],
    after_dot: &'t [u8],
    point: i64,
}

impl<'t> Number<'t> {
    /// Reads `-12.50e3`: perhaps a sign, digits with perhaps a dot in or around them, perhaps an exponent.
    pub(crate) fn parse(text: &'t [u8]) -> Option<Self> {
        let text = Some(text).filter(|text| text.len() <= NUMBER_BYTES_MAX)?;
        let (is_negative, text) = sign(text);
        let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (text.get(..at)?, exponent(text.get(at + 1..)?)?),
            None => (text, 0),
        };
        let (before, after) = match digits.iter().position(|byte| *byte == b'.') {
            Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
            None => (digits, &[][..]),
        };
        let is_number = before.len() + after.len() > 0 && [before, after].into_iter().all(is_digits);
        is_number.then(|| Self::of(is_negative, before, after, exponent))
    }

    fn of(is_negative: bool, before: &'t [u8], after: &'t [u8], exponent: i64) -> Self {
        let (before_dot, after_dot) = (without_leading_zeros(before), without_trailing_zeros(after));
        match (before_dot, after_dot) {
            ([], []) => Self { is_negative: false, before_dot, after_dot, point: 0 },
            ([], after) => {
                let digits = without_leading_zeros(after);
                let zeros = after.len() - digits.len();
                Self { is_negative, before_dot, after_dot: digits, point: exponent - count(zeros) }
            }
            (before, []) => {
                let before_dot = without_trailing_zeros(before);
                Self { is_negative, before_dot, after_dot, point: exponent + count(before.len()) }
            }
            (before, _) => Self { is_negative, before_dot, after_dot, point: exponent + count(before.len()) },
        }
    }

    fn digits(&self) -> impl Iterator<Item = &'t u8> {
        self.before_dot.iter().chain(self.after_dot)
    }

    fn is_zero(&self) -> bool {
        self.digits().next().is_none()
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let rank = |number: &Self| match (number.is_zero(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_size = || match self.point.cmp(&other.point) {
            Ordering::Equal => self.digits().cmp(other.digits()),
            unequal => unequal,
        };
        match rank(self).cmp(&rank(other)) {
            Ordering::Equal if self.is_zero() => Ordering::Equal,
            Ordering::Equal if self.is_negative => by_size().reverse(),
            Ordering::Equal => by_size(),
            unequal => unequal,
        }
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = sign(text);
    let digits = Some(digits).filter(|digits| !digits.is_empty() && is_digits(digits))?;
    let digits = Some(without_leading_zeros(digits)).filter(|digits| digits.len() <= EXPONENT_DIGITS_MAX)?;
    let size = digits.iter().fold(0, |size, digit| size * 10 + i64::from(digit - b'0'));
    Some(if is_negative { -size } else { size })
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn without_trailing_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or_default()
}

/// At most [`NUMBER_BYTES_MAX`].
fn count(digits: usize) -> i64 {
    digits as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(one: &str, other: &str) -> Option<Ordering> {
        Some(Number::parse(one.as_bytes())?.compare(&Number::parse(other.as_bytes())?))
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let long = "123456789012345678901234567890";
        let longer = format!("{long}.000000000000000000000000000001");
        for group in [
            &["100", "1e2", "1E+2", "0.1e3", "100.0", "+100", "00100", "1000e-1", "100.", ".1e3"][..],
            &["0", "-0", "0.0", "0e9", "-0.00e-7", ".0", "0."],
            &["-1.5", "-15e-1", "-1.50", "-.15e1"],
            &["0.001", "1e-3", ".001", "10e-4"],
            &[long, "1.23456789012345678901234567890e29"],
            &["1020.3040", "10203.04e-1"],
        ] {
            for one in group {
                for other in group {
                    assert_eq!(compare(one, other), Some(Ordering::Equal), "{one} and {other}");
                }
            }
        }
        let rising = [
            "-1e999999999",
            "-1e30",
            "-100.01",
            "-100",
            "-2",
            "-1.9",
            "-0.001",
            "0",
            "1e-999999999",
            "0.001",
            "0.0010001",
            "0.9",
            "1",
            "1.0000000000000000000000000001",
            "1.1",
            "9",
            "10",
            "10.5",
            "99.99",
            "100",
            "9007199254740992",
            "9007199254740993",
            long,
            &longer,
            "123456789012345678901234567891",
            "1e999999999",
        ];
        for (at, one) in rising.iter().enumerate() {
            for (other_at, other) in rising.iter().enumerate() {
                assert_eq!(compare(one, other), Some(at.cmp(&other_at)), "{one} and {other}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        let long = "1".repeat(NUMBER_BYTES_MAX + 1);
        for text in [
            "",
            " 1",
            "1 ",
            "-",
            "+",
            ".",
            "-.",
            "e1",
            ".e1",
            "1e",
            "1e+",
            "1e1.0",
            "1.2.3",
            "1,5",
            "0x10",
            "1_000",
            "--1",
            "+-1",
            "NaN",
            "inf",
            "Infinity",
            "١",
            "<nil>",
            "true",
            "1e1000000000",
            "12 kB",
            &long,
        ] {
            assert!(Number::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Number::parse("1".repeat(NUMBER_BYTES_MAX).as_bytes()).is_some());
        assert!(Number::parse(b"1e0000000000000000002").is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

        /// Against integers: both numbers are scaled by the same power of ten, written in various forms.
        #[test]
        fn decimals_compare_as_scaled_integers(
            one in -10_000_000i64..10_000_000,
            other in -10_000_000i64..10_000_000,
            dots in (0usize..9, 0usize..9),
            zeros in (0usize..4, 0usize..4),
        ) {
            // `integer` thousandths of thousandths, with the dot anywhere.
            let written = |integer: i64, dot: usize, zeros: usize| {
                let digits = format!("{:0>12}", integer.unsigned_abs());
                let (before, after) = digits.split_at(digits.len() - dot);
                let sign = if integer < 0 { "-" } else { "" };
                let zeros = "0".repeat(zeros);
                format!("{sign}{zeros}{before}.{after}{zeros}e{}", dot as i64 - 6)
            };
            let texts = (written(one, dots.0, zeros.0), written(other, dots.1, zeros.1));
            prop_assert_eq!(compare(&texts.0, &texts.1), Some(one.cmp(&other)), "{:?}", texts);
        }

        #[test]
        fn any_text_is_a_number_or_none(text in prop_oneof!["[-+0-9.eE]{0,20}", any::<String>()]) {
            if let Some(number) = Number::parse(text.as_bytes()) {
                prop_assert_eq!(number.compare(&number), Ordering::Equal);
                prop_assert!(text.parse::<f64>().is_ok(), "{}", text);
            }
        }
    }
}
