//! What a state's file may say, and what is said of a wrong one.

use super::*;

const SMALLEST: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["fir.csv"]
format = "csv"
[mapping]
kind = { constant = "FIR" }
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "No"
year = "Year"
[kafka]
bootstrap = "localhost:9092"
"#;

fn load(text: &str) -> Result<ProducerConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goa.toml");
    std::fs::write(&path, text).unwrap();
    let shown = format!("{}/", folder.path().display());
    let loaded = ProducerConfig::load(&path).and_then(|config| config.check().map(|()| config));
    loaded.map_err(|error| error.to_string().replace(&shown, ""))
}

#[test]
fn the_smallest_file_is_enough_and_prints_as_it_reads() {
    let config = load(SMALLEST).unwrap();
    let printed = sanchar_runtime::config::effective(&config).unwrap();
    let again: ProducerConfig = toml::from_str(&printed).unwrap();
    assert_eq!(ProducerConfig { file: PathBuf::new(), ..config }, again, "{printed}");
}

#[test]
fn mistakes_are_named_with_line_column_and_the_nearest_word() {
    for (from, to, message) in [
        (
            "number = \"No\"",
            "numbr = \"No\"",
            "goa.toml:12:1: mapping.fir.numbr: unknown field `numbr`, did you mean `number`?",
        ),
        (
            "kind = { constant = \"FIR\" }",
            "kind = { constant = \"FIRR\" }",
            "goa.toml:8:8: mapping.kind: `FIRR` is not one of",
        ),
        ("\"IN-GA\"", "\"IN-XX\"", "goa.toml:3:8: state.code: "),
        (
            "format = \"csv\"",
            "format = \"csvv\"",
            "goa.toml:6:10: source.format: unknown variant `csvv`, did you mean `csv`?",
        ),
        ("name = \"Station\"", "name = { column = \"S\", colmn = \"T\" }", "did you mean `column`?"),
        ("kind = {", "narrative = { cleared = [] }\nkind = {", "mapping.narrative.text is missing"),
        (
            "kind = {",
            "narrative = { text = \"Facts\", cleared = { column = \"Secret\", none_of = [\"Y\"] } }\nkind = {",
            "mapping.narrative.cleared has to be said in so many words",
        ),
        (
            "[mapping]",
            "[rows]\nnot_carried = [{ column = \"Facts\", path = \"narrative\" }]\n[mapping]\nnarrative = { text = \"Facts\" }",
            "rows.not_carried[0].path names narrative, which the mapping fills",
        ),
        (
            "[kafka]",
            "[[withholding.rules]]\nname = 'x'\nbecause = 'y'\nreason = 'OTHER'\nfields = ['narative']\n[kafka]",
            "goa.toml:18:11: withholding.rules.fields: unknown variant `narative`, did you mean `narrative`?",
        ),
        ("year = \"Year\"", "", "goa.toml:11:1: mapping.fir.year is missing"),
        ("files = [\"fir.csv\"]", "files = []", "goa.toml:5:9: source.files names no file"),
        (
            "[kafka]",
            "[postgres]\nuser = 'reader'\n[postgres.outbox]\ntable = 'o'\n[kafka]",
            "source.files and [postgres] stand side by side: keep one",
        ),
        ("bootstrap = \"localhost:9092\"", "", "kafka.bootstrap has"),
    ] {
        let error = load(&SMALLEST.replace(from, to)).unwrap_err();
        assert!(error.contains(message), "{error}\nshould be\n{message}");
    }
}

#[test]
fn changes_of_an_outbox_have_its_ids_for_revisions() {
    let text = SMALLEST.replace("[source]\nfiles = [\"fir.csv\"]\nformat = \"csv\"\n", "");
    let with = |revision: &str| {
        let outbox = "[postgres]\nuser = 'reader'\n[postgres.outbox]\ntable = 'o'\nid = 'change'";
        load(&text.replace("[kafka]", &format!("{outbox}\n[mapping.record]\n{revision}\n[kafka]")))
    };
    with("revision = 'change'").unwrap();
    for revision in ["", "revision = 'id'", "revision = { column = 'change', remove = ['-'] }"] {
        let error = with(revision).unwrap_err();
        assert!(error.contains("mapping.record.revision has to be the outbox's id"), "{error}");
    }
}
