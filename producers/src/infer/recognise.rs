//! What a column is, by its name and by its values. A format counts where nearly all values of the sample have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sanchar_schemas::registration::Registration;
use serde::Deserialize as _;

use crate::language::column::{Columns, NamesColumns as _, Visit};
use crate::language::field::{Cells, Source};
use crate::language::sections::Sections;
use crate::language::time::{TimeFormat, Zone};
use crate::mapping::sections;
use crate::text::latin_digits;

/// The share of values, in hundredths, that must have a format.
const PROVEN_PERCENT: usize = 90;
/// The same where the name of the column says it too.
const LIKELY_PERCENT: usize = 70;

const FORMATS: [&str; 27] = [
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %I:%M %p",
    "%d/%m/%Y",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %I:%M %p",
    "%d-%m-%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%y %H:%M",
    "%d/%m/%y",
    "%d-%m-%y %H:%M",
    "%d-%m-%y",
    "%d.%m.%y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S%:z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %I:%M:%S %p",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y-%m",
];

#[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
static WORDS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let table: toml::Table = toml::from_str(include_str!("words.toml")).expect("infer/words.toml is toml");
    let names = table.into_iter().flat_map(|(target, names)| {
        let names = Vec::<String>::deserialize(names).expect("infer/words.toml holds lists of names");
        names.into_iter().map(move |name| (fold(&name), target.clone()))
    });
    names.collect()
});

/// The field that a column of this name fills, or `personal`.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    let last = name.rsplit_once('.').map(|(_, last)| last);
    [Some(name), last].into_iter().flatten().find_map(|name| WORDS.get(&fold(name))).map(String::as_str)
}

fn fold(name: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation() && *c != '।';
    name.chars().filter(is_kept).flat_map(char::to_lowercase).collect()
}

/// A date format, and whether another order of day and month fits as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateFound {
    pub(super) format: &'static str,
    pub(super) is_order_proven: bool,
}

impl DateFound {
    /// How many of the values have the format.
    pub(super) fn counted(self, values: &[String]) -> String {
        let format = TimeFormat::new(self.format).ok();
        counted(values, |value| {
            format.as_ref().is_some_and(|format| format.read(&latin_digits(value), Zone::india().0).is_some())
        })
    }

    /// What a field says besides the format: the century of years of two digits.
    pub(super) fn century(self) -> &'static str {
        if self.format.contains("%y") { ", century = 2000" } else { "" }
    }
}

/// The format of dates.
pub(super) fn date(values: &[String]) -> Option<DateFound> {
    let fits = |format: &&'static str| {
        let format = TimeFormat::new(format).ok();
        format.is_some_and(|format| {
            proven(values, |value| format.read(&latin_digits(value), Zone::india().0).is_some())
        })
    };
    let fitting: Vec<&'static str> = FORMATS.into_iter().filter(fits).collect();
    let format = *fitting.first()?;
    let swapped = format.replace("%d/%m", "%m/%d");
    Some(DateFound {
        format,
        is_order_proven: swapped == format || !fitting.iter().any(|other| *other == swapped),
    })
}

/// Whether nearly all values hold.
pub(super) fn proven(values: &[String], holds: impl Fn(&str) -> bool) -> bool {
    share(values, holds, PROVEN_PERCENT)
}

/// How many of the values hold, for people: `all 12 values`, `11 of 12 values`.
pub(super) fn counted(values: &[String], holds: impl Fn(&str) -> bool) -> String {
    let right = values.iter().filter(|value| holds(value)).count();
    match values.len() {
        1 => "the 1 value there is".to_owned(),
        all if all == right => format!("all {all} values"),
        all => format!("{right} of {all} values"),
    }
}

/// Whether most values hold: enough where the name of the column says the same.
pub(super) fn likely(values: &[String], holds: impl Fn(&str) -> bool) -> bool {
    share(values, holds, LIKELY_PERCENT)
}

fn share(values: &[String], holds: impl Fn(&str) -> bool, percent: usize) -> bool {
    let right = values.iter().filter(|value| holds(value)).count();
    !values.is_empty() && right * 100 >= values.len() * percent
}

pub(super) fn is_number(value: &str) -> bool {
    latin_digits(value).bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn is_year(value: &str) -> bool {
    latin_digits(value)
        .parse()
        .is_ok_and(|year: i32| (1990..2100).contains(&year) || (0..100).contains(&year))
}

/// `0008/2016`, `97/18`.
pub(super) fn is_number_and_year(value: &str) -> bool {
    value.split_once('/').is_some_and(|(number, year)| {
        is_number(number) && !number.is_empty() && is_number(year) && matches!(year.chars().count(), 2 | 4)
    })
}

/// Whether a text can be a part of a record's name.
pub(super) fn can_name(value: &str) -> bool {
    !value.contains('/') && value.len() <= 80
}

/// Whether the values are degrees of India, or 0.
pub(super) fn degrees(values: &[String], range: std::ops::RangeInclusive<f64>) -> bool {
    let is_one = |value: &str| {
        latin_digits(value).parse().is_ok_and(|degrees: f64| degrees == 0.0 || range.contains(&degrees))
    };
    proven(values, is_one) && values.iter().any(|value| value.contains('.'))
}

pub(super) fn registrations(values: &[String]) -> bool {
    proven(values, |value| Registration::of(value).is_plausible)
}

/// Telephone and Aadhaar numbers.
pub(super) fn identifiers(values: &[String]) -> bool {
    proven(values, |value| {
        let digits: String = latin_digits(value).chars().filter(|c| !matches!(c, ' ' | '-' | '+')).collect();
        is_number(&digits)
            && matches!(digits.len(), 10 | 12)
            && digits.starts_with(['2', '3', '4', '5', '6', '7', '8', '9'])
    })
}

/// How a column writes acts and sections, as entries of `mapping.sections`.
pub(super) fn section_rules(values: &[String]) -> Option<&'static str> {
    const RULES: [&str; 3] = [
        "order = \"act_first\"\nunknown_act = \"keep\"",
        "order = \"sections_first\"\nseparators = \",/\"",
        "order = \"sections_first\"\nseparators = \",/.\"",
    ];
    RULES.into_iter().find(|rules| {
        let Ok(mut read) = toml::from_str::<Sections>(&format!("column = \"a\"\n{rules}")) else {
            return false;
        };
        let columns = Columns::new(["a"]);
        let mut is_bound = true;
        read.each_column(&mut Visit::new("sections", &mut |path, column, _| {
            is_bound &= columns.bind(column, path, "").is_ok();
        }));
        let known = sections::Known::default();
        is_bound
            && proven(values, |value| {
                let cells = Cells(vec![value.into()]);
                let source = Source { cells: &cells, null_values: &[], zone: Zone::india().0 };
                sections::read(&read, source, &known).is_ok()
            })
    })
}

/// How many different values there are.
pub(super) fn distinct(values: &[String]) -> usize {
    values.iter().collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_word_fills_a_field_and_only_one() {
        let table: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("words.toml")).unwrap();
        for (target, names) in &table {
            for name in names {
                assert_eq!(by_name(name), Some(target.as_str()), "{name}");
            }
        }
        for (name, target) in [
            ("FIR_No", Some("fir.number")),
            ("FIRNo", Some("fir.number")),
            ("record.ps_code", Some("police_station.code")),
            ("थाना ", Some("police_station.name")),
            ("Mobile No.", Some("personal")),
            ("whatever", None),
        ] {
            assert_eq!(by_name(name), target, "{name}");
        }
    }

    #[test]
    fn a_date_format_is_proven_by_its_values() {
        let found = |texts: &[&str]| date(&values(texts)).map(|found| (found.format, found.is_order_proven));
        assert_eq!(found(&["20/1/2016", "5/1/2016"]), Some(("%d/%m/%Y", true)));
        assert_eq!(found(&["7/1/2016", "5/1/2016"]), Some(("%d/%m/%Y", false)));
        assert_eq!(found(&["08/18/2019 12:01:00 AM"]), Some(("%m/%d/%Y %I:%M:%S %p", true)));
        assert_eq!(found(&["२५-०२-२०१८"]), Some(("%d-%m-%Y", true)));
        assert_eq!(found(&["42706", "x"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn sections_are_read_before_they_are_proposed() {
        assert!(
            section_rules(&values(&["IPC 1860 U/s: 379 ", "NDPS ACT 1985 (U/s-20)"]))
                .unwrap()
                .contains("act_first")
        );
        assert!(section_rules(&values(&["303(2) BNS", "25 Arms Act"])).unwrap().contains("sections_first"));
        assert_eq!(section_rules(&values(&["379,", "34,"])), None, "an act is not named");
    }
}
