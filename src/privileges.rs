//! Giving up root once the port is open, and what is left of it.

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use rustix::thread::{CapabilitySet, capabilities};

/// Whether commands can be run, and ended, as another user.
pub(crate) fn may_run_as() -> bool {
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
    capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// Becomes `account` for good: first without supplementary groups, then the group, then the user.
pub(crate) fn drop_to(account: Account) -> Result<(), String> {
    let Account { user, group } = account;
    let failed = |what: &str, error: nix::Error| format!("failed to {what}: {error} (only root may)");
    setgroups(&[]).map_err(|error| failed("clear the supplementary groups", error))?;
    setgid(Gid::from_raw(group)).map_err(|error| failed(&format!("become group {group}"), error))?;
    setuid(Uid::from_raw(user)).map_err(|error| failed(&format!("become user {user}"), error))?;
    if user != 0 && setuid(Uid::from_raw(0)).is_ok() {
        return Err("failed to give up root: it could be taken back".to_owned());
    }
    Ok(())
}
