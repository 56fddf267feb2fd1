//! Grafana dashboards as files: what they ask for, and whether they are fit to be provisioned.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A dashboard.
#[derive(Debug)]
pub struct Dashboard(Value);

/// Reads one.
///
/// # Errors
/// When the file cannot be read or is not JSON.
pub fn read(path: &Path) -> Result<Dashboard> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(Dashboard(serde_json::from_str(&text).with_context(|| path.display().to_string())?))
}

impl Dashboard {
    fn list(&self, pointer: &str) -> &[Value] {
        self.0.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn panels(&self) -> impl Iterator<Item = &Value> {
        self.list("/panels").iter().filter(|panel| text(panel, "/type") != "row")
    }

    /// Every query, with the title of its panel or the name of its variable.
    #[must_use]
    pub fn expressions(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for panel in self.panels() {
            let targets = panel.get("targets").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            all.extend(targets.iter().map(|target| (text(panel, "/title"), text(target, "/expr"))));
        }
        for variable in self.list("/templating/list").iter().filter(|one| text(one, "/type") == "query") {
            // label_values(METRIC, LABEL)
            let query = text(variable, "/query/query");
            let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inside.and_then(|inside| inside.rsplit_once(',')).unwrap_or((&query, ""));
            all.push((text(variable, "/name"), format!("sum by ({}) ({selector})", label.trim())));
        }
        all
    }

    /// What keeps it from being provisioned as file `name`, or from being read by people.
    #[must_use]
    pub fn complaints(&self, name: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |is_right: bool, complaint: String| wrong.extend((!is_right).then_some(complaint));
        check(text(&self.0, "/uid") == format!("sanchar-{name}"), format!("its uid must be sanchar-{name}"));
        check(self.0.get("id").is_none_or(Value::is_null), "it has an id of one Grafana's own".to_owned());
        let variables: BTreeSet<String> =
            self.list("/templating/list").iter().map(|variable| text(variable, "/name")).collect();
        check(variables.contains("datasource"), "it has no variable for the data source".to_owned());
        let mut ids = BTreeSet::new();
        for panel in self.panels() {
            let title = text(panel, "/title");
            check(
                ids.insert(panel.get("id").and_then(Value::as_u64)),
                format!("{title}: its id is another panel's"),
            );
            check(
                !title.is_empty() && !text(panel, "/description").is_empty(),
                format!("{title}: say what it shows"),
            );
            let source = text(panel, "/datasource/uid");
            check(source == "${datasource}", format!("{title}: its data source must be the variable"));
            let unit = text(panel, "/fieldConfig/defaults/unit");
            check(!unit.is_empty(), format!("{title}: its values have no unit"));
            check(
                panel.get("targets").is_some_and(|targets| !targets[0].is_null()),
                format!("{title}: no query"),
            );
        }
        for (place, expression) in self.expressions() {
            for used in variables_in(&expression) {
                check(variables.contains(&used), format!("{place}: there is no variable {used}"));
            }
        }
        wrong
    }
}

/// Names behind `$`, without Grafana's own.
fn variables_in(expression: &str) -> BTreeSet<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = expression.split('$').skip(1).map(|rest| {
        let rest = rest.trim_start_matches('{');
        rest.split(|c| !is_of_name(c)).next().unwrap_or_default().to_owned()
    });
    names.filter(|name| !name.is_empty() && !name.starts_with("__")).collect()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_dashboard_is_found() {
        let panel = json!({
            "id": 1, "type": "stat", "title": "t", "description": "d", "datasource": {"uid": "${datasource}"},
            "fieldConfig": {"defaults": {"unit": "s"}}, "targets": [{"expr": "max(a{state=\"$state\"}[$__range])"}],
        });
        let variables = json!([
            {"name": "datasource", "type": "datasource"},
            {"name": "state", "type": "query", "query": {"query": "label_values(b{c=\"d,e\"}, state)"}},
        ]);
        let board = |panels: Value, list: Value| {
            Dashboard(json!({"uid": "sanchar-x", "panels": panels, "templating": {"list": list}}))
        };
        let right = board(json!([panel]), variables.clone());
        assert!(right.complaints("x").is_empty());
        let expressions: Vec<String> =
            right.expressions().into_iter().map(|(_, expression)| expression).collect();
        assert_eq!(expressions, ["max(a{state=\"$state\"}[$__range])", "sum by (state) (b{c=\"d,e\"})"]);
        assert_eq!(right.complaints("y"), ["its uid must be sanchar-y"]);
        assert_eq!(board(json!([panel, panel]), variables).complaints("x"), ["t: its id is another panel's"]);
        let unknown = ["it has no variable for the data source", "t: there is no variable state"];
        assert_eq!(board(json!([panel]), json!([])).complaints("x"), unknown);
        let mut bare = panel.clone();
        bare["fieldConfig"] = json!({});
        let list = json!([{"name": "datasource"}, {"name": "state"}]);
        assert_eq!(board(json!([bare]), list).complaints("x"), ["t: its values have no unit"]);
    }
}
