//! Checks between columns: what one column says must agree with what was read from another.
//!
//! A check never changes a value. A row that fails one goes to quarantine, because nobody can tell which of the two
//! columns is right.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Moment, TimePrecision};
use serde::{Deserialize, Serialize};

use super::column::{Column, NamesColumns, Use, Visit};
use super::field::{Scalar, Source};
use crate::reason::{Problem, Reason};
use crate::text::{latin_digits, squeeze};

/// One check. Exactly one of `equals` and `one_of`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The column that must agree. An empty one passes.
    pub column: Column,
    /// A part of a moment of the event, for example `reported_at.month`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Part>,
    /// The texts that are right, for example the state's own code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Scalar>,
}

macro_rules! parts {
    ($($variant:ident = $name:literal,)+) => {
        /// A number that can be read off an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is named after the field and the unit that it reads")]
        pub enum Part { $(#[serde(rename = $name)] $variant,)+ }

        impl fmt::Display for Part {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name,)+ })
            }
        }
    };
}

parts! {
    ReportedYear = "reported_at.year",
    ReportedMonth = "reported_at.month",
    ReportedDay = "reported_at.day",
    OccurredFromYear = "occurred_from.year",
    OccurredFromMonth = "occurred_from.month",
    OccurredFromDay = "occurred_from.day",
    OccurredToYear = "occurred_to.year",
    OccurredToMonth = "occurred_to.month",
    OccurredToDay = "occurred_to.day",
    FirYear = "fir.year",
}

impl Check {
    /// Whether the row's column agrees with the event made of it.
    pub(crate) fn pass(&self, source: Source<'_>, event: &CrimeEvent) -> Result<(), Problem> {
        let text = squeeze(source.cells.get(&self.column));
        if text.is_empty() || source.null_values.iter().any(|null| *null == text) {
            return Ok(());
        }
        let agrees = match self.equals {
            Some(part) => match part.value(event, source.zone) {
                Some(value) => latin_digits(&text).parse() == Ok(value),
                None => true,
            },
            None => self.one_of.iter().any(|Scalar(one)| *one == text),
        };
        if agrees {
            return Ok(());
        }
        let message = match self.equals {
            Some(part) => format!("does not agree with {part}: one of the two is wrong"),
            None => "is none of the texts that the check names".to_owned(),
        };
        Err(Problem::new(Reason::CheckFailed, message))
    }

    /// Whether the check says what it compares with.
    pub(crate) fn is_complete(&self) -> bool {
        self.equals.is_some() == self.one_of.is_empty()
    }
}

impl NamesColumns for Check {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.column(&mut self.column, Use::Looked);
    }
}

impl Part {
    /// The number; `None` where the event lacks it or does not know it so exactly.
    fn value(self, event: &CrimeEvent, zone: Offset) -> Option<i32> {
        use TimePrecision::{Day, Minute, Year};
        let moment = match self {
            Self::ReportedYear | Self::ReportedMonth | Self::ReportedDay => event.reported_at?,
            Self::OccurredFromYear | Self::OccurredFromMonth | Self::OccurredFromDay => event.occurred_from?,
            Self::OccurredToYear | Self::OccurredToMonth | Self::OccurredToDay => event.occurred_to?,
            Self::FirYear => return event.fir.as_ref().map(|fir| fir.year),
        };
        let local = local(moment, zone)?;
        match self {
            Self::ReportedMonth | Self::OccurredFromMonth | Self::OccurredToMonth => {
                (moment.precision != Year).then_some(i32::from(local.month()))
            }
            Self::ReportedDay | Self::OccurredFromDay | Self::OccurredToDay => {
                matches!(moment.precision, Day | Minute).then_some(i32::from(local.day()))
            }
            _ => Some(i32::from(local.year())),
        }
    }
}

fn local(moment: Moment, zone: Offset) -> Option<DateTime> {
    Timestamp::from_millisecond(moment.at).ok().map(|instant| zone.to_datetime(instant))
}
