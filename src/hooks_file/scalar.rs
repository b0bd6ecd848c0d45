//! What a plain scalar of YAML stands for where the reference reads it: the words and numbers of YAML
//! 1.1, whose text is then what Go prints of the value. `yes` is true, `010` is 8, `1.10` is 1.1.

use super::template::float;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool(bool),
    Number(String),
    Text,
}

/// `text` stands without quotes and without a tag. Null is told apart before.
pub(super) fn plain(text: &str) -> Scalar {
    let number = match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(float_text(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(float_text(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => Some(float_text(f64::NAN)),
        _ if text.starts_with('.') => finite(text),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-')) => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| finite(&digits).filter(|_| is_float(&digits)))
        }
        _ => None,
    };
    number.map_or(Scalar::Text, Scalar::Number)
}

/// As the reference turns a float into a text: with the digits of one of 32 bits.
pub(super) fn float_text(value: f64) -> String {
    let value = value as f32;
    if !value.is_finite() {
        let sign = if value.is_sign_positive() { "+" } else { "-" };
        return if value.is_nan() { "NaN".to_owned() } else { format!("{sign}Inf") };
    }
    // The shortest digits that say it mean the same number with 64 bits.
    float::general(value.to_string().parse().unwrap_or_default(), None)
}

/// An integer of up to 64 bits in decimal; a zero in front makes it octal.
fn integer(digits: &str) -> Option<String> {
    let (sign, magnitude) = match digits.as_bytes().first()? {
        b'-' => ("-", &digits[1..]),
        b'+' => ("+", &digits[1..]),
        _ => ("", digits),
    };
    let (base, magnitude) = match magnitude.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &magnitude[2..]),
        [b'0', b'o' | b'O', ..] => (8, &magnitude[2..]),
        [b'0', b'b' | b'B', ..] => (2, &magnitude[2..]),
        [b'0', _, ..] => (8, &magnitude[1..]),
        _ => (10, magnitude),
    };
    // The standard library takes a sign here too.
    let magnitude = magnitude.starts_with(|first: char| first.is_ascii_hexdigit()).then_some(magnitude)?;
    let magnitude = u64::from_str_radix(magnitude, base).ok()?;
    match sign {
        "" => Some(magnitude.to_string()),
        "+" => i64::try_from(magnitude).ok().map(|value| value.to_string()),
        _ => 0_i64.checked_sub_unsigned(magnitude).map(|value| value.to_string()),
    }
}

fn finite(digits: &str) -> Option<String> {
    let value: f64 = digits.parse().ok()?;
    value.is_finite().then(|| float_text(value))
}

/// Digits with a point among or before them, and an exponent that has a sign.
fn is_float(digits: &str) -> bool {
    let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || are_digits(whole)) && are_digits(fraction),
        None => are_digits(mantissa),
    };
    is_mantissa && exponent.is_none_or(|exponent| exponent.strip_prefix(['-', '+']).is_some_and(are_digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_read_as_in_the_reference() {
        #[rustfmt::skip]
        let numbers = [
            ("7", "7"), ("-0", "0"), ("+1", "1"), ("017", "15"), ("0777", "511"), ("00", "0"), ("08", "8"),
            ("0x1F", "31"), ("0X1f", "31"), ("0o17", "15"), ("0O17", "15"), ("0b11", "3"), ("-0B11", "-3"),
            ("1_000", "1000"), ("1__0", "10"), ("1_0.5_0", "10.5"), ("1.0", "1"), ("1.10", "1.1"), ("0.0", "0"),
            ("-0.0", "-0"), (".5", "0.5"), ("-.5", "-0.5"), (".5e3", "500"), ("1.5e+3", "1500"), ("1e-7", "1e-07"),
            ("0.0001", "0.0001"), ("0.00001", "1e-05"), ("123456.0", "123456"), ("1234567.0", "1.234567e+06"),
            ("123456789.0", "1.2345679e+08"), ("1.0000000000000000001", "1"), ("1.0e+39", "+Inf"),
            ("9223372036854775807", "9223372036854775807"), ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744e+19"), ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9.223372e+18"), ("+9223372036854775808", "9.223372e+18"),
            (".inf", "+Inf"), ("+.INF", "+Inf"), ("-.Inf", "-Inf"), (".NaN", "NaN"),
        ];
        for (text, expected) in numbers {
            assert_eq!(plain(text), Scalar::Number(expected.to_owned()), "{text}");
        }
        for text in ["y", "Yes", "on", "TRUE", "true"] {
            assert_eq!(plain(text), Scalar::Bool(true), "{text}");
        }
        for text in ["N", "no", "OFF", "false"] {
            assert_eq!(plain(text), Scalar::Bool(false), "{text}");
        }
        #[rustfmt::skip]
        let texts = [
            "", "a", "yEs", "oN", "tRue", "5.", "1.", "1e3", "1E3", "1e400", "1.0e+400", "1e+", "0x", "0xG", "0o8",
            "0b", "0x1p4", "-", "+", "--1", "+-1", "0x-1", "1.2.3", "10:30", "2001-01-01", ".", "..", ".e1",
            "1,000", ".INf", "inf", "nan", "Infinity", "1a",
        ];
        for text in texts {
            assert_eq!(plain(text), Scalar::Text, "{text}");
        }
    }
}
