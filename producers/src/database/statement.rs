//! The statements that read rows in the order of their keys, as text. Nothing here talks to a database.
//!
//! The server makes the row's JSON, so that dates, Hindi and whole numbers are as it writes them. Numbers with a decimal point become
//! text first: a JSON number is read as a floating-point number, and would lose digits.

use super::Start;

/// A column of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The name of its type, quoted.
    pub(super) kind: String,
    /// Its number in PostgreSQL's own catalogue.
    pub(super) oid: u32,
}

/// The rows and their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statements {
    /// The query or table, as it stands behind `from`.
    pub(super) relation: String,
    pub(super) columns: Vec<Column>,
    /// By what they are ordered.
    pub(super) keys: Vec<Column>,
    /// Whether there is a limit to the first key.
    pub(super) has_end: bool,
    pub(super) page_rows: u32,
    /// Of a longer row only the beginning is read.
    pub(super) kept_bytes_max: u32,
}

/// No longer row is ever deleted from an outbox, whatever the configuration says now or said when it was read: up to here
/// what is not published was put into quarantine whole, whatever `max_row_bytes` was.
pub(super) const DELETED_ROW_BYTES_MAX: u32 = 16 << 20;

/// Types whose values would lose digits as JSON numbers: `real`, `double precision`, `money` and `numeric`, and lists of them.
const INEXACT: [u32; 4] = [700, 701, 790, 1700];
const INEXACT_LISTS: [u32; 4] = [1021, 1022, 791, 1231];

impl Statements {
    /// A page from `start`. Its parameters are the keys of the start, then the end.
    pub(super) fn page(&self, start: &Start) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| column(&key.name)).collect();
        let mut conditions: Vec<String> =
            keys.first().map(|key| format!("{key} is not null")).into_iter().collect();
        let given = match start {
            Start::Beginning => 0,
            Start::From(_) => {
                conditions.extend(
                    self.keys.first().map(|key| format!("{} >= {}", column(&key.name), value(1, key))),
                );
                1
            }
            Start::After(_) => {
                let values: Vec<String> = (1..).zip(&self.keys).map(|(i, key)| value(i, key)).collect();
                conditions.push(format!("({}) > ({})", keys.join(", "), values.join(", ")));
                self.keys.len()
            }
        };
        if let Some(first) = self.keys.first().filter(|_| self.has_end) {
            conditions.push(format!("{} < {}", column(&first.name), value(given + 1, first)));
        }
        self.select(&conditions, self.page_rows)
    }

    /// The row whose keys behind the first are its parameters; two, where they do not tell rows apart.
    pub(super) fn one(&self) -> String {
        let first = self.keys.first().map(|key| format!("{} is not null", column(&key.name)));
        let ids = (1..).zip(self.keys.iter().skip(1));
        let equal = ids.map(|(i, key)| format!("{} = {}", column(&key.name), value(i, key)));
        self.select(&first.into_iter().chain(equal).collect::<Vec<_>>(), 2)
    }

    /// Whether each of its parameters can be read as the key behind the first that it is for: the server refuses where not.
    pub(super) fn readable(&self) -> String {
        let ids = (1..).zip(self.keys.iter().skip(1));
        let values: Vec<String> = ids.map(|(i, key)| format!("{} is null", value(i, key))).collect();
        format!("select {}", values.join(", "))
    }

    /// Rows as JSON, with its length and their keys.
    fn select(&self, conditions: &[String], rows: u32) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| column(&key.name)).collect();
        let texts: Vec<String> = (1..).zip(&keys).map(|(i, key)| format!("{key}::text as key_{i}")).collect();
        let names: Vec<String> = (1..=keys.len()).map(|i| format!("page.key_{i}")).collect();
        format!(
            "select case when octet_length(page.body) <= {max} then page.body else left(page.body, {beginning}) end,\n\
             octet_length(page.body)::int8, {names}\n\
             from (select {body} as body, {texts}\n\
             from {relation} as source\nwhere {conditions}\norder by {keys}\nlimit {rows}) as page",
            max = self.kept_bytes_max,
            // A character has four bytes at most.
            beginning = self.kept_bytes_max / 4,
            names = names.join(", "),
            body = self.body(),
            texts = texts.join(", "),
            relation = self.relation,
            conditions = conditions.join("\nand "),
            keys = keys.join(", "),
        )
    }

    /// The row as JSON.
    fn body(&self) -> String {
        let fields: Vec<String> = self.columns.iter().map(field).collect();
        format!("(select row_to_json(made) from (select {}) as made)::text", fields.join(", "))
    }

    /// Whether there are rows that have no place in the order.
    pub(super) fn keyless(&self) -> String {
        let key = self.keys.first().map(|key| column(&key.name)).unwrap_or_default();
        format!("exists (select 1 from {} as source where {key} is null)", self.relation)
    }

    /// Deletes the rows up to the keys that are its parameters, but for those that are too long to be kept elsewhere.
    pub(super) fn delete(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| column(&key.name)).collect();
        let values: Vec<String> = (1..).zip(&self.keys).map(|(i, key)| value(i, key)).collect();
        format!(
            "delete from {} as source where ({}) <= ({})\nand octet_length({}) <= {DELETED_ROW_BYTES_MAX}",
            self.relation,
            keys.join(", "),
            values.join(", "),
            self.body(),
        )
    }
}

/// A parameter that is given as text and read by the server as the key's own type.
pub(super) fn value(position: usize, key: &Column) -> String {
    format!("${position}::text::{}", key.kind)
}

/// A name, whatever it holds.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn column(name: &str) -> String {
    format!("source.{}", quote(name))
}

fn field(column: &Column) -> String {
    let name = quote(&column.name);
    let cast = match column.oid {
        oid if INEXACT.contains(&oid) => "::text",
        oid if INEXACT_LISTS.contains(&oid) => "::text[]",
        _ => "",
    };
    format!("source.{name}{cast} as {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(has_end: bool) -> Statements {
        let column = |name: &str, kind: &str, oid| Column { name: name.into(), kind: kind.into(), oid };
        let keys = vec![column("at", "timestamptz", 1184), column("a \"b\"", "int8", 20)];
        let mut columns = keys.clone();
        columns.push(column("kg", "numeric", 1700));
        let relation = "(\nselect 1\n)".to_owned();
        Statements { relation, columns, keys, has_end, page_rows: 10, kept_bytes_max: 4_000 }
    }

    #[test]
    fn a_page_goes_on_behind_its_last_row() {
        let page = statements(false).page(&Start::After(vec![]));
        for part in [
            "(source.\"at\", source.\"a \"\"b\"\"\") > ($1::text::timestamptz, $2::text::int8)",
            "source.\"kg\"::text as \"kg\"",
            "from (\nselect 1\n) as source",
            "order by source.\"at\", source.\"a \"\"b\"\"\"\nlimit 10",
            "left(page.body, 1000)",
        ] {
            assert!(page.contains(part), "{part} is missing from\n{page}");
        }
        assert!(
            statements(false)
                .page(&Start::From(String::new()))
                .contains("source.\"at\" >= $1::text::timestamptz")
        );
        assert!(!statements(false).page(&Start::Beginning).contains('$'));
    }

    #[test]
    fn one_row_is_found_by_its_id_alone() {
        let one = statements(true).one();
        let wanted = "where source.\"at\" is not null\nand source.\"a \"\"b\"\"\" = $1::text::int8\norder by";
        assert!(one.contains(wanted) && one.contains("limit 2"), "{one}");
        assert_eq!(statements(true).readable(), "select $1::text::int8 is null");
    }

    #[test]
    fn the_end_is_the_last_parameter() {
        let end = |start: &Start| statements(true).page(start);
        assert!(end(&Start::Beginning).contains("source.\"at\" < $1::text::timestamptz"));
        assert!(end(&Start::After(vec![])).contains("source.\"at\" < $3::text::timestamptz"));
    }
}
