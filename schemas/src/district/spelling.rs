//! The many spellings of a district's name, and the one that the tables are searched by. Not for showing.

use crate::characters::without_nukta;

/// Longest name that is looked up, in bytes. The longest of the tables has fewer than 100; whatever is longer
/// is a sentence, and folding it would be work that whoever wrote it decides on.
const MAX_NAME_BYTES: usize = 256;

/// The word for district as it stands before or after a name, folded.
const WORDS: [&str; 5] = ["DISTRICT", "DISTT", "DIST", "जिला", "जनपद"];

/// Capital letters and digits alone: no white space, punctuation, virama or nukta, `&` as `and`, and the word
/// for district after the name always as `DIST`. `None` where nothing is left or the name is too long.
///
/// Names are compared as they come and not by a Unicode normal form. In Devanagari it makes no difference, as
/// the nukta is what the forms differ in.
pub(super) fn fold(name: &str) -> Option<String> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    let mut folded = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => folded.push(c.to_ascii_uppercase()),
            '&' => folded.push_str("AND"),
            'ँ' => folded.push('ं'),
            '\u{958}'..='\u{95f}' => folded.extend(without_nukta(c)),
            // Devanagari by hand: asking Unicode what is a letter and a capital takes longer than all the rest.
            '\u{93c}' | '\u{94d}' | '\u{951}'..='\u{954}' | '।' | '॥' | '॰' => {}
            '\u{900}'..='\u{97f}' => folded.push(c),
            _ if c.is_alphanumeric() => folded.extend(c.to_uppercase()),
            _ => {}
        }
    }
    if let Some(rest) = WORDS.iter().find_map(|word| folded.strip_suffix(word)) {
        folded.truncate(rest.len());
        folded.push_str("DIST");
    }
    Some(folded).filter(|folded| !folded.is_empty())
}

/// A folded name without the word for district before or after it.
pub(super) fn bare(folded: &str) -> &str {
    let name = folded.strip_suffix("DIST").unwrap_or(folded);
    WORDS.iter().find_map(|word| name.strip_prefix(word)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name() {
        for (folded, spellings) in [
            ("SONIPAT", ["Sonipat", "SONIPAT", " soni pat ", "Sonipat.", "Soni-Pat"]),
            (
                "LAHAULANDSPITI",
                [
                    "Lahaul and Spiti",
                    "Lahaul & Spiti",
                    "LAHAUL&SPITI",
                    "lahaul-and-spiti",
                    "Lahaul And Spiti,",
                ],
            ),
            (
                "SONIPATDIST",
                ["Sonipat District", "Sonipat Dist.", "Sonipat (Distt.)", "SONIPAT DIST", "Sonipat जिला"],
            ),
            (
                "रायगढ",
                ["रायगढ़", "रायगढ\u{93c}", "राय\u{200d}गढ़", "राय गढ़", "\u{930}\u{93e}\u{92f}\u{917}\u{95d}"],
            ),
        ] {
            for written in spellings {
                assert_eq!(fold(written).as_deref(), Some(folded), "{written}");
            }
        }
        for nothing in ["", " - ", "।", &"x".repeat(257)] {
            assert_eq!(fold(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_word_for_district_before_and_after() {
        for written in
            ["District Sonipat", "Dist. Sonipat", "Distt. Sonipat", "जिला Sonipat", "Sonipat Distt"]
        {
            assert_eq!(bare(&fold(written).unwrap()), "SONIPAT", "{written}");
        }
        assert_eq!(bare("SONIPAT"), "SONIPAT");
        assert_eq!(bare("DIST"), "");
    }
}
