//! Offences that only some may see: terrorism, waging war, acts against sovereignty.
//!
//! The state that registers one and the service that delivers it ask here, so that they never disagree. A doubt protects.

use super::{Act, Head, fold};

/// In names of acts that no table knows, folded.
const WORDS: [&str; 3] = ["UAP", "UNLAWFULACTIV", "विधिविरुद्धक्रिया"];

/// Whether a section is of an offence that only some may see (`RESTRICTED` in `offences/heads.csv`), or of an act that
/// no table knows and that may be such.
#[must_use]
pub fn is_restricted(act: &str, section: &str) -> bool {
    let is_known = Act::all().iter().any(|known| known.code == act);
    Head::of(act, section).is_some_and(|head| head.withholding == "RESTRICTED")
        || (!is_known && WORDS.iter().any(|word| fold(act).contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        for (act, section) in [
            ("UAPA", "17"),
            ("UAP Act", "17"),
            ("U.A.(P) Act", "17"),
            ("BNS", "113(2)"),
            ("BNS", "147"),
            ("IPC", "121"),
        ] {
            assert!(is_restricted(act, section), "{act} {section}");
        }
        for (act, section) in
            [("IPC", "147"), ("BNS", "303(2)"), ("ARMS", "25"), ("KARNATAKA POLICE ACT 1963", "92")]
        {
            assert!(!is_restricted(act, section), "{act} {section}");
        }
    }
}
