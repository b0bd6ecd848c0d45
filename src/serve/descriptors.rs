//! What the limit of open files has room for: each connection takes a descriptor, each run some.

use rustix::process::{Resource, getrlimit};
use tracing::{info, warn};

use crate::cli::LimitFlags;

/// Descriptors beside connections when nothing limits the runs: for some dozens of them, files and the runtime.
const SPARE: u64 = 256;
/// A run has its process and up to three pipes.
const OF_RUN: u64 = 4;
/// Of [`SPARE`], those for files and the runtime: a few dozen are in use at most.
const OF_OTHERS: u64 = 64;
/// What runs leave of the limit at least: a client that waits for a run's answer takes a descriptor too.
const SHARE_OF_RUNS: u64 = 2;

/// What the server takes on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AtOnce {
    pub(super) connections: u32,
    /// `None`: as many as come.
    pub(super) runs: Option<u32>,
}

impl AtOnce {
    /// As much as `flags` want and the limit of open files has room for. What that is less than wanted is logged.
    pub(super) fn new(flags: &LimitFlags) -> Self {
        let wanted = Self { connections: flags.max_connections, runs: flags.max_concurrent_runs };
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let possible = wanted.within(limit);
        let remedy = "(`LimitNOFILE=` in the unit, `ulimit -n`)";
        if let (Some(runs), Some(runs_wanted)) = (possible.runs, wanted.runs)
            && runs < runs_wanted
        {
            // Somebody has asked for these.
            warn!(
                "running {runs} commands at once: the limit of open files has no room for {runs_wanted} {remedy}"
            );
        }
        if possible.connections < wanted.connections {
            info!(
                "serving {} connections at once: the limit of open files has no room for {} {remedy}",
                possible.connections, wanted.connections
            );
        }
        possible
    }

    /// As much of it as goes with `limit` open files.
    fn within(self, limit: u64) -> Self {
        let most = |room: u64, wanted: u32| u32::try_from(room.max(1)).unwrap_or(u32::MAX).min(wanted);
        let runs = self.runs.map(|runs| most(limit / SHARE_OF_RUNS / OF_RUN, runs));
        let spare = runs.map_or(0, |runs| OF_OTHERS + OF_RUN * u64::from(runs)).max(SPARE);
        Self { connections: most(limit.saturating_sub(spare), self.connections), runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_runs_share_the_limit() {
        #[track_caller]
        fn check(limit: u64, wanted: (u32, Option<u32>), expected: (u32, Option<u32>)) {
            let at_once = |(connections, runs)| AtOnce { connections, runs };
            assert_eq!(at_once(wanted).within(limit), at_once(expected), "{limit} {wanted:?}");
        }
        check(u64::MAX, (1_000_000, Some(1_000_000)), (1_000_000, Some(1_000_000)));
        check(1024, (1024, None), (768, None));
        check(1024, (100, None), (100, None));
        check(1024, (1024, Some(4)), (768, Some(4)));
        check(1024, (1024, Some(100)), (560, Some(100)));
        check(1024, (1024, Some(1000)), (448, Some(128)));
        check(4096, (1024, Some(500)), (1024, Some(500)));
        check(256, (1024, Some(64)), (1, Some(32)));
        check(0, (1024, Some(64)), (1, Some(1)));
    }
}
