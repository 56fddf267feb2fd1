//! Characters that mean the same and are written differently: digits of India's scripts, full-width forms, and characters
//! that nobody sees. For comparing texts; what is shown stays as it is written.

/// A digit of any script of India's, or a full-width one, as an ASCII digit.
#[must_use]
pub fn digit(character: char) -> Option<char> {
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character);
    }
    let code = u32::from(character);
    let value = match code {
        // Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada and Malayalam: blocks of 128 characters, and in each
        // the digits stand at the same place (Unicode).
        0x900..=0xd7f => (code & 0x7f).checked_sub(0x66)?,
        0xff10..=0xff19 => code - 0xff10, // full-width
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// The characters of a text that can be seen, full-width ones in their ordinary form.
pub fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !is_invisible(*c)).map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    })
}

/// The letter of one that Unicode also has as one character together with its nukta (U+093C).
#[must_use]
pub const fn without_nukta(c: char) -> Option<char> {
    match c {
        '\u{958}' => Some('क'),
        '\u{959}' => Some('ख'),
        '\u{95a}' => Some('ग'),
        '\u{95b}' => Some('ज'),
        '\u{95c}' => Some('ड'),
        '\u{95d}' => Some('ढ'),
        '\u{95e}' => Some('फ'),
        '\u{95f}' => Some('य'),
        _ => None,
    }
}

/// Characters without width, those that turn the direction of writing, and control characters.
fn is_invisible(c: char) -> bool {
    let is_format = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    is_format || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_scripts_of_india_and_no_other_character() {
        const ZEROS: [char; 11] = ['0', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '０'];
        for character in '\0'..=char::MAX {
            let value = ZEROS
                .into_iter()
                .find_map(|zero| u32::from(character).checked_sub(zero.into()).filter(|v| *v < 10));
            assert_eq!(digit(character), value.and_then(|value| char::from_digit(value, 10)), "{character}");
        }
    }

    #[test]
    fn what_looks_alike_is_alike() {
        assert_eq!("१২੩૪୫௬౭೮൯０x".chars().filter_map(digit).collect::<String>(), "1234567890");
        assert_eq!(visible("Ｕ\u{200b}Ａ\u{202e}ＰA\u{1b} 1").collect::<String>(), "UAPA 1");
        assert_eq!(visible("थाना\n2").collect::<String>(), "थाना\n2");
    }
}
