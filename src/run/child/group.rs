//! The process group that a command leads, and what is left of it.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Nothing when its number is unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(pub(super) Option<Pid>);

impl Group {
    pub(super) fn signal(self, signal: Signal) {
        if let Some(group) = self.0 {
            // The group may be gone already; then there is nobody left to signal.
            let _ = killpg(group, signal);
        }
    }

    /// Whether no process is left in it. One that was not waited for is one, also after its end.
    pub(super) fn is_gone(self) -> bool {
        self.0.is_none_or(|group| killpg(group, None) == Err(Errno::ESRCH))
    }

    /// Whether there are processes in it, of which none does anything any more: orphans wait for the first
    /// process of the system, and some of those take their time.
    pub(super) fn has_ended(self) -> bool {
        // One that was begun during the first search by another that ended is seen in the second.
        self.0.is_some_and(|group| (0..2).all(|_| has_dead_alone(group)))
    }
}

fn has_dead_alone(group: Pid) -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = entries.filter_map(|entry| fs::read(entry.path().join("stat")).ok());
    let mut dead = stats.filter_map(|stat| is_dead(&stat, group)).peekable();
    dead.peek().is_some() && dead.all(|is_dead| is_dead)
}

/// `None`: it is in another group. `stat` is `id (name) state parent group …`; the name may hold anything. A
/// process whose first thread alone has ended has the state of a dead one.
fn is_dead(stat: &[u8], group: Pid) -> Option<bool> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(stat.get(name_end + 1..)?).ok()?.split_whitespace();
    let (state, _parent, of_group) = (fields.next()?, fields.next()?, fields.next()?);
    let threads = fields.nth(14)?;
    (of_group.parse() == Ok(group.as_raw())).then_some(matches!((state, threads), ("Z" | "X", "0" | "1")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use rustix::process::{WaitId, WaitIdOptions, waitid};

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "it is about processes that nobody waits for, as `start` does"
    )]
    fn start(group: i32) -> Child {
        Command::new("cat").stdin(Stdio::piped()).process_group(group).spawn().unwrap()
    }

    /// Its end, which nobody is told of.
    fn end(child: &mut Child) {
        drop(child.stdin.take());
        let id = rustix::process::Pid::from_child(child);
        waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    }

    #[test]
    fn processes_that_nobody_has_waited_for_have_ended() {
        let mut leader = start(0);
        let leader_id = i32::try_from(leader.id()).unwrap();
        let group = Group(Some(Pid::from_raw(leader_id)));
        let mut other = start(leader_id);
        assert!(!group.is_gone() && !group.has_ended());
        end(&mut leader);
        assert!(!group.is_gone() && !group.has_ended());
        end(&mut other);
        assert!(!group.is_gone() && group.has_ended());
        leader.wait().unwrap();
        assert!(!group.is_gone() && group.has_ended());
        other.wait().unwrap();
        assert!(group.is_gone() && !group.has_ended());
    }

    #[test]
    fn the_name_of_a_process_may_be_anything() {
        #[track_caller]
        fn check(stat: &[u8], expected: Option<bool>) {
            // Up to the number of threads, which is the last one here.
            let stat = [stat, b" 7 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1"].concat();
            assert_eq!(is_dead(&stat, Pid::from_raw(7)), expected);
        }
        check(b"9 (sh) S 1 7", Some(false));
        check(b"9 (sh) Z 1 7", Some(true));
        check(b"9 (a) Z 1 7 (\xff) S 1 7", Some(false));
        check(b"9 (sh) Z 1 8", None);
        check(b"9 (sh", None);
        check(b"", None);
    }
}
