//! What a PromQL expression names: metrics, labels of matchers, labels that it groups by.
//!
//! It splits expressions into words and knows where names stand; it does not evaluate or validate them (`promtool` does).

use super::catalogue::{self, Daemon, Known};
use super::labels::{self, Values};
use super::rules::Rule;
use sanchar_runtime::metrics::Described;
use std::collections::{BTreeMap, BTreeSet};

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Metrics with the matchers on their labels.
    pub selectors: Vec<(String, Vec<Matcher>)>,
    /// Labels after `by`, `on` and the like.
    pub grouped: BTreeSet<String>,
}

/// A matcher.
#[derive(Debug, PartialEq, Eq)]
pub struct Matcher {
    /// Its label.
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: String,
    /// Its value, without quotation marks.
    pub value: String,
}

const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 19] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "topk",
    "bottomk",
    "quantile",
    "stddev",
    "stdvar",
    "group",
    "count_values",
    "inf",
    "nan",
];

/// Reads an expression.
#[must_use]
pub fn read(expression: &str) -> Named {
    let mut named = Named::default();
    let tokens = tokens(expression);
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        rest = after;
        let next = after.first().map_or("", String::as_str);
        if GROUPING.contains(&token.as_str()) {
            if next == "(" {
                let (list, after) = until(after.get(1..).unwrap_or_default(), ")");
                named.grouped.extend(list.iter().filter(|word| is_name(word)).cloned());
                rest = after;
            }
        } else if is_name(token) && next != "(" && !WORDS.contains(&token.to_ascii_lowercase().as_str()) {
            let (list, after) =
                if next == "{" { until(after.get(1..).unwrap_or_default(), "}") } else { (&[][..], after) };
            named.selectors.push((token.clone(), matchers(list)));
            rest = after;
        }
    }
    named
}

fn matchers(list: &[String]) -> Vec<Matcher> {
    let parts = list.split(|token| token == ",");
    let matcher = |part: &[String]| match part {
        [label, operator, value] => Some(Matcher {
            label: label.clone(),
            operator: operator.clone(),
            value: value.trim_matches(['"', '\'']).to_owned(),
        }),
        _ => None,
    };
    parts.filter_map(matcher).collect()
}

/// What stands before `end`, and what after it.
fn until<'t>(tokens: &'t [String], end: &str) -> (&'t [String], &'t [String]) {
    let place = tokens.iter().position(|token| token == end).unwrap_or(tokens.len());
    let (before, after) = tokens.split_at(place);
    (before, after.get(1..).unwrap_or_default())
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
}

/// Names, numbers, texts in quotation marks, operators of matchers, and single characters. Ranges in brackets are left out.
fn tokens(expression: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_:.$".contains(c);
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(first) = rest.next() {
        let mut token = String::from(first);
        match first {
            '"' | '\'' => {
                let mut is_escaped = false;
                for c in rest.by_ref() {
                    token.push(c);
                    if c == first && !is_escaped {
                        break;
                    }
                    is_escaped = c == '\\' && !is_escaped;
                }
            }
            '[' => {
                let _range = rest.by_ref().find(|c| *c == ']');
                continue;
            }
            '=' | '!' => token.extend(rest.next_if(|c| "=~".contains(*c))),
            c if is_word(c) => {
                while let Some(c) = rest.next_if(|c| is_word(*c)) {
                    token.push(c);
                }
            }
            c if c.is_whitespace() => continue,
            _ => {}
        }
        tokens.push(token);
    }
    tokens
}

/// Judges expressions by what there is to be named.
#[derive(Debug)]
pub struct Judge<'d> {
    daemons: &'d [Daemon],
    recorded: BTreeMap<String, BTreeSet<String>>,
}

impl<'d> Judge<'d> {
    /// Knows the metrics of `daemons` and what `rules` record.
    #[must_use]
    pub fn new(daemons: &'d [Daemon], rules: &[Rule]) -> Self {
        let mut judge = Self { daemons, recorded: BTreeMap::new() };
        let records = || rules.iter().filter(|rule| !rule.is_alert);
        judge.recorded.extend(records().map(|rule| (rule.name.clone(), BTreeSet::new())));
        // What is recorded may rest on what is recorded: as often as there are rules is enough.
        for _ in rules {
            for rule in records() {
                let labels = judge.labels(&read(rule.field("expr")));
                judge.recorded.entry(rule.name.clone()).or_default().extend(labels);
            }
        }
        judge
    }

    fn known(&self, name: &str) -> Option<Known> {
        let recorded = |labels: &BTreeSet<String>| Known { labels: labels.clone(), ..Known::default() };
        self.recorded.get(name).map(recorded).or_else(|| catalogue::find(self.daemons, name))
    }

    fn labels(&self, named: &Named) -> BTreeSet<String> {
        let known = named.selectors.iter().filter_map(|(metric, _)| self.known(metric));
        known.flat_map(|known| known.labels).collect()
    }

    /// What is wrong with an expression: names and labels that do not exist, values that a label never has.
    #[must_use]
    pub fn complaints(&self, expression: &str) -> Vec<String> {
        let named = read(expression);
        let mut complaints = Vec::new();
        if named.selectors.is_empty() {
            complaints.push("it names no metric".to_owned());
        }
        for (metric, matchers) in &named.selectors {
            let Some(known) = self.known(metric) else {
                complaints.push(format!("{metric} is shown by nobody"));
                continue;
            };
            for matcher in matchers {
                complaints.extend(wrong(metric, &known, matcher));
            }
        }
        let labels = self.labels(&named);
        let unknown = named.grouped.iter().filter(|label| !labels.contains(*label));
        complaints.extend(unknown.map(|label| format!("nothing in it has a label {label}")));
        complaints
    }
}

fn wrong(metric: &str, known: &Known, matcher: &Matcher) -> Option<String> {
    let Matcher { label, operator, value } = matcher;
    if !known.labels.contains(label) {
        return Some(format!("{metric} has no label {label}"));
    }
    let is_plain = operator == "=" && !value.contains('$');
    let takes =
        |(daemon, described): &(&'static str, Described)| match labels::of(daemon, &described.name, label) {
            Some(Values::Closed(values)) => values.contains(value),
            _ => true,
        };
    let is_never = is_plain && !known.metrics.is_empty() && !known.metrics.iter().any(takes);
    is_never.then(|| format!("label {label} of {metric} is never {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_matchers_and_groupings_are_found_and_nothing_else() {
        let named = read(
            r#"sum by (topic, reason) (rate(a_total{topic=~"x|y(z)",job!="j"}[5m])) / on (topic) group_left () max(b) > bool 3
               and (c:d:e offset 5m) >= 1e3 or $x * histogram_quantile(0.99, f_bucket{le="+Inf"}[$__range])"#,
        );
        let metrics: Vec<&str> = named.selectors.iter().map(|(metric, _)| metric.as_str()).collect();
        assert_eq!(metrics, ["a_total", "b", "c:d:e", "f_bucket"]);
        let (_, matchers) = &named.selectors[0];
        let texts: Vec<_> =
            matchers.iter().map(|one| format!("{} {} {}", one.label, one.operator, one.value)).collect();
        assert_eq!(texts, ["topic =~ x|y(z)", "job != j"]);
        assert_eq!(named.grouped.iter().collect::<Vec<_>>(), ["reason", "topic"]);
    }

    #[test]
    fn what_does_not_exist_is_complained_about() {
        let daemons = catalogue::daemons().unwrap();
        let judge = Judge::new(&daemons, &[]);
        for (expression, complaint) in [
            ("sanchar_records_read_total", "sanchar_records_read_total is shown by nobody"),
            ("sanchar_records_in_total{partition=\"0\"}", "sanchar_records_in_total has no label partition"),
            ("sum by (topik) (sanchar_records_in_total)", "nothing in it has a label topik"),
            (
                "sanchar_transactions_total{outcome=\"lost\"}",
                "label outcome of sanchar_transactions_total is never lost",
            ),
            ("3", "it names no metric"),
        ] {
            assert_eq!(judge.complaints(expression), [complaint], "{expression}");
        }
        assert!(judge.complaints("sum by (topic) (rate(sanchar_records_in_total[5m]))").is_empty());
    }
}
