//! What `check` asks of the machine: who else can read or change the files of a hook, and whether its
//! command can be started.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::problem::Kind;
use super::record::{Reader, Record};
use super::{Examination, Source};
use crate::hook::Hook;
use crate::outcome::StartFailure;

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_ENTER: u32 = 0o001;
/// In such a directory only the owner of a file may replace it.
const STICKY: u32 = 0o1000;

/// The hooks file itself, once all of it is read.
#[inline(never)]
pub(super) fn file(reader: &mut Reader<'_>, source: &Source<'_>) {
    reader.hook = None;
    if let Some(what) = writable_part(source.path) {
        let message = format!("{what}: any user of the machine can make the server run any command");
        reader.report(Kind::WritableFile, message, format!("run `chmod o-w {}`", what.path.display()));
    }
    if !others_have(source.path, OTHERS_READ) {
        return;
    }
    let is_written = |text: &String| source.template.as_ref().is_none_or(|template| template.contains(text));
    let secret = reader.literal_secrets.iter().position(|secret| is_written(&secret.text));
    if let Some(at) = secret {
        let secret = reader.literal_secrets.swap_remove(at);
        reader.go_to(secret.at.clone());
        reader.literal_secrets.push(secret);
        let message = "every user of the machine can read this file, and secrets stand in it";
        let help = format!(
            "run `chmod o-r {}`, or write `{{file: PATH}}` or `{{env: NAME}}`",
            source.path.display()
        );
        reader.report(Kind::ReadableSecret, message, help);
    }
}

/// A file that a secret is read from.
pub(super) fn secret_file(reader: &mut Reader<'_>, path: &Path) {
    if others_have(path, OTHERS_READ) {
        let message = format!("every user of the machine can read {}", path.display());
        reader.report(Kind::ReadableSecret, message, format!("run `chmod o-r {}`", path.display()));
    }
}

/// A file of addresses that may run a hook.
pub(super) fn address_file(reader: &mut Reader<'_>, path: &Path) {
    if let Some(what) = writable_part(path) {
        let message = format!("{what}: any user of the machine can let any address in");
        reader.report(Kind::WritableFile, message, format!("run `chmod o-w {}`", what.path.display()));
    }
}

#[inline(never)]
pub(super) fn command(reader: &mut Reader<'_>, record: Record<'_>, hook: &Hook, examination: &Examination) {
    let directory = hook.command.working_directory.as_deref().map(Path::new);
    let program = Path::new(&hook.command.program);
    let is_there = directory.is_none_or(Path::is_dir);
    if let Some(directory) = directory.filter(|_| !is_there) {
        let message = format!("there is no directory {}", directory.display());
        let help = format!("make it, or mend the path{}", relative_note(directory));
        reader.at(record, "command-working-directory", |reader, _| {
            reader.report(Kind::NoWorkingDirectory, message, help);
        });
    }
    // What is looked for in a directory that is missing is missing too.
    if hook.command.program.is_empty() || (!is_there && program.is_relative()) {
        return;
    }
    let found = (examination.command)(program, directory.filter(|_| is_there));
    reader.at(record, "execute-command", |reader, _| match found {
        Ok(path) => {
            if let Some(what) = writable_part(&path) {
                let message = format!("{what}: any user of the machine can change what the hook runs");
                let help = format!("run `chmod o-w {}`", what.path.display());
                reader.report(Kind::WritableCommand, message, help);
            }
        }
        Err(failure) => {
            let (kind, help) = advice(&failure, &hook.command.program, directory);
            // What follows the colon is the same advice, for the log.
            let message = failure.to_string();
            let message = match kind {
                Kind::CommandNotExecutable | Kind::CarriageReturn => {
                    message.split(": ").next().unwrap_or(&message)
                }
                _ => &message,
            };
            reader.report(kind, message, help);
        }
    });
}

fn advice(failure: &StartFailure, program: &str, directory: Option<&Path>) -> (Kind, String) {
    match failure {
        StartFailure::NotFound { .. } | StartFailure::NotInPath => {
            let mut words = program.split_whitespace();
            let first = words.next().unwrap_or_default();
            if words.next().is_some() {
                let help = format!(
                    "write `execute-command: {first}`, and each further word as an item of \
                     `pass-arguments-to-command`, as `{{source: string, name: …}}`"
                );
                return (Kind::CommandWithSpaces, help);
            }
            let help = match program {
                _ if program.starts_with('~') || program.contains('$') => {
                    "write the whole path: no shell reads it, so `~` and `$` mean nothing".to_owned()
                }
                _ if Path::new(program).is_relative() && directory.is_some() => {
                    "write the whole path: with a working directory, commands are looked up there and not in PATH"
                        .to_owned()
                }
                _ if matches!(failure, StartFailure::NotInPath) => {
                    "install it, or write its whole path; the server's PATH is often shorter than yours".to_owned()
                }
                _ => format!("install it, or mend the path{}", relative_note(Path::new(program))),
            };
            (Kind::CommandMissing, help)
        }
        StartFailure::IsDirectory { .. } => {
            (Kind::CommandNotExecutable, "write the path of the program in it".to_owned())
        }
        StartFailure::NotExecutable { path } => {
            (Kind::CommandNotExecutable, format!("run `chmod +x {}`", path.display()))
        }
        StartFailure::NoInterpreter { interpreter, .. } => {
            (Kind::NoInterpreter, format!("install {interpreter}, or mend the line"))
        }
        StartFailure::NoProgramForEnv { program, .. } => {
            let help = match program.contains(' ') {
                true => format!("write `env -S {program}`: without `-S` all of it is one name"),
                false => format!(
                    "install {program}, or write its whole path in the line; the server's PATH is often shorter than yours"
                ),
            };
            (Kind::NoInterpreter, help)
        }
        StartFailure::CarriageReturn { path } => (
            Kind::CarriageReturn,
            format!("the file has Windows line ends: run `dos2unix {}`", path.display()),
        ),
        _ => (Kind::CommandMissing, "mend the path, or the rights of its directories".to_owned()),
    }
}

fn relative_note(path: &Path) -> &'static str {
    if path.is_relative() && path.components().count() > 1 {
        "; it begins at the directory where the server starts"
    } else {
        ""
    }
}

/// A file or directory that others can write to.
struct Writable {
    path: PathBuf,
    is_directory: bool,
}

impl std::fmt::Display for Writable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match self.is_directory {
            true => write!(f, "others can replace the files of {path}"),
            false => write!(f, "others can write to {path}"),
        }
    }
}

fn writable_part(path: &Path) -> Option<Writable> {
    let path = path.canonicalize().ok()?;
    if others_have(&path, OTHERS_WRITE) {
        return Some(Writable { path, is_directory: false });
    }
    let directory = path.parent()?;
    let mode = mode(&directory.metadata().ok()?);
    let is_open = mode & OTHERS_WRITE != 0 && mode & STICKY == 0 && others_have(directory, OTHERS_WRITE);
    is_open.then(|| Writable { path: directory.to_owned(), is_directory: true })
}

/// Whether others have `right` on the file, and can get to it.
fn others_have(path: &Path, right: u32) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let has = |path: &Path, right: u32| path.metadata().is_ok_and(|metadata| mode(&metadata) & right != 0);
    has(&path, right) && path.ancestors().skip(1).all(|directory| has(directory, OTHERS_ENTER))
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode()
}
