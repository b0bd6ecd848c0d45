//! Runs commands: the only place where processes start and end.

mod child;
mod follow;
mod orphans;
mod output;
mod program;

pub(crate) use child::{LeakedPipes, Lookout, Running, be_helper, keep_exits, rehearse, start};
pub(crate) use follow::{Followed, Follower, Next, follow};
pub(crate) use orphans::{OwnChildren, reap_orphans};
pub(crate) use output::{OutputWanted, sink};
pub(crate) use program::examine;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// What machine and server have for commands, found once at the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// Where a bare command name is looked for.
    pub(crate) path: Option<OsString>,
    pub(crate) temporary_directory: PathBuf,
    /// What the server has of `WITHHELD_VARIABLES`: taking away what is not there costs a copy of the whole
    /// environment for each run.
    pub(crate) withheld: Vec<&'static str>,
    /// The server's own, for commands that get only some of them.
    pub(crate) variables: Arc<HashMap<OsString, OsString>>,
    pub(crate) own_children: OwnChildren,
    pub(crate) lookout: Lookout,
    /// What nobody wants to know is written there.
    pub(crate) sink: Option<Arc<File>>,
}
