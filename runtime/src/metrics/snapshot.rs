//! A gauge whose series are all replaced at once, for a daemon that shows what it asked somebody else.
//!
//! Its text is written when the figures come, so that a scrape copies it: a registry of the `prometheus` crate makes a
//! structure of every series, sorts and writes it for each scrape anew. Not for what is counted one by one.

use std::sync::{Arc, Mutex, PoisonError};

use super::described::{Described, Kind};

/// The series of one name, as they were last shown. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Snapshot {
    described: Arc<Described>,
    /// Numbers of the labels, in the order of their names.
    order: Arc<[usize]>,
    text: Arc<Mutex<String>>,
}

impl Snapshot {
    pub(super) fn new(name: &str, help: &str, labels: &[&str]) -> Self {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|label| labels.get(*label));
        let described = Described { name: name.to_owned(), kind: Kind::Gauge, help: help.to_owned(), labels };
        Self { described: Arc::new(described), order: order.into(), text: Arc::default() }
    }

    /// Shows these series and no others: each with a value for every label, in the order in which they were declared. Where
    /// there is none, the name is not shown either.
    pub fn show<V: AsRef<[String]>>(&self, series: impl IntoIterator<Item = (V, f64)>) {
        let mut text = String::new();
        for (values, value) in series {
            if text.is_empty() {
                self.begin(&mut text);
            }
            self.line(&mut text, values.as_ref(), value);
        }
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Puts what is shown behind `page`.
    pub(super) fn write(&self, page: &mut String) {
        page.push_str(&self.text.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn begin(&self, text: &mut String) {
        let Described { name, kind, help, .. } = &*self.described;
        text.push_str(&format!("# HELP {name} {}\n# TYPE {name} {}\n", escaped(help, false), kind.as_str()));
    }

    fn line(&self, text: &mut String, values: &[String], value: f64) {
        text.push_str(&self.described.name);
        let labels = self.order.iter().filter_map(|label| {
            Some((self.described.labels.get(*label)?, values.get(*label).map_or("", String::as_str)))
        });
        let mut before = '{';
        for (label, value) in labels {
            text.push(before);
            text.push_str(label);
            text.push_str("=\"");
            text.push_str(&escaped(value, true));
            text.push('"');
            before = ',';
        }
        text.push_str(if before == ',' { "} " } else { " " });
        text.push_str(&value.to_string());
        text.push('\n');
    }
}

/// As the text exposition format 0.0.4 wants it: backslashes and line feeds, and quotation marks in the value of a label.
fn escaped(text: &str, in_label: bool) -> std::borrow::Cow<'_, str> {
    if !text.contains(['\\', '\n', '"']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if in_label => escaped.push_str("\\\""),
            other => escaped.push(other),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use crate::metrics::Metrics;

    #[test]
    fn what_is_shown_reads_as_the_registrys_own_and_is_replaced_as_a_whole() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let snapshot =
            metrics.snapshot("sanchar_lag_seconds", "Lag \\ of\na group.", &["topic", "group"]).unwrap();
        let gauge =
            metrics.gauge_vec("sanchar_same_seconds", "Lag \\ of\na group.", &["topic", "group"]).unwrap();
        let series = [
            (["a".to_owned(), "थाना \"x\"\n\\n".to_owned()], 1.5),
            (["a".to_owned(), "z".to_owned()], 45.0),
            (["b".to_owned(), String::new()], -1.0),
        ];
        for (values, value) in &series {
            gauge.with_label_values(values).set(*value);
        }
        snapshot.show(series);
        let text = metrics.render();
        let of = |name: &str| -> Vec<String> {
            let mut lines: Vec<String> =
                text.lines().filter(|line| line.contains(name)).map(|line| line.replace(name, "")).collect();
            lines.sort();
            lines
        };
        assert_eq!(of("sanchar_lag_seconds").len(), 5);
        assert_eq!(of("sanchar_lag_seconds"), of("sanchar_same_seconds"));

        snapshot.show([(["c".to_owned(), "d".to_owned()], 2.0)]);
        assert!(metrics.render().ends_with("sanchar_lag_seconds{group=\"d\",topic=\"c\"} 2\n"));
        snapshot.show::<[String; 2]>([]);
        assert!(!metrics.render().contains("sanchar_lag_seconds"));
    }

    #[test]
    fn a_name_is_given_once() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        metrics.snapshot("sanchar_lag_seconds", "help", &[]).unwrap().show([([], 3.0)]);
        assert!(metrics.render().ends_with("\nsanchar_lag_seconds 3\n"));
        assert!(metrics.snapshot("sanchar_lag_seconds", "help", &[]).is_err());
        assert!(metrics.gauge("sanchar_lag_seconds", "help").is_err());
        assert!(metrics.snapshot("kafka_lag", "help", &[]).is_err());
        assert!(metrics.described().iter().any(|metric| metric.name == "sanchar_lag_seconds"));
    }
}
