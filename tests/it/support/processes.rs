//! The processes of the machine, as the kernel lists them.

use std::fs;

pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
}

/// All of them, zombies too.
pub(crate) fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let stats = entries.filter_map(|path| fs::read_to_string(path.join("stat")).ok());
    stats.filter_map(|stat| parse(&stat)).collect()
}

/// `id (name) state parent group …`; the name may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (id, _) = stat.split_once(' ')?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(1);
    Some(Process {
        id: id.parse().ok()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    })
}
