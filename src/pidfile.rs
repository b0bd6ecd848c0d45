//! The file with the process id: one server at a time.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PidFileError {
    #[error("the process {pid} in {} is alive: stop it, or choose another `-pidfile`", .path.display())]
    Alive { path: PathBuf, pid: u32 },
    #[error("failed to write the pidfile {}: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// A written pidfile, removed when dropped.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    pub(crate) fn write(path: &Path) -> Result<Self, PidFileError> {
        let own = std::process::id();
        let former = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u32>().ok());
        if let Some(pid) = former.filter(|pid| *pid != own && is_alive(*pid)) {
            return Err(PidFileError::Alive { path: path.to_owned(), pid });
        }
        let failed = |source| PidFileError::Write { path: path.to_owned(), source };
        // Absolute, so that it is found again from wherever the process ends.
        let path_to_remove = std::path::absolute(path).map_err(failed)?;
        if let Some(directory) = path_to_remove.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        std::fs::write(path, format!("{own}\n")).map_err(failed)?;
        Ok(Self(path_to_remove))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("failed to remove the pidfile {}: {error}", self.0.display());
        }
    }
}

fn is_alive(pid: u32) -> bool {
    // A process of somebody else is alive too.
    matches!(kill(Pid::from_raw(pid.cast_signed()), None), Ok(()) | Err(Errno::EPERM))
}
