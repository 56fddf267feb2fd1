//! The judge judged: worlds in memory that are right, and worlds with one thing wrong.

mod any;
mod planted;
mod rules;
mod world;
