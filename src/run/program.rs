//! Finds the file that a command names, and says in words why it cannot be run.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, access};

use super::Surroundings;
use crate::outcome::StartFailure;

/// What is read of a file to see its `#!` line: the kernel looks no further (`BINPRM_BUF_SIZE`).
const HEAD_BYTES: u64 = 256;

/// The absolute path of `program`: with a working directory relative to it and not searched in `PATH`;
/// without one, a bare name is searched in `PATH` and a path is relative to the server's directory.
pub(super) fn find(
    program: &Path,
    working_directory: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<PathBuf, StartFailure> {
    if program.as_os_str().is_empty() {
        return Err(StartFailure::NoCommand);
    }
    if let Some(directory) = working_directory {
        return Ok(std::path::absolute(directory.join(program))?);
    }
    if program.components().count() > 1
        || program.is_absolute()
        || program.as_os_str().as_encoded_bytes().contains(&b'/')
    {
        return Ok(std::path::absolute(program)?);
    }
    let found = in_path(program, surroundings).ok_or(StartFailure::NotInPath)?;
    Ok(std::path::absolute(found)?)
}

fn in_path(program: &Path, surroundings: &Surroundings) -> Option<PathBuf> {
    let directories = surroundings.path.as_deref().map(std::env::split_paths).into_iter().flatten();
    let mut candidates = directories.map(|directory| directory.join(program));
    candidates.find(|candidate| is_executable_file(candidate))
}

/// Looks at a hook's command without running it, and gives its path. Also at what the command will look for
/// itself, once it runs.
pub(crate) fn examine(
    program: &Path,
    working_directory: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<PathBuf, StartFailure> {
    let path = examine_start(program, working_directory, surroundings)?;
    look_at_env(&path, surroundings)?;
    Ok(path)
}

/// Looks at what the system needs to start a command, and gives its path.
pub(super) fn examine_start(
    program: &Path,
    working_directory: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<PathBuf, StartFailure> {
    let path = find(program, working_directory, surroundings)?;
    look_at(&path)?;
    look_at_script(&path)?;
    look_at_directory(working_directory)?;
    Ok(path)
}

fn is_executable_file(path: &Path) -> bool {
    look_at(path).is_ok()
}

/// Whether `path` is a file that may be executed.
pub(super) fn look_at(path: &Path) -> Result<(), StartFailure> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => {
            return Err(StartFailure::NotFound { path: path.to_owned() });
        }
        Err(error) => return Err(error.into()),
    };
    if metadata.is_dir() {
        return Err(StartFailure::IsDirectory { path: path.to_owned() });
    }
    // To open a named pipe waits for its other end.
    if !metadata.is_file() {
        return Err(StartFailure::NotAFile { path: path.to_owned() });
    }
    let may = access(path, AccessFlags::X_OK).is_ok();
    if !may || metadata.permissions().mode() & 0o111 == 0 {
        return Err(StartFailure::NotExecutable { path: path.to_owned() });
    }
    Ok(())
}

pub(super) fn look_at_directory(working_directory: Option<&Path>) -> Result<(), StartFailure> {
    match working_directory {
        Some(directory) if !directory.is_dir() => {
            Err(StartFailure::NoWorkingDirectory { path: directory.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Looks at the `#!` line of a script. A file that cannot be read is taken for a program.
pub(super) fn look_at_script(path: &Path) -> Result<(), StartFailure> {
    let Ok(head) = head(path) else { return Ok(()) };
    let Some(line) = head.strip_prefix(b"#!") else {
        // What is plain text and begins otherwise is a script that lacks its first line.
        let is_text = !head.is_empty() && head.iter().all(|byte| byte.is_ascii() && *byte != 0);
        return if is_text { Err(StartFailure::NotAProgram { path: path.to_owned() }) } else { Ok(()) };
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return Err(StartFailure::CarriageReturn { path: path.to_owned() });
    }
    let line = String::from_utf8_lossy(line);
    let Some(interpreter) = line.split_ascii_whitespace().next() else {
        return Ok(());
    };
    if !Path::new(interpreter).exists() {
        return Err(StartFailure::NoInterpreter {
            path: path.to_owned(),
            interpreter: interpreter.to_owned(),
        });
    }
    Ok(())
}

/// Looks for what `#!/usr/bin/env NAME` names: `env` itself starts, and then finds nothing.
fn look_at_env(path: &Path, surroundings: &Surroundings) -> Result<(), StartFailure> {
    let Ok(head) = head(path) else { return Ok(()) };
    let Some(line) = head.strip_prefix(b"#!") else { return Ok(()) };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let Some(program) = program_of_env(&line).filter(|program| !program.contains('/')) else { return Ok(()) };
    match in_path(Path::new(program), surroundings) {
        Some(_) => Ok(()),
        None => Err(StartFailure::NoProgramForEnv { path: path.to_owned(), program: program.to_owned() }),
    }
}

/// The system hands all that follows the interpreter over as one argument, which `-S` takes apart.
fn program_of_env(line: &str) -> Option<&str> {
    let (interpreter, rest) = line.trim_ascii().split_once([' ', '\t'])?;
    if Path::new(interpreter).file_name()? != "env" {
        return None;
    }
    let rest = rest.trim_ascii();
    match rest.strip_prefix("-S") {
        Some(words) => {
            words.split_ascii_whitespace().find(|word| !word.starts_with('-') && !word.contains('='))
        }
        None if rest.starts_with('-') || rest.contains('=') => None,
        None => Some(rest).filter(|rest| !rest.is_empty()),
    }
}

/// Without waiting, should a named pipe have taken the place of the file that was looked at.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let file = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Puts the system's refusal to start `path` into words.
pub(super) fn explain(path: &Path, working_directory: Option<&Path>, error: io::Error) -> StartFailure {
    let looked =
        look_at_directory(working_directory).and_then(|()| look_at(path)).and_then(|()| look_at_script(path));
    if let Err(failure) = looked {
        return failure;
    }
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::E2BIG) => StartFailure::ArgumentsTooLong,
        Some(Errno::ENOEXEC) => StartFailure::NotAProgram { path: path.to_owned() },
        _ => StartFailure::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_env_is_asked_for() {
        #[track_caller]
        fn check(line: &str, expected: Option<&str>) {
            assert_eq!(program_of_env(line), expected, "{line}");
        }
        check("/usr/bin/env node", Some("node"));
        check(" /usr/bin/env  node ", Some("node"));
        check("/usr/bin/env python3 -u", Some("python3 -u"));
        check("/usr/bin/env -S python3 -u", Some("python3"));
        check("/usr/bin/env -S A=b node", Some("node"));
        check("/usr/bin/env -i", None);
        check("/usr/bin/env", None);
        check("/bin/sh -e", None);
    }

    #[test]
    fn a_named_pipe_is_refused_and_not_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let surroundings = Surroundings::default();
        let examined = examine(&path, None, &surroundings);
        assert!(matches!(examined, Err(StartFailure::NotAFile { .. })), "{examined:?}");
        // The pipe may have come after that look: nobody waits for its other end.
        assert_eq!(head(&path).unwrap(), b"");
    }
}
