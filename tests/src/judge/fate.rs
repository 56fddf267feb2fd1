//! What can become of an input record, and for which reasons. The names are those in the product's metrics and headers;
//! they are written down again here, for they are an interface.

/// Why nothing is sent although nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// This revision was sent before.
    Duplicate,
    /// A newer revision that says the same.
    Unchanged,
    /// A newer revision was sent before.
    Stale,
    /// Nobody must know.
    NoRecipient,
}

/// Why a record is a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Poison {
    /// It has no value.
    NoValue,
    /// It does not begin as the wire format says.
    WireFormat,
    /// The registry does not know its schema.
    UnknownSchema,
    /// Its schema is not an event's.
    WrongSchema,
    /// Its bytes do not follow their schema.
    Malformed,
    /// It is not from the state whose topic it stands in.
    OriginMismatch,
    /// It is about another state's record.
    ForeignRecord,
    /// Its key is not its case's.
    Key,
    /// It is classified higher than the system carries.
    Classification,
    /// It changes a revision that was sent.
    Conflict,
    /// No inbox takes a record of its size.
    TooLarge,
}

impl Dropped {
    /// The name in the product's metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::NoRecipient => "no-recipient",
        }
    }
}

impl Poison {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoValue,
        Self::WireFormat,
        Self::UnknownSchema,
        Self::WrongSchema,
        Self::Malformed,
        Self::OriginMismatch,
        Self::ForeignRecord,
        Self::Key,
        Self::Classification,
        Self::Conflict,
        Self::TooLarge,
    ];

    /// The name in a dead letter's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoValue => "no-value",
            Self::WireFormat => "wire-format",
            Self::UnknownSchema => "unknown-schema",
            Self::WrongSchema => "wrong-schema",
            Self::Malformed => "malformed",
            Self::OriginMismatch => "origin-mismatch",
            Self::ForeignRecord => "foreign-record",
            Self::Key => "key",
            Self::Classification => "classification",
            Self::Conflict => "conflict",
            Self::TooLarge => "too-large",
        }
    }
}

/// What must become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Somebody is told.
    Forwarded,
    /// Nobody is told.
    Dropped(Dropped),
    /// It is put aside.
    DeadLettered(Poison),
}
