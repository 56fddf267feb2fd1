//! Offences that only some may see: terrorism, waging war, acts against sovereignty, official secrets.
//!
//! The state that registers one and the service that delivers it ask here, so that they never disagree. The service cannot
//! rely on how an origin writes acts and sections, so a doubt protects: at worst something stays in its state.

use super::{Act, Head, fold};
use crate::characters::{digit, visible};

/// In names of acts that no table knows, folded: UAPA, TADA, POTA and the Official Secrets Act in spellings of their own. "Unlawful"
/// alone is not among them: there are acts against unlawful conversion.
const ACTS: [&str; 17] = [
    "UAP",
    "ULAP",
    "UPAACT",
    "UPA1967",
    "UNLAWFULA",
    "UNLAWFULLA",
    "UNLAWFULPREV",
    "TERROR",
    "TADA",
    "POTA",
    "OFFICIALSECRET",
    "विधिविरुद्धक्रिया",
    "विधिविरूद्धक्रिया",
    "यूएपीए",
    "यूएपीएक्ट",
    "आतंक",
    "ಯುಎಪಿಎ",
];
/// In names that may stand for a penal code.
const CODES: [&str; 7] = ["BNS", "IPC", "PENALCODE", "SANHITA", "संहिता", "बीएनएस", "भादवि"];

/// Whether a section is of an offence that only some may see (`RESTRICTED` in `offences/heads.csv`), however act and section are
/// written, or may be of one.
#[must_use]
pub fn is_restricted(act: &str, section: &str) -> bool {
    let act: String = visible(act).collect();
    let section: String = visible(section).collect();
    match Act::by_name(&act) {
        Some(known) => {
            let code = known.code.as_str();
            Head::of(code, &section).is_some_and(|head| head.withholding == "RESTRICTED")
                || numbers(&section).any(|number| is_of(code, number))
        }
        None => may_be(&act, &section),
    }
}

/// Whether a number of a penal code is of such an offence: BNS 113 and 147 to 152, IPC 121 to 124A. Of several sections in one
/// text each counts.
fn is_of(code: &str, number: u32) -> bool {
    match code {
        "BNS" => matches!(number, 113 | 147..=152),
        "IPC" => matches!(number, 121..=124),
        _ => false,
    }
}

/// What an act that no table knows may be.
fn may_be(act: &str, section: &str) -> bool {
    let folded = fold(act);
    let has = |words: &[&str]| words.iter().any(|word| folded.contains(word));
    // Letters that look like Latin ones and are none hide a name from every table.
    let is_strange = |c: char| c.is_alphabetic() && !c.is_ascii() && !('\u{900}'..='\u{dff}').contains(&c);
    let is_number = |number: u32| is_of("BNS", number) || is_of("IPC", number);
    has(&ACTS)
        || act.chars().any(is_strange)
        || (has(&CODES) && numbers(act).chain(numbers(section)).any(is_number))
}

/// Every number in a text, in the digits of any of India's scripts.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    let latin: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    let runs: Vec<u32> =
        latin.split(|c: char| !c.is_ascii_digit()).filter_map(|run| run.parse().ok()).collect();
    runs.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        for act in [
            "BNS",
            "bns",
            " BNS",
            "BNS 2023",
            "B.N.S.",
            "BNS, 2023",
            "Bharatiya Nyaya Sanhita",
            "बीएनएस",
            "भा.न्या.सं.",
            "BNS ACT 2023",
            "BHARATHIYA NYAYA SANHITA 2023",
            "Ｂns",
            "B\u{200b}NS",
        ] {
            for section in [
                "113",
                "113(2)",
                "147",
                "150",
                "u/s 113",
                "Sec. 113",
                "S.113",
                "धारा 113",
                "§113",
                "(113)",
                "0113",
                "61(2)/113",
                "103 r/w 113",
                "११३",
                "১১৩",
                "１１３",
                "1\u{200b}13",
            ] {
                assert!(is_restricted(act, section), "{act} {section}");
            }
            assert!(!is_restricted(act, "303(2)"), "{act}");
        }
        for (act, section) in [
            ("UAPA", "17"),
            ("UAP Act", "17"),
            ("U.A.(P) Act", "17"),
            ("UL(A)P Act", "10"),
            ("UNLAWFULL ACTIVITIES (PREVENTION) ACT 1967", "16"),
            ("UNLAWFUL (PREVENTION) ACT", "16"),
            ("UPA ACT 1967", "16"),
            ("यूएपीए", "16"),
            ("U\u{410}PA", "16"),
            ("ＵＡＰＡ", "16"),
            ("TERRORIST AND DISRUPTIVE ACTIVITIES ACT 1987", "3"),
            ("POTA 2002", "3"),
            ("IPC", "121"),
            ("ipc", "121A"),
            ("I.P.C.", "124A"),
            ("भादवि", "121"),
            ("INDIAN PENAL CODE (IPC)", "121"),
            ("RANBIR PENAL CODE", "121"),
            ("IPC 121", ""),
            ("IPC", "120B/121"),
            ("IT", "66F"),
            ("Official Secrets Act 1923", "3"),
        ] {
            assert!(is_restricted(act, section), "{act} {section}");
        }
    }

    #[test]
    fn others_are_not() {
        for (act, section) in [
            ("IPC", "147"),
            ("IPC", "379"),
            ("BNS", "303(2)"),
            ("BNS", "111"),
            ("ARMS", "25"),
            ("IT", "66C"),
            ("KARNATAKA POLICE ACT 1963", "92"),
            ("UP PROHIBITION OF UNLAWFUL CONVERSION OF RELIGION ACT 2021", "5"),
            ("मध्य प्रदेश आबकारी अधिनियम", "34"),
        ] {
            assert!(!is_restricted(act, section), "{act} {section}");
        }
    }
}
