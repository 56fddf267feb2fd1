//! Rows made at random, as lines of CSV and of JSON, and what of each must stay. The secrets are said as the law puts them, without
//! the rules' own machinery.
//!
//! People write a name or an address into whatever column is at hand, so that each secret strays into others at random.

use proptest::prelude::*;
use proptest::sample::select;

use super::MARK;
use super::faults::{FAULTS, Fault};

/// Act, section, whether it is a sexual offence, whether it is about children.
const OFFENCES: [(&str, &str, bool, bool); 6] = [
    ("IPC", "379", false, false),
    ("BNS", "303(2)", false, false),
    ("BNS", "64", true, false),
    ("IPC", "376", true, false),
    ("POCSO", "8", true, true),
    ("JJ", "75", false, true),
];

/// What may stand in a column of others as well; the empty one is the telephone number.
const STRAYS: [&str; 8] =
    ["victim", "homevictim", "informant", "homeinformant", "accused", "place", "car", ""];

/// Columns that something strays into, and nothing else stands in.
const STRAYED_INTO: [&str; 8] =
    ["Part", "Link", "Alias", "Relative", "GangNote", "AccusedHome", "Looks", "Goods"];

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) offence: usize,
    pub(super) victim_age: Option<i32>,
    pub(super) accused_age: i32,
    pub(super) cleared: bool,
    pub(super) fault: Option<Fault>,
    /// Secrets with the columns that they stray into.
    pub(super) strays: Vec<(&'static str, &'static str)>,
}

pub(super) fn any_row() -> impl Strategy<Value = Row> {
    let fault = prop::option::weighted(0.25, select(FAULTS.to_vec()));
    let strays = prop::collection::vec((select(STRAYS.to_vec()), select(STRAYED_INTO.to_vec())), 0..3);
    (0..OFFENCES.len(), prop::option::of(1..60), 12..60, any::<bool>(), fault, strays).prop_map(
        |(offence, victim_age, accused_age, cleared, fault, strays)| Row {
            offence,
            victim_age,
            accused_age,
            cleared,
            fault,
            strays,
        },
    )
}

pub(super) const COLUMNS: [&str; 34] = [
    "Station",
    "No",
    "Year",
    "Day",
    "Act",
    "Section",
    "Facts",
    "Cleared",
    "Victim",
    "VictimAge",
    "VictimHome",
    "Informant",
    "InformantHome",
    "Accused",
    "AccusedAge",
    "Place",
    "Car",
    "Phone",
    "Caste",
    "Aadhaar",
    "Ref",
    "Check",
    "Class",
    "Sex",
    "Head",
    "Stage",
    "Part",
    "Link",
    "Alias",
    "Relative",
    "GangNote",
    "AccusedHome",
    "Looks",
    "Goods",
];

impl Row {
    pub(super) fn value(&self, i: usize, field: &str) -> String {
        format!("{MARK}{i}{field}")
    }

    pub(super) fn number(&self, i: usize) -> String {
        if self.fault == Some(Fault::SameRecord) { "9999".to_owned() } else { (i + 1).to_string() }
    }

    /// A head that names the victim, with the offence as it is misspelt where the section says it too.
    fn head(&self, i: usize) -> String {
        let offence = match OFFENCES[self.offence] {
            (_, _, true, true) => ["POSCO", "पास्को", "ಪೋಕ್ಸೋ", "P.O.C.S.O."][i % 4],
            (_, _, true, false) => ["Ｒａｐｅ", "बलत्कार", "ಅತ್ಯಾಚಾರ", "rapist"][i % 4],
            _ if self.fault == Some(Fault::RestrictedHead) => {
                ["UAPA", "Sedition", "Offical Secrets Act", "U/s 113 BNS"][i % 4]
            }
            _ => "Theft",
        };
        format!("{offence} of {}", self.value(i, "victim").to_uppercase())
    }

    /// What stands in a column that something may stray into.
    fn strayed(&self, i: usize, column: &str) -> String {
        let strayed = self
            .strays
            .iter()
            .filter(|(_, into)| *into == column)
            .map(|(secret, _)| if secret.is_empty() { telephone(i) } else { self.value(i, secret) });
        let texts: Vec<_> = strayed.collect();
        match (texts.as_slice(), column) {
            ([], _) | (_, "Part" | "Link" | "Alias" | "Relative") => texts.join(" "),
            _ => format!("seen with {} there", texts.join(" and ")),
        }
    }

    /// The cells of row `i`, in the order of [`COLUMNS`].
    fn cells(&self, i: usize) -> Vec<String> {
        let (act, section, ..) = OFFENCES[self.offence];
        let fault = |fault: Fault, field: &str, text: &str| {
            if self.fault == Some(fault) { self.value(i, field) } else { text.to_owned() }
        };
        let (act, section) =
            if self.fault == Some(Fault::Restricted) { ("UAPA", "17") } else { (act, section) };
        let facts = match self.fault {
            Some(Fault::TwiceEncoded) => format!("à¤¥à¤¾à¤¨à¤¾ {}", self.value(i, "facts")),
            Some(Fault::TooLong) => self.value(i, "facts").repeat(2_000),
            _ => format!("{} and more", self.value(i, "facts")),
        };
        let day = if self.fault == Some(Fault::FutureDay) { "2190-01-01" } else { "2024-03-01" };
        let station = if self.fault == Some(Fault::Skipped) { "Total" } else { "Panaji" };
        let class = if self.fault == Some(Fault::Secret) { "SECRET" } else { "UNCLASSIFIED" };
        let age = self.victim_age.map(|age| age.to_string()).unwrap_or_default();
        let mut cells = vec![
            station.to_owned(),
            self.number(i),
            fault(Fault::Year, "year", "2024"),
            fault(Fault::Date, "day", day),
            fault(Fault::Act, "act", act),
            fault(Fault::Section, "section", section),
            facts,
            if self.cleared { "Y".to_owned() } else { String::new() },
            self.value(i, "victim"),
            fault(Fault::Age, "age", &age),
            self.value(i, "homevictim"),
            self.value(i, "informant"),
            self.value(i, "homeinformant"),
            self.value(i, "accused"),
            self.accused_age.to_string(),
            self.value(i, "place"),
            self.value(i, "car"),
            self.value(i, "phone"),
            self.value(i, "caste"),
            self.value(i, "aadhaar"),
            fault(Fault::Pattern, "ref", "7/2024"),
            fault(Fault::Check, "check", "ok"),
            class.to_owned(),
            fault(Fault::Value, "sex", "F"),
            self.head(i),
            telephone(i),
        ];
        cells.extend(STRAYED_INTO.iter().map(|column| self.strayed(i, column)));
        cells
    }

    pub(super) fn csv(&self, i: usize) -> Vec<u8> {
        let quoted = |cell: &String| format!("\"{cell}\"");
        let mut line = self.cells(i).iter().map(quoted).collect::<Vec<_>>().join(",");
        match self.fault {
            Some(Fault::Shape) => line.push_str(&format!(",{}", self.value(i, "more"))),
            Some(Fault::Quotes) => line.push_str(&format!("{}\"", self.value(i, "quote"))),
            _ => {}
        }
        self.bytes(line)
    }

    pub(super) fn json(&self, i: usize) -> Vec<u8> {
        let cells = COLUMNS.iter().zip(self.cells(i)).map(|(name, cell)| format!("\"{name}\":\"{cell}\""));
        let mut line = format!("{{{}}}", cells.collect::<Vec<_>>().join(","));
        match self.fault {
            Some(Fault::Shape) => line.truncate(line.len() - 2),
            Some(Fault::Quotes) => {
                let twice = format!(",\"Victim\":\"{}\"}}", self.value(i, "twice"));
                line.replace_range(line.len() - 1.., &twice);
            }
            _ => {}
        }
        self.bytes(line)
    }

    fn bytes(&self, line: String) -> Vec<u8> {
        let mut bytes = line.into_bytes();
        match self.fault {
            Some(Fault::Utf8) => bytes.insert(3, 0xff),
            Some(Fault::Nul) => bytes.insert(3, 0),
            _ => {}
        }
        bytes.push(b'\n');
        bytes
    }

    /// What must stay, as the law puts it and not as the rules do.
    pub(super) fn secrets(&self, i: usize) -> Vec<String> {
        let (_, _, is_sexual, is_about_children) = OFFENCES[self.offence];
        let is_minor = |age: i32| age < 18;
        let victim_is_child = is_about_children || self.victim_age.is_some_and(is_minor);
        let has_child = victim_is_child || is_minor(self.accused_age);
        let mut fields = vec!["informant", "homeinformant", "phone", "caste", "aadhaar"];
        let mut secrets = vec![telephone(i), format!("9{i:09}")];
        if is_sexual || victim_is_child {
            fields.extend(["victim", "homevictim", "car"]);
            secrets.push(self.value(i, "victim").to_uppercase());
        }
        if is_sexual || has_child {
            fields.extend(["place", "facts"]);
        }
        if !self.cleared {
            fields.push("facts");
        }
        if is_minor(self.accused_age) {
            fields.push("accused");
        }
        secrets.extend(fields.into_iter().map(|field| self.value(i, field)));
        secrets
    }
}

/// A telephone number in one of the scripts of digits.
fn telephone(i: usize) -> String {
    let zero = ['0', '٠', '۰', '०', '೦', '᱐', '꯰', '０', '𝟎', '₀'][i % 10];
    let digits = format!("9{i:09}");
    digits
        .chars()
        .map(|digit| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap())
        .collect()
}
