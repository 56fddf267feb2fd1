//! Registration marks of vehicles: one spelling to compare by, whether it is laid out like a mark at all, and
//! what else may have been meant where letters and digits look alike.
//!
//! For matching across states only; what the origin wrote stays as it is. A mark never tells a state: vehicles
//! move, prefixes change, and a false plate is a common find.

use crate::characters::{digit, visible};
use std::sync::LazyLock;

/// Longest text that is kept, in characters. The longest mark has 13; what is longer is a remark, and the first
/// words of it are enough to compare by.
const MAX_CHARS: usize = 64;

/// Most readings that are offered beside the text. A layout admits one reading at most and fewer than ten
/// layouts have the same length, so none is lost today; a search by each reading stays cheap if more are added.
const MAX_CANDIDATES: usize = 16;

/// A registration mark as somebody wrote it, made comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The mark in capitals, without white space, signs that separate and characters that nobody sees, with digits in ASCII and
    /// Latin letters for their names in Hindi (`एम पी ०९`); at most 64 characters. Whatever is no mark is kept in the same way: `APPLIEDFOR`.
    pub text: String,
    /// Whether the text has the layout of a known series.
    pub is_plausible: bool,
    /// Other texts that have the layout of a known series, if one letter or more is taken for the digit that it
    /// looks like or the other way round: O and 0, I (or a small L) and 1, S and 5, Z and 2. The one with the
    /// fewest changes is first; at most 16, never the text itself, and none with a shorter number than another.
    /// Empty where no layout admits a reading.
    pub candidates: Vec<String>,
}

impl Registration {
    /// Reads a mark. Any text is accepted, and the work does not grow with its length beyond reading it.
    #[must_use]
    pub fn of(written: &str) -> Self {
        let text: String = visible(written)
            .map(|c| digit(c).unwrap_or(c.to_ascii_uppercase()))
            .filter(|c| !is_separator(*c))
            .take(MAX_CHARS)
            .collect();
        let text = latin_letters(text);
        let mut readings = readings(&text);
        let is_plausible = readings.first().is_some_and(|(changes, _)| *changes == 0);
        // A number has four digits unless its zeros were left out. A reading that takes the first digit of the
        // number for a letter of the series would fit nearly every mark, and help nobody.
        let number = readings.iter().map(|(_, reading)| digits_at_end(reading)).max().unwrap_or_default();
        readings.retain(|(changes, reading)| *changes > 0 && digits_at_end(reading) == number);
        let candidates = readings.into_iter().take(MAX_CANDIDATES).map(|(_, reading)| reading).collect();
        Self { text, is_plausible, candidates }
    }
}

/// Latin letters in place of runs of Devanagari that are nothing but names of letters.
fn latin_letters(text: String) -> String {
    let is_devanagari = |c: char| matches!(c, '\u{900}'..='\u{97f}');
    if !text.contains(is_devanagari) {
        return text;
    }
    let mut latin = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c| !is_devanagari(c)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        latin.push_str(&letters(run).unwrap_or_else(|| run.to_owned()));
        let end = tail.find(is_devanagari).unwrap_or(tail.len());
        let (other, tail) = tail.split_at(end);
        latin.push_str(other);
        rest = tail;
    }
    latin
}

/// The letters that a text names one after the other; `None` where it holds anything else. No name begins with what
/// follows another name in a longer one, so the longest that fits is the right one.
fn letters(mut named: &str) -> Option<String> {
    const NAMES: [(&str, char); 33] = [
        ("डब्ल्यू", 'W'),
        ("डब्लू", 'W'),
        ("एक्स", 'X'),
        ("क्यू", 'Q'),
        ("ज़ेड", 'Z'),
        ("जेड", 'Z'),
        ("वाई", 'Y'),
        ("वाय", 'Y'),
        ("एफ", 'F'),
        ("एच", 'H'),
        ("एल", 'L'),
        ("एम", 'M'),
        ("एन", 'N'),
        ("एस", 'S'),
        ("आई", 'I'),
        ("आय", 'I'),
        ("आर", 'R'),
        ("बी", 'B'),
        ("सी", 'C'),
        ("डी", 'D'),
        ("जी", 'G'),
        ("जे", 'J'),
        ("के", 'K'),
        ("पी", 'P'),
        ("टी", 'T'),
        ("यू", 'U'),
        ("यु", 'U'),
        ("वी", 'V'),
        ("व्ही", 'V'),
        ("ए", 'A'),
        ("ई", 'E'),
        ("इ", 'E'),
        ("ओ", 'O'),
    ];
    let mut found = String::new();
    while !named.is_empty() {
        let (rest, letter) =
            NAMES.iter().find_map(|(name, letter)| Some((named.strip_prefix(name)?, *letter)))?;
        found.push(letter);
        named = rest;
    }
    Some(found)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '/' | '_' | ':' | ',' | '(' | ')' | '\u{2010}'..='\u{2015}')
}

/// Every text that a layout makes of this one, with the number of changes, the fewest first.
fn readings(text: &str) -> Vec<(usize, String)> {
    // A word alone or a number alone is none of these, whatever its letters look like.
    let is_mixed = text.contains(|c: char| c.is_ascii_digit()) && text.contains(char::is_alphabetic);
    if !text.is_ascii() || !is_mixed {
        return Vec::new();
    }
    let same_length = LAYOUTS.iter().filter(|layout| layout.len() == text.len());
    let mut readings: Vec<_> = same_length.filter_map(|layout| read_as(text, layout)).collect();
    readings.sort();
    readings.dedup();
    readings
}

/// The text as a layout wants it: `A` is a letter, `9` a digit, a small letter is that letter.
fn read_as(text: &str, layout: &str) -> Option<(usize, String)> {
    let place = |(c, wanted): (char, char)| match wanted {
        'A' if c.is_ascii_uppercase() => Some(c),
        'A' => letter_like(c),
        '9' if c.is_ascii_digit() => Some(c),
        '9' => digit_like(c),
        fixed => Some(c).filter(|c| c.to_ascii_lowercase() == fixed && c.is_ascii_uppercase()),
    };
    let reading: String = text.chars().zip(layout.chars()).map(place).collect::<Option<_>>()?;
    Some((text.chars().zip(reading.chars()).filter(|(was, is)| was != is).count(), reading))
}

fn digits_at_end(text: &str) -> usize {
    text.chars().rev().take_while(char::is_ascii_digit).count()
}

fn digit_like(c: char) -> Option<char> {
    match c {
        'O' => Some('0'),
        // A small L looks like both; in capitals it is an L.
        'I' | 'L' => Some('1'),
        'S' => Some('5'),
        'Z' => Some('2'),
        _ => None,
    }
}

fn letter_like(c: char) -> Option<char> {
    match c {
        '0' => Some('O'),
        '1' => Some('I'),
        '5' => Some('S'),
        '2' => Some('Z'),
        _ => None,
    }
}

/// The layouts of the series, one for each length of their parts, in the notation of [`read_as`].
///
/// After the Central Motor Vehicles Rules 1989 as amended and what was in use before, from general knowledge and
/// not checked against their text. Two letters at the head are not held against the list of prefixes.
static LAYOUTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let (letters, digits) = (|n: usize| "A".repeat(n), |n: usize| "9".repeat(n));
    let mut layouts = Vec::new();
    for number in 1..=4 {
        // DL 3C AB 1234: state, office, series, number. Delhi's class of vehicle is read as part of the series.
        for (office, series) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)] {
            layouts.push(format!("AA{}{}{}", digits(office), letters(series), digits(number)));
        }
        // DLC 1234: before 1989.
        layouts.push(format!("AAA{}", digits(number)));
        // 77 CD 123: country, diplomatic or consular corps or United Nations, number.
        for corps in ["cd", "cc", "un"] {
            layouts.extend((1..=3).map(|country| format!("{}{corps}{}", digits(country), digits(number))));
        }
    }
    // KA 01 1234: the first series of an office has no letters.
    layouts.extend((1..=2).map(|office| format!("AA{}9999", digits(office))));
    // 22 BH 1234 AA: Bharat series, with the year of registration.
    layouts.extend((1..=2).map(|series| format!("99bh9999{}", letters(series))));
    // T 1021 DL 1234 A: temporary, with month and year.
    layouts.extend((0..=2).map(|series| format!("t9999AA9999{}", letters(series))));
    // DL VA AB 1234: vintage vehicles.
    layouts.push("AAvaAA9999".to_owned());
    layouts
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn one_text_for_many_spellings() {
        for written in [
            "DL-3C AB 1234",
            "dl 3c ab 1234",
            "DL3CAB1234",
            " DL.3C.AB.1234 ",
            "DL/3C/AB/1234",
            "DL–3C\u{a0}AB\t1234",
            "DL 3C AB १२३४",
            "dl ३c ab 1234",
            "डी एल ३ सी ए बी १२३४",
            "डीएल-3C एबी 1234",
            "डी.एल. 3 सी. ए.बी. 1234",
        ] {
            let mark = Registration::of(written);
            assert_eq!((mark.text.as_str(), mark.is_plausible), ("DL3CAB1234", true), "{written}");
            assert!(mark.candidates.is_empty(), "{written}");
        }
    }

    #[test]
    fn every_series_is_known() {
        for written in [
            "HR 26 DK 8337",
            "KA 01 1234",
            "GJ 1 A 1",
            "DL 3C A 1234",
            "DL 10 CAB 1234",
            "UP16 TC 0001",
            "DLC 1234",
            "22 BH 1234 AA",
            "22-BH-1234-A",
            "77 CD 123",
            "1 CC 12",
            "104 UN 7",
            "T 1021 DL 1234 AB",
            "T1021DL1234",
            "MH VA AB 1234",
        ] {
            assert!(Registration::of(written).is_plausible, "{written}");
        }
        for written in [
            "",
            " - ",
            "NEW",
            "APPLIED FOR",
            "WITHOUT NUMBER",
            "SOLO",
            "LOSS",
            "1234",
            "5012015",
            "BLUE TRUCK",
            "22 XH 1234 AA",
            "DL 3C AB 12345",
            "डीलक्स 3C AB 1234",
            "नंबर ३ सी १२३४",
            "DL 3C AB 123४५६",
        ] {
            let mark = Registration::of(written);
            assert!(!mark.is_plausible && mark.candidates.is_empty(), "{written}: {mark:?}");
        }
        assert_eq!(Registration::of("applied for").text, "APPLIEDFOR");
        assert_eq!(Registration::of("आवेदित ३ सी").text, "आवेदित3C");
        for (written, text) in [("एम पी ०९ एक्स वाई १२३४", "MP09XY1234"), ("यूपी 16 टी सी 0001", "UP16TC0001")]
        {
            let mark = Registration::of(written);
            assert_eq!((mark.text.as_str(), mark.is_plausible), (text, true), "{written}");
        }
    }

    #[test]
    fn what_looks_alike_is_a_candidate() {
        for (written, is_plausible, candidates) in [
            ("DL3CABl234", false, ["DL3CAB1234"].as_slice()),
            ("DL3CABI234", false, &["DL3CAB1234"]),
            ("DL3CAB12O4", false, &["DL3CAB1204"]),
            ("HR Z6 DK 8337", false, &["HR26DK8337"]),
            ("0D 02 AB 1234", false, &["OD02AB1234", "OD0ZAB1234"]),
            ("HR 26 DK 1234", true, &[]),
            ("HR 26 DK I234", true, &["HR26DK1234"]),
            ("HR 26 DK B337", true, &[]),
            ("HR 26 5K 8337", false, &["HR26SK8337"]),
            ("2Z BH 1Z34 AA", false, &["22BH1234AA"]),
            ("DL 1 SA 1234", true, &["DL15A1234"]),
            ("DL 15 A 1234", true, &["DL1SA1234"]),
        ] {
            let mark = Registration::of(written);
            assert_eq!(mark.is_plausible, is_plausible, "{written}");
            assert_eq!(mark.candidates, candidates, "{written}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_not_searched() {
        let mark = Registration::of(&"DL 3C AB 1234 ".repeat(100_000));
        assert_eq!(mark.text.chars().count(), MAX_CHARS);
        assert!(!mark.is_plausible && mark.candidates.is_empty());
    }

    #[test]
    fn no_length_has_more_layouts_than_candidates_are_kept() {
        let mut per_length = BTreeMap::new();
        LAYOUTS.iter().for_each(|layout| *per_length.entry(layout.len()).or_insert(0) += 1);
        assert!(per_length.values().all(|count| *count <= MAX_CANDIDATES), "{per_length:?}");
        assert_eq!(LAYOUTS.iter().collect::<BTreeSet<_>>().len(), LAYOUTS.len());
    }

    fn holds(written: &str) -> Result<(), TestCaseError> {
        let mark = Registration::of(written);
        prop_assert_eq!(&Registration::of(&mark.text), &mark);
        prop_assert!(mark.candidates.len() <= MAX_CANDIDATES && !mark.candidates.contains(&mark.text));
        prop_assert_eq!(mark.candidates.iter().collect::<BTreeSet<_>>().len(), mark.candidates.len());
        for candidate in &mark.candidates {
            let read = Registration::of(candidate);
            prop_assert!(read.is_plausible && read.text == *candidate, "{}", candidate);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_has_one_reading_and_sound_candidates(written in "\\PC{0,80}") {
            holds(&written)?;
        }

        #[test]
        fn so_has_whatever_is_close_to_a_mark(written in "[A-Za-z0OI1lLS5Z2 -]{2}[0OI1S5Z2]{1,2}[ABOISZ0125]{1,3}[0-9OISZl]{1,4}") {
            holds(&written)?;
        }
    }
}
