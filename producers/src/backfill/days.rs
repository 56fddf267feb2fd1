//! A range of Indian calendar days, and which events lie in it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;

use crate::language::time::Zone;

/// Under this name rows of other days are counted.
const OUTSIDE_RANGE: &str = "outside_range";
/// Under this name rows are counted that do not say when they were.
const WITHOUT_TIME: &str = "without_time";

/// Days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    from: Date,
    to: Date,
}

impl Days {
    /// The days between two.
    ///
    /// # Errors
    /// [`Failure`] with exit code 64 when they are in the wrong order.
    pub fn new(from: Date, to: Date) -> Result<Self, Failure> {
        if from > to {
            return Err(Failure::usage(format!("--from {from} is later than --to {to}: exchange them")));
        }
        Ok(Self { from, to })
    }

    /// Under which name an event is left out, if it is: by the day of its report, else by that on which it began to happen. Of a time
    /// that is known to the month or year alone it is the first day.
    pub(crate) fn leave_out(&self, event: &CrimeEvent) -> Option<&'static str> {
        let Some(moment) = event.reported_at.or(event.occurred_from) else { return Some(WITHOUT_TIME) };
        let day = Timestamp::from_millisecond(moment.at).map(|at| Zone::india().0.to_datetime(at).date());
        let is_inside = day.is_ok_and(|day| (self.from..=self.to).contains(&day));
        (!is_inside).then_some(OUTSIDE_RANGE)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::event::{Moment, TimePrecision};

    fn event(reported: Option<&str>, occurred: Option<&str>) -> CrimeEvent {
        let file = include_str!("../../../schemas/examples/vehicle-stolen.json");
        let mut event: CrimeEvent = serde_json::from_str(file).unwrap();
        let moment = |text: &str| Moment {
            at: text.parse::<Timestamp>().unwrap().as_millisecond(),
            precision: TimePrecision::Minute,
        };
        (event.reported_at, event.occurred_from) = (reported.map(moment), occurred.map(moment));
        event
    }

    #[test]
    fn days_begin_and_end_at_midnight_in_india() {
        let days = Days::new("2016-03-01".parse().unwrap(), "2016-03-31".parse().unwrap()).unwrap();
        for (reported, occurred, left_out) in [
            (Some("2016-02-29T18:29:59Z"), None, Some(OUTSIDE_RANGE)),
            (Some("2016-02-29T18:30:00Z"), None, None),
            (Some("2016-03-31T18:29:59Z"), None, None),
            (Some("2016-03-31T18:30:00Z"), None, Some(OUTSIDE_RANGE)),
            (None, Some("2016-03-10T00:00:00Z"), None),
            (Some("2016-04-10T00:00:00Z"), Some("2016-03-10T00:00:00Z"), Some(OUTSIDE_RANGE)),
            (None, None, Some(WITHOUT_TIME)),
        ] {
            assert_eq!(days.leave_out(&event(reported, occurred)), left_out, "{reported:?} {occurred:?}");
        }
        assert_eq!(days.to_string(), "2016-03-01-2016-03-31");
        let failure = Days::new("2016-03-02".parse().unwrap(), "2016-03-01".parse().unwrap()).unwrap_err();
        assert_eq!(failure.exit_code(), sanchar_runtime::lifecycle::ExitCode::Usage);
    }
}
