//! Texts from other forces' systems, made fit for a terminal: nothing in them steers it, and none is cut in a character.

/// The text with a blank for each character that moves the cursor, rings a bell, or turns the direction of what
/// follows. The joiners that Hindi is written with stay.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// The text with each of those characters, and backslashes, written as `\u{1b}`: for a label of a metric, where names that differ
/// must not become one.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) || c == '\\' {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// JSON with those characters escaped, so that it means the same and does nothing to a terminal.
pub(crate) fn clean_json(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            // All of them lie in the first plane, so one escape is enough.
            clean.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            clean.push(c);
        }
    }
    clean
}

/// At most about so many characters of the text, and a sign that it goes on. What a reader sees as one character (a
/// letter with its vowel sign, a conjunct) is kept or left out whole.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    let head: Vec<char> = text.chars().take(chars_max + 1).collect();
    if head.len() <= chars_max {
        return text.to_owned();
    }
    let mut end = chars_max;
    while let (Some(before), Some(after)) = (head.get(end.wrapping_sub(1)), head.get(end))
        && are_joined(*before, *after)
    {
        end -= 1;
    }
    head.into_iter().take(end).chain(['…']).collect()
}

/// Control characters, line separators, and the marks of Unicode's bidirectional algorithm (UAX #9).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

fn are_joined(before: char, after: char) -> bool {
    let is_joiner = |c| c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER;
    let is_virama = |c| indic(c) == Some(0x4d);
    is_mark(after) || is_joiner(after) || is_virama(before) || before == ZERO_WIDTH_JOINER
}

fn is_mark(c: char) -> bool {
    matches!(indic(c), Some(0..=0x03 | 0x3a..=0x3c | 0x3e..=0x4f | 0x51..=0x57 | 0x62..=0x63))
        || console::measure_text_width(c.encode_utf8(&mut [0; 4])) == 0
}

/// The place of a character within its script. From Devanagari to Malayalam the blocks of Unicode are laid out alike.
fn indic(c: char) -> Option<u32> {
    u32::from(c).checked_sub(0x900).filter(|at| *at < 0x480).map(|at| at % 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(clean("थाना\u{1b}[2J\n\u{9b}x"), "थाना [2J  x");
        assert_eq!(
            clean("a\u{202e}b\u{2066}c\u{200f}d\u{61c}e\u{2028}f"),
            "a b c d e f",
            "nothing turns round"
        );
        assert_eq!(clean("क्\u{200d}ष"), "क्\u{200d}ष", "a joiner is part of the spelling");
    }

    #[test]
    fn what_steers_is_written_out_and_names_stay_apart() {
        assert_eq!(escaped("थाना\u{1b}[2J\n\"x\""), "थाना\\u{1b}[2J\\u{a}\"x\"");
        assert_eq!(escaped("\\u{a}"), "\\u{5c}u{a}", "nobody can take the place of another");
    }

    #[test]
    fn json_means_the_same_and_is_harmless() {
        let text = "थाना\u{1b}[2J\u{9b}\u{202e}\u{7f}";
        let json = clean_json(&serde_json::to_string(text).unwrap());
        assert!(!json.chars().any(steers), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn no_letter_is_cut_from_its_signs() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "abc…");
        assert_eq!(shortened("किताब", 1), "…", "better nothing than a letter without its vowel sign");
        assert_eq!(shortened("किताब", 2), "कि…");
        assert_eq!(shortened("किताब", 3), "कि…");
        assert_eq!(shortened("अक्षर", 2), "अ…", "a conjunct stays whole");
        assert_eq!(shortened("अक्षर", 4), "अक्ष…");
        assert_eq!(shortened("ಕನ್ನಡ", 3), "ಕ…", "in other scripts too");
    }
}
