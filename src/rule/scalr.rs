//! `scalr-signature`: header `X-Signature` is the hex HMAC-SHA1 of the body followed by the text of
//! the header `Date`, which must be near the present.

use super::{Fault, HmacKey};
use crate::request::Request;

/// How far the `Date` may be from the clock, either way: what Scalr's documentation asks for.
const DATE_TOLERANCE_S: u64 = 300;

pub(super) fn check(
    keys: &[HmacKey],
    request: &Request,
    now_unix_s: i64,
) -> Result<Result<(), &'static str>, Fault> {
    let header = |name: &str| request.headers.get(name).map(|value| value.as_bytes());
    let Some(signature) = header("x-signature") else {
        return Ok(Err("no header X-Signature"));
    };
    let Some(date) = header("date") else {
        return Ok(Err("no header Date"));
    };
    if !keys.iter().any(|key| key.signs(&[&request.body, date], signature)) {
        return Err(Fault::Signature);
    }
    let Some(date_unix_s) = std::str::from_utf8(date).ok().and_then(unix_seconds) else {
        return Err(Fault::Other(
            "the header `Date` is not of the form `Mon 02 Jan 2006 15:04:05 MST`".to_owned(),
        ));
    };
    let away_s = now_unix_s.abs_diff(date_unix_s);
    if away_s > DATE_TOLERANCE_S {
        return Err(Fault::Outdated { away_s });
    }
    Ok(Ok(()))
}

/// `Fri 08 Sep 2017 11:24:32 UTC`. As in the reference's parser a zone without a known offset counts
/// as UTC; only zones that mean UTC are accepted here, because another would shift the window.
fn unix_seconds(date: &str) -> Option<i64> {
    let fields: Vec<&str> = date.split_ascii_whitespace().collect();
    let [_, day, month, year, time, zone] = fields.as_slice() else {
        return None;
    };
    if !matches!(*zone, "UTC" | "GMT") {
        return None;
    }
    let time: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = time.as_slice() else {
        return None;
    };
    // Go takes a fraction that the layout does not have.
    let second = match second.split_once(['.', ',']) {
        Some((second, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            second
        }
        _ => second,
    };
    let number = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i64>().ok())?
    };
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let in_range = (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    in_range.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant, `chrono`-compatible
/// low-level date algorithms).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_seconds() {
        #[track_caller]
        fn check(date: &str, expected: Option<i64>) {
            assert_eq!(unix_seconds(date), expected, "{date}");
        }
        check("Fri 08 Sep 2017 11:24:32 UTC", Some(1_504_869_872));
        check("Fri 08 Sep 2017 11:24:32.75 UTC", Some(1_504_869_872));
        check("Fri 08 Sep 2017 11:24:32,5 UTC", Some(1_504_869_872));
        check("Fri 08 Sep 2017 11:24:32. UTC", None);
        check("Fri 08 Sep 2017 11:24:32.x UTC", None);
        check("Thu 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Thu 29 Feb 2024 23:59:59 UTC", Some(1_709_251_199));
        check("Fri, 08 Sep 2017 11:24:32 UTC", Some(1_504_869_872));
        check("Fri 8 Sep 2017 11:24:32 UTC", None);
        check("Fri 08 Sep 2017 11:24:32 CEST", None);
        check("Fri 08 Sep 2017 25:24:32 UTC", None);
        check("", None);
    }
}
