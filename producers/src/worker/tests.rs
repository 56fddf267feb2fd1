//! The worker with a sink that a test steers: what is published, what is kept, and where a restart goes on.

mod again;
mod backfill;
mod broker;
mod changes;
mod documents;
mod drop_folder;
mod files;
mod first_rows;
mod pushed;
mod restart;
mod rig;
mod stdin;

use std::fs;
use std::time::Instant;

use sanchar_runtime::clock::ManualClock;
use sanchar_runtime::lifecycle::ExitCode;
use sanchar_schemas::CrimeEvent;

use super::watched::Stamp;
use super::*;
use crate::reason::Reason;
use crate::spool::Spool;
use rig::{Place, Running, SETTINGS, Script, numbers, rows};
