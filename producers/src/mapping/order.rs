//! The order of an event's moments: an end is not before its start, nothing is registered before it happens, and
//! nothing has happened tomorrow. Moments are compared as exactly as the less exact of the two is known.

use jiff::Timestamp;
use jiff::tz::Offset;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Moment, TimePrecision};

use crate::reason::{Problem, Reason, Rejection};

/// How far ahead of this machine's clock a source's may be, in milliseconds.
pub(super) const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// Checks the moments of an event that was read at `now_ms` (milliseconds since 1970).
pub(super) fn check(event: &CrimeEvent, zone: Offset, now_ms: i64) -> Result<(), Rejection> {
    let moments = [
        ("occurred_from", event.occurred_from),
        ("occurred_to", event.occurred_to),
        ("reported_at", event.reported_at),
    ];
    for (i, (later_name, later)) in moments.iter().enumerate() {
        let Some(later) = later else { continue };
        if later.at > now_ms.saturating_add(AHEAD_MS_MAX) {
            return Err(
                Problem::new(Reason::FutureDate, "is later than tomorrow: correct the date").at(*later_name)
            );
        }
        for (earlier_name, earlier) in moments.iter().take(i) {
            if earlier.is_some_and(|earlier| is_after(earlier, *later, zone)) {
                let message = format!("is before {earlier_name}: correct one of the two");
                return Err(Problem::new(Reason::TimeOrder, message).at(*later_name));
            }
        }
    }
    Ok(())
}

fn is_after(a: Moment, b: Moment, zone: Offset) -> bool {
    let precision = a.precision.max(b.precision);
    start(a, precision, zone) > start(b, precision, zone)
}

/// The moment's year, month, day and minute, as far as `precision` goes.
fn start(moment: Moment, precision: TimePrecision, zone: Offset) -> Option<(i16, i8, i8, i64)> {
    let local = zone.to_datetime(Timestamp::from_millisecond(moment.at).ok()?);
    Some(match precision {
        TimePrecision::Year => (local.year(), 0, 0, 0),
        TimePrecision::Month => (local.year(), local.month(), 0, 0),
        TimePrecision::Day => (local.year(), local.month(), local.day(), 0),
        TimePrecision::Minute | TimePrecision::Unknown => {
            (local.year(), local.month(), local.day(), moment.at)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::time::{TimeFormat, Zone};

    fn moment(text: &str) -> Moment {
        let format = if text.contains(':') { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" };
        TimeFormat::new(format).unwrap().read(text, Zone::india().0).unwrap()
    }

    #[test]
    fn moments_are_compared_as_exactly_as_both_are_known() {
        let after = |a, b| is_after(moment(a), moment(b), Zone::india().0);
        assert!(!after("2018-03-01 14:00", "2018-03-01"), "the same day may be the same time");
        assert!(after("2018-03-02 00:10", "2018-03-01"));
        assert!(after("2018-03-01 14:00", "2018-03-01 13:59"));
        assert!(!after("2018-03-01", "2018-03-01 00:10"));
    }
}
