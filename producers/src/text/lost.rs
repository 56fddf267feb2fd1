//! Whether letters of a name are lost: question marks in the place of letters, or the bytes of a font that has its own code.
//!
//! Pure functions. A font's own code cannot be told in every case: it is ordinary Latin letters where no sign of it stands
//! among them. What is certain is what no name has.

/// Whether a name shows that it is not what was written. For names of police stations and districts, whose letters are few.
pub(crate) fn has_lost_letters(name: &str) -> bool {
    is_all_question_marks(name) || name.contains("??") || is_of_a_legacy_font(name)
}

fn is_all_question_marks(name: &str) -> bool {
    name.contains('?') && name.chars().all(|c| c == '?' || c.is_whitespace() || c.is_ascii_punctuation())
}

/// Whether it is text for a font such as Kruti Dev, which shows Hindi where the code says Latin letters and signs.
fn is_of_a_legacy_font(name: &str) -> bool {
    let is_plain = |c: char| matches!(c, '\0'..='\u{24f}' | '\u{2000}'..='\u{20cf}' | '\u{2122}');
    if !name.chars().all(is_plain) {
        // It has letters of a script of its own.
        return false;
    }
    name.chars().any(is_sign) || has_sign_within_a_word(name)
}

/// Signs that stand for letters there, and in no name: among them the quarter and the half, which are its brackets.
fn is_sign(c: char) -> bool {
    match c {
        '\u{a0}' | '\u{a9}' | '\u{ab}' | '\u{ad}' | '\u{ae}' | '\u{b0}' | '\u{b7}' | '\u{ba}' | '\u{bb}' => {
            false
        }
        '\u{a1}'..='\u{bf}' | '×' | '÷' | 'Þ' | 'ß' => true,
        _ => "‚ƒ„†‡ˆ‰‹›˜™".contains(c),
    }
}

/// Whether a sign of ASCII stands between letters as if it were one, or a bracket is opened before one and never closed.
fn has_sign_within_a_word(name: &str) -> bool {
    let is_letter = |c: Option<&char>| c.is_some_and(char::is_ascii_alphabetic);
    let letters: Vec<char> = name.chars().collect();
    letters.iter().enumerate().any(|(i, c)| {
        let before = is_letter(i.checked_sub(1).and_then(|i| letters.get(i)));
        let behind = is_letter(letters.get(i + 1));
        match c {
            ';' | '=' | '|' | '~' | '^' => before && behind,
            '[' => behind && !name.contains(']'),
            '{' => behind && !name.contains('}'),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_letters_are_seen_and_names_are_left_alone() {
        for lost in [
            "????",
            "?",
            "? ?",
            "Thana ??????",
            "fotuxj ¼Fkkuk½",
            "vk;qDr",
            "[kaMok",
            "{ks= Fkkuk",
            "f'koiqjh ß",
            "lnj dksrokyh‚",
        ] {
            assert!(has_lost_letters(lost), "{lost}");
        }
        for sound in [
            "विजयनगर",
            "थाना कोतवाली (सदर)",
            "Café",
            "P.S. No. 4 [City]",
            "D'Souza Nagar – II",
            "Women's PS; North",
            "G.R.P.S. A&N",
            "Sector-20/A",
            "ಕಂಪ್ಲಿ ½",
            "M.G. Road 2°",
            "",
        ] {
            assert!(!has_lost_letters(sound), "{sound}");
        }
    }
}
