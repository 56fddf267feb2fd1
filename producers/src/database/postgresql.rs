//! Rows of a PostgreSQL database: of a query by the time of modification, or of an outbox by transactions.
//!
//! A query's rows may appear late: a transaction takes its time first and commits afterwards. So a pass goes back to the
//! moment at which the last one began, less the overlap. An outbox does not need that: its rows carry the number of
//! their transaction, and those of transactions that began before the oldest one that still runs are all there. Numbers
//! of a sequence would not do, since they become visible in any order.

use std::path::{Path, PathBuf};

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::ToSql;
use postgres::{Client, Row};

use super::failure::{classify, is_of_values};
use super::session::{self, Settings};
use super::statement::{Column, DELETED_ROW_BYTES_MAX, Statements, quote, value};
use super::{
    Cursor, Database, DatabaseError, DatabaseRow, OutboxConfig, Page, PostgresConfig, QueryConfig, Scan,
    Start,
};
use crate::config::ProducerConfig;
use crate::language::column::Columns;

/// A page ends where it has so many bytes, however many rows it may have.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// Types of a time of modification, by their numbers in the catalogue: without time zone and with it.
const TIMES: [u32; 2] = [1114, 1184];
/// Types of a transaction's number: `int8`, filled by `txid_current()`, and `xid8`.
const TRANSACTIONS: [u32; 2] = [20, 5069];

/// A PostgreSQL database.
pub(crate) struct Postgres {
    config: PostgresConfig,
    settings: Settings,
    base: PathBuf,
    connected: Option<Connected>,
}

struct Connected {
    client: Client,
    statements: Statements,
}

impl Postgres {
    /// The database of a configuration, not yet connected.
    pub(crate) fn new(config: &ProducerConfig, postgres: &PostgresConfig) -> Self {
        let application_name = format!("sanchar-producer {}", config.state.code);
        let time_zone = config.rows.time_zone.to_string();
        let settings = Settings { application_name, time_zone };
        // A path is needed for what is relative, also where the configuration lies in the current folder.
        let base = Path::new(".").join(config.base());
        Self { config: postgres.clone(), settings, base, connected: None }
    }

    /// Does something with a connection, which is given up when that fails.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Connected, &PostgresConfig) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut connected = match self.connected.take() {
            Some(connected) if !connected.client.is_closed() => connected,
            _ => self.connect()?,
        };
        let outcome = work(&mut connected, &self.config)?;
        self.connected = Some(connected);
        Ok(outcome)
    }

    fn connect(&self) -> Result<Connected, DatabaseError> {
        let mut client = session::connect(&self.config, &self.settings, &self.base)?;
        let statements = prepare(&self.config, &mut client)?;
        Ok(Connected { client, statements })
    }
}

impl Database for Postgres {
    fn columns(&mut self) -> Result<Columns, DatabaseError> {
        self.with(|connected, config| {
            let own = connected.statements.columns.iter().map(|column| column.name.as_str());
            Ok(Columns::new(own.chain(config.columns.iter().map(String::as_str))))
        })
    }

    fn begin(&mut self, cursor: Option<&Cursor>) -> Result<Scan, DatabaseError> {
        self.with(|connected, config| match (&config.query, &config.outbox) {
            (Some(query), _) => begin_query(connected, query, cursor),
            (None, _) => begin_outbox(connected, cursor),
        })
    }

    fn page(&mut self, scan: &Scan, start: &Start) -> Result<Page, DatabaseError> {
        self.with(|connected, config| {
            let mut values: Vec<&str> = match start {
                Start::Beginning => Vec::new(),
                Start::From(first) => vec![first],
                Start::After(keys) => keys.iter().map(String::as_str).collect(),
            };
            values.extend(scan.end.as_deref());
            let sql = connected.statements.page(start);
            read_page(connected, config.page_rows, config.max_row_bytes, &sql, &values)
                .map_err(|error| classify(&error))?
        })
    }

    fn find(&mut self, id: &[&str]) -> Result<Vec<DatabaseRow>, DatabaseError> {
        self.with(|connected, config| {
            let asked = connected.client.query_one(&connected.statements.readable(), &parameters(id));
            match asked {
                // What is no value of the column's type is in no row.
                Err(error) if is_of_values(&error) => return Ok(Vec::new()),
                asked => asked.map_err(|error| classify(&error))?,
            };
            let sql = connected.statements.one();
            let page = read_page(connected, 2, config.max_row_bytes, &sql, id)
                .map_err(|error| classify(&error))??;
            Ok(page.rows)
        })
    }

    fn delete_through(&mut self, cursor: &Cursor) -> Result<(), DatabaseError> {
        self.with(|connected, _| {
            let values: Vec<&str> = cursor.keys.iter().map(String::as_str).collect();
            let deleted = connected.client.execute(&connected.statements.delete(), &parameters(&values));
            deleted.map(drop).map_err(|error| classify(&error))
        })
    }
}

/// Finds out what the rows are like.
fn prepare(config: &PostgresConfig, client: &mut Client) -> Result<Statements, DatabaseError> {
    let relation = match (&config.query, &config.outbox) {
        // A comment at its end must not swallow the bracket.
        (Some(query), _) => format!("(\n{}\n)", query.sql),
        (None, Some(outbox)) => outbox.table.split('.').map(quote).collect::<Vec<_>>().join("."),
        (None, None) => return Err(DatabaseError::Refused("[postgres] says nothing to read".to_owned())),
    };
    let statement = client.prepare(&format!("select source.* from {relation} as source"));
    let statement = statement.map_err(|error| classify(&error))?;
    let columns: Vec<Column> = statement
        .columns()
        .iter()
        .map(|column| {
            let kind = column.type_();
            Column {
                name: column.name().to_owned(),
                kind: format!("{}.{}", quote(kind.schema()), quote(kind.name())),
                oid: kind.oid(),
            }
        })
        .collect();
    let find = |field: &str, name: &str| {
        columns.iter().find(|column| column.name == *name).cloned().ok_or_else(|| {
            DatabaseError::Refused(format!(
                "{field} names the column `{name}`, which is not among those read"
            ))
        })
    };
    let (first, types, needs, ids) = match (&config.query, &config.outbox) {
        (_, Some(OutboxConfig { id, transaction, .. })) => (
            find("postgres.outbox.transaction", transaction)?,
            &TRANSACTIONS,
            "postgres.outbox.transaction has to be of the type xid8, or bigint filled by txid_current()",
            vec![find("postgres.outbox.id", id)?],
        ),
        (Some(QueryConfig { modified, id, .. }), None) => (
            find("postgres.query.modified", modified)?,
            &TIMES,
            "postgres.query.modified has to be of the type timestamp or timestamptz",
            id.iter().map(|id| find("postgres.query.id", id)).collect::<Result<_, _>>()?,
        ),
        (None, None) => return Err(DatabaseError::Refused("[postgres] says nothing to read".to_owned())),
    };
    if !types.contains(&first.oid) {
        return Err(DatabaseError::Refused(needs.to_owned()));
    }
    let keys = [vec![first], ids].concat();
    if config.outbox.is_some() {
        refuse_null_keys(client, &relation, &keys)?;
    }
    let has_end = config.outbox.is_some();
    let kept_bytes_max = match has_end {
        true => config.max_row_bytes.max(DELETED_ROW_BYTES_MAX),
        false => config.max_row_bytes,
    };
    let page_rows = config.page_rows;
    Ok(Statements { relation, columns, keys, has_end, page_rows, kept_bytes_max })
}

/// A row without a number would never be read. Asking the catalogue is cheaper than looking for one in every pass.
fn refuse_null_keys(client: &mut Client, table: &str, keys: &[Column]) -> Result<(), DatabaseError> {
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let sql = "select count(*) from pg_catalog.pg_attribute \
               where attrelid = $1::text::regclass and attname = any($2::text[]) and attnotnull";
    let answer = client.query_one(sql, &[&table, &names]).map_err(|error| classify(&error))?;
    if usize::try_from(cell::<i64>(&answer, 0)?).is_ok_and(|count| count == keys.len()) {
        return Ok(());
    }
    Err(DatabaseError::Refused(
        "the columns postgres.outbox.id and transaction may be null: make them the table's primary key"
            .to_owned(),
    ))
}

/// Rows that appear after this moment have at least its time less the overlap.
fn begin_query(
    connected: &mut Connected,
    query: &QueryConfig,
    cursor: Option<&Cursor>,
) -> Result<Scan, DatabaseError> {
    let Connected { client, statements } = connected;
    let keyless = statements.keyless();
    let Some(modified) = statements.keys.first() else { return Err(unexpected()) };
    let sql = format!(
        "select (clock_timestamp() - interval '{} milliseconds')::{}::text,\n{} < {},\n{keyless}",
        query.overlap_ms,
        modified.kind,
        value(1, modified),
        value(2, modified),
    );
    let read = cursor.and_then(|cursor| cursor.keys.first()).map(String::as_str);
    let horizon = cursor.and_then(|cursor| cursor.horizon.as_deref());
    let answer = client.query_one(&sql, &[&read, &horizon]).map_err(|error| classify(&error))?;
    let (next, is_before): (String, Option<bool>) = (cell(&answer, 0)?, cell(&answer, 1)?);
    let start = cursor.map_or(Start::Beginning, |cursor| cursor.start(is_before == Some(true)));
    let has_keyless = cell(&answer, 2)?;
    Ok(Scan { start, horizon: Some(next), end: None, holds_back: false, has_keyless })
}

/// Transactions before the oldest that still runs are over: none of their rows is to come.
fn begin_outbox(connected: &mut Connected, cursor: Option<&Cursor>) -> Result<Scan, DatabaseError> {
    let Connected { client, statements } = connected;
    let Some(transaction) = statements.keys.first() else { return Err(unexpected()) };
    let sql = "select txid_snapshot_xmin(txid_current_snapshot())::text";
    let end: String = cell(&client.query_one(sql, &[]).map_err(|error| classify(&error))?, 0)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| unexpected());
    if let Some(read) = cursor.and_then(|cursor| cursor.keys.first())
        && number(read)? >= number(&end)?
    {
        return Err(DatabaseError::Refused(
            "the database counts transactions from an earlier one than the checkpoint has: it was set up anew or \
             restored; see what it holds, and delete the checkpoint to publish the outbox from its start"
                .to_owned(),
        ));
    }
    let sql = format!(
        "select exists (select 1 from {} as source where source.{} >= {})",
        statements.relation,
        quote(&transaction.name),
        value(1, transaction),
    );
    let answer = client.query_one(&sql, &[&end]).map_err(|error| classify(&error))?;
    let start = cursor.map_or(Start::Beginning, |cursor| cursor.start(true));
    let holds_back = cell(&answer, 0)?;
    Ok(Scan { start, horizon: None, end: Some(end), holds_back, has_keyless: false })
}

fn read_page(
    connected: &mut Connected,
    page_rows: u32,
    max_row_bytes: u32,
    sql: &str,
    values: &[&str],
) -> Result<Result<Page, DatabaseError>, postgres::Error> {
    let keys = connected.statements.keys.len();
    let mut answers = connected.client.query_raw(sql, parameters(values))?;
    let mut page = Page { rows: Vec::new(), is_last: true };
    let mut bytes = 0;
    while let Some(answer) = answers.next()? {
        let body: String = answer.try_get(0)?;
        let length: i64 = answer.try_get(1)?;
        let keys =
            (2..2 + keys).map(|i| answer.try_get::<_, Option<String>>(i)).collect::<Result<Vec<_>, _>>()?;
        let Some(keys) = keys.into_iter().collect() else {
            return Ok(Err(DatabaseError::Refused(
                "a row has no value in a column of postgres.query.id: name columns that always have one"
                    .to_owned(),
            )));
        };
        bytes += body.len();
        let length = u64::try_from(length).unwrap_or_default();
        let is_too_long = length > u64::from(max_row_bytes);
        page.rows.push(DatabaseRow { keys, bytes: body.into_bytes(), length, is_too_long });
        if bytes >= PAGE_BYTES_MAX {
            page.is_last = false;
            return Ok(Ok(page));
        }
    }
    page.is_last = page.rows.len() < usize::try_from(page_rows).unwrap_or(usize::MAX);
    Ok(Ok(page))
}

fn parameters<'v>(values: &'v [&'v str]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn cell<'r, T: postgres::types::FromSql<'r>>(row: &'r Row, position: usize) -> Result<T, DatabaseError> {
    row.try_get(position).map_err(|error| classify(&error))
}

/// The server has answered what it never answers.
fn unexpected() -> DatabaseError {
    DatabaseError::Refused("the database answers otherwise than PostgreSQL does".to_owned())
}
