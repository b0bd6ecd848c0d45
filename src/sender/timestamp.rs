//! Timestamps as senders write them, in milliseconds since 1970.

use super::words::Unit;

const MS_PER_S: i64 = 1000;
const S_PER_DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

pub(crate) fn parse_ms(text: &[u8], unit: Unit) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    match unit {
        Unit::Seconds => digits(text)?.checked_mul(MS_PER_S),
        Unit::Milliseconds => digits(text),
        Unit::Rfc3339 => rfc3339(text),
        Unit::HttpDate => http_date(text),
    }
}

pub(crate) fn format_ms(ms: i64, unit: Unit) -> String {
    let seconds = ms.div_euclid(MS_PER_S);
    let (days, second) = (seconds.div_euclid(S_PER_DAY), seconds.rem_euclid(S_PER_DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    match unit {
        Unit::Seconds => seconds.to_string(),
        Unit::Milliseconds => ms.to_string(),
        Unit::Rfc3339 => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
        Unit::HttpDate => {
            let weekday = named(&WEEKDAYS, days.rem_euclid(7));
            let month = named(&MONTHS, month - 1);
            format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
        }
    }
}

/// Digits only: no sign, no space, no fraction.
fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok())?
}

/// Digits of exactly this many places.
fn places(text: &str, count: usize) -> Option<i64> {
    (text.len() == count).then(|| digits(text))?
}

/// `2025-01-01T00:00:00.123456789Z`, or with an offset.
fn rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.split('-');
    let day = days(places(date.next()?, 4)?, places(date.next()?, 2)?, places(date.next()?, 2)?)?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at_checked(zone_at)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    digits(fraction)?;
    let ms = digits(&format!("{fraction:0<3}").chars().take(3).collect::<String>())?;
    let offset_s = match zone {
        "Z" | "z" => 0,
        _ => {
            let (sign, offset) = zone.split_at_checked(1)?;
            let (hours, minutes) = offset.split_once(':')?;
            let offset_s = clock_s(places(hours, 2)?, places(minutes, 2)?, 0)?;
            if sign == "-" { -offset_s } else { offset_s }
        }
    };
    let none_left = date.next().is_none();
    none_left.then_some((day * S_PER_DAY + clock(whole)? - offset_s) * MS_PER_S + ms)
}

/// `Thu, 07 Sep 2017 06:30:04 GMT`, and as Go prints it: without the comma, with `UTC`.
fn http_date(text: &str) -> Option<i64> {
    let mut words = text.split(' ');
    let weekday = words.next()?;
    let weekday = weekday.strip_suffix(',').unwrap_or(weekday);
    let day = places(words.next()?, 2)?;
    let month = words.next()?;
    let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month)?.1;
    let days = days(places(words.next()?, 4)?, month, day)?;
    let seconds = clock(words.next()?)?;
    let utc = matches!(words.next()?, "GMT" | "UTC" | "+0000");
    let known = WEEKDAYS.contains(&weekday) && utc && words.next().is_none();
    known.then_some((days * S_PER_DAY + seconds) * MS_PER_S)
}

fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let seconds = clock_s(places(hour, 2)?, places(minute, 2)?, places(second, 2)?)?;
    parts.next().is_none().then_some(seconds)
}

/// A leap second is the first second of the next minute.
fn clock_s(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 of a date that exists.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) {
        return None;
    }
    // Years begin in March, so that a leap day is the last.
    let year_from_march = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// The inverse of `days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn named(names: &[&'static str], position: i64) -> &'static str {
    usize::try_from(position).ok().and_then(|position| names.get(position)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unit: Unit, ms: Option<i64>) {
        assert_eq!(parse_ms(text.as_bytes(), unit), ms, "{text}");
    }

    #[test]
    fn reads_numbers() {
        check("1735689600", Unit::Seconds, Some(1_735_689_600_000));
        check("0", Unit::Seconds, Some(0));
        check("1735689600000", Unit::Milliseconds, Some(1_735_689_600_000));
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "١", "9223372036854775807"] {
            check(text, Unit::Seconds, None);
        }
    }

    #[test]
    fn reads_rfc3339() {
        check("2025-01-01T00:00:00Z", Unit::Rfc3339, Some(1_735_689_600_000));
        check("2025-01-01T00:00:00.123456789Z", Unit::Rfc3339, Some(1_735_689_600_123));
        check("2025-01-01T01:00:00.5+01:00", Unit::Rfc3339, Some(1_735_689_600_500));
        check("2024-12-31T23:30:00-00:30", Unit::Rfc3339, Some(1_735_689_600_000));
        check("1969-12-31T23:59:59Z", Unit::Rfc3339, Some(-1000));
        check("2000-02-29T00:00:00Z", Unit::Rfc3339, Some(951_782_400_000));
        for text in [
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:00:00",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00.1é9Z",
            "2025-01-01-01T00:00:00Z",
            "2025-1-1T00:00:00Z",
            "+025-01-01T00:00:00Z",
            "2025-01-01T00:00:00+é",
            "2025-01-01T00:00:00Zé",
        ] {
            check(text, Unit::Rfc3339, None);
        }
    }

    #[test]
    fn reads_http_dates() {
        check("Thu, 07 Sep 2017 06:30:04 GMT", Unit::HttpDate, Some(1_504_765_804_000));
        check("Thu 07 Sep 2017 06:30:04 UTC", Unit::HttpDate, Some(1_504_765_804_000));
        for text in [
            "Thu, 07 Sep 2017 06:30:04",
            "Thu, 07 Sep 2017 06:30:04 PST",
            "Thu, 07 sep 2017 06:30:04 GMT",
            "Thu, 31 Sep 2017 06:30:04 GMT",
            "07 Sep 2017 06:30:04 GMT",
        ] {
            check(text, Unit::HttpDate, None);
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for days in (-200_000..200_000).step_by(37) {
            let ms = days * S_PER_DAY * MS_PER_S + 45_296_000;
            for unit in Unit::ALL {
                let text = format_ms(ms, *unit);
                let expected = (!text.starts_with('-')).then_some(ms);
                assert_eq!(parse_ms(text.as_bytes(), *unit), expected, "{text}");
            }
        }
        assert_eq!(format_ms(1_504_765_804_999, Unit::HttpDate), "Thu, 07 Sep 2017 06:30:04 GMT");
    }
}
