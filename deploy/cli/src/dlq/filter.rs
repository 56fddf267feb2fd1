//! Which letters a command is about. Every filter that is given must hold; of one that is given several times, one value.

use std::collections::BTreeSet;

use sanchar_fanout::reasons::PoisonReason;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_stream::processor::REASON_TOO_LARGE;

use super::letter::Letter;
use super::place::Place;
use super::when::When;
use crate::content::{Content, Contents};
use crate::names::{self, parse_state, shown};

/// What the command line says.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// Letters that came from this input topic, or the one of this state; may be repeated
    #[arg(long, value_name = "TOPIC|STATE")]
    topic: Vec<String>,
    /// Letters that failed for this reason, or for one that this release does not know (other); may be repeated
    #[arg(long, value_name = "REASON", value_parser = parse_reason)]
    reason: Vec<&'static str>,
    /// Letters that failed at this time or later: 2026-11-25T18:00:00+05:30, 2026-11-25, 2h or "2h ago"
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Letters that failed before this time, or until the end of this day
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// Letters whose event says that it is from this state; one that cannot be decoded is from its topic's. May be repeated
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    origin: Vec<StateCode>,
    /// The letter at this place of the queue; may be repeated
    #[arg(long, value_name = "PARTITION:OFFSET")]
    place: Vec<Place>,
}

/// The filters, understood.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    topics: Vec<StateCode>,
    reasons: Vec<&'static str>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    origins: Vec<StateCode>,
    places: Vec<Place>,
    /// Places that are named and at which no letter has been met so far.
    unmet: BTreeSet<Place>,
}

/// Most places that a message names.
const NAMED_MAX: usize = 10;

impl Filters {
    /// Whether none is given.
    pub(super) fn are_none(&self) -> bool {
        let Self { topic, reason, since, until, origin, place } = self;
        topic.is_empty()
            && reason.is_empty()
            && since.is_none()
            && until.is_none()
            && origin.is_empty()
            && place.is_empty()
    }

    /// # Errors
    /// [`Failure`] (64) for a topic that no letter comes from, with the nearest one.
    pub(super) fn selection(&self, space: &TopicSpace, now_ms: i64) -> Result<Selection, Failure> {
        let topics = self.topic.iter().map(|word| input_topic(word, space)).collect::<Result<_, _>>()?;
        let selection = Selection {
            topics,
            reasons: self.reason.clone(),
            since_ms: self.since.map(|when| when.begin_ms(now_ms)),
            until_ms: self.until.map(|when| when.end_ms(now_ms)),
            origins: self.origin.clone(),
            places: self.place.clone(),
            unmet: self.place.iter().copied().collect(),
        };
        match (selection.since_ms, selection.until_ms) {
            (Some(since), Some(until)) if since >= until => {
                Err(Failure::usage("--since is not before --until, so no letter could be meant: swap them"))
            }
            _ => Ok(selection),
        }
    }
}

impl Selection {
    /// Whether a letter is meant. It is decoded only where that decides.
    ///
    /// # Errors
    /// [`Failure`] (69) when the registry gives no answer about it.
    pub(super) async fn has(&mut self, letter: &Letter, contents: &mut Contents) -> Result<bool, Failure> {
        self.unmet.remove(&letter.place);
        if !self.has_by_headers(letter) {
            return Ok(false);
        }
        if self.origins.is_empty() {
            return Ok(true);
        }
        let claimed = match contents.of(Topic::Dlq, &letter.record).await? {
            Content::Reported(event) => Some(event.origin),
            _ => letter.source.map(|source| source.state),
        };
        Ok(claimed.is_some_and(|state| self.origins.contains(&state)))
    }

    /// Once all letters have been read.
    ///
    /// # Errors
    /// [`Failure`] (64) when there was none at a place that is named.
    pub(super) fn check_places(&self) -> Result<(), Failure> {
        if self.unmet.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = self.unmet.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let more = self.unmet.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more places") } else { String::new() };
        Err(Failure::usage(format!(
            "there is no letter at {}{more}: `sanchar dlq list` shows the places that there are",
            named.join(", ")
        )))
    }

    fn has_by_headers(&self, letter: &Letter) -> bool {
        let Self { topics, reasons, since_ms, until_ms, origins: _, places, unmet: _ } = self;
        let is_of_topic = || letter.source.is_some_and(|source| topics.contains(&source.state));
        let is_since = |since| letter.failed_at_ms.is_some_and(|at| at >= since);
        let is_until = |until| letter.failed_at_ms.is_some_and(|at| at < until);
        (places.is_empty() || places.contains(&letter.place))
            && (topics.is_empty() || is_of_topic())
            && (reasons.is_empty() || reasons.contains(&reason_of(letter)))
            && since_ms.is_none_or(is_since)
            && until_ms.is_none_or(is_until)
    }
}

/// Every reason for which the fan-out service dead-letters: its own, and the engine's.
fn reasons() -> impl Iterator<Item = &'static str> {
    PoisonReason::ALL.into_iter().map(PoisonReason::as_str).chain([REASON_TOO_LARGE])
}

/// Stands for every reason that this release does not know.
const OTHER: &str = "other";

/// The reason by which a letter is counted and found.
pub(super) fn reason_of(letter: &Letter) -> &'static str {
    reasons().find(|reason| *reason == letter.reason).unwrap_or(OTHER)
}

fn names_of_reasons() -> impl Iterator<Item = &'static str> {
    reasons().chain([OTHER])
}

fn parse_reason(word: &str) -> Result<&'static str, String> {
    let name = word.trim().to_lowercase().replace('_', "-");
    names_of_reasons().find(|reason| *reason == name).ok_or_else(|| {
        let nearest = names::nearest(&name, names_of_reasons().map(|reason| (reason.to_owned(), reason)));
        let hint = nearest.map_or_else(
            || format!("use one of {}", names_of_reasons().collect::<Vec<_>>().join(", ")),
            |nearest| format!("did you mean {nearest}?"),
        );
        format!("unknown reason `{}`: {hint}", shown(word))
    })
}

fn input_topic(word: &str, space: &TopicSpace) -> Result<StateCode, Failure> {
    let name = word.trim().to_lowercase();
    let topic = space.parse(&name).or_else(|| TopicSpace::default().parse(&name));
    if let Some(Topic::Reported(state)) = topic {
        return Ok(state);
    }
    names::find(word).ok_or_else(|| {
        let inputs = StateCode::all().map(|state| (space.name(Topic::Reported(state)), state));
        let nearest =
            if name.contains('.') { names::nearest(&name, inputs) } else { names::nearest_state(&name) };
        let hint = nearest.map_or_else(
            || "use a state (goa, IN-GA) or an input topic (crime.reported.in-ga)".to_owned(),
            |state| format!("did you mean {}?", space.name(Topic::Reported(state))),
        );
        Failure::usage(format!("no letter comes from `{}`: {hint}", shown(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;
    use clap::Parser;

    const DELHI: &str = "crime.reported.in-dl";

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        filters: Filters,
    }

    fn filters(words: &[&str]) -> Filters {
        Cli::try_parse_from([&["list"], words].concat()).unwrap().filters
    }

    fn selection(words: &[&str]) -> Selection {
        filters(words).selection(&TopicSpace::default(), 10_000).unwrap()
    }

    fn error(words: &[&str]) -> String {
        match Cli::try_parse_from([&["list"], words].concat()) {
            Err(error) => error.to_string(),
            Ok(cli) => cli.filters.selection(&TopicSpace::default(), 0).unwrap_err().to_string(),
        }
    }

    #[test]
    fn every_filter_must_hold_and_one_value_of_each() {
        let letter = letter(17, (DELHI, 1, 41), "key"); // it failed at 1,000 ms
        for (words, is_meant) in [
            (vec![], true),
            (vec!["--topic", "delhi"], true),
            (vec!["--topic", DELHI, "--reason", "key"], true),
            (vec!["--topic", "goa", "--topic", "in-dl"], true),
            (vec!["--topic", "goa"], false),
            (vec!["--reason", "conflict", "--reason", "KEY"], true),
            (vec!["--topic", "delhi", "--reason", "conflict"], false),
            (vec!["--place", "0:17"], true),
            (vec!["--place", "1:17", "--place", "0:18"], false),
            (vec!["--since", "9s"], true),
            (vec!["--since", "8s"], false),
            (vec!["--until", "9s"], false),
            (vec!["--until", "8s"], true),
            (vec!["--since", "1970-01-01", "--until", "1970-01-01"], true),
        ] {
            assert_eq!(filters(&words).are_none(), words.is_empty());
            assert_eq!(selection(&words).has_by_headers(&letter), is_meant, "{words:?}");
        }
        let nowhere = super::super::letter::tests::letter(1, ("elsewhere", 0, 0), "key");
        assert!(!selection(&["--topic", "delhi"]).has_by_headers(&nowhere));
    }

    #[tokio::test]
    async fn a_place_without_a_letter_is_named_at_the_end() {
        let registry = sanchar_runtime::registry::RegistryConfig {
            url: "http://127.0.0.1:1".into(),
            ..sanchar_runtime::registry::RegistryConfig::default()
        };
        let registry = sanchar_runtime::registry::RegistryClient::new(&registry).unwrap();
        let mut contents = Contents::new(registry);
        let mut selection = selection(&["--place", "0:17", "--place", "0:18", "--reason", "conflict"]);
        let here = letter(17, (DELHI, 1, 41), "key");
        assert!(!selection.has(&here, &mut contents).await.unwrap(), "it is there, and of another reason");
        let error = selection.check_places().unwrap_err();
        assert!(error.to_string().starts_with("there is no letter at 0:18: "), "{error}");
        selection.has(&letter(18, (DELHI, 1, 42), "key"), &mut contents).await.unwrap();
        assert!(selection.check_places().is_ok());
    }

    #[test]
    fn every_reason_is_known_and_a_slip_gets_the_nearest() {
        assert!(reasons().all(|reason| parse_reason(reason) == Ok(reason)));
        assert_eq!(reasons().count(), 11);
        assert!(error(&["--reason", "malformd"]).contains("did you mean malformed?"));
        assert!(error(&["--reason", "zzz"]).contains("too-large"), "all of them are named");
    }

    #[test]
    fn a_reason_that_this_release_does_not_know_is_found_as_other() {
        let has =
            |words: &[&str], reason| selection(words).has_by_headers(&letter(17, (DELHI, 1, 41), reason));
        assert!(has(&["--reason", "other"], "of-tomorrow") && has(&["--reason", "other"], ""));
        assert!(!has(&["--reason", "other"], "key") && has(&["--reason", "other", "--reason", "key"], "key"));
        assert!(!has(&["--reason", "key"], "of-tomorrow"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_remedy() {
        assert!(error(&["--topic", "crime.reported.in-dll"]).contains("did you mean crime.reported.in-dl?"));
        assert!(error(&["--topic", "crime.dlq"]).contains("no letter comes from `crime.dlq`"));
        assert!(error(&["--topic", "delih"]).contains("did you mean crime.reported.in-dl?"));
        assert!(error(&["--since", "1h", "--until", "2h"]).contains("swap them"));
        assert!(error(&["--place", "17"]).contains("such as 0:17"));
        assert!(error(&["--origin", "karnatka"]).contains("did you mean IN-KA"));
    }
}
