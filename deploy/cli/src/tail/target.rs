//! From what people type to a topic: a state's code or name means its inbox.

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

use crate::names;

/// # Errors
/// [`Failure`] (64) with the nearest topic or state.
pub(super) fn find(word: &str, space: &TopicSpace) -> Result<Topic, Failure> {
    let name = word.trim().to_lowercase();
    let topic = space.parse(&name).or_else(|| TopicSpace::default().parse(&name));
    let topic = topic.or_else(|| names::find(word).map(Topic::Shared));
    topic.ok_or_else(|| {
        Failure::usage(format!(
            "`{}` is neither a topic nor a state: {}",
            names::shown(word),
            hint(&name, space)
        ))
    })
}

fn hint(name: &str, space: &TopicSpace) -> String {
    let topics = || Topic::all().map(|topic| (space.name(topic), topic));
    let nearest_topic = names::nearest(name, topics()).map(|topic| space.name(topic));
    let nearest_state = names::nearest_state(name).map(|state| format!("{state} ({})", state.row().name_en));
    let nearest = if name.contains('.') { nearest_topic } else { nearest_state };
    nearest.map_or_else(
        || "use a state (goa, IN-GA) or a topic (crime.reported.in-ka, crime.dlq, crime.register)".to_owned(),
        |nearest| format!("did you mean {nearest}?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_means_its_inbox_and_a_topic_itself() {
        let (plain, drill) = (TopicSpace::default(), TopicSpace::new("drill"));
        let goa = Topic::Shared("IN-GA".parse().unwrap());
        for word in ["in-ga", "IN-GA", "goa", "गोवा", "crime.shared.in-ga", "CRIME.SHARED.IN-GA"] {
            assert_eq!(find(word, &plain).unwrap(), goa, "{word}");
        }
        assert_eq!(find("drill.crime.dlq", &drill).unwrap(), Topic::Dlq);
        assert_eq!(find("crime.dlq", &drill).unwrap(), Topic::Dlq, "the prefix may be left out");
        assert_eq!(find("crime.reported.in-ka", &plain).unwrap(), Topic::Reported("IN-KA".parse().unwrap()));
    }

    #[test]
    fn a_slip_gets_the_nearest_name() {
        let error = |word: &str| find(word, &TopicSpace::default()).unwrap_err().to_string();
        assert_eq!(error("crime.dql"), "`crime.dql` is neither a topic nor a state: did you mean crime.dlq?");
        assert!(error("crime.shared.in-gaa").contains("did you mean crime.shared.in-ga?"));
        assert!(error("mahrashtra").contains("did you mean IN-MH (Maharashtra)?"));
        assert!(error("qqq").contains("use a state"), "{}", error("qqq"));
    }
}
