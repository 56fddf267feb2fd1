//! What a text says of somebody's age: whether one under 18 stands in it.

use std::collections::BTreeSet;

use super::fold::words;
use super::words::tables;

/// Age at which a person is no child any more (JJ Act 2015, s.2(12)), in years.
pub(super) const ADULT_YEARS: i32 = 18;

/// How sure an age has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum In {
    /// A column for names and descriptions: any number of years is an age.
    Name,
    /// Running text, where "for 3 years" is none.
    Prose,
}

/// Whether a folded text tells of somebody under 18: `aged 14`, `12 years old`, `१४ वर्ष`, `aged sixteen`, सोलह वर्षीय.
pub(super) fn tells_of_child(text: &str, place: In) -> bool {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) && !tables().age_numbers.is_in(text) {
        return false;
    }
    let pieces: Vec<&str> = words(text).flat_map(pieces).collect();
    (0..pieces.len()).any(|at| is_childs_age(&pieces, at, place))
}

fn is_childs_age(pieces: &[&str], at: usize, place: In) -> bool {
    let age = &tables().age;
    let piece = |at: Option<usize>| at.and_then(|at| pieces.get(at)).copied().unwrap_or_default();
    let (before, before_that) = (piece(at.checked_sub(1)), piece(at.checked_sub(2)));
    let number = piece(Some(at));
    let digits = number.parse::<i32>().ok().filter(|_| number.len() <= 2);
    // In words only young ages are known; the last one of "thirty-five" is none.
    let is_word = age.numbers.contains(number) && !age.tens.contains(before);
    if digits.is_none() && !is_word {
        return false;
    }
    let is_young = digits.is_none_or(|years| years < ADULT_YEARS);
    let (after, after_that) = (piece(at.checked_add(1)), piece(at.checked_add(2)));
    let is_months = age.months.contains(after);
    let has_years = age.years.contains(after) || is_months;
    let follows = |words: &BTreeSet<String>| {
        words.contains(before) || (age.before.contains(before) && words.contains(before_that))
    };
    let is_announced = follows(&age.certain) || (has_years && follows(&age.persons));
    let is_span = age.spans.contains(before) || age.spans.contains(after_that);
    let is_age =
        age.old.contains(after_that) || age.genitive.contains(after_that) || (place == In::Name && !is_span);
    let is_followed =
        age.old.contains(after) || (!is_word && age.genitive.contains(after)) || (has_years && is_age);
    (is_announced || is_followed) && (is_months || is_young)
}

/// The letters and the numbers of a word, each for itself: `14yrs`.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let is_cut = |at: &usize| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        let bytes = word.as_bytes();
        *at == 0 || digit(bytes.get(*at)) != digit(bytes.get(at - 1))
    };
    let starts: Vec<usize> = (0..word.len()).filter(is_cut).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([word.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| word.get(start..end))
}

#[cfg(test)]
mod tests {
    use super::super::fold::folded;
    use super::*;

    #[test]
    fn ages_of_children_are_seen_and_other_numbers_are_not() {
        for text in [
            "aged 14",
            "aged about 14 years",
            "a girl, 12 years old",
            "12-year-old",
            "उम्र १४ वर्ष",
            "12 वर्षीय",
            "12 साल की लड़की",
            "age:9",
            "aged sixteen",
            "Aged about Sixteen years",
            "a sixteen-year-old",
            "girl twelve years",
            "twelve years old",
            "उम्र सोलह वर्ष",
            "बारह वर्षीय",
            "पाँच साल की बच्ची",
            "पांच साल की",
            "उम्र करीब सत्रह साल",
            "लड़की 16 yrs",
        ] {
            assert!(tells_of_child(&folded(text), In::Prose), "{text}");
        }
        for text in [
            "aged 34",
            "for 3 years",
            "12 houses",
            "aged 120",
            "2 years imprisonment",
            "",
            "age 18",
            "aged thirty-five",
            "aged thirty five years",
            "twenty one years old",
            "for two years",
            "two houses",
            "the girl is one of them",
            "एक की मौत",
            "दो का नाम",
            "लड़की एक दुकान पर",
            "उम्र बीस वर्ष",
            "उम्र तीस वर्ष",
            "aged eighteen",
            "दो लोग",
        ] {
            assert!(!tells_of_child(&folded(text), In::Prose), "{text}");
        }
        assert!(tells_of_child(&folded("Ramxyz 14yrs"), In::Name));
        assert!(tells_of_child(&folded("Ramxyz 5 months"), In::Name));
        assert!(tells_of_child(&folded("Ramxyz सोलह वर्ष"), In::Name));
        assert!(tells_of_child(&folded("Ramxyz fourteen yrs"), In::Name));
        assert!(tells_of_child(&folded("Ramxyz solah saal"), In::Name));
        for span in ["दो साल से फरार", "absconding for 3 years", "wanted since two years", "पिछले एक साल"]
        {
            assert!(!tells_of_child(&folded(span), In::Name), "{span}");
        }
        assert!(!tells_of_child(&folded("Ramxyz 41 yrs"), In::Name));
        assert!(!tells_of_child(&folded("Ramxyz forty one yrs"), In::Name));
    }
}
