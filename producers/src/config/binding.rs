//! The mapping of a state's file, bound to the columns that a source has. A column that it names and the source lacks is named with its
//! line in the file.

use std::sync::Arc;

use sanchar_schemas::digest::Sha256;

use super::ProducerConfig;
use crate::language::column::{Columns, UnknownColumn};
use crate::mapping::Mapper;
use crate::mapping::joined::Joined;
use crate::siblings::{self, JoinError};

/// Why a mapping does not fit a source.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It names a column that the source lacks.
    #[error(transparent)]
    Column(#[from] UnknownColumn),
    /// The files that it joins cannot be read.
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl ProducerConfig {
    /// The mapping, bound to the columns of a source called `source_name`.
    ///
    /// # Errors
    /// The first column that the mapping names and the source lacks; joined files that cannot be read.
    pub fn mapper(&self, columns: &Columns, source_name: &str) -> Result<Mapper, Unfit> {
        let joined = self.joined()?;
        let ProducerConfig { rows, mapping, withholding, .. } = self;
        let bound = Mapper::bind(self.state.code, rows, mapping, withholding, columns, source_name, joined);
        Ok(bound.map_err(|error| self.in_place(error))?)
    }

    /// The rows that are joined to the source's.
    pub(crate) fn joined(&self) -> Result<Arc<Joined>, JoinError> {
        self.siblings.joined(self.base(), &self.rows.join).map_err(|error| match error {
            JoinError::Column(error) => JoinError::Column(self.in_place(error)),
            error => error,
        })
    }

    /// What the joined files look like from outside: another where one of them has changed. `None` without any.
    pub(crate) fn joined_stamp(&self) -> Option<Sha256> {
        siblings::stamp(self.base(), &self.rows.join)
    }

    /// The mapping, bound to the keys of the items that are pushed.
    ///
    /// # Errors
    /// The first key that the mapping names and `source.columns` lacks.
    pub(crate) fn push_mapper(&self) -> Result<Mapper, Unfit> {
        self.mapper(&Columns::new(&self.source.columns), "source.columns")
    }

    fn in_place(&self, error: UnknownColumn) -> UnknownColumn {
        match self.located(&error.field, Some(&error.column)) {
            Some((line, column)) => {
                UnknownColumn { place: format!("{}:{line}:{column}: ", self.file.display()).into(), ..error }
            }
            None => error,
        }
    }
}
