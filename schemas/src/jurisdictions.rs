//! The tables of routing as they are built in: texts that an operator may replace by files of the same names.
//!
//! What they mean is the business of [`crate::adjacency`] and of crate `sanchar-fanout`.

/// A file of rules that is compiled in.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Name of the file.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Land borders between states.
pub const ADJACENCY: BuiltIn =
    BuiltIn { name: "adjacency.csv", text: include_str!("../jurisdictions/adjacency.csv") };

/// Partners, coordination groups and what else decides who receives an event.
pub const COORDINATION: BuiltIn =
    BuiltIn { name: "coordination.toml", text: include_str!("../jurisdictions/coordination.toml") };
