//! Acts and crime heads: `offences/acts.csv` and `offences/heads.csv`.
//!
//! A section of the IPC (offences before 1 July 2024), of the BNS or of a special law leads to a head; the
//! head leads to the equivalent sections, a severity and names. Taking a source's section string apart is
//! the producer's business. Acts are an open vocabulary: one that the table lacks stays as it is written.

mod restricted;
mod spelling;

use crate::table::{rows, separated};
pub use restricted::is_restricted;
use serde::Deserialize;
pub use spelling::normal_section;
use spelling::split_number;
use std::collections::HashMap;
use std::sync::LazyLock;

const ACTS: &str = include_str!("../offences/acts.csv");
const HEADS: &str = include_str!("../offences/heads.csv");

/// A statute.
#[derive(Debug, Deserialize)]
pub struct Act {
    /// Code, for example `IPC`.
    pub code: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Hindi.
    pub name_hi: String,
    #[serde(deserialize_with = "separated")]
    aliases: Vec<String>,
}

/// A crime head.
#[derive(Debug, Deserialize)]
pub struct Head {
    /// Code, for example `THEFT`.
    pub head: String,
    /// Sections of the Indian Penal Code 1860.
    #[serde(deserialize_with = "separated")]
    pub ipc: Vec<String>,
    /// Sections of the Bharatiya Nyaya Sanhita 2023.
    #[serde(deserialize_with = "separated")]
    pub bns: Vec<String>,
    /// Sections of special laws as `ACT:section`, `ACT:*` for all of an act.
    #[serde(deserialize_with = "separated")]
    pub special: Vec<String>,
    /// Severity, 1 (least) to 5 (gravest). An order for sorting and alerting, not a statement of law.
    pub severity: i32,
    /// Class of withholding that the head falls under: empty, `SEXUAL` or `RESTRICTED`.
    pub withholding: String,
    /// Name in English.
    pub label_en: String,
    /// Name in Hindi.
    pub label_hi: String,
}

struct Tables {
    acts: Vec<Act>,
    act_by_name: HashMap<String, usize>,
    heads: Vec<Head>,
    /// By act, then by section in its normal spelling.
    head_by_section: HashMap<String, HashMap<String, usize>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

impl Tables {
    #[expect(clippy::expect_used, reason = "the tables are compiled in and a test reads them")]
    fn build() -> Self {
        let acts: Vec<Act> = rows(ACTS).expect("offences/acts.csv is well formed");
        let heads: Vec<Head> = rows(HEADS).expect("offences/heads.csv is well formed");
        let mut act_by_name = HashMap::new();
        for (i, act) in acts.iter().enumerate() {
            for name in act.aliases.iter().chain([&act.code, &act.name_en, &act.name_hi]) {
                let name = fold(name);
                let bare = name.strip_suffix(act.year()).unwrap_or(&name);
                act_by_name.insert(format!("{bare}{}", act.year()), i);
                act_by_name.insert(bare.to_owned(), i);
            }
        }
        let mut head_by_section: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for (i, head) in heads.iter().enumerate() {
            for (act, section) in head.sections() {
                head_by_section.entry(act.to_owned()).or_default().insert(normal_section(section), i);
            }
        }
        Self { acts, act_by_name, heads, head_by_section }
    }
}

/// Folds what people vary when they write an act's name: case, white space, punctuation, `&`, a leading `The`.
fn fold(name: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !c.is_ascii_punctuation() && *c != '।';
    let folded: String =
        name.replace('&', "AND").chars().filter(is_kept).flat_map(char::to_uppercase).collect();
    folded.strip_prefix("THE").map(str::to_owned).unwrap_or(folded)
}

impl Act {
    /// Every act of the table.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLES.acts
    }

    /// The act that a source's name or abbreviation stands for; `None` where the table lacks it.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        // Most names are codes, which folding leaves as they are.
        let known = TABLES.act_by_name.get(name).or_else(|| TABLES.act_by_name.get(&fold(name)));
        known.and_then(|i| TABLES.acts.get(*i))
    }

    /// Year of the act, which every name in the table ends with.
    fn year(&self) -> &str {
        self.name_en.rsplit(' ').next().unwrap_or_default()
    }
}

impl Head {
    /// Every head of the table.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLES.heads
    }

    /// A head by its code.
    #[must_use]
    pub fn by_code(code: &str) -> Option<&'static Self> {
        TABLES.heads.iter().find(|head| head.head == code)
    }

    /// The head that a section falls under: the section itself, else the section it is part of (`376(2)(n)` is
    /// under `376`), else the one it was inserted beside (`354B` is under `354`), else the act as a whole.
    /// `None` where no table knows it. The act may be its code or any name that the table of acts has for it.
    #[must_use]
    pub fn of(act: &str, section: &str) -> Option<&'static Self> {
        let by_name = || Act::by_name(act).and_then(|known| TABLES.head_by_section.get(&known.code));
        let sections = TABLES.head_by_section.get(act).or_else(by_name)?;
        let section = normal_section(section);
        let (number, _) = split_number(&section);
        let parents =
            std::iter::successors(Some(section.as_str()), |s| s.rsplit_once('(').map(|(parent, _)| parent));
        let i = parents.chain([number, "*"]).find_map(|section| sections.get(section))?;
        TABLES.heads.get(*i)
    }

    /// Every section of the head, as act and section.
    fn sections(&self) -> impl Iterator<Item = (&str, &str)> {
        let ipc = self.ipc.iter().map(|section| ("IPC", section.as_str()));
        let bns = self.bns.iter().map(|section| ("BNS", section.as_str()));
        ipc.chain(bns).chain(self.special.iter().filter_map(|text| text.split_once(':')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(act: &str, section: &str) -> Option<&'static str> {
        Head::of(act, section).map(|head| head.head.as_str())
    }

    #[test]
    fn sections_lead_to_heads() {
        assert_eq!(head("IPC", "379"), Some("THEFT"));
        assert_eq!(head("BNS", "303(2)"), Some("THEFT"));
        assert_eq!(head("IPC", "376(2)(n)"), Some("RAPE"));
        assert_eq!(head("IPC", "376(3)"), Some("RAPE_MINOR_U16"));
        assert_eq!(head("BNS", "103(2)"), Some("MURDER_MOB"));
        assert_eq!(head("NDPS", "20(b)"), Some("NARCOTICS"));
        assert_eq!(head("IPC", "9999"), None);
        assert_eq!(head("KARNATAKA HIGHWAY ACT", "3"), None);
        assert_eq!(head("BNS", "303"), None, "a whole section is not its sub-section");
    }

    #[test]
    fn every_spelling_leads_to_its_head() {
        for (act, section, code) in [
            ("IPC", "304(A)", "DEATH_BY_NEGLIGENCE"),
            ("IPC", "304-ए", "DEATH_BY_NEGLIGENCE"),
            ("IPC", "304B(2)", "DOWRY_DEATH"),
            ("IPC", "304 Part II", "CULPABLE_HOMICIDE"),
            ("IPC", "354(D)", "STALKING"),
            ("IPC", "354(B)", "OUTRAGE_MODESTY"),
            ("IPC", "498ए", "CRUELTY_HUSBAND"),
            ("IPC", "363 (क)", "CHILD_BEGGING_KIDNAP"),
            ("IPC", "506(2)", "CRIMINAL_INTIMIDATION"),
            ("BNS", "305(B)", "THEFT_MOTOR_VEHICLE"),
            ("BNS", "305 ख", "THEFT_MOTOR_VEHICLE"),
            ("IT", "66(C)", "CYBER_FRAUD"),
            ("IT", "66 डी", "CYBER_FRAUD"),
            ("NDPS", "20(B)2(a)", "NARCOTICS"),
            ("EXCISE_MP", "36 (ख)", "EXCISE_OFFENCE"),
        ] {
            assert_eq!(head(act, section), Some(code), "{act} {section}");
        }
        assert_eq!(head("IT", "66"), None, "a whole section is not the one inserted beside it");
        assert_eq!(head("IPC", ""), None);
        assert_eq!(head("NDPS", ""), Some("NARCOTICS"));
    }

    /// BNS s.72 and IPC s.228A protect the victims of these sections, however they are written.
    #[test]
    fn no_spelling_of_a_sexual_offence_escapes_withholding() {
        let bns = [
            "63", "64", "64(1)", "64(2)(m)", "65", "65(1)", "65 (2)", "66", "67", "68", "69", "70", "70(1)",
            "70(2)", "71",
        ];
        let ipc = [
            "375",
            "376",
            "376(2)(n)",
            "376(3)",
            "376A",
            "376(A)",
            "376AB",
            "376 कख",
            "376B",
            "376C",
            "376D",
            "376(D)(A)",
            "376DA",
            "376डीबी",
            "376E",
            "376F",
            "३७६",
            "376ए",
        ];
        let sections =
            bns.map(|section| ("BNS", section)).into_iter().chain(ipc.map(|section| ("IPC", section)));
        for (act, section) in sections.chain([("POCSO", "4"), ("POCSO", "क"), ("POCSO", "")]) {
            assert_eq!(
                Head::of(act, section).map(|head| head.withholding.as_str()),
                Some("SEXUAL"),
                "{act} {section}"
            );
        }
    }

    #[test]
    fn acts_by_their_many_names() {
        for (name, code) in [
            ("IPC 1860", "IPC"),
            ("भादवि", "IPC"),
            ("भा.द.वि.", "IPC"),
            ("The Indian Penal Code, 1860", "IPC"),
            ("NARCOTIC DRUGS & PSYCHOTROPIC SUBSTANCES ACT, 1985", "NDPS"),
            ("Indian Motor Vehicles Act 1988", "MV"),
            ("POCSO Act (2012)", "POCSO"),
            ("The Protection of Children from Sexual Offences Act, 2012", "POCSO"),
            ("Protection of Children from Sexual Offences Act", "POCSO"),
            ("SC/ST Act", "SC_ST"),
        ] {
            assert_eq!(Act::by_name(name).map(|act| act.code.as_str()), Some(code), "{name}");
        }
        for name in ["no such act", "", "The", "1860", "Motor Vehicles Act 1939"] {
            assert!(Act::by_name(name).is_none(), "{name}");
        }
    }

    #[test]
    fn no_two_rows_claim_the_same_name_or_section() {
        let (mut names, mut sections) = (HashMap::new(), HashMap::new());
        for act in Act::all() {
            assert!(act.year().len() == 4 && act.name_hi.ends_with(act.year()), "{}", act.code);
            for name in act.aliases.iter().chain([&act.code, &act.name_en, &act.name_hi]) {
                let other = names.insert(fold(name), &act.code);
                assert!(other.is_none_or(|other| *other == act.code), "{name} is {other:?} and {}", act.code);
            }
        }
        for head in Head::all() {
            for (act, section) in head.sections() {
                let other = sections.insert((act, normal_section(section)), &head.head);
                assert_eq!(other, None, "{act} {section} of {}", head.head);
            }
        }
    }

    #[test]
    fn the_tables_are_sound() {
        for head in Head::all() {
            assert!((1..=5).contains(&head.severity), "{}", head.head);
            assert!(!head.label_en.is_empty() && !head.label_hi.is_empty(), "{}", head.head);
            assert!(matches!(head.withholding.as_str(), "" | "SEXUAL" | "RESTRICTED"), "{}", head.head);
            for special in &head.special {
                let act = special.split_once(':').map(|(act, _)| act).unwrap();
                assert!(Act::all().iter().any(|known| known.code == act), "{special}");
            }
        }
        assert!(Head::all().len() >= 76);
    }
}
