//! Dates and times as a source writes them: formats in the notation of `strptime`, read in a fixed time zone.
//!
//! A format says by itself how exactly it knows the moment: one with hours and minutes to the minute, one without to
//! the day, the month or the year. Nothing is guessed: a text that no format fits is a problem.
//!
//! `spreadsheet_day` reads the number that a spreadsheet program keeps in place of a date. Such a number is often wrong,
//! because the program took day/month for month/day, so another column has to say the month.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, date};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use sanchar_schemas::event::{Moment, TimePrecision};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text::{latin_digits, squeeze};

/// The specifiers that a format may use.
const SPECIFIERS: &str = "Y y m d e b B h a A H k I l M S p P F T R f z n t %";

/// The name of the format that reads a spreadsheet's day number.
const SPREADSHEET_DAY: &str = "spreadsheet_day";
/// Day 0 of spreadsheets: they count a 29 February 1900 that never was, so this holds from 1 March 1900 on.
const SPREADSHEET_ZERO: Date = date(1899, 12, 30);
/// The first and the last day number that is taken for a date: 1 March 1900 and 31 December 2200.
const SPREADSHEET_DAYS: std::ops::RangeInclusive<i64> = 61..=109_939;

/// A date format, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeFormat {
    text: String,
    precision: TimePrecision,
    /// Whether day and month are numbers, so that another format may take one for the other.
    words: usize,
    /// Whether its years have two digits, so that their century has to be said.
    has_short_year: bool,
}

impl TimeFormat {
    /// Checks a format.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        if text == SPREADSHEET_DAY {
            let (text, precision) = (text.to_owned(), TimePrecision::Day);
            return Ok(Self { text, precision, words: 1, has_short_year: false });
        }
        let specifiers = specifiers(text)?;
        let has = |any: &str| any.chars().any(|c| specifiers.contains(&c));
        if !has("YyF") {
            return Err(format!("the date format `{text}` has no year: it needs %Y or %y"));
        }
        if has("HkIlTR") && !has("MTR") {
            return Err(format!("the date format `{text}` has an hour without minutes: add %M"));
        }
        if has("Il") && !has("pP") {
            return Err(format!(
                "the date format `{text}` has a 12-hour clock without %p: use %H, or add %p"
            ));
        }
        if has("HkIlTR") && !has("deF") {
            return Err(format!("the date format `{text}` has a time without a day: add %d"));
        }
        if has("de") && !has("mbBhF") {
            return Err(format!("the date format `{text}` has a day without a month: add %m"));
        }
        let precision = if has("HkIlTR") {
            TimePrecision::Minute
        } else if has("deF") {
            TimePrecision::Day
        } else if has("mbBh") {
            TimePrecision::Month
        } else {
            TimePrecision::Year
        };
        let (words, has_short_year) = (text.split_whitespace().count(), has("y") && !has("YF"));
        Ok(Self { text: text.to_owned(), precision, words, has_short_year })
    }

    /// Whether its years have two digits: then a field that uses it says their century.
    #[must_use]
    pub fn has_short_year(&self) -> bool {
        self.has_short_year
    }

    /// Reads a text that has this format, taken as local time at `zone` where it names no other. Years of two digits are
    /// those from 1969 to 2068.
    #[must_use]
    pub fn read(&self, text: &str, zone: Offset) -> Option<Moment> {
        self.read_in(text, zone, None)
    }

    /// The same with years of two digits in `century`, for example 2000.
    fn read_in(&self, text: &str, zone: Offset, century: Option<i32>) -> Option<Moment> {
        if text.split_whitespace().count() != self.words {
            return None;
        }
        let read = BrokenDownTime::parse(&self.text, text).ok()?;
        let year = match century.filter(|_| self.has_short_year) {
            Some(century) => i16::try_from(century).ok()?.checked_add(read.year()?.rem_euclid(100)),
            None => read.year(),
        };
        let year = year.filter(|year| (1900..=2200).contains(year))?;
        let (month, day) = (read.month().unwrap_or(1), read.day().unwrap_or(1));
        let (hour, minute) = (read.hour().unwrap_or(0), read.minute().unwrap_or(0));
        let local = DateTime::new(year, month, day, hour, minute, read.second().unwrap_or(0), 0).ok()?;
        let instant = read.offset().unwrap_or(zone).to_timestamp(local).ok()?;
        Some(Moment { at: instant.as_millisecond(), precision: self.precision })
    }

    /// Whether it can be read only where another column says the month.
    #[must_use]
    pub fn needs_month(&self) -> bool {
        self.text == SPREADSHEET_DAY
    }

    /// Whether some text would mean one day to this format and another to `other`.
    fn contradicts(&self, other: &Self) -> bool {
        if self.needs_month() || other.needs_month() {
            return false;
        }
        let fourth_of_march = DateTime::constant(2016, 3, 4, 5, 6, 0, 0);
        let Ok(written) = BrokenDownTime::from(fourth_of_march).to_string(&self.text) else { return false };
        let read = |format: &Self| format.read(&written, Offset::UTC).map(|moment| moment.at);
        matches!((read(self), read(other)), (Some(one), Some(another)) if one != another)
    }
}

/// The letters after each `%`.
fn specifiers(text: &str) -> Result<Vec<char>, String> {
    let mut found = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            continue;
        }
        let letter = rest.by_ref().find(|c| !matches!(c, '-' | '_' | '0' | '.' | ':'));
        match letter {
            Some(letter) if SPECIFIERS.contains(letter) && letter != ' ' => found.push(letter),
            _ => {
                return Err(format!(
                    "the date format `{text}` uses a specifier that is not one of % {SPECIFIERS}"
                ));
            }
        }
    }
    Ok(found)
}

/// The first format that fits decides.
pub(crate) fn read_moment(
    text: &str,
    formats: &[TimeFormat],
    zone: Offset,
    month: Option<i8>,
    century: Option<i32>,
) -> Option<Moment> {
    let text = squeeze(text);
    let text = latin_digits(&text);
    formats.iter().find_map(|format| match format.needs_month() {
        true => spreadsheet_day(&text, zone, month?),
        false => format.read_in(&text, zone, century),
    })
}

/// The day of a spreadsheet's number, as it stands or with day and month in each other's place, whichever lies in the
/// month. A fraction is the time of day.
fn spreadsheet_day(text: &str, zone: Offset, month: i8) -> Option<Moment> {
    const MINUTES: f64 = 24.0 * 60.0;
    let (days, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.len() <= 17 && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(days) || !is_number(fraction) {
        return None;
    }
    let days: i64 = days.parse().ok().filter(|days| SPREADSHEET_DAYS.contains(days))?;
    let written = SPREADSHEET_ZERO.checked_add(days.days()).ok()?;
    let swapped = Date::new(written.year(), written.day(), written.month()).ok();
    let day = [Some(written), swapped].into_iter().flatten().find(|day| day.month() == month)?;
    let minutes = format!("0.{fraction}0").parse::<f64>().ok()? * MINUTES;
    #[expect(clippy::cast_possible_truncation, reason = "less than a day has minutes")]
    let minutes = minutes.round() as i64;
    let local = day.to_datetime(jiff::civil::Time::midnight()).checked_add(minutes.minutes()).ok()?;
    let precision = if fraction.is_empty() { TimePrecision::Day } else { TimePrecision::Minute };
    Some(Moment { at: zone.to_timestamp(local).ok()?.as_millisecond(), precision })
}

/// Refuses a list in which two formats read one text as two different days.
pub(crate) fn check_formats(formats: &[TimeFormat]) -> Result<(), String> {
    for (i, one) in formats.iter().enumerate() {
        if let Some(other) = formats.iter().skip(i + 1).find(|other| one.contradicts(other)) {
            return Err(format!(
                "the date formats `{}` and `{}` read one text as two different days: keep one of them",
                one.text, other.text
            ));
        }
    }
    Ok(())
}

impl fmt::Debug for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for TimeFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A fixed distance from UTC, written `+05:30`; `Asia/Kolkata` is the same thing by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub Offset);

/// Seconds between UTC and Indian Standard Time.
const INDIA_SECONDS: i32 = (5 * 60 + 30) * 60;

impl Zone {
    /// Indian Standard Time.
    #[must_use]
    pub fn india() -> Self {
        Self(Offset::from_seconds(INDIA_SECONDS).unwrap_or(Offset::UTC))
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "Asia/Kolkata" {
            return Some(Self::india());
        }
        let (sign, rest) = match text.strip_prefix('+') {
            Some(rest) => (1, rest),
            None => (-1, text.strip_prefix('-')?),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let known = (0..=14).contains(&hours) && (0..=59).contains(&minutes);
        known.then(|| Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok().map(Self))?
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::india()
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom("a time zone is a fixed distance from UTC: write \"+05:30\" for India")
        })
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<(String, TimePrecision)> {
        let formats = [TimeFormat::new(format).unwrap()];
        let moment = read_moment(text, &formats, Zone::india().0, None, None)?;
        Some((jiff::Timestamp::from_millisecond(moment.at).unwrap().to_string(), moment.precision))
    }

    #[test]
    fn a_moment_is_indian_time_with_the_precision_of_its_format() {
        use TimePrecision::{Day, Minute, Month, Year};
        for (format, text, utc, precision) in [
            ("%d/%m/%Y", "5/1/2016", "2016-01-04T18:30:00Z", Day),
            ("%d-%m-%y %H:%M", "25-02-18 9:5", "2018-02-25T03:35:00Z", Minute),
            ("%m/%d/%Y %H:%M", "3/1/2018 19:35", "2018-03-01T14:05:00Z", Minute),
            ("%d.%m.%y %H.%M", "06.03.18   20.45 ", "2018-03-06T15:15:00Z", Minute),
            ("%d-%m-%Y %I:%M %p", "01-03-2018 07:35 PM", "2018-03-01T14:05:00Z", Minute),
            ("%d-%m-%Y", "०१-०३-२०१८", "2018-02-28T18:30:00Z", Day),
            ("%b %Y", "Feb 2018", "2018-01-31T18:30:00Z", Month),
            ("%Y", "2018", "2017-12-31T18:30:00Z", Year),
            ("%Y-%m-%dT%H:%M:%S%:z", "2018-03-01T14:05:00+00:00", "2018-03-01T14:05:00Z", Minute),
        ] {
            assert_eq!(read(format, text), Some((utc.to_owned(), precision)), "{format} on {text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_lies_in_the_century_that_is_said() {
        let formats = ["%d/%m/%Y", "%d/%m/%y"].map(|format| TimeFormat::new(format).unwrap());
        assert_eq!(formats.each_ref().map(TimeFormat::has_short_year), [false, true]);
        let read = |text, century| {
            let moment = read_moment(text, &formats, Offset::UTC, None, century)?;
            Some(jiff::Timestamp::from_millisecond(moment.at).unwrap().to_string())
        };
        assert_eq!(read("05/09/99", Some(2000)).unwrap(), "2099-09-05T00:00:00Z");
        assert_eq!(read("05/09/99", Some(1900)).unwrap(), "1999-09-05T00:00:00Z");
        assert_eq!(read("05/09/24", Some(2000)).unwrap(), "2024-09-05T00:00:00Z");
        assert_eq!(read("05/09/1999", Some(2000)).unwrap(), "1999-09-05T00:00:00Z");
    }

    #[test]
    fn what_does_not_fit_is_no_moment() {
        for (format, text) in [
            ("%d/%m/%Y", "42706"),
            ("%d/%m/%Y", "31/2/2016"),
            ("%d/%m/%Y", "20/1/16"),
            ("%d/%m/%Y", "5/1/2016 12:00"),
            ("%d/%m/%Y %H:%M", "5/1/2016"),
            ("%d-%m-%y %H:%M", "25-02-1816:30"),
            ("%d-%m-%y %H:%M", "25-02-18 24:30"),
            ("%d/%m/%Y", ""),
        ] {
            assert_eq!(read(format, text), None, "{format} on {text}");
        }
    }

    #[test]
    fn a_spreadsheets_day_number_is_what_its_month_proves() {
        use TimePrecision::{Day, Minute};
        let formats = ["%d/%m/%Y", "spreadsheet_day"].map(|text| TimeFormat::new(text).unwrap());
        assert_eq!(check_formats(&formats), Ok(()));
        let read = |text: &str, month| {
            let moment = read_moment(text, &formats, Zone::india().0, month, None)?;
            Some((jiff::Timestamp::from_millisecond(moment.at).unwrap().to_string(), moment.precision))
        };
        for (text, month, utc, precision) in [
            // 2 December 2016 in the cell, 12 February 2016 in the register.
            ("42706", 2, "2016-02-11T18:30:00Z", Day),
            ("42706", 12, "2016-12-01T18:30:00Z", Day),
            ("४२७०६", 2, "2016-02-11T18:30:00Z", Day),
            ("43313", 1, "2018-01-07T18:30:00Z", Day),
            ("43160.815972", 3, "2018-03-01T14:05:00Z", Minute),
            ("18/4/2016", 4, "2016-04-17T18:30:00Z", Day),
        ] {
            assert_eq!(read(text, Some(month)), Some((utc.to_owned(), precision)), "{text} in {month}");
        }
        for (text, month) in [
            ("42706", None),
            ("42706", Some(5)),
            ("42706", Some(0)),
            ("42724", Some(2)),
            ("60", Some(2)),
            ("999999999", Some(2)),
            ("42706.", Some(13)),
            ("4.27E4", Some(2)),
            ("-42706", Some(2)),
            ("0", Some(1)),
        ] {
            assert_eq!(read(text, month), None, "{text} in {month:?}");
        }
    }

    #[test]
    fn formats_that_cannot_work_are_refused() {
        for (format, part) in [
            ("%d/%m", "no year"),
            ("%d/%m/%Y %H", "without minutes"),
            ("%d/%m/%Y %I:%M", "12-hour clock"),
            ("%m/%Y %H:%M", "without a day"),
            ("%d/%Y", "a day without a month"),
            ("%Y %e", "a day without a month"),
            ("%d/%m/%Q", "specifier"),
            ("%Y %", "specifier"),
        ] {
            let error = TimeFormat::new(format).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn day_first_and_month_first_together_are_refused() {
        let formats = |texts: [&str; 2]| texts.map(|text| TimeFormat::new(text).unwrap());
        assert!(
            check_formats(&formats(["%d/%m/%Y", "%m/%d/%Y"])).unwrap_err().contains("two different days")
        );
        assert_eq!(check_formats(&formats(["%d/%m/%Y", "%d-%m-%y"])), Ok(()));
    }

    #[test]
    fn a_zone_is_a_fixed_distance() {
        assert_eq!(Zone::parse("+05:30"), Some(Zone::india()));
        assert_eq!(Zone::parse("Asia/Kolkata"), Some(Zone::india()));
        assert_eq!(Zone::parse("IST"), None);
        assert_eq!(Zone::parse("+5"), None);
    }
}
