//! The hooks files that were given at the start, and which of their hooks are in force.
//!
//! A file that does not load, or that brings an id another file has, leaves its old hooks in force.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Kind, Problem};
use super::{Reading, load, place_of_hook};
use crate::admission::{Concurrency, Group};
use crate::hook::{Entry, HookTable};

type FileHooks = Vec<(usize, Entry)>;

/// The files as they are in force.
#[derive(Debug)]
pub(crate) struct HooksFiles {
    /// Files and directories, as given.
    paths: Vec<PathBuf>,
    reading: Reading,
    in_force: Vec<(PathBuf, FileHooks)>,
    kept: Vec<PathBuf>,
    /// Nothing was loaded yet.
    is_first: bool,
}

/// One file in a new state of the set: what it would bring, and what it had.
struct Candidate {
    path: PathBuf,
    new: Option<FileHooks>,
    old: FileHooks,
}

impl Candidate {
    fn current(&self) -> &FileHooks {
        self.new.as_ref().unwrap_or(&self.old)
    }
}

impl HooksFiles {
    pub(crate) fn new(paths: Vec<PathBuf>, reading: Reading) -> Self {
        Self { paths, reading, in_force: Vec::new(), kept: Vec::new(), is_first: true }
    }

    /// The paths as given.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Reads every file anew. Gives the table now in force and every problem found.
    pub(crate) fn load(&mut self) -> (HookTable, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut candidates = Vec::new();
        for path in self.files(&mut problems) {
            let loaded = load(&path, &self.reading, self.is_first);
            problems.extend(loaded.problems);
            let old = self.in_force.iter().position(|(file, _)| *file == path);
            let old = old.map(|at| self.in_force.swap_remove(at).1).unwrap_or_default();
            candidates.push(Candidate { path, new: (!loaded.is_refused).then_some(loaded.hooks), old });
        }
        self.is_first = false;
        // Each round turns one file back to its old hooks, and those never clash.
        for _ in 0..candidates.len() {
            let Some(refused) = first_duplicate(&candidates) else {
                break;
            };
            problems.extend(self.duplicates(&candidates, refused));
            if let Some(candidate) = candidates.get_mut(refused) {
                candidate.new = None;
            }
        }
        if self.reading.examination.is_some() {
            problems.extend(self.differing_limits(&candidates));
        }
        let is_kept = |candidate: &&Candidate| candidate.new.is_none() && !candidate.old.is_empty();
        self.kept = candidates.iter().filter(is_kept).map(|candidate| candidate.path.clone()).collect();
        self.in_force = candidates
            .into_iter()
            .map(|candidate| (candidate.path, candidate.new.unwrap_or(candidate.old)))
            .collect();
        let entries =
            self.in_force.iter().flat_map(|(_, hooks)| hooks.iter().map(|(_, entry)| entry.clone()));
        let table = HookTable::new(entries);
        if table.is_empty() && self.reading.examination.is_some() {
            problems.extend(self.no_hooks(&problems));
        }
        (table, problems)
    }

    /// The files whose hooks are those of an earlier time, because what stood there last was refused.
    pub(crate) fn kept(&self) -> &[PathBuf] {
        &self.kept
    }

    /// What the server says when it does not start for want of hooks, if nothing else has been said.
    fn no_hooks(&self, problems: &[Problem]) -> Option<Problem> {
        let path =
            self.paths.first().filter(|_| !problems.iter().any(|problem| problem.effect().is_error()))?;
        let what = match path.is_dir() && self.in_force.is_empty() {
            true => "no file of this directory is a hooks file",
            false => "there is no hook in it",
        };
        let message = format!("{what}: the server does not start, unless with `-nopanic` or `-verbose`");
        let help = match path.is_dir() {
            true => "put a `*.json`, `*.yaml` or `*.yml` with hooks there",
            false => {
                "write a list of hooks, each beginning with `- id: NAME`; hooks.example.yaml has some to copy"
            }
        };
        Some(Problem::of_file(Kind::NoHooks, Arc::from(path.to_string_lossy()), message, help))
    }

    /// All files of the set: a directory stands for its `*.json`, `*.yaml` and `*.yml`, sorted. Those of
    /// a directory that cannot be read now are the ones it had.
    fn files(&self, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for path in &self.paths {
            let was_directory = self.in_force.iter().any(|(file, _)| file.parent() == Some(path));
            if !path.is_dir() && !was_directory {
                files.push(path.clone());
                continue;
            }
            match hooks_files_in(path) {
                Ok(found) => files.extend(found),
                Err(error) => {
                    let help = "give `-hooks` a directory that the server's user can read";
                    let file = Arc::from(path.to_string_lossy());
                    let message = format!("cannot be read: {error}");
                    problems.push(Problem::of_file(Kind::Unreadable, file, message, help));
                    let had = self.in_force.iter().map(|(file, _)| file);
                    files.extend(had.filter(|file| file.parent() == Some(path)).cloned());
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// A report for each id that the candidate `refused` and another file have.
    fn duplicates(&self, candidates: &[Candidate], refused: usize) -> Vec<Problem> {
        let Some(candidate) = candidates.get(refused) else { return Vec::new() };
        let others = candidates.iter().enumerate().filter(|(at, _)| *at != refused);
        let owners: HashMap<Cow<'_, str>, (&Candidate, usize, &str)> = others
            .flat_map(|(_, other)| {
                let entries = other.current().iter();
                entries.map(move |(at, entry)| (entry.addresses(), (other, *at, entry.id())))
            })
            .collect();
        let help = match candidate.old.is_empty() {
            true => "give each hook its own id; until then this file is left out",
            false => "give each hook its own id; until then this file's former hooks stay in force",
        };
        let mut problems = Vec::new();
        for (index, entry) in candidate.current() {
            let Some((other, other_index, other_id)) = owners.get(&entry.addresses()) else { continue };
            let (position, excerpt) = place_of_hook(&candidate.path, &self.reading, *index);
            let (there, _) = place_of_hook(&other.path, &self.reading, *other_index);
            let [here, there] = [(candidate, position), (other, there)].map(|(file, at)| match at.line {
                0 => file.path.display().to_string(),
                line => format!("{}:{line}", file.path.display()),
            });
            let message = match entry.id() {
                id if id == *other_id => format!("the id `{id}` is in {here} and in {there}"),
                id => {
                    format!(
                        "the ids `{id}` in {here} and `{other_id}` in {there} stand for the same addresses"
                    )
                }
            };
            let file = Arc::from(candidate.path.to_string_lossy());
            let problem = Problem::of_file(Kind::DuplicateId, file, message, help);
            problems.push(Problem { position, excerpt, hook: Some(entry.id().to_owned()), ..problem });
        }
        problems
    }

    /// A report for each hook whose group had another limit before it.
    fn differing_limits(&self, candidates: &[Candidate]) -> Vec<Problem> {
        let mut firsts: HashMap<&Group, &Concurrency> = HashMap::new();
        let mut problems = Vec::new();
        for candidate in candidates {
            for (index, entry) in candidate.current() {
                let Entry::Ready(hook) = entry else { continue };
                let Some(limit) = &hook.concurrency else { continue };
                let first = *firsts.entry(&limit.group).or_insert(limit);
                if let Group::Named(group) = &limit.group
                    && first.max != limit.max
                {
                    let message = format!(
                        "the group `{group}` has `max: {}` here and `max: {}` in hook `{}`: each hook waits until \
                         fewer than its own number run",
                        limit.max, first.max, first.hook
                    );
                    let (position, excerpt) = place_of_hook(&candidate.path, &self.reading, *index);
                    let file = Arc::from(candidate.path.to_string_lossy());
                    let help = "write the same number in all hooks of the group";
                    let problem = Problem::of_file(Kind::GroupMaxDiffers, file, message, help);
                    let key = "concurrency.max".to_owned();
                    problems.push(Problem { position, excerpt, hook: Some(hook.id.clone()), key, ..problem });
                }
            }
        }
        problems
    }
}

/// The candidate to refuse for the first id that two files have. Of the two the one is refused that brings
/// the id anew; a file in its old state never is.
fn first_duplicate(candidates: &[Candidate]) -> Option<usize> {
    let mut owners: HashMap<Cow<'_, str>, usize> = HashMap::new();
    for (file, candidate) in candidates.iter().enumerate() {
        for (_, entry) in candidate.current() {
            let Some(other_file) = owners.insert(entry.addresses(), file) else {
                continue;
            };
            let other = candidates.get(other_file)?;
            let had_it = candidate.old.iter().any(|(_, old)| old.addresses() == entry.addresses());
            let is_other = candidate.new.is_none() || (had_it && other.new.is_some());
            return Some(if is_other { other_file } else { file });
        }
    }
    None
}

/// The hooks files of a directory, sorted.
pub(crate) fn hooks_files_in(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let is_hooks_file =
            matches!(path.extension().and_then(|e| e.to_str()), Some("json" | "yaml" | "yml"));
        // Editors keep locks and swap files under names that begin with a dot.
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hooks_file && !is_hidden && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
