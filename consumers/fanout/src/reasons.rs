//! Why a record was dropped or dead-lettered, and at which stage: closed sets, so that metric label, log
//! field and DLQ header come from one place.

use sanchar_stream::Poison;

/// Stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes to event.
    Decode,
    /// Who may publish what.
    Authorise,
    /// Register of what was delivered.
    Deduplicate,
    /// Who must know.
    Route,
    /// What it means.
    Enrich,
    /// Event to outputs.
    Publish,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Decode, Self::Authorise, Self::Deduplicate, Self::Route, Self::Enrich, Self::Publish];

    /// The symbol in labels and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Authorise => "authorise",
            Self::Deduplicate => "deduplicate",
            Self::Route => "route",
            Self::Enrich => "enrich",
            Self::Publish => "publish",
        }
    }
}

/// Why a record is not delivered although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The same revision with the same content was delivered.
    Duplicate,
    /// A newer revision with the same content: nothing changed.
    Unchanged,
    /// A newer revision was delivered.
    Stale,
    /// No state must know of it.
    NoRecipient,
}

impl DropReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Duplicate, Self::Unchanged, Self::Stale, Self::NoRecipient];

    /// The symbol in labels.
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

/// Why a record goes to the dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoisonReason {
    /// No value.
    NoValue,
    /// Not in the Confluent wire format.
    WireFormat,
    /// The registry does not know the schema id.
    UnknownSchema,
    /// The schema is not a crime event's.
    WrongSchema,
    /// The bytes do not follow their schema.
    Malformed,
    /// The origin is not the state that owns the topic.
    OriginMismatch,
    /// The record id is not the origin's.
    ForeignRecord,
    /// The key is not the case key, so the case's order is not kept.
    Key,
    /// Classified higher than this system carries.
    Classification,
    /// The same revision was delivered with other content.
    Conflict,
}

impl PoisonReason {
    /// All of them.
    pub const ALL: [Self; 10] = [
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
    ];

    /// The symbol in labels and headers.
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
        }
    }

    /// Stage that finds it.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::NoValue | Self::WireFormat | Self::UnknownSchema | Self::WrongSchema | Self::Malformed => {
                Stage::Decode
            }
            Self::OriginMismatch | Self::ForeignRecord | Self::Key | Self::Classification => Stage::Authorise,
            Self::Conflict => Stage::Deduplicate,
        }
    }

    /// A dead letter for this reason; `message` is for people and holds no personal data.
    #[must_use]
    pub fn poison(self, message: impl Into<String>) -> Poison {
        Poison { stage: self.stage().as_str(), reason: self.as_str(), message: message.into() }
    }
}
