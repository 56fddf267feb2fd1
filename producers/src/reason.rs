//! Why a row is not published: one closed set, the same in the quarantine file, in metrics and in log lines.
//!
//! A message says what is wrong and what would be right; it never quotes the row. Which rows a mapping leaves out on
//! purpose is not here: those are counted under the names that the mapping gives them.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// Reason code of a row that was put into quarantine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it stands in files, metrics and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

reasons! {
    /// The row is longer than `source.max_row_bytes`.
    RowTooLarge = "row_too_large",
    /// A quoted field is not closed, or its quotes do not fit.
    BadQuotes = "bad_quotes",
    /// More or fewer fields than the header has names.
    ColumnCount = "column_count",
    /// The last line has no line break: it may be half-written.
    Unterminated = "unterminated",
    /// A line that is not one flat JSON object.
    BadJson = "bad_json",
    /// An element that is not well-formed XML, or that a column's path does not fit.
    BadXml = "bad_xml",
    /// Bytes that are not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// A NUL byte.
    NulByte = "nul_byte",
    /// Text that was encoded as UTF-8 twice, or of which letters were lost.
    DoubleEncoded = "double_encoded",
    /// A field that must be there is empty.
    MissingValue = "missing_value",
    /// A text that none of the patterns fits.
    PatternMismatch = "pattern_mismatch",
    /// A value that its table of values does not know.
    UnknownValue = "unknown_value",
    /// A code that is no state of India.
    UnknownState = "unknown_state",
    /// A text that is no number, or one out of range.
    BadNumber = "bad_number",
    /// A text that is neither yes nor no.
    BadBoolean = "bad_boolean",
    /// A text that none of the date formats fits.
    BadDate = "bad_date",
    /// A point that is not in India, or half a point.
    BadCoordinates = "bad_coordinates",
    /// A date later than tomorrow.
    FutureDate = "future_date",
    /// An end before its start, or an occurrence after its registration.
    TimeOrder = "time_order",
    /// A section whose act is not named and not certain.
    SectionWithoutAct = "section_without_act",
    /// An act that the tables do not know.
    UnknownAct = "unknown_act",
    /// A text that cannot be read as sections of law.
    BadSection = "bad_section",
    /// Two columns of the row contradict each other.
    CheckFailed = "check_failed",
    /// The parts of the record's identity do not make one.
    BadIdentity = "bad_identity",
    /// Another row of the same file has this identity and other content.
    IdentityTaken = "identity_taken",
    /// More joined rows than one case may have.
    TooManyJoined = "too_many_joined",
    /// Content that may not leave until there are rules for it.
    Restricted = "restricted",
    /// The event breaks a rule of the contract.
    InvalidEvent = "invalid_event",
    /// The event is larger than the broker takes.
    MessageTooLarge = "message_too_large",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is wrong with one value, before it is known which field it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its class.
    pub reason: Reason,
    /// What is wrong and what would be right, without the value.
    pub message: Cow<'static, str>,
}

impl Problem {
    /// A problem with a message that needs no row to be told.
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The same problem, in a field.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Rejection {
        Rejection { reason: self.reason, field: field.into(), message: self.message }
    }
}

/// Why a row is put into quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Its class.
    pub reason: Reason,
    /// Field of the event or column of the source; empty where it is the row as a whole.
    pub field: String,
    /// What is wrong and what would be right, without the value.
    pub message: Cow<'static, str>,
}

impl Rejection {
    /// The same rejection of a row for what stands in another one, of a joined file: `place` is where that has to be mended.
    #[must_use]
    pub(crate) fn of_row(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{} (in {place})", self.message).into(), ..self }
    }
}

/// Names the field of a failed value.
pub(crate) trait At<T> {
    /// The value, or its problem at `field`.
    fn at(self, field: &str) -> Result<T, Rejection>;
}

impl<T> At<T> for Result<T, Problem> {
    fn at(self, field: &str) -> Result<T, Rejection> {
        self.map_err(|problem| problem.at(field))
    }
}

/// Names the part of the event that a field is in.
pub(crate) trait Within<T> {
    /// The value, or its rejection with `part.` in front of the field.
    fn within(self, part: impl fmt::Display) -> Result<T, Rejection>;
}

impl<T> Within<T> for Result<T, Rejection> {
    fn within(self, part: impl fmt::Display) -> Result<T, Rejection> {
        self.map_err(|mut rejection| {
            rejection.field = format!("{part}.{}", rejection.field);
            rejection
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_fit_a_metric_label() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b"_8".contains(&b))));
    }

    #[test]
    fn a_rejection_carries_the_path_of_its_field() {
        let failed: Result<(), Problem> = Err(Problem::new(Reason::BadNumber, "is no number"));
        let rejection = failed.at("age_years").within("persons[0]").unwrap_err();
        assert_eq!(rejection.field, "persons[0].age_years");
    }
}
