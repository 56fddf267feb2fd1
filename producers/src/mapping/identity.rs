//! The parts of a record's identity: each in one spelling, and none that a spreadsheet or an export has left in the place of a
//! number. How they become a record id is the contract's.

use std::borrow::Cow;

use sanchar_schemas::event::PoliceStation;

use crate::reason::{Problem, Reason};
use crate::text::{has_lost_letters, one_spelling, says_nothing};

/// A number or code that names something: the same in every script and on every keyboard.
pub(super) fn code(text: String) -> String {
    match one_spelling(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(spelled) => spelled,
    }
}

/// Refuses what names no record: every such row would be a version of one and the same.
pub(super) fn check(
    station: &PoliceStation,
    number: &str,
    part: &str,
) -> Result<(), (&'static str, Problem)> {
    let station = match &station.code {
        Some(code) => ("police_station.code", code.as_str()),
        None => ("police_station.name", station.name.as_str()),
    };
    let mut parts = [station, ("fir.number", number), ("record.part", part)].into_iter();
    parts.try_for_each(|(field, text)| check_told(text).map_err(|problem| (field, problem)))
}

/// Refuses a name of which letters are lost.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if has_lost_letters(name) {
        let message = match name.contains("??") || !name.chars().any(char::is_alphanumeric) {
            true => "has question marks in place of letters: export the row again as utf-8",
            false => {
                "has signs of a font's own code in place of letters: convert the text to unicode and export it as utf-8"
            }
        };
        return Err(Problem::new(Reason::DoubleEncoded, message));
    }
    Ok(())
}

fn check_told(text: &str) -> Result<(), Problem> {
    let refuse = |what: &'static str| Err(Problem::new(Reason::BadIdentity, what));
    if !text.chars().any(char::is_alphanumeric) {
        return refuse("has neither a letter nor a digit, and names no record: correct the export");
    }
    if says_nothing(text) {
        return refuse(
            "is what an export writes where there is nothing: list it in null_values, or correct the export",
        );
    }
    if is_spreadsheet_number(&text.to_ascii_uppercase()) {
        return refuse("is a number as a spreadsheet shows it: export the column as text");
    }
    Ok(())
}

/// `1.05E+16`, whose last digits are lost, and `97.0`, which another export would write `97`.
fn is_spreadsheet_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        is_digits(whole) && is_digits(fraction)
    };
    if let Some((mantissa, exponent)) = text.split_once('E') {
        return is_decimal(mantissa) && exponent.strip_prefix(['+', '-']).is_some_and(is_digits);
    }
    let fraction = text.split_once('.').filter(|(whole, _)| is_digits(whole)).map(|(_, fraction)| fraction);
    fraction.is_some_and(|fraction| !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefacts_name_no_record() {
        for text in [
            "#REF!",
            "#N/A",
            "#VALUE!",
            "#NAME?",
            "#DIV/0!",
            "#####",
            "null",
            "(null)",
            "NaN",
            "None",
            "N/A",
            "N.A.",
            "Unknown",
            "अज्ञात",
            "-",
            "--",
            ".",
            "1.05E+16",
            "1e+5",
            "97.0",
            "97.00",
        ] {
            assert_eq!(check_told(text).unwrap_err().reason, Reason::BadIdentity, "{text}");
        }
        for text in
            ["97", "0", "0097", "97A", "०१", "12E3", "1.5", "0097.A", "NAGAR", "#97", "I-12", "10", "थाना"]
        {
            assert_eq!(check_told(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_told() {
        for (name, told) in
            [("???", "question marks"), ("स??र", "question marks"), ("Fkkuk dksrokyh ¼'kgj½", "font's own")]
        {
            let message = check_name(name).unwrap_err().message;
            assert!(message.contains(told), "{message}");
        }
    }

    #[test]
    fn a_code_is_one_whatever_the_keyboard() {
        assert_eq!(code("ड़1".into()), code("\u{921}\u{93c}1".into()));
        assert_eq!(code("e\u{301}1".into()), "\u{e9}1");
        assert_eq!(code("Ｋ－９７".into()), "K-97");
        assert_eq!(code("97".into()), "97");
    }
}
