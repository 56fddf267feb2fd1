//! Characters that mean the same and are written differently: digits of all scripts, full-width forms, and characters
//! that nobody sees. For comparing texts; what is shown stays as it is written.

/// Zeros of the scripts that Unicode has decimal digits of (category Nd), in order: India's, those of its neighbours, full-width and
/// mathematical ones among them. The other nine of each follow it.
const ZEROS: [u32; 67] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0,
];

/// A decimal digit of any script as an ASCII digit.
#[must_use]
pub fn digit(character: char) -> Option<char> {
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character);
    }
    let code = u32::from(character);
    let at = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS.get(at)?;
    if value < 10 { char::from_digit(value, 10) } else { None }
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
    fn what_looks_alike_is_alike() {
        assert_eq!("۱٢᱓꯴𝟱5۶၇".chars().filter_map(digit).collect::<String>(), "12345567");
        assert!(ZEROS.is_sorted() && !"x½²①\u{0}".chars().any(|c| digit(c).is_some()));
        assert_eq!("१২੩૪୫௬౭೮൯０x".chars().filter_map(digit).collect::<String>(), "1234567890");
        assert_eq!(visible("Ｕ\u{200b}Ａ\u{202e}ＰA\u{1b} 1").collect::<String>(), "UAPA 1");
        assert_eq!(visible("थाना\n2").collect::<String>(), "थाना\n2");
    }
}
