//! Texts as they are compared: one form of each letter and digit, however it was typed. What is published stays as it is written.
//!
//! Unicode's compatibility form (NFKD, UAX 15) makes full-width, superscript, circled and mathematical characters ordinary ones, and
//! takes accents off.

use std::borrow::Cow;

use sanchar_schemas::characters::{digit, visible};
use unicode_normalization::UnicodeNormalization as _;

/// A text in small letters, with ASCII digits and without characters that nobody sees, accents of Latin letters among them.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let is_folded = text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && !byte.is_ascii_uppercase());
        return if is_folded { Cow::Borrowed(text) } else { Cow::Owned(ascii(text)) };
    }
    let plain = visible(text).map(|c| circled(c).unwrap_or(c)).nfkd();
    let is_kept = |c: &char| !matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}');
    Cow::Owned(plain.flat_map(char::to_lowercase).map(|c| digit(c).unwrap_or(c)).filter(is_kept).collect())
}

fn ascii(text: &str) -> String {
    let is_kept = |c: &char| !c.is_control() || c.is_whitespace();
    text.chars().filter(is_kept).map(|c| c.to_ascii_lowercase()).collect()
}

/// Digits in circles that have no compatibility form.
fn circled(c: char) -> Option<char> {
    let of = |first: u32| char::from_digit(u32::from(c) - first + 1, 10);
    match c {
        '\u{24f5}'..='\u{24fd}' => of(0x24f5),
        '\u{2776}'..='\u{277e}' => of(0x2776),
        '\u{2780}'..='\u{2788}' => of(0x2780),
        '\u{278a}'..='\u{2792}' => of(0x278a),
        '\u{24ff}' | '\u{1f10b}' | '\u{1f10c}' => Some('0'),
        _ => None,
    }
}

/// Whether a character belongs to a word; the signs of vowels do.
pub(super) fn is_of_word(c: char) -> bool {
    let is_sign = matches!(c, '\u{900}'..='\u{dff}' if !matches!(c, '\u{964}' | '\u{965}'));
    c.is_alphanumeric() || is_sign || matches!(c, '\u{64b}'..='\u{65f}')
}

/// The words of a folded text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty())
}

/// A folded text without blanks and stops, as in `P.O.C.S.O. Act`.
pub(super) fn squashed(text: &str) -> String {
    text.chars().filter(|c| is_of_word(*c)).collect()
}

/// Letters that stand apart put together again: `c a s t e`. Empty where there are not three in a row.
pub(super) fn spaced(text: &str) -> String {
    let mut found = String::new();
    let mut run = String::new();
    for word in words(text).chain(["  "]) {
        if word.chars().nth(1).is_none() {
            run.push_str(word);
            continue;
        }
        if run.chars().nth(2).is_some() {
            found.push_str(&run);
            found.push(' ');
        }
        run.clear();
    }
    found
}

/// The consonants of a word, each sound in one letter whatever the script, so that misspellings of one word are alike: `pks` of `pocso`,
/// `paxo` and पोक्सो. Letters of India's scripts stand in the same order in each of their blocks (Unicode, chapter 12).
pub(super) fn skeleton(word: &str) -> String {
    let mut skeleton = String::new();
    for letter in word.chars().flat_map(consonants) {
        if !skeleton.ends_with(*letter) {
            skeleton.push(*letter);
        }
    }
    skeleton
}

fn consonants(c: char) -> &'static [char] {
    /// From KA (0x15) to HA (0x39) of each block; a blank is a sound that is not looked at. SSA is not taken for SA, or पक्ष would be
    /// near to POCSO.
    const INDIC: &[u8; 37] = b"kkgg ccjj ttddnttddnnppbbm rrlll szs ";
    match c {
        'x' => &['k', 's'],
        'c' | 'q' => &['k'],
        'z' => &['s'],
        'b' | 'd' | 'f' | 'g' | 'j'..='n' | 'p' | 'r'..='t' | 'v' => latin(c),
        '\u{b9a}' => &['s'],
        '\u{9f0}' => &['r'],
        '\u{d7a}' | '\u{d7b}' => &['n'],
        '\u{d7c}' => &['r'],
        '\u{d7d}' | '\u{d7e}' => &['l'],
        '\u{d7f}' => &['k'],
        '\u{900}'..='\u{d7f}' => {
            let offset = usize::try_from(u32::from(c) % 0x80).unwrap_or_default();
            let letter = offset.checked_sub(0x15).and_then(|at| INDIC.get(at));
            letter.map_or(&[], |letter| latin(char::from(*letter)))
        }
        'ب' => &['b'],
        'پ' | 'ف' => &['p'],
        'ت' | 'ط' | 'ٹ' => &['t'],
        'س' | 'ص' | 'ث' | 'ش' | 'ز' | 'ذ' | 'ض' | 'ظ' => &['s'],
        'ج' => &['j'],
        'د' | 'ڈ' => &['d'],
        'ر' | 'ڑ' => &['r'],
        'ق' | 'ک' | 'ك' => &['k'],
        'گ' => &['g'],
        'ل' => &['l'],
        'م' => &['m'],
        'ن' => &['n'],
        'ᱯ' | 'ꯄ' => &['p'],
        'ᱠ' | 'ꯀ' | 'ꯛ' => &['k'],
        'ᱥ' | 'ꯁ' => &['s'],
        _ => &[],
    }
}

fn latin(c: char) -> &'static [char] {
    const LETTERS: [char; 19] =
        ['b', 'c', 'd', 'f', 'g', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z', 'x', 'q', 'h'];
    let at = LETTERS.iter().position(|letter| *letter == c);
    at.and_then(|at| LETTERS.get(at..=at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_of_every_letter_and_digit() {
        for (text, wanted) in [
            ("Ｃａｓｔｅ", "caste"),
            ("⁹⁸₇⑥❺➃⓵𝟎۱٢᱓꯴", "987654101234"),
            ("Pócsó Act", "pocso act"),
            ("थाना\u{200b} २", "थाना 2"),
            ("A\tB\u{1}", "a\tb"),
            ("plain text", "plain text"),
        ] {
            assert_eq!(folded(text), wanted, "{text}");
        }
        assert_eq!(folded("\u{95c}"), folded("ड\u{93c}"), "a letter with a nukta has two forms");
    }

    #[test]
    fn misspellings_have_the_same_consonants() {
        for word in [
            "pocso",
            "pacso",
            "poxo",
            "pokso",
            "पोक्सो",
            "ಪೋಕ್ಸೋ",
            "போக்சோ",
            "పోక్సో",
            "പോക്സോ",
            "ਪੋਕਸੋ",
            "پوکسو",
            "ᱯᱚᱠᱥᱚ",
        ] {
            assert_eq!(skeleton(word), "pks", "{word}");
        }
        assert_eq!((skeleton("posco"), skeleton("पास्को")), ("psk".into(), "psk".into()));
        assert_eq!(skeleton("बलत्कार"), skeleton("બળાત્કાર"));
    }

    #[test]
    fn letters_that_stand_apart_are_a_word() {
        assert_eq!(spaced("his c a s t e is"), "caste ");
        assert_eq!(spaced("a b of c d e"), "cde ");
        assert_eq!(squashed("p.o.c.s.o. act"), "pocsoact");
    }
}
