//! What the sections and heads of a case say of it, on the safe side.
//!
//! The tables know the sections; but sources write acts in ways that no table knows, take one code for another since July 2024,
//! and sometimes give a head and no section. Here a doubt protects: at worst a place or a name too many stays in the state.

use std::sync::LazyLock;

use sanchar_schemas::event::{ReportedHead, Section};
use sanchar_schemas::offence::{Act, Head};

use crate::memo::Memo;

/// Codes that are taken for one another.
const CODES: [&str; 4] = ["IPC", "BNS", "CRPC", "BNSS"];
/// In names of acts and heads, without blanks and stops.
const SEXUAL_WORDS: [&str; 14] = [
    "POCSO",
    "RAPE",
    "SEXUAL",
    "MOLEST",
    "पॉक्सो",
    "पोक्सो",
    "पाक्सो",
    "पोस्को",
    "पॉस्को",
    "लैंगिक",
    "यौन",
    "बलात्",
    "दुष्कर्म",
    "छेड़",
];
const CHILD_WORDS: [&str; 16] = [
    "POCSO",
    "CHILD",
    "JUVENILE",
    "MINOR",
    "GIRL",
    "BOY",
    "JJACT",
    "PCMA",
    "पॉक्सो",
    "पोक्सो",
    "पाक्सो",
    "किशोर",
    "बालक",
    "बालिका",
    "नाबालिग",
    "बालविवाह",
];
/// Sections about children, of acts that are not: IPC 305, 315 to 317, 361, 363, 369, 372, 373; BNS 91 to 99, 107, 137, 139, 141.
const CHILD_SECTIONS: [(&str, &[u32]); 2] = [
    ("IPC", &[305, 315, 316, 317, 361, 363, 369, 372, 373]),
    ("BNS", &[91, 92, 93, 94, 95, 96, 97, 98, 99, 107, 137, 139, 141]),
];
/// The same with a letter behind the number.
const LETTERED_CHILD_SECTIONS: [(&str, &str); 3] = [("IPC", "366A"), ("IPC", "366B"), ("IT", "67B")];

/// What is true of some section of a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offences {
    /// A sexual offence, or one that may be.
    pub(super) is_sexual: bool,
    /// About children, by itself or for its act.
    pub(super) is_about_children: bool,
    /// One that only some may see.
    pub(super) is_restricted: bool,
}

impl Offences {
    /// Of all sections of a case.
    pub(super) fn of(sections: &[Section]) -> Self {
        /// States write the same few sections again and again, and to judge one takes as long as all else of a small event.
        static KNOWN: LazyLock<Memo<Offences>> = LazyLock::new(Memo::default);
        sections.iter().fold(Self::default(), |all, section| {
            let one = KNOWN.of(&[&section.act, &section.section], || Self::of_one(section));
            Self {
                is_sexual: all.is_sexual || one.is_sexual,
                is_about_children: all.is_about_children || one.is_about_children,
                is_restricted: all.is_restricted || one.is_restricted,
            }
        })
    }

    fn of_one(section: &Section) -> Self {
        Self {
            is_sexual: is_sexual(section),
            is_about_children: is_about_children(section),
            is_restricted: is_restricted(section),
        }
    }
}

/// Whether a section is of a sexual offence, or may be: BNS 63 to 71 and IPC 375 to 376 under any of the codes that are taken
/// for one another and under any act that no table knows.
fn is_sexual(Section { act, section }: &Section) -> bool {
    let is_code = CODES.contains(&act.as_str()) || !is_known(act);
    is_of_class(act, section, "SEXUAL")
        || has_word(act, &SEXUAL_WORDS)
        || (is_code && number(section).is_some_and(|number| matches!(number, 63..=71 | 375..=376)))
}

/// Whether a section is about children, by itself or for its act.
fn is_about_children(Section { act, section }: &Section) -> bool {
    let is_listed = number(section).is_some_and(|number| {
        CHILD_SECTIONS.iter().any(|(code, numbers)| code == act && numbers.contains(&number))
    });
    let folded = fold(section);
    act == "JJ"
        || has_word(act, &CHILD_WORDS)
        || is_listed
        || LETTERED_CHILD_SECTIONS.iter().any(|(code, section)| code == act && folded.starts_with(section))
}

/// Whether only some may see an offence.
fn is_restricted(Section { act, section }: &Section) -> bool {
    sanchar_schemas::offence::is_restricted(act, section)
}

/// Whether the source's own head names a sexual offence, and whether it names a child.
pub(super) fn of_head(head: Option<&ReportedHead>) -> (bool, bool) {
    let texts = head.into_iter().flat_map(|head| head.major.iter().chain(&head.minor));
    texts.fold((false, false), |(sexual, child), text| {
        (sexual || has_word(text, &SEXUAL_WORDS), child || has_word(text, &CHILD_WORDS))
    })
}

fn is_known(act: &str) -> bool {
    Act::all().iter().any(|known| known.code == act)
}

fn is_of_class(act: &str, section: &str, class: &str) -> bool {
    Head::of(act, section).is_some_and(|head| head.withholding == class)
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let text = fold(text);
    words.iter().any(|word| text.contains(word))
}

fn fold(text: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation() && *c != '।';
    let kept = text.chars().filter(is_kept);
    // Most texts are ASCII, and the general case takes several times as long.
    if text.is_ascii() {
        return kept.map(|c| c.to_ascii_uppercase()).collect();
    }
    kept.flat_map(char::to_uppercase).collect()
}

/// The number that a section begins with, whatever its digits and however many zeros stand before it.
fn number(section: &str) -> Option<u32> {
    let digits: String = section.trim_start().chars().map_while(sanchar_schemas::characters::digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(act: &str, section: &str) -> Section {
        Section { act: act.into(), section: section.into() }
    }

    #[test]
    fn no_way_of_writing_it_hides_a_protected_case() {
        for (act, number) in [
            ("IPC and POCSO Act", "376"),
            ("POCSO (Amendment) Act 2019", "7"),
            ("BNS Act", "64"),
            ("भारतीय न्याय संहिता (बीएनएस) 2023", "64"),
            ("पोक्सो एक्ट", "6"),
            ("BNS", "376"),
            ("IPC", "64"),
            ("BNSS", "64"),
            ("IPC", "0376"),
            ("n IPC", "३७६"),
        ] {
            assert!(is_sexual(&section(act, number)), "{act} {number}");
        }
        for (act, number) in [
            ("BNS", "97"),
            ("IPC", "366A"),
            ("IPC", "363"),
            ("IT", "67B"),
            ("किशोर न्याय अधिनियम", "84"),
            ("PCMA", "9"),
        ] {
            assert!(is_about_children(&section(act, number)), "{act} {number}");
        }
        assert!(is_restricted(&section("UAP Act", "17")) && is_restricted(&section("U.A.(P) Act", "17")));
    }

    #[test]
    fn other_cases_are_not_protected() {
        for (act, number) in [
            ("IPC", "379"),
            ("BNS", "303(2)"),
            ("ARMS", "25"),
            ("NDPS", "20(b)"),
            ("IPC", "366"),
            ("KARNATAKA POLICE ACT 1963", "92"),
        ] {
            let section = section(act, number);
            assert!(
                !is_sexual(&section) && !is_about_children(&section) && !is_restricted(&section),
                "{act} {number}"
            );
        }
        assert_eq!(of_head(Some(&ReportedHead { major: Some("THEFT".into()), minor: None })), (false, false));
        assert_eq!(
            of_head(Some(&ReportedHead { major: None, minor: Some("Rape of minor".into()) })),
            (true, true)
        );
    }
}
