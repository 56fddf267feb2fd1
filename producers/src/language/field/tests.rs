//! Every step that a field's table can ask for, and every table that makes no sense.

use super::*;
use crate::language::column::Columns;
use sanchar_schemas::event::{Moment, Priority};

fn field<T: Leaf>(table: &str) -> Field<T> {
    #[derive(Deserialize)]
    #[serde(bound = "")]
    struct Holder<T: Leaf> {
        f: Field<T>,
    }
    let holder: Holder<T> = toml::from_str(&format!("f = {table}")).unwrap();
    bound(holder.f)
}

fn bound<N: NamesColumns>(mut field: N) -> N {
    let columns = Columns::new(["a", "b"]);
    field.each_column(&mut Visit::new("f", &mut |path, column, _| {
        columns.bind(column, path, "test").unwrap();
    }));
    field
}

fn value<T: Leaf>(table: &str, cells: &[&str]) -> Result<Option<T>, Reason> {
    let cells = Cells(cells.iter().map(|cell| Cow::Borrowed(*cell)).collect());
    let null_values = ["NULL".to_owned(), "--".to_owned()];
    let source = Source { cells: &cells, null_values: &null_values, zone: Zone::india().0 };
    field::<T>(table).value(source).map_err(|problem| problem.reason)
}

fn text(table: &str, cells: &[&str]) -> Result<Option<String>, Reason> {
    value(table, cells)
}

fn refusal<T: Leaf>(table: &str) -> String {
    #[derive(Deserialize)]
    #[serde(bound = "")]
    struct Holder<T: Leaf> {
        #[expect(dead_code, reason = "only its refusal is looked at")]
        f: Field<T>,
    }
    toml::from_str::<Holder<T>>(&format!("f = {table}")).err().unwrap().message().to_owned()
}

#[test]
fn a_name_alone_is_a_column() {
    assert_eq!(text("'a'", &[" x  y "]), Ok(Some("x y".into())));
    assert_eq!(text("'a'", &[""]), Ok(None));
    assert_eq!(text("'b'", &["x"]), Ok(None), "a short row has nothing there");
}

#[test]
fn columns_are_joined_without_the_empty_ones() {
    assert_eq!(text("{ columns = ['a', 'b'] }", &["x", "y"]), Ok(Some("x y".into())));
    assert_eq!(text("{ columns = ['a', 'b'], join = '/' }", &["x", "NULL"]), Ok(Some("x".into())));
    assert_eq!(text("{ columns = ['a', 'b'] }", &["", "--"]), Ok(None));
    assert_eq!(text("{ columns = ['a', 'b'], all_or_none = true }", &["x", ""]), Ok(None));
    assert_eq!(text("{ columns = ['a', 'b'], all_or_none = true }", &["x", "y"]), Ok(Some("x y".into())));
}

#[test]
fn null_values_of_the_field_take_the_place_of_the_general_ones() {
    assert_eq!(text("'a'", &["NULL"]), Ok(None));
    assert_eq!(text("{ column = 'a', null_values = ['0'] }", &["0"]), Ok(None));
    assert_eq!(text("{ column = 'a', null_values = ['0'] }", &["NULL"]), Ok(Some("NULL".into())));
}

#[test]
fn beginnings_and_texts_are_removed() {
    let table = "{ column = 'a', remove_prefix = ['थाना'] }";
    assert_eq!(text(table, &[" थाना विजयनगर\u{a0}"]), Ok(Some("विजयनगर".into())));
    assert_eq!(text(table, &["विजयनगर"]), Ok(Some("विजयनगर".into())));
    assert_eq!(value::<i64>("{ column = 'a', remove = [',', '/-'] }", &["1,50,000/-"]), Ok(Some(150_000)));
}

#[test]
fn a_map_quarantines_keeps_leaves_out_or_defaults_what_it_does_not_know() {
    let map = "map = { High = 'URGENT' }";
    assert_eq!(
        value::<Priority>(&format!("{{ column = 'a', {map} }}"), &["High"]),
        Ok(Some(Priority::Urgent))
    );
    assert_eq!(value::<Priority>(&format!("{{ column = 'a', {map} }}"), &["Low"]), Err(Reason::UnknownValue));
    let absent = format!("{{ column = 'a', {map}, unknown = 'absent' }}");
    assert_eq!(value::<Priority>(&absent, &["Low"]), Ok(None));
    let default = format!("{{ column = 'a', {map}, default = 'ROUTINE' }}");
    assert_eq!(value::<Priority>(&default, &["Low"]), Ok(Some(Priority::Routine)));
    assert_eq!(value::<Priority>(&default, &[""]), Ok(None), "an empty cell is not an unknown value");
    let keep = format!("{{ column = 'a', {map}, unknown = 'keep' }}");
    assert_eq!(text(&keep, &["Low"]), Ok(Some("Low".into())));
}

#[test]
fn a_constant_needs_no_column_and_is_checked_at_once() {
    assert_eq!(value::<Priority>("{ constant = 'PRIORITY' }", &[]), Ok(Some(Priority::Priority)));
    assert_eq!(value::<i32>("{ constant = 7 }", &[]), Ok(Some(7)));
    assert!(refusal::<Priority>("{ constant = 'HIGH' }").starts_with("`HIGH` is not one of ROUTINE"));
    assert!(
        refusal::<Priority>("{ column = 'a', map = { x = 'HIGH' } }").starts_with("`HIGH` is not one of")
    );
}

#[test]
fn what_is_required_must_be_there() {
    assert_eq!(text("{ column = 'a', required = true }", &["NULL"]), Err(Reason::MissingValue));
    assert_eq!(value::<Moment>("{ column = 'a', formats = ['%d/%m/%Y'] }", &["42706"]), Err(Reason::BadDate));
}

#[test]
fn a_list_is_split_and_each_item_mapped() {
    #[derive(Deserialize)]
    struct Holder {
        f: List<sanchar_schemas::StateCode>,
    }
    let holder: Holder =
        toml::from_str("f = { column = 'a', split = [';', '+'], map = { UP = 'IN-UP', HR = 'IN-HR' } }")
            .unwrap();
    let list = bound(holder.f);
    let items = |cell: &str| {
        let cells = Cells(vec![Cow::Borrowed(cell)]);
        let items = list.items(Source { cells: &cells, null_values: &[], zone: Zone::india().0 });
        items.map(|items| items.iter().map(|state| state.as_str()).collect::<Vec<_>>()).map_err(|p| p.reason)
    };
    assert_eq!(items("UP; HR+UP"), Ok(vec!["IN-UP", "IN-HR", "IN-UP"]));
    assert_eq!(items(";"), Ok(vec![]));
    assert_eq!(items("UP;XX"), Err(Reason::UnknownValue));
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (refusal, part) in [
        (refusal::<String>("{}"), "exactly one of `column`"),
        (refusal::<String>("{ column = 'a', constant = 'x' }"), "exactly one of `column`"),
        (refusal::<String>("{ column = 'a', default = 'x' }"), "there is none"),
        (
            refusal::<String>("{ column = 'a', map = { a = 'b' }, default = 'x', unknown = 'keep' }"),
            "keep one",
        ),
        (refusal::<String>("{ column = 'a', formats = ['%Y'] }"), "this field is none"),
        (refusal::<String>("{ column = 'a', century = 2000 }"), "`century` is for years"),
        (refusal::<Moment>("{ column = 'a', formats = ['spreadsheet_day'] }"), "need each other"),
        (refusal::<Moment>("{ column = 'a', formats = ['%d/%m/%Y'], month = 'b' }"), "need each other"),
        (refusal::<String>("{ column = 'a', split = [';'] }"), "holds one value"),
        (refusal::<Moment>("'a'"), "a date needs its `formats`"),
        (refusal::<Moment>("{ column = 'a', formats = ['%d/%m/%Y', '%m/%d/%Y'] }"), "two different days"),
        (refusal::<String>("{ colum = 'a' }"), "unknown field `colum`"),
        (refusal::<String>("7"), "expected the name of a column"),
    ] {
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn a_spreadsheets_day_number_needs_the_month_beside_it() {
    let rules = "{ column = 'a', formats = ['%d/%m/%Y', 'spreadsheet_day'], month = 'b' }";
    let day = |cells: &[&str]| value::<Moment>(rules, cells).map(|moment| moment.map(|moment| moment.at));
    let twelfth_of_february = day(&["12/2/2016", ""]);
    assert!(matches!(twelfth_of_february, Ok(Some(_))));
    assert_eq!(day(&["42706", " 2 "]), twelfth_of_february);
    assert_eq!(day(&["42706", "०२"]), twelfth_of_february);
    for month in ["", "NULL", "7", "Feb"] {
        assert_eq!(day(&["42706", month]), Err(Reason::BadDate), "{month}");
    }
}
