//! Moments as people name them on a command line: `2026-11-25T18:00:00+05:30`, `2026-11-25`, `2h` or `2h ago`.
//! A day is one of India's (+05:30).

use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::moment::midnight_in_india;
use crate::names::shown;

/// A moment, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Ms since 1970, UTC.
    At(i64),
    Day(Date),
    /// Ms before now.
    Ago(i64),
}

impl When {
    /// The first moment that counts, in ms since 1970.
    pub(super) fn begin_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::At(ms) => ms,
            Self::Day(day) => midnight_in_india(day),
            Self::Ago(ms) => now_ms.saturating_sub(ms),
        }
    }

    /// The first moment that no longer counts: a day counts to its end.
    pub(super) fn end_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::Day(day) => day.tomorrow().map_or(i64::MAX, midnight_in_india),
            other => other.begin_ms(now_ms),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim();
        // A date is also the beginning of a timestamp, so it goes first; a timestamp must name its offset.
        let day = || Date::strptime("%Y-%m-%d", word).ok().map(Self::Day);
        let moment = || word.parse::<Timestamp>().ok().map(|moment| Self::At(moment.as_millisecond()));
        day().or_else(moment).or_else(|| ago(word)).ok_or_else(|| {
            format!(
                "`{}` is no time: use 2026-11-25T18:00:00+05:30, a day such as 2026-11-25, or how long ago, such as 2h",
                shown(text)
            )
        })
    }
}

fn ago(word: &str) -> Option<When> {
    let span: Span = word.strip_suffix("ago").map_or(word, str::trim_end).parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let ms = i64::try_from(duration.as_millis()).ok()?;
    (ms >= 0).then_some(When::Ago(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_793_880_660_000; // 2026-11-05 17:41 +05:30

    fn window(text: &str) -> (i64, i64) {
        let when: When = text.parse().unwrap();
        (when.begin_ms(NOW_MS), when.end_ms(NOW_MS))
    }

    #[test]
    fn moments_days_and_spans() {
        assert_eq!(window("2026-11-05T17:41:00+05:30"), (NOW_MS, NOW_MS));
        assert_eq!(window("2026-11-05T12:11:00Z"), (NOW_MS, NOW_MS));
        let midnight = NOW_MS - (17 * 60 + 41) * 60_000;
        assert_eq!(window("2026-11-05"), (midnight, midnight + 86_400_000), "a day is one of India's");
        assert_eq!(window("2h").0, NOW_MS - 7_200_000);
        assert_eq!(window("2h ago").0, NOW_MS - 7_200_000);
        assert_eq!(window("1d 30m").0, NOW_MS - 88_200_000);
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_remedy() {
        for bad in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-05T17:41:00",
            "-2h",
            "-2h ago",
            "2h ago ago",
            "ago",
            "2",
            "3 months",
        ] {
            let error = bad.parse::<When>().unwrap_err();
            assert!(error.contains("2h"), "{bad}: {error}");
        }
    }
}
