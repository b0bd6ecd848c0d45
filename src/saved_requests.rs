//! Keeps requests that were not run, one file each, for `explain`. They are written by one task of their
//! own: no request waits for a disk.

use std::any::Any;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::warn;

use crate::capture;
use crate::request::Request;

/// Requests that wait to be written. Their bodies still count as bodies in flight.
const QUEUE_MAX: usize = 64;
/// Characters of a hook's or a request's id in a file's name.
const ID_CHARACTERS_MAX: usize = 64;
const EXTENSION: &str = "http";

/// How long the end of the server waits for what is not written yet.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// Of a file's name while it is written.
const UNFINISHED_PREFIX: &str = ".saving-";
/// A file that was not written to for so long is not going to be finished.
const UNFINISHED_AGE: Duration = Duration::from_secs(60);

/// The way to the task that writes.
#[derive(Debug, Clone)]
pub(crate) struct SavedRequests {
    directory: PathBuf,
    queue: mpsc::Sender<Order>,
}

/// The request is dropped.
#[derive(Debug, thiserror::Error)]
#[error("the request is not saved: {QUEUE_MAX} are waiting to be written")]
pub(crate) struct QueueFull;

#[derive(Debug)]
enum Order {
    Write(Box<Unwritten>),
    /// To be told that all before it is written.
    Tell(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Unwritten {
    file: PathBuf,
    hook_id: String,
    request: Request,
    received_unix_ms: i64,
    /// What counts the body as one in flight.
    _counted: Box<dyn Any + Send>,
}

impl SavedRequests {
    /// Makes the directory if there is none. At most `files_max` requests are kept in it.
    pub(crate) fn open(directory: &Path, files_max: usize) -> io::Result<Self> {
        let directory = std::path::absolute(directory)?;
        if !directory.is_dir() {
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        }
        access(&directory, AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK)?;
        drop_unfinished(&directory)?;
        let (queue, mut orders) = mpsc::channel(QUEUE_MAX);
        let place = directory.clone();
        tokio::task::spawn_blocking(move || {
            let mut unsaved = 0_u64;
            while let Some(order) = orders.blocking_recv() {
                let next: Box<Unwritten> = match order {
                    Order::Write(next) => next,
                    Order::Tell(teller) => {
                        // Who asked may have lost patience.
                        let _ = teller.send(());
                        continue;
                    }
                };
                let (id, hook) = (&next.request.id, &next.hook_id);
                match next.write(&place, files_max) {
                    Ok(()) if unsaved > 0 => {
                        warn!("requests are saved again; {unsaved} were not");
                        unsaved = 0;
                    }
                    Ok(()) => {}
                    Err(error) => {
                        // A full disk stays full for a while, and strangers can send as many as they like.
                        if unsaved == 0 {
                            warn!(request = %id, hook = %hook, "failed to save the request in {}: {error}", next.file.display());
                        }
                        unsaved += 1;
                    }
                }
            }
        });
        Ok(Self { directory, queue })
    }

    /// Waits until all is written that was to be saved so far.
    pub(crate) async fn written(&self) {
        let (teller, told) = oneshot::channel();
        let all = async {
            self.queue.send(Order::Tell(teller)).await.ok()?;
            told.await.ok()
        };
        if !matches!(timeout(WRITE_PATIENCE, all).await, Ok(Some(()))) {
            warn!(
                "not all requests could be saved in {}: writing them took too long",
                self.directory.display()
            );
        }
    }

    /// The file that the request will be in. `counted` lives for as long as its body does.
    pub(crate) fn save(
        &self,
        hook_id: &str,
        request: Request,
        received_unix_ms: i64,
        counted: impl Send + 'static,
    ) -> Result<PathBuf, QueueFull> {
        let place = self.queue.try_reserve().map_err(|_| QueueFull)?;
        let file = self.directory.join(file_name(hook_id, &request.id, received_unix_ms));
        let hook_id = hook_id.to_owned();
        let counted = Box::new(counted);
        let unwritten =
            Unwritten { file: file.clone(), hook_id, request, received_unix_ms, _counted: counted };
        place.send(Order::Write(Box::new(unwritten)));
        Ok(file)
    }
}

impl Unwritten {
    /// Under its name it is whole from the first moment, and only the server's user can read it.
    fn write(&self, directory: &Path, files_max: usize) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(directory)?;
        file.write_all(&capture::write(&self.request, self.received_unix_ms))?;
        file.persist(&self.file).map_err(|error| error.error)?;
        drop_oldest(directory, files_max)
    }
}

/// `20260101T120000.123Z-deploy-4f1c2a3b-1.http`: by name is by time.
fn file_name(hook_id: &str, request_id: &str, received_unix_ms: i64) -> String {
    let time = capture::rfc3339_ms(received_unix_ms).replace(['-', ':'], "");
    format!("{time}-{}-{}.{EXTENSION}", safe(hook_id), safe(request_id))
}

fn safe(id: &str) -> String {
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    id.chars().take(ID_CHARACTERS_MAX).map(safe).collect()
}

/// What a server left that ended in the middle; not what another one is writing.
fn drop_unfinished(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(UNFINISHED_PREFIX.as_bytes());
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_ours && age().is_some_and(|age| age >= UNFINISHED_AGE) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// It may be gone already.
fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Only files named as ours are counted, and go.
fn drop_oldest(directory: &Path, files_max: usize) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_ours(name)));
    }
    names.sort();
    for name in names.iter().take(names.len().saturating_sub(files_max)) {
        remove(&directory.join(name))?;
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    let time = "20260101T120000.123Z-";
    let is_time = name.get(..time.len()).is_some_and(|start| {
        start
            .chars()
            .zip(time.chars())
            .all(|(is, as_in)| is == as_in || (is.is_ascii_digit() && as_in.is_ascii_digit()))
    });
    is_time && name.ends_with(".http")
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn names_are_sorted_by_time_and_safe() {
        #[track_caller]
        fn check(hook: &str, request: &str, received_unix_ms: i64, expected: &str) {
            let name = file_name(hook, request, received_unix_ms);
            assert_eq!(name, expected);
            assert!(is_ours(&name));
        }
        check("deploy", "4f1c-1", 1_767_268_800_123, "20260101T120000.123Z-deploy-4f1c-1.http");
        check("../a b/ü", "x/y", 0, "19700101T000000.000Z-.._a_b__-x_y.http");
        assert!(!is_ours("notes.http") && !is_ours("20260101T120000.123Z-a.txt"));
    }

    #[test]
    fn what_was_not_finished_goes() {
        let directory = tempfile::tempdir().unwrap();
        let unfinished = directory.path().join(format!("{UNFINISHED_PREFIX}a1B2c3"));
        let other = directory.path().join(".other");
        let in_the_making = directory.path().join(format!("{UNFINISHED_PREFIX}d4E5f6"));
        for file in [&unfinished, &other, &in_the_making] {
            std::fs::write(file, "").unwrap();
        }
        let long_ago = SystemTime::now() - UNFINISHED_AGE;
        for file in [&unfinished, &other] {
            File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        }
        drop_unfinished(directory.path()).unwrap();
        assert!(!unfinished.exists() && other.exists() && in_the_making.exists());
    }

    #[test]
    fn the_oldest_files_go_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..5).map(|second| file_name("a", "b", second * 1_000)).collect();
        for name in names.iter().map(String::as_str).chain(["README", "other.http"]) {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        drop_oldest(directory.path(), 2).unwrap();
        let is_there = |name: &str| directory.path().join(name).exists();
        assert_eq!(
            names.iter().map(|name| is_there(name)).collect::<Vec<_>>(),
            [false, false, false, true, true]
        );
        assert!(is_there("README") && is_there("other.http"));
    }
}
