//! What is done to texts of every source before they are compared or read: blanks, digits, broken encodings.
//!
//! Pure functions over strings. They decide nothing about a field.

mod lost;
mod nothing;

use std::borrow::Cow;

use sanchar_schemas::characters::digit;
use unicode_normalization::UnicodeNormalization as _;

pub(crate) use lost::has_lost_letters;
pub(crate) use nothing::says_nothing;

/// The text without blanks at its ends (no-break spaces among them) and with single blanks inside.
pub(crate) fn squeeze(text: &str) -> Cow<'_, str> {
    if is_squeezed(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let trimmed = text.trim();
    let mut previous = ' ';
    let single = trimmed.chars().all(|c| {
        let fine = !c.is_whitespace() || (c == ' ' && previous != ' ');
        previous = c;
        fine
    });
    if single {
        return Cow::Borrowed(trimmed);
    }
    Cow::Owned(trimmed.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a text has nothing but visible ASCII and single blanks inside, as nearly every cell has: the general case takes several
/// times as long.
fn is_squeezed(text: &[u8]) -> bool {
    let mut previous = b' ';
    for byte in text {
        let fine = matches!(byte, 0x21..=0x7e) || (*byte == b' ' && previous != b' ');
        if !fine {
            return false;
        }
        previous = *byte;
    }
    previous != b' ' || text.is_empty()
}

/// The text with Latin digits in place of those of India's scripts.
pub(crate) fn latin_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(|c: char| !c.is_ascii() && digit(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| digit(c).unwrap_or(c)).collect())
}

/// A text that names something in one spelling: Latin digits, full-width forms in their ordinary one, and Unicode's canonical
/// form (NFC), in which a letter is the same whether a keyboard writes it as one character or as two.
pub(crate) fn one_spelling(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(plain).nfc().collect())
}

/// A name in one spelling, so that it can stand in a record id: as [`one_spelling`], and with single blanks, in capitals, without
/// characters that nobody sees.
pub(crate) fn folded_name(name: &str) -> String {
    let is_seen = |c: &char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    squeeze(name).chars().filter(is_seen).flat_map(|c| plain(c).to_uppercase()).nfc().collect()
}

/// A digit of any script as a Latin one, a full-width form as the ordinary one.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => digit(c).unwrap_or(c),
    }
}

/// Whether some characters of the text were UTF-8 bytes read as Windows-1252 and written as UTF-8 again: `â€“` for `–`; or were
/// lost in a conversion, which leaves U+FFFD in their place.
pub(crate) fn is_double_encoded(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut expected = 0;
    for c in text.chars() {
        if c == char::REPLACEMENT_CHARACTER {
            return true;
        }
        match windows_1252(c) {
            Some(0x80..=0xbf) if expected > 0 => {
                expected -= 1;
                if expected == 0 {
                    return true;
                }
            }
            Some(0xc2..=0xdf) => expected = 1,
            Some(0xe0..=0xef) => expected = 2,
            Some(0xf0..=0xf4) => expected = 3,
            _ => expected = 0,
        }
    }
    false
}

/// The byte of a character in Windows-1252, where it is none of ASCII's.
fn windows_1252(c: char) -> Option<u8> {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match u32::from(c) {
        0xa0..=0xff => u8::try_from(u32::from(c)).ok(),
        _ => (0x80..=0x9f).zip(FROM_80).find(|(_, known)| *known == c).map(|(byte, _)| byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_squeezed() {
        for (text, squeezed) in [
            ("Kampli  PS", "Kampli PS"),
            (" थाना\u{a0} विजयनगर\u{a0}", "थाना विजयनगर"),
            ("", ""),
            (" \t", ""),
            ("a b", "a b"),
            ("a ", "a"),
            (" a", "a"),
            (" ", ""),
            ("a\tb", "a b"),
            ("थाना 2 ", "थाना 2"),
        ] {
            assert_eq!(squeeze(text), squeezed);
        }
    }

    #[test]
    fn digits_of_every_script_are_one() {
        assert_eq!(latin_digits("उम्र २८ साल"), "उम्र 28 साल");
        assert_eq!(latin_digits("೦೧/২৩ ૪ ௫ ６"), "01/23 4 5 6");
        assert_eq!(folded_name("थाना २"), folded_name("थाना 2"));
        assert_eq!(latin_digits("97/18"), "97/18");
    }

    #[test]
    fn spellings_of_a_name_fold_to_one() {
        assert_eq!(folded_name("चि\u{95c}ियाघर"), folded_name("चिड\u{93c}ियाघर"));
        assert_eq!(folded_name(" Kampli  ps"), "KAMPLI PS");
        assert_eq!(folded_name("राज\u{200d}ेन्द्र"), folded_name("राजेन्द्र"));
        assert_eq!(folded_name("Cafe\u{301}"), folded_name("Caf\u{e9}"));
        assert_eq!(folded_name("Ｂａｓａｖａ ＰＳ"), "BASAVA PS");
        assert_eq!(folded_name("বা\u{9dc}ি"), folded_name("বা\u{9a1}\u{9bc}ি"), "of every script");
    }

    #[test]
    fn double_encoding_is_seen_and_nothing_else() {
        for broken in
            ["AMINAGAD â€“ KAMATAGI", "1Â¸st WARD", "Ãˆhiremath", "à¤¥à¤¾à¤¨à¤¾", "\u{fffd}\u{fffd} PS"]
        {
            assert!(is_double_encoded(broken), "{broken}");
        }
        for sound in ["थाना", "café – bar", "Ångström", "“quoted”", "½ km", "plain", "Â", "É É"]
        {
            assert!(!is_double_encoded(sound), "{sound}");
        }
    }
}
