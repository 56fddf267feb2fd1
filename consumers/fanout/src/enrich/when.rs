//! What the times of an event tell: which penal code was in force, the time of day, how old it was at its publication.
//!
//! A moment that is known to the day, month or year alone is a span of time; nothing is derived that is not so for all of it.

use crate::route::india;
use jiff::civil::DateTime;
use jiff::{Span, Timestamp};
use sanchar_schemas::enrichment::{PenalCode, TimeOfDay};
use sanchar_schemas::event::{Moment, TimePrecision};
use sanchar_schemas::outline::Outline;

/// The Bharatiya Nyaya Sanhita came into force on 1 July 2024 (notification S.O. 850(E)): that midnight in India, ms since
/// 1970, UTC. What was done before is still judged by the Indian Penal Code (BNS s.358).
const BNS_SINCE_MS: i64 = 1_719_772_200_000;

/// The Indian Penal Code came into force on 1 January 1862: that midnight in India, ms since 1970, UTC.
const IPC_SINCE_MS: i64 = -3_408_154_200_000;
/// Jammu and Kashmir, with Ladakh, had a code of its own until 31 October 2019 (Act 34 of 2019): that midnight in India.
const IPC_IN_KASHMIR_SINCE_MS: i64 = 1_572_460_200_000;

/// The penal code in force when the offence was committed; `None` where that is not certain. An offence that was registered
/// under the old code's time was committed in it. One moment alone is taken for the whole of the offence.
pub(super) fn code_in_force(event: &Outline<'_>) -> Option<PenalCode> {
    let [from, to] = event.occurred;
    let is_of_kashmir = matches!(event.origin.as_str(), "IN-JK" | "IN-LA");
    let since_ms = if is_of_kashmir { IPC_IN_KASHMIR_SINCE_MS } else { IPC_SINCE_MS };
    let begins_ms = from.and_then(span).map(|(begin_ms, _)| begin_ms);
    let ends_ms = to.or(from).and_then(span).map(|(_, end_ms)| end_ms);
    let registered_ms = event.reported_at.and_then(span).map(|(_, end_ms)| end_ms);
    let is_before = |ms: Option<i64>| ms.is_some_and(|ms| ms <= BNS_SINCE_MS);
    if begins_ms.zip(registered_ms).is_some_and(|(begins_ms, registered_ms)| registered_ms < begins_ms) {
        None // one of the two is wrong
    } else if is_before(ends_ms) || is_before(registered_ms) {
        // Where the start is not known, it may lie before the code as well.
        let is_since = |begins_ms: i64| begins_ms >= since_ms;
        begins_ms.map_or(!is_of_kashmir, is_since).then_some(PenalCode::Ipc)
    } else if begins_ms.is_some_and(|ms| ms >= BNS_SINCE_MS) {
        Some(PenalCode::Bns)
    } else {
        None
    }
}

/// The time of day; `None` where it is not known to the minute, or the occurrence is longer than one band.
pub(super) fn time_of_day(event: &Outline<'_>) -> Option<TimeOfDay> {
    let [from, to] = event.occurred;
    let [begin, end] = [from?, to.or(from)?].map(minute);
    let (begin, end) = (begin?, end?);
    let is_one_band = begin <= end && begin.date() == end.date() && begin.hour() / 6 == end.hour() / 6;
    is_one_band.then(|| match begin.hour() / 6 {
        0 => TimeOfDay::Night,
        1 => TimeOfDay::Morning,
        2 => TimeOfDay::Afternoon,
        _ => TimeOfDay::Evening,
    })
}

/// Seconds from the start of the occurrence to the publication.
pub(super) fn age_seconds(event: &Outline<'_>) -> Option<i64> {
    let from = event.occurred[0]?;
    let is_near = matches!(from.precision, TimePrecision::Minute | TimePrecision::Day);
    let age_ms = event.published_at.checked_sub(from.at)?;
    (is_near && age_ms >= 0).then_some(age_ms / 1_000)
}

/// The minute by the clock in India.
fn minute(moment: Moment) -> Option<DateTime> {
    (moment.precision == TimePrecision::Minute).then(|| in_india(moment.at))?
}

/// All that a moment may be: from the first ms to the one after the last.
fn span(moment: Moment) -> Option<(i64, i64)> {
    let length = match moment.precision {
        TimePrecision::Unknown => return None,
        TimePrecision::Minute => Span::new().minutes(1),
        TimePrecision::Day => Span::new().days(1),
        TimePrecision::Month => Span::new().months(1),
        TimePrecision::Year => Span::new().years(1),
    };
    let end = in_india(moment.at)?.checked_add(length).ok()?;
    Some((moment.at, india().to_timestamp(end).ok()?.as_millisecond()))
}

fn in_india(at_ms: i64) -> Option<DateTime> {
    Timestamp::from_millisecond(at_ms).ok().map(|moment| india().to_datetime(moment))
}
