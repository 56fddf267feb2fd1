//! The many spellings of a section, in English and Hindi, and the one that the tables are searched by.
//! Taking a text of several sections apart is the producer's business.

/// A section in one spelling, for comparing and not for showing: Latin digits and letters, no white space, hyphens
/// or full stops, the letters next to the number in capitals and without brackets, all others small. So `304(A)`,
/// `304-a`, `304ए` and `304 क` are `304A`, and `20(B)(ii)` is `20B(ii)`.
#[must_use]
pub fn normal_section(section: &str) -> String {
    let latin = latin_letters(section);
    let text: String = latin.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.')).collect();
    let (number, rest) = split_number(&text);
    let (letters, clauses) = match rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        Some((inner, clauses)) if inner.chars().all(|c| c.is_ascii_alphabetic()) => (inner, clauses),
        _ => rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())),
    };
    format!("{number}{}{}", letters.to_ascii_uppercase(), clauses.to_ascii_lowercase())
}

/// Splits a section in its normal spelling into its number and the rest.
pub(super) fn split_number(section: &str) -> (&str, &str) {
    section.split_at(section.find(|c: char| !c.is_ascii_digit()).unwrap_or(section.len()))
}

/// Hindi texts letter their sections by the names of the Latin letters or by the order of the consonants.
fn latin_letters(section: &str) -> String {
    const NAMES: [(&str, &str); 5] = [("ए", "a"), ("बी", "b"), ("सी", "c"), ("डी", "d"), ("ई", "e")];
    const CONSONANTS: &str = "कखगघङचछजझञटठडढणतथदधनपफबभमय";
    const DIGITS: &str = "०१२३४५६७८९";
    if section.is_ascii() {
        return section.to_owned();
    }
    let named = NAMES.iter().fold(section.to_owned(), |text, (hindi, latin)| text.replace(hindi, latin));
    let place = |alphabet: &str, c: char| alphabet.chars().position(|letter| letter == c);
    let latin = |c| match (place(DIGITS, c), place(CONSONANTS, c)) {
        (Some(digit), _) => ('0'..='9').nth(digit).unwrap_or(c),
        (_, Some(letter)) => ('a'..='z').nth(letter).unwrap_or(c),
        _ => c,
    };
    named.chars().map(latin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_section() {
        for (normal, spellings) in [
            (
                "304A",
                [
                    "304A",
                    "304a",
                    "304(A)",
                    "304 (a)",
                    "304-A",
                    "304ए",
                    "304-ए",
                    "304(ए)",
                    "304क",
                    "३०४ (क)",
                    "304A.",
                ],
            ),
            (
                "354D",
                [
                    "354D",
                    "354(D)",
                    "354डी",
                    "354 डी",
                    "354घ",
                    "354-घ",
                    "३५४घ",
                    "354(घ)",
                    "354 d",
                    "354(d)",
                    "354-D",
                ],
            ),
        ] {
            for written in spellings {
                assert_eq!(normal_section(written), normal, "{written}");
            }
        }
        for (written, normal) in [
            ("66(C)", "66C"),
            ("376कख", "376AB"),
            ("376डीबी", "376DB"),
            ("36 (ख)", "36B"),
            (" 20 (B) (II) ", "20B(ii)"),
            ("20(B)2(a)", "20B2(a)"),
            ("3(1)(r)(s)", "3(1)(r)(s)"),
            ("3(1)(द)(ध)", "3(1)(r)(s)"),
            ("3(2)(v-a)", "3(2)(va)"),
            ("3(5)", "3(5)"),
            ("3(5", "3(5"),
            ("", ""),
        ] {
            assert_eq!(normal_section(written), normal, "{written}");
        }
    }
}
