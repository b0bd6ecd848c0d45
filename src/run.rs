//! Runs commands: the only place where processes start and end.

mod child;
mod program;

pub(crate) use child::{LeakedPipes, OutputWanted, rehearse, start};
pub(crate) use program::examine;

use std::ffi::OsString;
use std::path::PathBuf;

/// What the machine offers to commands, read once at the start.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// Where a bare command name is looked for.
    pub(crate) path: Option<OsString>,
    pub(crate) temporary_directory: PathBuf,
}
