//! What a row says of itself that time rules out: a year of registration far from the report, a version that nothing could
//! follow. Nothing is corrected.

use jiff::Timestamp;
use jiff::tz::Offset;
use sanchar_schemas::CrimeEvent;

use super::order::AHEAD_MS_MAX;
use crate::language::leaf::Revision;
use crate::reason::{Problem, Reason, Rejection};

/// How many years may lie between a case's number and its report: one about the turn of a year.
const YEARS_APART_MAX: i32 = 1;
/// The finest unit in which a source counts time, in one millisecond.
const NANOSECONDS: i64 = 1_000_000;

/// Checks the year of a case's number against its report, and the report's absence against the clock.
pub(super) fn fir_year(event: &CrimeEvent, zone: Offset, now_ms: i64) -> Result<(), Rejection> {
    let Some(fir) = &event.fir else { return Ok(()) };
    let year =
        |at_ms| Timestamp::from_millisecond(at_ms).ok().map(|at| i32::from(zone.to_datetime(at).year()));
    if let Some(reported) = event.reported_at.and_then(|moment| year(moment.at))
        && (fir.year - reported).abs() > YEARS_APART_MAX
    {
        let message = "is more than a year away from the year of reported_at: correct one of the two";
        return Err(Problem::new(Reason::CheckFailed, message).at("fir.year"));
    }
    if year(now_ms.saturating_add(AHEAD_MS_MAX)).is_some_and(|latest| fir.year > latest) {
        return Err(Problem::new(Reason::FutureDate, "lies in the future: correct the year").at("fir.year"));
    }
    Ok(())
}

/// Checks a version: later ones must be able to outdate it, since an older one is dropped. `is_time` tells whether it was read
/// as a moment; a bare number may count anything, but no moment of today counts so far in any unit.
pub(super) fn revision(revision: Revision, is_time: bool, now_ms: i64) -> Result<Revision, Problem> {
    let latest_ms = now_ms.saturating_add(AHEAD_MS_MAX);
    if is_time && revision.0 > latest_ms {
        let message = "is later than tomorrow, and would hide every true change until then: correct the time";
        return Err(Problem::new(Reason::FutureDate, message));
    }
    if !is_time && revision.0 > latest_ms.saturating_mul(NANOSECONDS) {
        let message = "is greater than today's time even in nanoseconds, and no later version could follow it: correct the number";
        return Err(Problem::new(Reason::FutureDate, message));
    }
    Ok(revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_725_500_000_000;

    #[test]
    fn a_version_that_nothing_could_follow_is_refused() {
        let reason =
            |number, is_time| revision(Revision(number), is_time, NOW_MS).map_err(|problem| problem.reason);
        for (number, is_time) in [
            (NOW_MS + AHEAD_MS_MAX, true),
            (7, false),
            (2_000_000_000_000, false),
            (NOW_MS * 1_000, false),
            (NOW_MS * NANOSECONDS, false),
        ] {
            assert_eq!(reason(number, is_time), Ok(Revision(number)));
        }
        for (number, is_time) in
            [(NOW_MS + AHEAD_MS_MAX + 1, true), (3_937_055_400_000, true), (i64::MAX, false)]
        {
            assert_eq!(reason(number, is_time), Err(Reason::FutureDate));
        }
    }
}
