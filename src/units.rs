//! Durations and sizes as people write them: `250ms`, `10s`, `5m`, `1h`, `3d`; bytes, or `KiB`, `MiB`, `GiB`.

use std::time::Duration;

/// A year: longer is a slip of the keyboard, and sums of such durations stay far from overflow.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Reads a duration: a whole number and a unit, or `0`. A year at most.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = parse_long_duration(text)?;
    Some(duration)
        .filter(|duration| *duration <= DURATION_MAX)
        .ok_or_else(|| format!("`{text}` is longer than a year"))
}

/// The same of any length, for what nobody adds up.
pub(crate) fn parse_long_duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is no duration: write `250ms`, `10s`, `5m`, `1h`, `3d` or `0`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 1,
        _ => return Err(expected()),
    };
    Ok(Duration::from_millis(number.saturating_mul(unit_ms)))
}

/// Reads a size in bytes.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let expected = || format!("`{text}` is no size: write bytes, or a number with `KiB`, `MiB` or `GiB`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| expected())?;
    let unit_bytes: usize = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(expected()),
    };
    number.checked_mul(unit_bytes).ok_or_else(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        #[track_caller]
        fn check(text: &str, expected_ms: Option<u64>) {
            assert_eq!(parse_duration(text).ok(), expected_ms.map(Duration::from_millis), "{text}");
        }
        check("250ms", Some(250));
        check("10s", Some(10_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        check("3d", Some(259_200_000));
        check("366d", Some(31_622_400_000));
        check("367d", None);
        check("0", Some(0));
        check("0s", Some(0));
        check("10", None);
        check("1.5s", None);
        check("-1s", None);
        check("s", None);
        check("", None);
        check("99999999999999999999s", None);
        check("1000000h", None);
        assert_eq!(parse_long_duration("1000000h"), Ok(Duration::from_secs(3_600_000_000)));
        assert!(parse_long_duration("18446744073709551615d").is_ok());
    }

    #[test]
    fn sizes() {
        #[track_caller]
        fn check(text: &str, expected: Option<usize>) {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        check("0", Some(0));
        check("1000", Some(1_000));
        check("64KiB", Some(65_536));
        check("32MiB", Some(33_554_432));
        check("1GiB", Some(1_073_741_824));
        check("1KB", None);
        check("1 MiB", None);
        check("-1", None);
        check("99999999999GiB", None);
    }
}
