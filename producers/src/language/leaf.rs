//! The types that a field can have, and how each is read from a text.
//!
//! Reading never repairs: a text that is not plainly a value of the type is a problem with its reason code.

use jiff::tz::Offset;
use sanchar_schemas::StateCode;
use sanchar_schemas::event::{
    Classification, CustodyChange, EventAction, EventKind, EventStatus, Gender, HandlingCode,
    InformationGrade, LinkRelation, Moment, ObjectRole, PersonRole, Priority, PropertyCategory, RegisterKind,
    SourceGrade,
};

use super::time::{TimeFormat, read_moment};
use crate::reason::{Problem, Reason};
use crate::text::latin_digits;

/// What a field's table says about reading.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// Date formats, tried in order.
    pub formats: &'a [TimeFormat],
    /// Where local times are local.
    pub zone: Offset,
    /// Added to years of two digits.
    pub century: Option<i32>,
    /// What the row says the month is, where a column says it.
    pub month: Option<i8>,
}

/// A type of value that a field can hold.
pub trait Leaf: Sized {
    /// Whether it needs date formats.
    const TAKES_FORMATS: bool = false;
    /// Whether it may have date formats or not.
    const FORMATS_OPTIONAL: bool = false;
    /// Whether it may be a year of two digits.
    const TAKES_CENTURY: bool = false;

    /// Reads a text that is not empty.
    ///
    /// # Errors
    /// When the text is no value of the type.
    fn read(text: &str, how: How<'_>) -> Result<Self, Problem>;
}

impl Leaf for String {
    fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
        Ok(text.to_owned())
    }
}

fn number<N: std::str::FromStr>(text: &str, kind: &'static str) -> Result<N, Problem> {
    latin_digits(text).parse().map_err(|_| Problem::new(Reason::BadNumber, format!("is not {kind}")))
}

impl Leaf for i32 {
    const TAKES_CENTURY: bool = true;

    fn read(text: &str, how: How<'_>) -> Result<Self, Problem> {
        let value: Self = number(text, "a whole number")?;
        Ok(match how.century {
            Some(century) if (0..100).contains(&value) => century + value,
            _ => value,
        })
    }
}

impl Leaf for i64 {
    fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
        number(text, "a whole number")
    }
}

impl Leaf for f64 {
    fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
        let value: Self = number(text, "a decimal number")?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Problem::new(Reason::BadNumber, "is not a finite number"))
        }
    }
}

impl Leaf for bool {
    fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
        match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" | "हाँ" | "हां" => Ok(true),
            "false" | "no" | "n" | "0" | "नहीं" => Ok(false),
            _ => Err(Problem::new(Reason::BadBoolean, "is neither yes nor no: give the field a map")),
        }
    }
}

impl Leaf for Moment {
    const TAKES_FORMATS: bool = true;

    fn read(text: &str, how: How<'_>) -> Result<Self, Problem> {
        read_moment(text, how.formats, how.zone, how.month, how.century)
            .ok_or_else(|| Problem::new(Reason::BadDate, "has none of the field's date formats"))
    }
}

impl Leaf for StateCode {
    fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
        let named = || {
            StateCode::all()
                .find(|state| state.row().name_en.eq_ignore_ascii_case(text) || state.row().name_hi == text)
        };
        text.parse().ok().or_else(named).ok_or_else(|| {
            Problem::new(
                Reason::UnknownState,
                "is neither the ISO 3166-2 code of a state, such as IN-DL, nor its name: give the field a map",
            )
        })
    }
}

/// Version of a record: a number that only grows, or a moment (milliseconds since 1970) where there are formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(pub i64);

impl Leaf for Revision {
    const FORMATS_OPTIONAL: bool = true;

    fn read(text: &str, how: How<'_>) -> Result<Self, Problem> {
        let revision = match how.formats {
            [] => number(text, "a whole number")?,
            _ => Moment::read(text, how)?.at,
        };
        if revision > 0 {
            return Ok(Self(revision));
        }
        Err(Problem::new(Reason::BadNumber, "is not positive, and a revision has to be"))
    }
}

macro_rules! symbols {
    ($($type:ty)+) => {
        $(impl Leaf for $type {
            fn read(text: &str, _: How<'_>) -> Result<Self, Problem> {
                text.parse().map_err(|_| {
                    let known: Vec<_> = Self::ALL.iter().map(|symbol| symbol.as_str()).collect();
                    Problem::new(Reason::UnknownValue, format!("is not one of {}: give the field a map", known.join(", ")))
                })
            }
        })+
    };
}

symbols! {
    EventKind EventAction EventStatus RegisterKind PersonRole Gender ObjectRole PropertyCategory CustodyChange
    HandlingCode Classification Priority SourceGrade InformationGrade LinkRelation
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: How<'_> = How { formats: &[], zone: Offset::UTC, century: Some(2000), month: None };

    fn reason<T: Leaf + std::fmt::Debug>(text: &str) -> Reason {
        T::read(text, HOW).unwrap_err().reason
    }

    #[test]
    fn numbers_are_read_in_every_script_and_never_repaired() {
        assert_eq!(i32::read("18", HOW), Ok(2018));
        assert_eq!(i32::read("१८", HOW), Ok(2018));
        assert_eq!(i32::read("೧೮", HOW), Ok(2018));
        assert_eq!(i32::read("2018", HOW), Ok(2018));
        assert_eq!(i64::read("-7", HOW), Ok(-7));
        assert_eq!(f64::read("16.109048", HOW), Ok(16.109_048));
        for text in ["1,50,000", "12 kg", "1.5", "99999999999"] {
            assert_eq!(reason::<i32>(text), Reason::BadNumber, "{text}");
        }
        assert_eq!(reason::<f64>("inf"), Reason::BadNumber);
        assert_eq!(reason::<Revision>("0"), Reason::BadNumber);
    }

    #[test]
    fn closed_sets_name_their_members() {
        assert_eq!(bool::read("Yes", HOW), Ok(true));
        assert_eq!(reason::<bool>("maybe"), Reason::BadBoolean);
        assert_eq!(StateCode::read("IN-OR", HOW).unwrap().as_str(), "IN-OD");
        for (written, code) in
            [("in-tg", "IN-TS"), ("IN-UT", "IN-UK"), ("haryana", "IN-HR"), ("दिल्ली", "IN-DL")]
        {
            assert_eq!(StateCode::read(written, HOW).unwrap().as_str(), code, "{written}");
        }
        assert_eq!(reason::<StateCode>("KA"), Reason::UnknownState);
        let problem = Priority::read("HIGH", HOW).unwrap_err();
        assert_eq!(problem.message, "is not one of ROUTINE, PRIORITY, URGENT: give the field a map");
    }
}
