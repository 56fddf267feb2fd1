//! What the sections and heads of a case say of it, on the safe side.
//!
//! The tables know the sections; but sources write acts in ways that no table knows, take one code for another since July 2024,
//! and sometimes give a head and no section. Here a doubt protects: at worst a place or a name too many stays in the state.

use std::sync::LazyLock;

use sanchar_schemas::event::Section;
use sanchar_schemas::offence::{Act, Head};

use super::ages::{In, tells_of_child};
use super::fold::{folded, squashed, words};
use super::words::tables;
use super::young;
use crate::memo::Memo;

/// Codes that are taken for one another.
const CODES: [&str; 4] = ["IPC", "BNS", "CRPC", "BNSS"];
/// Sections about children, of acts that are not: IPC 305, 315 to 317, 361, 363, 369, 372, 373; BNS 91 to 99, 107, 137, 139, 141.
const CHILD_SECTIONS: [(&str, &[u32]); 2] = [
    ("IPC", &[305, 315, 316, 317, 361, 363, 369, 372, 373]),
    ("BNS", &[91, 92, 93, 94, 95, 96, 97, 98, 99, 107, 137, 139, 141]),
];
/// The same with a letter or a subsection behind the number, without brackets: among the sections on trafficking those on minors.
const LETTERED_CHILD_SECTIONS: [(&str, &str); 11] = [
    ("IPC", "366a"),
    ("IPC", "366b"),
    ("IPC", "3704"),
    ("IPC", "3705"),
    ("IPC", "3706"),
    ("IPC", "370a1"),
    ("BNS", "1434"),
    ("BNS", "1435"),
    ("BNS", "1436"),
    ("BNS", "1441"),
    ("IT", "67b"),
];
/// Acts about children.
const CHILD_ACTS: [&str; 2] = ["JJ", "POCSO"];

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
            all.or(KNOWN.of(&[&section.act, &section.section], || Self::of_one(section)))
        })
    }

    /// What is true of either.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            is_sexual: self.is_sexual || other.is_sexual,
            is_about_children: self.is_about_children || other.is_about_children,
            is_restricted: self.is_restricted || other.is_restricted,
        }
    }

    /// What the name of an act or of a head says, in any language and however misspelt.
    pub(super) fn of_name(name: &str) -> Self {
        let name = folded(name);
        let is_pocso = may_be_pocso(&name);
        Self {
            is_sexual: is_pocso || tables().sexual.is_in_name(&name),
            is_about_children: is_pocso || tables().child.is_in_name(&name),
            is_restricted: tables().restricted.is_in_name(&name),
        }
    }

    fn of_one(section: &Section) -> Self {
        let by_number = Self {
            is_sexual: is_sexual(section),
            is_about_children: is_about_children(section),
            is_restricted: is_restricted(section),
        };
        if is_known(&section.act) { by_number } else { by_number.or(Self::of_name(&section.act)) }
    }
}

/// Whether the number of a section is of a sexual offence, or may be: BNS 63 to 71 and IPC 375 to 376 under any of the codes that are taken
/// for one another and under any act that no table knows.
fn is_sexual(Section { act, section }: &Section) -> bool {
    let is_unknown = !is_known(act);
    let is_code = is_unknown || CODES.contains(&act.as_str());
    is_of_class(act, section, "SEXUAL")
        || (is_code && number(section).is_some_and(|number| matches!(number, 63..=71 | 375..=376)))
}

/// Whether a section is about children, by its number or for an act that is known.
fn is_about_children(Section { act, section }: &Section) -> bool {
    let is_listed = number(section).is_some_and(|number| {
        CHILD_SECTIONS.iter().any(|(code, numbers)| code == act && numbers.contains(&number))
    });
    let begins_with = |letters: &str| squashed(&folded(section)).starts_with(letters);
    CHILD_ACTS.contains(&act.as_str())
        || is_listed
        || LETTERED_CHILD_SECTIONS.iter().any(|(code, letters)| code == act && begins_with(letters))
}

/// Whether only some may see an offence.
fn is_restricted(Section { act, section }: &Section) -> bool {
    sanchar_schemas::offence::is_restricted(act, section)
}

/// Whether a narrative tells of a sexual offence, and whether of a child.
pub(super) fn of_narrative(narrative: &str) -> (bool, bool) {
    let text = folded(narrative);
    let tables = tables();
    let is_pocso = tables.pocso.is_in_spaced(&text);
    let tells_child =
        || tables.child_prose.is_in(&text) || tells_of_child(&text, In::Prose) || young::is_in_prose(&text);
    (is_pocso || tables.sexual_prose.is_in(&text), is_pocso || tells_child())
}

/// Whether a name, or what is said of a person beside it, calls the person a child.
pub(super) fn is_called_child(text: &str) -> bool {
    let text = folded(text);
    tables().child_person.is_in_spaced(&text) || tells_of_child(&text, In::Name) || young::is_in_name(&text)
}

/// Whether a folded name has a word that is POCSO with one letter wrong, left out, put in or turned round.
fn may_be_pocso(name: &str) -> bool {
    let is_one_off = |word: &str| (4..=6).contains(&word.len()) && strsim::osa_distance(word, "pocso") <= 1;
    tables().pocso.is_in_name(name) || words(name).any(is_one_off)
}

pub(super) fn is_known(act: &str) -> bool {
    Act::all().iter().any(|known| known.code == act)
}

fn is_of_class(act: &str, section: &str, class: &str) -> bool {
    Head::of(act, section).is_some_and(|head| head.withholding == class)
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
            ("POSCO ACT", "4"),
            ("POSCO ACT, 2012", "6"),
            ("POCSA ACT", "4"),
            ("PCSO ACT", "4"),
            ("P O C S O", "4"),
            ("PO.C.S.O", "4"),
            ("POXO", "4"),
            ("POSKO", "4"),
            ("PACSO", "4"),
            ("POCSCO", "4"),
            ("POCSP ACT", "4"),
            ("ＰＯＣＳＯ", "4"),
            ("पास्को एक्ट", "7"),
            ("लैगिक", "7"),
            ("लैगिंक अपराधो से बालको का संरक्षण", "4"),
            ("ಪೋಕ್ಸೋ", "4"),
            ("போக்சோ சட்டம்", "4"),
            ("పోక్సో చట్టం", "4"),
            ("പോക്സോ", "4"),
            ("પોક્સો", "4"),
            ("ਪੋਕਸੋ ਐਕਟ", "4"),
            ("পকসো আইন", "4"),
            ("ପକ୍ସୋ", "4"),
            ("پوکسو ایکٹ", "4"),
        ] {
            assert!(Offences::of(&[section(act, number)]).is_sexual, "{act} {number}");
        }
        for (act, number) in [
            ("BNS", "97"),
            ("IPC", "366A"),
            ("IPC", "363"),
            ("IT", "67B"),
            ("किशोर न्याय अधिनियम", "84"),
            ("PCMA", "9"),
            ("BNS", "143(4)"),
            ("BNS", "143 (5)"),
            ("BNS", "144(1)"),
            ("IPC", "370(4)"),
            ("IPC", "370A(1)"),
        ] {
            assert!(Offences::of(&[section(act, number)]).is_about_children, "{act} {number}");
        }
        for (act, number) in [
            ("UAP Act", "17"),
            ("U.A.(P) Act", "17"),
            ("Offical Secrets Act", "3"),
            ("Oficial Secret Act 1923", "3"),
            ("Unlawful Activites Prevntion Act", "17"),
            ("राजद्रोह अधिनियम", "1"),
        ] {
            assert!(Offences::of(&[section(act, number)]).is_restricted, "{act} {number}");
        }
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
            ("MAHARASHTRA POLICE ACT", "135"),
            ("ESSENTIAL COMMODITIES ACT", "7"),
            ("PASSPORTS ACT", "12"),
            ("पशु क्रूरता अधिनियम", "11"),
            ("Explosive Substances Act", "3"),
            ("BNS", "143(2)"),
            ("IPC", "370(2)"),
            ("Legal Metrology Act", "3"),
        ] {
            assert_eq!(Offences::of(&[section(act, number)]), Offences::default(), "{act} {number}");
        }
    }

    #[test]
    fn names_and_narratives_tell_of_children() {
        for name in [
            "Juvenile Ramxyz",
            "CCL Ramxyz",
            "C C L Ramxyz",
            "Sitaxyz (minor)",
            "Sitaxyz aged 14 years",
            "विधि विवादित बालक रामxyz",
            "बाल अपचारी रामxyz",
            "बच्ची",
            "Sitaxyz, girl",
            "boy",
            "newborn of Sitaxyz",
            "Baby of Sitaxyz",
            "school going",
            "किशोरी",
            "nabalig ladki",
        ] {
            assert!(is_called_child(name), "{name}");
        }
        for name in
            ["Kishore Kumar", "किशोर कुमार", "Ramxyz aged 34", "Baby Devi", "Minorah", "delivery boy Ramxyz"]
        {
            assert!(!is_called_child(name), "{name}");
        }
        assert_eq!(of_narrative("Victim girl Sitaxyz aged 12 of POCSO case"), (true, true));
        assert_eq!(of_narrative("a girl aged 12 was hit"), (false, true));
        assert_eq!(of_narrative("he sells grapes; minor injuries; 3 years old scooter"), (false, true));
        for text in [
            "schoolgirl was followed",
            "kidnapped minor",
            "child was found",
            "3 children were taken",
            "मासूम बच्ची को",
            "किशोरी को ले गया",
            "nabalig ladki ko",
            "bachchi ke sath",
            "girl (15)",
            "the 15 yr girl",
        ] {
            assert!(of_narrative(text).1, "{text}");
        }
        for text in [
            "a minor accident",
            "minor head: theft",
            "his minor dispute",
            "two girls' college",
            "a childish act",
        ] {
            assert!(!of_narrative(text).1, "{text}");
        }
        assert_eq!(of_narrative("he sells grapes and had minor injuries, for 3 years"), (false, false));
    }
}
