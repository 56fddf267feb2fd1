//! What a metric is, apart from its value: what the catalogue of metrics is made from.
//!
//! It is taken from what was registered, so that nothing has to be written twice. Which values a label takes is not
//! known here.

use prometheus::core::Desc;

/// A metric that a daemon shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    /// Its full name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it means.
    pub help: String,
    /// Names of its labels, in the order in which they were declared.
    pub labels: Vec<String>,
}

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram {
        /// Number of buckets, without the one that holds everything.
        buckets: usize,
    },
}

impl Described {
    pub(super) fn new(desc: &Desc, kind: Kind) -> Self {
        let labels = desc.variable_labels.clone();
        Self { name: desc.fq_name.clone(), kind, help: desc.help.clone(), labels }
    }
}

impl Kind {
    /// The type's name in the text exposition format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram { .. } => "histogram",
        }
    }

    /// Time series for each set of label values: a histogram has one for each bucket, and its sum and its count.
    #[must_use]
    pub const fn series(self) -> usize {
        match self {
            Self::Counter | Self::Gauge => 1,
            Self::Histogram { buckets } => buckets + 3,
        }
    }
}
