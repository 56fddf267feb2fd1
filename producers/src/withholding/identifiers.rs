//! Telephone, Aadhaar and passport numbers, caste and religion in texts. The contract has no fields for them, so that
//! texts are the only way out; one that seems to hold such a thing stays as a whole. Which texts there are is in
//! [`super::texts`].
//!
//! It looks for shapes and rather sees one too many: no text is published for being hard to read.

use sanchar_schemas::characters::{digit, visible};

use super::fold::{folded, words};
use super::words::tables;

/// Most characters between two groups of digits of one number, however long the line is drawn.
const GAP_MAX: usize = 8;
/// Fewest digits of a telephone number.
const DIGITS_MIN: usize = 10;
/// Fewest digits that are a passport's number where the text says so.
const PASSPORT_DIGITS_MIN: usize = 6;

/// Whether a text seems to hold an identifier that is never carried.
pub(super) fn is_in(text: &str) -> bool {
    let text = folded(text);
    tables().caste.is_in_spaced(&text) || is_number(&text) || has_passport(&text)
}

/// The same of a text that describes somebody, where names that are castes as well are no names.
pub(super) fn is_in_description(text: &str) -> bool {
    is_in(text) || tables().community.is_in(&folded(text))
}

/// Whether a name or a serial number seems to be, or to hold, a telephone or an Aadhaar number.
pub(crate) fn is_number_in(text: &str) -> bool {
    if text.is_ascii() { is_number(text) } else { is_number(&folded(text)) }
}

fn is_number(text: &str) -> bool {
    // Most texts have too few digits to be taken apart.
    let is_long =
        visible(text).filter(|c| digit(*c).is_some() || is_letter_o(*c)).nth(DIGITS_MIN - 1).is_some();
    is_long && (has_number_in(text, false) || (text.contains(is_letter_o) && has_number_in(text, true)))
}

/// The letter that is written for a nought, and between two halves of a number.
fn is_letter_o(c: char) -> bool {
    matches!(c, 'o' | 'O')
}

fn has_number_in(text: &str, is_o_nought: bool) -> bool {
    runs(text, is_o_nought).iter().any(|groups| has_number(groups))
}

/// Whether some of the groups, taken together, are a telephone number with 0, 91 or 0091 before it or without
/// (National Numbering Plan 2003), two of them run together, a house's with the code of its town, or a number of Aadhaar's.
fn has_number(groups: &[String]) -> bool {
    let is_town = |pair: &[String]| matches!(pair, [town, number] if is_of_house(town, number));
    groups.windows(2).any(is_town)
        || groups.iter().any(|group| is_two_telephones(group))
        || (0..groups.len()).any(|from| {
            let mut digits = String::new();
            groups.iter().skip(from).enumerate().any(|(i, group)| {
                digits.push_str(group);
                is_telephone(&digits) || groups.get(from..=from + i).is_some_and(|of| is_aadhaar(of, &digits))
            })
        })
}

/// Ten digits from 6 on are a mobile telephone; eleven from 0 on it, or one of a house with the code of its town.
fn is_telephone(digits: &str) -> bool {
    let national =
        ["0091", "91"].iter().find_map(|code| digits.strip_prefix(code).filter(|rest| rest.len() == 10));
    is_mobile(digits) || national.is_some_and(is_mobile) || (digits.len() == 11 && digits.starts_with('0'))
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 10 && digits.starts_with(['6', '7', '8', '9'])
}

fn is_two_telephones(digits: &str) -> bool {
    digits.len() == 20
        && digits.split_at_checked(10).is_some_and(|(one, other)| is_mobile(one) && is_mobile(other))
}

/// Ten digits with the code of the town apart, without the 0 before it: `124-2345678`.
fn is_of_house(town: &str, number: &str) -> bool {
    // No town's code of four digits begins like a year of today: 20 is Pune's.
    let is_year = town.len() == 4 && town.starts_with("20");
    (2..=4).contains(&town.len())
        && town.len() + number.len() == 10
        && !town.starts_with('0')
        && !is_year
        && number.starts_with(['2', '3', '4', '5', '6'])
}

/// Twelve digits from 2 on in one to three groups, by threes or one by one; or the sixteen of a virtual id, whole or by fours (UIDAI).
fn is_aadhaar(groups: &[String], digits: &str) -> bool {
    let is_even = |length: usize| groups.iter().all(|group| group.len() == length);
    let is_grouped = match digits.len() {
        12 => groups.len() <= 3 || is_even(3) || is_even(1),
        16 => groups.len() == 1 || is_even(4) || is_even(1),
        _ => false,
    };
    is_grouped && !digits.starts_with(['0', '1'])
}

/// Runs of groups of digits that only signs and blanks stand between, or a lone `x` or `o`.
fn runs(text: &str, is_o_nought: bool) -> Vec<Vec<String>> {
    let mut runs: Vec<Vec<String>> = vec![Vec::new()];
    let mut gap = 0;
    let mut before = ' ';
    let mut characters = visible(text).peekable();
    while let Some(character) = characters.next() {
        let is_lone = !before.is_alphabetic() && !characters.peek().is_some_and(|next| next.is_alphabetic());
        let is_between =
            !before.is_alphanumeric() && characters.peek().is_none_or(|next| !next.is_alphanumeric());
        before = character;
        let is_o = is_lone && is_letter_o(character);
        let found = digit(character).or((is_o && is_o_nought).then_some('0'));
        let Some(digit) = found else {
            let is_sign =
                !character.is_alphabetic() || is_o || (is_between && matches!(character, 'x' | 'X'));
            gap = if is_sign { gap + 1 } else { GAP_MAX + 1 };
            continue;
        };
        if gap > GAP_MAX {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut() {
            match run.last_mut() {
                Some(group) if gap == 0 => group.push(digit),
                _ => run.push(digit.to_string()),
            }
        }
        gap = 0;
    }
    runs
}

/// A letter and seven digits: an Indian passport (Passport Seva), also with a blank or hyphen behind the letter; or digits alone in a
/// text that speaks of a passport.
fn has_passport(text: &str) -> bool {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let words: Vec<&str> = words(text).collect();
    let is_letter = |word: &str| word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_serial = |word: &str| word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_digit());
    let whole = words.iter().filter_map(|word| word.split_at_checked(1));
    let apart = words.windows(2).filter_map(|pair| match pair {
        [letter, serial] => Some((*letter, *serial)),
        _ => None,
    });
    let is_announced = || {
        let has_digits =
            |groups: &Vec<String>| groups.iter().map(String::len).sum::<usize>() >= PASSPORT_DIGITS_MIN;
        runs(text, false).iter().any(has_digits) && tables().passport.is_in(text)
    };
    whole.chain(apart).any(|(letter, serial)| is_letter(letter) && is_serial(serial)) || is_announced()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_seen_in_their_many_spellings() {
        for text in [
            "call 9000000001",
            "मो. ९०००० ००००१",
            "+91-90000-00001",
            "0091 9000000001, evenings",
            "09000000001",
            "UID 2000 0000 0001",
            "200000000001",
            "9000000001 9000000002",
            "H.No. 12 9000000001",
            "(90000) 00001",
            "90000/00001",
            "90000\u{200b}00001",
            "90000–00001",
            "0120-2400001",
            "೯೦೦೦೦೦೦೦೦೧",
            "2000/0000/0001",
            "Z 1234567",
            "cast Jatav",
            "मुस्लिम युवक",
            "Passport Z1234567.",
            "his CASTE is known",
            "जाति",
            "a Hindu",
            "۹۰۰۰۰۰۰۰۰۱",
            "٩٠٠٠٠٠٠٠٠١",
            "᱙᱐᱐᱐᱐᱐᱐᱐᱐᱑",
            "꯹꯰꯰꯰꯰꯰꯰꯰꯰꯱",
            "𝟗𝟎𝟎𝟎𝟎𝟎𝟎𝟎𝟎𝟏",
            "⁹⁰⁰⁰⁰⁰⁰⁰⁰¹",
            "₉₀₀₀₀₀₀₀₀₁",
            "⑨⓪⓪⓪⓪⓪⓪⓪⓪①",
            "❾⓿⓿⓿⓿⓿⓿⓿⓿❶",
            "UID ۲۰۰۰ ۰۰۰۰ ۰۰۰۱",
            "पासपोर्ट Z१२३४५६७",
            "Ｚ１２３４５６７",
            "पासपोर्ट नं 1234567",
            "passport no. 1234567",
            "C a s t e Jatav",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_drawn_out_or_run_together_are_seen() {
        for text in [
            "98765----43210",
            "98765 - - 43210",
            "98765  ___  43210",
            "98765o43210",
            "9876 x 543210",
            "9 8 7 6 5 4 3 2 1 O",
            "124-2345678",
            "+91 124 2345678",
            "2345678901234567",
            "2345-6789-0123-4567",
            "98765432109876543211",
            "2 3 4 5 6 7 8 9 0 1 2 3",
            "234 567 890 123",
        ] {
            assert!(is_number_in(text), "{text}");
        }
        for text in [
            "OBC",
            "SC/ST",
            "Scheduled Tribe",
            "Sikhs",
            "सिख",
            "ब्राह्मण",
            "jaati Jatav",
            "Ｃａｓｔｅ Jatav",
            "जात x",
            "मजहब x",
            "ಜಾತಿ x",
            "ಧರ್ಮ x",
            "ধর্ম x",
            "சாதி x",
            "మతం x",
            "ഒരു ജാതി x",
            "ધર્મ x",
            "ਜਾਤ x",
            "ଜାତି x",
            "مذہب x",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "",
            "FIR 0123/2024 u/s 379",
            "on 12-03-2024 at 14:30 near house 12, Sector 4",
            "Rs. 1,50,000 in cash",
            "DL01AB1234 white car",
            "pin 110001",
            "IMEI 490154203237518",
            "broadcast at 9, on the basis (के आधार पर) of 3 letters",
            "from 27-02-2024 14:30 to 28-02-2024 06:15",
            "75,00,000 and 20 mobiles",
            "his passport was stolen on 12 March",
            "ಧರ್ಮಸ್ಥಳ ರಸ್ತೆ",
            "धर्मशाला के पास",
            "जाता हुआ",
            "सम्मत ½ m² ①",
            "27-02-24 14:30:05 to 28-02-24",
            "12.03.2024, 302001 Jaipur",
            "4 x 5 x 6 boxes of 1200",
            "rooms 101 to 120 of 3 houses",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_name_is_a_caste_where_somebody_is_described() {
        for text in ["Jain by religion", "Jain", "Parsi", "Islam", "community: Yadav", "Rajput", "इस्लाम"]
        {
            assert!(is_in_description(text), "{text}");
        }
        for name in ["Rakesh Jain", "Rafiq Islam", "Ram Yadav", "Parsi Colony"] {
            assert!(!is_in(name), "{name}");
        }
        assert!(!is_in_description("near the Jain temple and the community centre"));
    }

    #[test]
    fn serial_numbers_are_left_alone_and_telephone_numbers_among_them_are_not() {
        for text in ["GA02M8010", "MA3EWDE1S00123456", "A1234567", "490154203237518", "JA05ECH9B12345", ""] {
            assert!(!is_number_in(text), "{text}");
        }
        for text in [
            "9000000001",
            "owner 90000 00001",
            "JA05 ۹۰۰۰۰۰۰۰۰۱",
            "2000 0000 0001",
            "GA02M8010 (9000000001)",
            "९००००००००१",
        ] {
            assert!(is_number_in(text), "{text}");
        }
    }
}
