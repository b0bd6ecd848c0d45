//! The limit of open files: each connection and each run takes descriptors, and the usual soft limit of
//! 1024 is for programs that use `select`. The server raises its own; commands keep the former one.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use super::Surroundings;

/// Raises the server's soft limit to `wanted` descriptors, as far as the hard limit allows. Gives the
/// former limit, for commands, if there was anything to raise.
pub(crate) fn raise(wanted: u64) -> Option<Rlimit> {
    let former = getrlimit(Resource::Nofile);
    let soft = former.current.filter(|soft| *soft < wanted)?;
    let raised = former.maximum.map_or(wanted, |hard| wanted.min(hard));
    if raised <= soft {
        return None;
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: former.maximum }).ok()?;
    Some(former)
}

/// Gives a command that has just started the limit the server was started with.
pub(super) fn restore(child: u32, surroundings: &Surroundings) {
    if let Some(limit) = &surroundings.open_files
        && let Some(pid) = Pid::from_raw(child.cast_signed())
    {
        // A command that has ended already needs none.
        let _ = prlimit(Some(pid), Resource::Nofile, *limit);
    }
}
