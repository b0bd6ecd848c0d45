//! Watches files: by their directories, so that a rename over the file, a symlink swap and a file
//! that is gone for a moment are all seen.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

/// Changes come in bursts; this long after the last of one, files are looked at.
const SETTLE: Duration = Duration::from_millis(100);
/// And this long after the first, even if the burst goes on.
const SETTLE_ROUNDS_MAX: u32 = 20;

/// Gives the files that a directory stands for.
type FilesIn = fn(&Path) -> std::io::Result<Vec<PathBuf>>;

/// Without any event the files are looked at all the same.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What tells one state of the files from another: of each given path the files it stands for.
type Fingerprint = Vec<Vec<FileState>>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileState {
    path: PathBuf,
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

pub(crate) struct FileWatch {
    paths: Vec<PathBuf>,
    files_in: FilesIn,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    /// Told once: they are tried again and again.
    unwatchable: BTreeSet<PathBuf>,
    /// Told once, until they are back.
    gone: BTreeSet<PathBuf>,
    touched: Arc<Notify>,
    seen: Fingerprint,
}

impl FileWatch {
    pub(crate) fn new(paths: &[PathBuf], files_in: FilesIn) -> notify::Result<Self> {
        let touched = Arc::new(Notify::new());
        let waker = touched.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event too, and our own.
            let is_reading = matches!(
                event.as_ref().map(|event| event.kind),
                Ok(EventKind::Access(kind)) if kind != AccessKind::Close(AccessMode::Write)
            );
            if !is_reading {
                waker.notify_one();
            }
        })?;
        let mut watch = Self {
            paths: paths.to_vec(),
            watcher,
            watched: BTreeSet::new(),
            unwatchable: BTreeSet::new(),
            gone: BTreeSet::new(),
            touched,
            seen: fingerprint(paths, files_in),
            files_in,
        };
        watch.watch_directories();
        Ok(watch)
    }

    /// Returns when the files have changed and the change has settled.
    pub(crate) async fn changed(&mut self) {
        loop {
            // A directory that was replaced, or a symlink further up, sends no event.
            let _ = tokio::time::timeout(LOOK_AGAIN, self.touched.notified()).await;
            for _ in 0..SETTLE_ROUNDS_MAX {
                if tokio::time::timeout(SETTLE, self.touched.notified()).await.is_err() {
                    break;
                }
            }
            // Looking may hang, as in a network file system that is gone.
            if tokio::task::block_in_place(|| self.look()) {
                return;
            }
        }
    }

    /// Whether the files are others than at the last look.
    fn look(&mut self) -> bool {
        self.watch_directories();
        let mut now = fingerprint(&self.paths, self.files_in);
        for ((path, now), seen) in self.paths.iter().zip(&mut now).zip(&self.seen) {
            if !now.is_empty() {
                self.gone.remove(path);
                continue;
            }
            // What is merely absent has not changed.
            now.clone_from(seen);
            if !seen.is_empty() && !path.is_dir() && self.gone.insert(path.clone()) {
                let path = path.display();
                warn!("{path} is gone: what was read from it stays in force until it is back");
            }
        }
        let is_new = now != self.seen;
        self.seen = now;
        is_new
    }

    /// Watches what is not watched yet: a symlink may lead elsewhere than before.
    fn watch_directories(&mut self) {
        self.watched.retain(|directory| directory.exists());
        for directory in directories(&self.paths) {
            if self.watched.contains(&directory) {
                continue;
            }
            match self.watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.unwatchable.remove(&directory);
                    self.watched.insert(directory);
                }
                Err(error) => {
                    if self.unwatchable.insert(directory.clone()) {
                        warn!("failed to watch {} for changes: {error}", directory.display());
                    }
                }
            }
        }
    }
}

/// The directories to watch: those that hold the paths, those that hold what symlinks lead to, and
/// those that are given as such.
fn directories(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    for path in paths {
        let Ok(path) = std::path::absolute(path) else {
            continue;
        };
        if path.is_dir() {
            directories.insert(path.clone());
        }
        directories.extend(path.parent().map(Path::to_owned));
        if let Ok(target) = path.canonicalize() {
            directories.extend(target.parent().map(Path::to_owned));
        }
    }
    directories
}

fn fingerprint(paths: &[PathBuf], files_in: FilesIn) -> Fingerprint {
    let files_at = |path: &PathBuf| match path.is_dir() {
        true => files_in(path).unwrap_or_default(),
        false => vec![path.clone()],
    };
    paths.iter().map(|path| files_at(path).iter().filter_map(|file| state(file)).collect()).collect()
}

fn state(path: &Path) -> Option<FileState> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileState {
        path: path.to_owned(),
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}
