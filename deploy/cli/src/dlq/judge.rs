//! What a redrive does with a letter. A pure function, so that a dry run says what a run would do.

use sanchar_schemas::topics::TopicSpace;

use super::inputs::Inputs;
use super::letter::Letter;
use super::place::InputPlace;
use super::receipts::Known;

/// What the operator allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Letters that were sent before are sent once more.
    pub(super) again: bool,
    /// How often a record may be tried, the first time included.
    pub(super) attempts_max: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes back to the topic of its source.
    Send { source: InputPlace, attempt: u32 },
    /// It was sent before.
    Redriven,
    /// It failed too often: whatever it fails for is not mended yet.
    Refused { tried: u32 },
    /// The brokers do not take it as it is, or would not.
    RefusedByBrokers { why: String },
    /// Its headers name no input topic of this installation.
    NoWayBack,
}

impl Verdict {
    /// Why the brokers do not take the letter, where they do not.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::RefusedByBrokers { why } => Some(why),
            _ => None,
        }
    }
}

pub(super) fn judge(
    letter: &Letter,
    known: &Known,
    inputs: &Inputs,
    space: &TopicSpace,
    rules: Rules,
) -> Verdict {
    let Some(source) = letter.source else { return Verdict::NoWayBack };
    if !rules.again && !known.copies_of(letter).is_empty() {
        return Verdict::Redriven;
    }
    let tried = known.tried(letter);
    if tried >= rules.attempts_max {
        return Verdict::Refused { tried };
    }
    match inputs.refusal(letter, source, &source.topic(space)) {
        Some(why) => Verdict::RefusedByBrokers { why },
        None => Verdict::Send { source, attempt: tried + 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::tests::inputs;
    use super::super::letter::tests::letter;
    use super::super::receipts::tests::known;
    use super::*;

    const DELHI: &str = "crime.reported.in-dl";
    const RULES: Rules = Rules { again: false, attempts_max: 3 };

    fn judge(letter: &Letter, known: &Known, rules: Rules) -> Verdict {
        super::judge(letter, known, &inputs(), &TopicSpace::default(), rules)
    }

    #[test]
    fn a_letter_is_sent_once_unless_it_is_asked_for_again() {
        let letter = letter(17, (DELHI, 1, 41), "key");
        let source = letter.source.unwrap();
        let send = |attempt| Verdict::Send { source, attempt };
        assert_eq!(judge(&letter, &known(&[]), RULES), send(2));
        assert_eq!(judge(&letter, &known(&[(17, &[(2, 90)])]), RULES), Verdict::Redriven);
        let again = Rules { again: true, ..RULES };
        assert_eq!(judge(&letter, &known(&[(17, &[(2, 90)])]), again), send(3));
        let twice = known(&[(17, &[(2, 90), (3, 91)])]);
        assert_eq!(
            judge(&letter, &twice, again),
            Verdict::Refused { tried: 3 },
            "the guard holds for it too"
        );
    }

    #[test]
    fn a_record_that_keeps_failing_is_refused_until_more_attempts_are_allowed() {
        let known = known(&[(17, &[(2, 90)]), (18, &[(3, 91)])]);
        let third = letter(19, (DELHI, 1, 91), "key");
        assert_eq!(judge(&third, &known, RULES), Verdict::Refused { tried: 3 });
        let more = Rules { attempts_max: 4, ..RULES };
        assert_eq!(judge(&third, &known, more), Verdict::Send { source: third.source.unwrap(), attempt: 4 });
    }

    #[test]
    fn a_letter_that_the_brokers_would_not_take_is_not_sent() {
        let mut keyless = letter(17, (DELHI, 7, 41), "key");
        keyless.record.key = None;
        let Verdict::RefusedByBrokers { why } = judge(&keyless, &known(&[]), RULES) else { panic!() };
        assert!(why.contains("no partition 7"), "{why}");
    }

    #[test]
    fn a_letter_from_nowhere_has_no_way_back() {
        assert_eq!(judge(&letter(1, ("elsewhere", 0, 1), "key"), &known(&[]), RULES), Verdict::NoWayBack);
    }
}
