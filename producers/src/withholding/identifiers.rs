//! Telephone, Aadhaar and passport numbers, caste and religion in free text. The contract has no fields for them, so that
//! text is the only way out; a text that seems to hold one stays as a whole.
//!
//! It looks for shapes and rather sees one too many: no text is published for being hard to read.

/// Words that announce what is not carried.
const WORDS: [&str; 6] = ["caste", "religion", "aadhaar", "aadhar", "जाति", "धर्म"];

/// Whether a text seems to hold an identifier that is never carried.
pub(super) fn is_in(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
        || numbers(&text).any(|number| number.is_personal())
        || has_passport(&text)
}

/// Digits with at most one blank, hyphen or dot between groups of them.
#[derive(Default)]
struct Number {
    digits: String,
    /// Lengths of the groups.
    groups: Vec<usize>,
}

impl Number {
    /// Ten digits from 6 on, with or without 0, 91 or 0091 before them: an Indian mobile telephone (National Numbering Plan
    /// 2003). Twelve digits from 2 on, together or in fours: an Aadhaar number (UIDAI).
    fn is_personal(&self) -> bool {
        let digits = self.digits.as_str();
        let without_code = ["0091", "91", "0"]
            .iter()
            .find_map(|code| digits.strip_prefix(code).filter(|rest| rest.len() == 10));
        let is_mobile = |digits: &str| digits.len() == 10 && digits.starts_with(['6', '7', '8', '9']);
        let is_aadhaar = digits.len() == 12
            && !digits.starts_with(['0', '1'])
            && matches!(self.groups.as_slice(), [12] | [4, 4, 4]);
        is_mobile(digits) || without_code.is_some_and(is_mobile) || is_aadhaar
    }
}

/// The numbers of a text; Devanagari digits count as the others do.
fn numbers(text: &str) -> impl Iterator<Item = Number> {
    let mut numbers = vec![Number::default()];
    let mut gap = 0;
    for character in text.chars() {
        let Some(digit) = digit(character) else {
            gap = if matches!(character, ' ' | '-' | '.') { gap + 1 } else { usize::MAX / 2 };
            continue;
        };
        if gap > 1 {
            numbers.push(Number::default());
        }
        if let Some(number) = numbers.last_mut() {
            match number.groups.last_mut() {
                Some(group) if gap == 0 => *group += 1,
                _ => number.groups.push(1),
            }
            number.digits.push(digit);
        }
        gap = 0;
    }
    numbers.into_iter()
}

fn digit(character: char) -> Option<char> {
    let value = match character {
        '0'..='9' => return Some(character),
        '०'..='९' => u32::from(character) - u32::from('०'),
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// A letter and seven digits in one word: an Indian passport (Passport Seva).
fn has_passport(text: &str) -> bool {
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    words.any(|word| {
        let mut characters = word.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && word.len() == 8
            && characters.all(|character| character.is_ascii_digit())
    })
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
            "Passport Z1234567.",
            "his CASTE is known",
            "जाति",
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
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
