//! Floats as Go writes them.

/// `%g`: the shortest digits that say the number, or `precision` of them, without an exponent when it is small.
pub(in crate::hooks_file) fn general(value: f64, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let (mantissa, exponent) = scientific(value, precision.map(|precision| precision - 1));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => &mantissa,
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let decimals = i32::try_from(digits).ok().and_then(|digits| usize::try_from(digits - 1 - exponent).ok());
    // As in Go, the shortest form counts as one of six digits.
    let limit = match precision {
        None => 6,
        Some(precision) if precision > digits && decimals.is_some() => digits,
        Some(precision) => precision,
    };
    let exponential = exponent < -4 || usize::try_from(exponent).is_ok_and(|exponent| exponent >= limit);
    match exponential {
        true => with_exponent(mantissa, exponent),
        false => fixed(value, decimals.unwrap_or(0)),
    }
}

/// `%e`, with `precision` digits after the point.
pub(super) fn exponential(value: f64, precision: usize) -> String {
    let (mut mantissa, exponent) = scientific(value, Some(precision));
    mantissa.extend(zeros_beyond(precision));
    with_exponent(&mantissa, exponent)
}

/// `%f`, with `precision` digits after the point.
pub(super) fn fixed(value: f64, precision: usize) -> String {
    let mut text = format!("{value:.*}", precision.min(DIGITS_MAX));
    text.extend(zeros_beyond(precision));
    text
}

/// No float has more digits than this; what is asked beyond them are zeros, and the standard
/// library refuses to format more than 65535.
const DIGITS_MAX: usize = 2000;

fn zeros_beyond(precision: usize) -> impl Iterator<Item = char> {
    std::iter::repeat_n('0', precision.saturating_sub(DIGITS_MAX))
}

fn scientific(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        Some(precision) => format!("{value:.*e}", precision.min(DIGITS_MAX)),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
