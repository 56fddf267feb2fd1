//! A state's system that sends its records to a producer over HTTP: Goa's columns as JSON objects, each another case.
//! For the tests and benchmarks of what is taken in while brokers come and go; the answers to bad requests have tests of
//! their own beside the producer.

use crate::address::own_address;
use crate::daemon::Daemon;
use crate::installation::Installation;
use anyhow::Result;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// Invented, and of a length that is accepted.
const TOKEN: &str = "a-token-of-the-tests-0000";
/// The columns of the objects.
const COLUMNS: [&str; 7] = ["district", "station", "station_code", "fir_no", "year", "fir_date", "sections"];
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// A client of one producer.
#[derive(Debug, Clone)]
pub struct Pusher {
    client: reqwest::Client,
    url: String,
    config: PathBuf,
}

impl Pusher {
    /// Writes the configuration of a producer that takes records over HTTP, and makes a client for it.
    ///
    /// # Errors
    /// When the file cannot be written or no port is free.
    pub fn new(installation: &Installation) -> Result<Self> {
        let listen = own_address();
        let tables = format!(
            "[source]\nformat = \"jsonl\"\ncolumns = {COLUMNS:?}\n[push]\nlisten = \"{listen}\"\ntokens = [\"{TOKEN}\"]\n{MAPPING}"
        );
        let tables: toml::Table = toml::from_str(&tables)?;
        let config = installation.example("goa.toml", |config| config.extend(tables))?;
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        Ok(Self { client, url: format!("http://{listen}/v1/events"), config })
    }

    /// Starts the producer.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(&self, installation: &Installation) -> Result<Daemon> {
        Daemon::start("sanchar-producer", &[OsStr::new("-c"), self.config.as_os_str()], installation.folder())
    }

    /// Sends a body; gives the status and the text of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, body: String) -> Result<(u16, String)> {
        let request = self.client.post(&self.url).bearer_auth(TOKEN);
        let answer = request.header("content-type", "application/x-ndjson").body(body).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

const MAPPING: &str = r#"[mapping]
kind = { constant = "FIR" }
reported_at = { column = "fir_date", formats = ["%Y-%m-%d"] }
district = { name = "district" }
police_station = { name = "station", code = "station_code" }
fir = { number = "fir_no", year = "year" }
sections = { column = "sections", order = "sections_only", act = { constant = "BNS" } }
"#;

/// Records of these numbers, one on each line.
#[must_use]
pub fn batch(numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|number| record(number) + "\n").collect()
}

fn record(number: u32) -> String {
    let (station, serial) = (9_100 + number % 97, number / 97);
    format!(
        "{{\"district\": \"North Goa\", \"station\": \"Station {station}\", \"station_code\": \"{station}\", \
         \"fir_no\": \"{serial:06}\", \"year\": 2024, \"fir_date\": \"2024-09-02\", \"sections\": \"303(2)\"}}"
    )
}

/// Name of the record of a number.
#[must_use]
pub fn record_id(number: u32) -> String {
    format!("IN-GA/{}/2024/{:06}/fir", 9_100 + number % 97, number / 97)
}
