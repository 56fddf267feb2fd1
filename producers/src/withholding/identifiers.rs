//! Telephone, Aadhaar and passport numbers, caste and religion in texts. The contract has no fields for them, so that
//! texts are the only way out; one that seems to hold such a thing stays as a whole. Which texts there are is in
//! [`super::texts`].
//!
//! It looks for shapes and rather sees one too many: no text is published for being hard to read.

use sanchar_schemas::characters::{digit, visible};

use super::fold::{folded, words};
use super::words::tables;

/// Most characters between two groups of digits of one number.
const GAP_MAX: usize = 3;
/// Fewest digits of a telephone number.
const DIGITS_MIN: usize = 10;
/// Fewest digits that are a passport's number where the text says so.
const PASSPORT_DIGITS_MIN: usize = 6;

/// Whether a text seems to hold an identifier that is never carried.
pub(super) fn is_in(text: &str) -> bool {
    let text = folded(text);
    tables().caste.is_in_spaced(&text) || is_number(&text) || has_passport(&text)
}

/// Whether a name or a serial number seems to be, or to hold, a telephone or an Aadhaar number.
pub(crate) fn is_number_in(text: &str) -> bool {
    if text.is_ascii() { is_number(text) } else { is_number(&folded(text)) }
}

fn is_number(text: &str) -> bool {
    // Most texts have too few digits to be taken apart.
    visible(text).filter_map(digit).nth(DIGITS_MIN - 1).is_some()
        && runs(text).iter().any(|groups| has_number(groups))
}

/// Whether some of the groups, taken together, are a telephone number with 0, 91 or 0091 before it or without
/// (National Numbering Plan 2003), or an Aadhaar number: twelve digits from 2 on in one to three groups (UIDAI).
fn has_number(groups: &[String]) -> bool {
    (0..groups.len()).any(|from| {
        let mut digits = String::new();
        groups.iter().skip(from).enumerate().any(|(i, group)| {
            digits.push_str(group);
            is_telephone(&digits) || (i < 3 && digits.len() == 12 && !digits.starts_with(['0', '1']))
        })
    })
}

/// Ten digits from 6 on are a mobile telephone; eleven from 0 on it, or one of a house with the code of its town.
fn is_telephone(digits: &str) -> bool {
    let national =
        ["0091", "91"].iter().find_map(|code| digits.strip_prefix(code).filter(|rest| rest.len() == 10));
    let is_mobile = |digits: &str| digits.len() == 10 && digits.starts_with(['6', '7', '8', '9']);
    is_mobile(digits) || national.is_some_and(is_mobile) || (digits.len() == 11 && digits.starts_with('0'))
}

/// Runs of groups of digits that only signs and blanks stand between.
fn runs(text: &str) -> Vec<Vec<String>> {
    let mut runs: Vec<Vec<String>> = vec![Vec::new()];
    let mut gap = 0;
    for character in visible(text) {
        let Some(digit) = digit(character) else {
            gap = if character.is_alphabetic() { GAP_MAX + 1 } else { gap + 1 };
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
        runs(text).iter().any(has_digits) && tables().passport.is_in(text)
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
        ] {
            assert!(!is_in(text), "{text}");
        }
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
