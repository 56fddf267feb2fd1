//! Alert and recording rules as their files say them, and which alerts have which tests.
//!
//! It reads the plain YAML that those files are written in, line by line, and nothing beyond. Whether they are valid is for
//! `promtool` to say, which `deploy/monitoring/check` asks.

use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is an alert, else it records.
    pub is_alert: bool,
    /// Name of the alert or of the series that it records.
    pub name: String,
    /// Its keys and values, those of `labels` and `annotations` among them.
    pub fields: BTreeMap<String, String>,
}

impl Rule {
    /// A field of it; empty where it has none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Which kinds of tests an alert has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tested {
    /// One in which it fires.
    pub fires: bool,
    /// One in which it is quiet.
    pub is_quiet: bool,
}

/// All rules of a folder.
///
/// # Errors
/// When a file cannot be read or is written in another manner.
pub fn read_folder(folder: &Path) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for text in texts(folder)? {
        rules.extend(read(&text)?);
    }
    ensure!(!rules.is_empty(), "no rules in {}", folder.display());
    Ok(rules)
}

/// Tests of all alerts in a folder of test files.
///
/// # Errors
/// When a file cannot be read.
pub fn tested(folder: &Path) -> Result<BTreeMap<String, Tested>> {
    let mut all: BTreeMap<String, Tested> = BTreeMap::new();
    for text in texts(folder)? {
        let mut alert = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("alertname: ") {
                name.clone_into(&mut alert);
            } else if let Some(expected) = line.strip_prefix("exp_alerts:") {
                let tested = all.entry(alert.clone()).or_default();
                let is_quiet = expected.trim() == "[]";
                tested.is_quiet |= is_quiet;
                tested.fires |= !is_quiet;
            }
        }
    }
    Ok(all)
}

fn texts(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            texts.push(std::fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}

fn read(text: &str) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let indent = indent(line);
        let begins = line.trim_start().strip_prefix("- ");
        let item = begins.unwrap_or_else(|| line.trim_start());
        let Some((key, value)) = item.split_once(':').filter(|_| !item.starts_with('#')) else { continue };
        let mut value = value.trim().trim_matches('"').to_owned();
        if value == ">-" {
            let begin = indent + if begins.is_some() { 2 } else { 0 };
            let mut folded = Vec::new();
            while let Some(more) = lines.next_if(|more| self::indent(more) > begin) {
                folded.push(more.trim());
            }
            value = folded.join(" ");
        }
        match (key, begins) {
            ("alert" | "record", Some(_)) => {
                rules.push(Rule { is_alert: key == "alert", name: value, fields: BTreeMap::new() });
            }
            (_, Some(_)) => {} // a group
            (key, None) => {
                let rule = rules.last_mut().map(|rule| &mut rule.fields);
                rule.into_iter().for_each(|fields| drop(fields.insert(key.to_owned(), value.clone())));
            }
        }
    }
    ensure!(
        rules.iter().all(|rule| !rule.field("expr").is_empty()),
        "a rule has no expression that can be read"
    );
    Ok(rules)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_and_plain_values_are_read() {
        let text = "groups:\n  - name: g\n    rules:\n      # A comment: with a colon.\n      - record: a:b\n        expr: max(x)\n      \
                    - alert: C\n        expr: >-\n          sum(y)\n          > 3\n        for: 5m\n        labels:\n          \
                    severity: critical\n        annotations:\n          summary: \"s: t\"\n";
        let rules = read(text).unwrap();
        let names: Vec<_> = rules.iter().map(|rule| (rule.is_alert, rule.name.as_str())).collect();
        assert_eq!(names, [(false, "a:b"), (true, "C")]);
        assert_eq!((rules[0].field("expr"), rules[1].field("expr")), ("max(x)", "sum(y) > 3"));
        assert_eq!((rules[1].field("severity"), rules[1].field("summary")), ("critical", "s: t"));
        assert!(read("groups:\n  - name: g\n    rules:\n      - alert: C\n        for: 5m\n").is_err());
    }
}
