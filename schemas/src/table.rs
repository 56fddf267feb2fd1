//! Reading the CSV tables that are compiled into this crate: rows, and cells that hold several values.
//! What a table means is its own module's business.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

/// The rows of a table with a head line.
pub(crate) fn rows<T: DeserializeOwned>(table: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(table.as_bytes()).into_deserialize().collect()
}

/// The values of a cell, separated by `;`. An empty cell has none.
pub(crate) fn separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(values(&text).map(str::to_owned).collect())
}

/// The values of a cell of the form `KEY:name;KEY:name`.
pub(crate) fn separated_pairs<'de, D: Deserializer<'de>, K: std::str::FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Vec<(K, String)>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let pair = |item: &str| {
        let (key, name) = item.split_once(':').ok_or_else(|| D::Error::custom("expected `KEY:name`"))?;
        Ok((key.parse().map_err(D::Error::custom)?, name.to_owned()))
    };
    values(&text).map(pair).collect()
}

fn values(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|item| !item.is_empty())
}
