//! What people call a state: its code with or without `IN-`, its English or its Hindi name, in any case.
//! Where a word is none of these, the nearest one is suggested.

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::StateCode;

/// The state that `word` names, if it names one exactly.
pub(crate) fn find(word: &str) -> Option<StateCode> {
    let word = word.trim();
    word.parse().or_else(|_| format!("IN-{word}").parse()).ok().or_else(|| {
        StateCode::all().find(|state| fold(&state.row().name_en) == fold(word) || state.row().name_hi == word)
    })
}

/// As [`find`].
///
/// # Errors
/// [`Failure`] (64) with the nearest code and name.
pub(crate) fn state(word: &str) -> Result<StateCode, Failure> {
    find(word).ok_or_else(|| {
        let hint = nearest_state(word).map_or_else(
            || "use an ISO 3166-2 code such as IN-DL, or a state's name".to_owned(),
            |state| format!("did you mean {state} ({})?", state.row().name_en),
        );
        Failure::usage(format!("unknown state `{}`: {hint}", shown(word)))
    })
}

/// For clap: a list of states, separated by commas.
pub(crate) fn parse_state(word: &str) -> Result<StateCode, String> {
    state(word).map_err(|failure| failure.to_string())
}

/// The state whose code or name is a slip of the fingers away.
pub(crate) fn nearest_state(word: &str) -> Option<StateCode> {
    let known = StateCode::all().flat_map(|state| {
        let code = state.as_str().to_ascii_lowercase();
        let short = code.trim_start_matches("in-").to_owned();
        [code, short, fold(&state.row().name_en), state.row().name_hi.clone()].map(|name| (name, state))
    });
    nearest(&fold(word), known)
}

/// The candidate whose name is most like `word`; `None` where none is much like it.
pub(crate) fn nearest<T>(word: &str, candidates: impl Iterator<Item = (String, T)>) -> Option<T> {
    let likeness = |name: &str| strsim::jaro_winkler(word, name);
    let rated = candidates.map(|(name, candidate)| (likeness(&name), candidate));
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 >= 0.75).then_some(best.1)
}

/// A word of the command line, short enough to repeat.
pub(crate) fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_by_any_of_its_names() {
        for word in ["IN-GA", "in-ga", "ga", "Goa", "GOA", "गोवा", " goa "] {
            assert_eq!(find(word).map(StateCode::as_str), Some("IN-GA"), "{word}");
        }
        assert_eq!(find("uttar-pradesh").map(StateCode::as_str), Some("IN-UP"));
        assert_eq!(find("OR").map(StateCode::as_str), Some("IN-OD"), "older codes too");
        assert_eq!(find("france"), None);
    }

    #[test]
    fn a_slip_gets_the_nearest_name() {
        let error = state("karnatka").unwrap_err().to_string();
        assert_eq!(error, "unknown state `karnatka`: did you mean IN-KA (Karnataka)?");
        let error = state("???").unwrap_err().to_string();
        assert!(error.contains("use an ISO 3166-2 code"), "{error}");
    }
}
