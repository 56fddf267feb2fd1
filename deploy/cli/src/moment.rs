//! Times as people in India read and name them (+05:30). Records hold UTC; this is for people alone.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

const INDIA_SECONDS: i32 = 5 * 3_600 + 30 * 60;

/// `2026-11-25 18:07:03 +05:30` of a moment in ms since 1970, UTC; the number itself where no calendar has it.
pub(crate) fn in_india(at_ms: i64) -> String {
    local(at_ms, "%Y-%m-%d %H:%M:%S +05:30")
}

/// `20261125-180703`: for names.
pub(crate) fn compact_in_india(at_ms: i64) -> String {
    local(at_ms, "%Y%m%d-%H%M%S")
}

/// When a day begins in India, in ms since 1970, UTC.
pub(crate) fn midnight_in_india(day: Date) -> i64 {
    let midnight = Offset::UTC.to_timestamp(day.to_datetime(Time::midnight()));
    // Only the first and last days that a calendar has are not to be had.
    midnight.map_or(i64::MAX, |utc| utc.as_millisecond() - i64::from(INDIA_SECONDS) * 1_000)
}

fn local(at_ms: i64, format: &str) -> String {
    match (Timestamp::from_millisecond(at_ms), Offset::from_seconds(INDIA_SECONDS)) {
        (Ok(moment), Ok(india)) => india.to_datetime(moment).strftime(format).to_string(),
        _ => at_ms.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn india_is_five_and_a_half_hours_ahead() {
        assert_eq!(in_india(0), "1970-01-01 05:30:00 +05:30");
        assert_eq!(compact_in_india(0), "19700101-053000");
        assert_eq!(in_india(1_793_880_660_000), "2026-11-05 17:41:00 +05:30");
        assert_eq!(in_india(i64::MAX), i64::MAX.to_string());
        assert_eq!(in_india(midnight_in_india(jiff::civil::date(2026, 11, 5))), "2026-11-05 00:00:00 +05:30");
    }
}
