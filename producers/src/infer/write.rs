//! The text of a proposal: a configuration with the reason behind each line, and what a person has to decide as remarks. It shows names
//! of columns and never a value, and decides nothing: what the columns are is said in [`super::propose`].

use std::fmt::Write as _;
use std::path::Path;

use super::propose::{Entry, Proposal};
use super::sample::Sample;
use crate::source::Format;

/// The tables of `[mapping]`, each with its fields in the order of the contract.
const TABLES: [(&str, &[&str]); 8] = [
    ("", &["reported_at", "occurred_from", "occurred_to", "investigation_stage"]),
    ("record", &["revision"]),
    ("district", &["name"]),
    ("police_station", &["name", "code"]),
    ("fir", &["number", "year"]),
    ("place", &["text", "locality", "beat", "pin_code", "latitude", "longitude"]),
    ("reported_head", &["major", "minor"]),
    ("vehicles", &["registration", "chassis", "engine", "vehicle_type", "make", "model", "colour"]),
];

impl Proposal<'_> {
    /// The configuration.
    pub(super) fn render(&self, path: &Path, state: &str, why: &str) -> String {
        let mut text = String::new();
        let written = self.write(&mut text, path, state, why);
        // Writing to a string cannot fail.
        written.map_or_else(|_| String::new(), |()| text)
    }

    fn write(&self, out: &mut String, path: &Path, state: &str, why: &str) -> std::fmt::Result {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(
            out,
            "# A proposal, made from the first {} rows. Read every line, then try:",
            self.sample.rows.len()
        )?;
        writeln!(out, "#   sanchar-producer -c FILE.toml check-config")?;
        writeln!(out, "#   sanchar-producer -c FILE.toml dry-run")?;
        writeln!(out, "\n[state]\ncode = \"{state}\"    # {why}")?;
        writeln!(out, "\n[kafka]\nbootstrap = \"127.0.0.1:9092\"    # CHANGE THIS for the real brokers")?;
        writeln!(out, "\n[registry]\nurl = \"http://127.0.0.1:8081/apis/ccompat/v7\"    # CHANGE THIS")?;
        self.source(out, path)?;
        writeln!(out, "\n[store]\nfolder = {}", quoted(&format!("store/{stem}")))?;
        let nulls: Vec<String> = self.sample.nulls().iter().map(|null| quoted(null)).collect();
        writeln!(
            out,
            "\n[rows]\nnull_values = [{}]    # texts of the sample that seem to mean nothing",
            nulls.join(", ")
        )?;
        if !self.parts.is_empty() {
            writeln!(out, "parts = [\n    {},\n]", self.parts.join(",\n    "))?;
        }
        writeln!(
            out,
            "\n[mapping]\nkind = {{ constant = \"FIR\" }}    # the kind may depend on a column: see kind in the README"
        )?;
        for (table, fields) in TABLES {
            self.table(out, table, fields)?;
        }
        if let Some(Entry { value, why, .. }) = self.entries.get("sections") {
            writeln!(out, "\n[mapping.sections]    # {why}\n{value}")?;
        } else {
            writeln!(
                out,
                "\n# CHANGE THIS: no [mapping.sections]. Whether a case is one of those that the law protects cannot be told without \
                 sections\n# or [mapping.reported_head], so that its place, its victims and its free texts stay in the state."
            )?;
        }
        self.remarks(out)
    }

    fn source(&self, out: &mut String, path: &Path) -> std::fmt::Result {
        let Sample { format, delimiter, skip_lines, header, columns, .. } = self.sample;
        let files = quoted(&path.display().to_string());
        writeln!(
            out,
            "\n[source]\nfiles = [{files}]    # relative to this configuration's folder; \"extract/*.csv\" takes all"
        )?;
        let columns = columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        if *format == Format::Jsonl {
            return writeln!(out, "format = \"jsonl\"\ncolumns = [{columns}]");
        }
        writeln!(out, "format = \"csv\"\ndelimiter = {}", quoted(&delimiter.to_string()))?;
        if *skip_lines > 0 {
            writeln!(out, "skip_lines = {skip_lines}    # title lines")?;
        }
        if !header {
            writeln!(out, "header = false    # the first line looks like a row\ncolumns = [{columns}]")?;
        }
        Ok(())
    }

    fn table(&self, out: &mut String, table: &str, fields: &[&str]) -> std::fmt::Result {
        let path = |field: &str| if table.is_empty() { field.to_owned() } else { format!("{table}.{field}") };
        let found: Vec<_> = fields
            .iter()
            .filter_map(|field| Some((field, self.entries.get(path(field).as_str())?)))
            .collect();
        match table {
            _ if found.is_empty() => return Ok(()),
            "" => {}
            "vehicles" => writeln!(
                out,
                "\n[[mapping.vehicles]]\nrole = {{ constant = \"INVOLVED\" }}    # CHANGE THIS: STOLEN, RECOVERED, …"
            )?,
            table => writeln!(out, "\n[mapping.{table}]")?,
        }
        for (field, Entry { value, why, .. }) in found {
            writeln!(out, "{field} = {value}    # {why}")?;
        }
        Ok(())
    }

    fn remarks(&self, out: &mut String) -> std::fmt::Result {
        if !self.personal.is_empty() {
            writeln!(
                out,
                "\n# Personal data, not mapped. Telephone, Aadhaar, caste and religion are never carried; names may be mapped to\n# persons, and the law's rules take out what must stay:"
            )?;
            self.personal.iter().try_for_each(|column| writeln!(out, "#   {column}"))?;
        }
        if !self.left.is_empty() {
            writeln!(out, "\n# Columns that need a decision:")?;
            self.left.iter().try_for_each(|remark| writeln!(out, "#   {remark}"))?;
        }
        let names = self.sample.columns.iter().zip(&self.used).filter(|(_, used)| !**used);
        let unknown: Vec<String> = names.map(|(name, _)| quoted(name)).collect();
        let unknown: Vec<_> = unknown
            .into_iter()
            .filter(|name| !self.left.iter().any(|left| left.starts_with(name.as_str())))
            .collect();
        if !unknown.is_empty() {
            writeln!(out, "\n# Columns not recognised:")?;
            unknown.iter().try_for_each(|name| writeln!(out, "#   {name}"))?;
        }
        Ok(())
    }
}

/// A text of TOML.
pub(super) fn quoted(name: &str) -> String {
    toml::Value::String(name.to_owned()).to_string()
}
