//! A daemon's metrics as numbers, read from the same text that Prometheus reads.

use std::collections::BTreeMap;

/// Samples of one daemon.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scrape {
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Scrape {
    /// Reads the text exposition format. Comments are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        Self { samples: text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect() }
    }

    /// Sum of a counter over all its labels.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        whole(self.named(name).map(|sample| sample.value).sum())
    }

    /// A counter by one of its labels, without what was never counted.
    pub(crate) fn by(&self, name: &str, label: &str) -> BTreeMap<String, u64> {
        let counted = self.values(name, &[label]).into_iter().filter(|(_, value)| *value > 0.0);
        counted.map(|(labels, value)| (labels.into_iter().collect(), whole(value))).collect()
    }

    /// A metric summed over all its labels; `None` where it is not shown.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.named(name).map(|sample| sample.value).reduce(|sum, value| sum + value)
    }

    /// A metric by some of its labels, summed over the others.
    pub(crate) fn values(&self, name: &str, labels: &[&str]) -> BTreeMap<Vec<String>, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.named(name) {
            let key = labels.iter().map(|label| sample.labels.get(*label).cloned().unwrap_or_default());
            *sums.entry(key.collect()).or_default() += sample.value;
        }
        sums
    }

    /// The value of a label where the metric is first shown.
    pub(crate) fn label(&self, name: &str, label: &str) -> Option<&str> {
        self.samples.iter().find(|sample| sample.name == name)?.labels.get(label).map(String::as_str)
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole, not negative, and smaller than nine quadrillion"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

/// `name{label="value",…} 3`. What is no number that can be counted with is passed over.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok().filter(|value: &f64| value.is_finite())?;
    let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
    let (mut labels, mut rest) = (BTreeMap::new(), rest);
    while let Some((label, text)) = rest.split_once("=\"") {
        let (value, after) = unquoted(text)?;
        labels.insert(label.trim_start_matches(',').to_owned(), value);
        rest = after;
    }
    (rest == "}").then(|| Sample { name: name.to_owned(), labels, value })
}

/// The text up to the quotation mark that ends it, and what stands behind that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_runtime::metrics::Metrics;

    #[test]
    fn it_reads_what_a_daemon_shows() {
        let metrics = Metrics::new("test").unwrap();
        metrics.counter("sanchar_forwarded_total", "help").unwrap().inc_by(7);
        let dropped = metrics.counter_vec("sanchar_dropped_total", "help", &["stage", "reason"]).unwrap();
        dropped.with_label_values(&["a", "stale"]).inc_by(2);
        dropped.with_label_values(&["b", "stale"]).inc_by(1);
        dropped.with_label_values(&["a", "duplicate"]).inc_by(4);
        dropped.with_label_values(&["a", "never"]).inc_by(0);
        metrics.gauge("sanchar_lag_seconds", "help").unwrap().set(1.5);

        let scrape = Scrape::parse(&metrics.render());
        assert_eq!(scrape.sum("sanchar_forwarded_total"), 7);
        assert_eq!(scrape.sum("sanchar_dropped_total"), 7);
        let by_reason = scrape.by("sanchar_dropped_total", "reason");
        assert_eq!(by_reason, BTreeMap::from([("duplicate".to_owned(), 4), ("stale".to_owned(), 3)]));
        assert_eq!(scrape.sum("no_such_total"), 0);
        assert_eq!((scrape.value("sanchar_lag_seconds"), scrape.value("no_such")), (Some(1.5), None));
        let by_both = scrape.values("sanchar_dropped_total", &["reason", "stage"]);
        assert_eq!(by_both[&vec!["stale".to_owned(), "b".to_owned()]], 1.0);
        assert_eq!(by_both[&vec!["never".to_owned(), "a".to_owned()]], 0.0);
        assert_eq!(scrape.label("sanchar_build_info", "daemon"), Some("test"));
    }

    #[test]
    fn a_label_may_hold_anything_and_a_value_must_be_a_number() {
        let text = "a_total{x=\"p,q=\\\"r\\\" } \\\\\\n\",y=\"\"} 2\na_total 3\nb NaN\nb +Inf\nb{x=\"1\" 4\nb{x=\"1} 4\n";
        let scrape = Scrape::parse(text);
        assert_eq!(scrape.label("a_total", "x"), Some("p,q=\"r\" } \\\n"));
        assert_eq!((scrape.label("a_total", "y"), scrape.value("a_total")), (Some(""), Some(5.0)));
        assert_eq!(scrape.value("b"), None, "what is not finite or not whole is nobody's figure");
    }
}
