//! The builder that states a whole case, and the exit of a server that does not start.

use std::fs::Permissions;
use std::os::fd::AsRawFd;
use std::os::linux::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{env, fs, io, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use super::BINARY;
use super::server::{Server, wait};

/// Variables of the machine that would change what a server does or what a hook's command sees.
const NOT_INHERITED: [&str; 9] =
    ["HOOK_", "X_", "FILE_", "LISTEN_", "NOTIFY_", "WATCHDOG_", "JOURNAL_", "RUST_LOG", "CREDENTIALS_"];

/// A whole case: files, flags, environment. In the hooks, the flags and the environment `@DIR@` stands for the
/// fresh directory that is also the server's working directory.
pub(crate) struct Setup {
    directory: TempDir,
    hooks: String,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    picks_address: bool,
    under_journald: bool,
    launcher: Option<Command>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::Builder::new().prefix("hookrunner-").tempdir().unwrap(),
            hooks: String::new(),
            flags: Vec::new(),
            environment: Vec::new(),
            picks_address: true,
            under_journald: false,
            launcher: None,
        }
    }

    /// Adds hooks, in YAML, to `hooks.yaml`; without any the server gets no `-hooks`.
    pub(crate) fn hooks(mut self, yaml: &str) -> Self {
        self.hooks.push_str(yaml);
        self
    }

    /// Adds a hook that runs `script` with a shell; `keys` are further lines of it.
    pub(crate) fn shell(self, id: &str, script: &str, keys: &str) -> Self {
        let script = serde_json::to_string(script).unwrap();
        let keys: String = keys.lines().map(|line| format!("  {line}\n")).collect();
        self.hooks(&format!(
            "- id: {id}\n  execute-command: /bin/sh\n{keys}  pass-arguments-to-command:\n  \
             - {{source: string, name: '-c'}}\n  - {{source: string, name: {script}}}\n"
        ))
    }

    /// Adds a hook that runs nothing worth mentioning and answers `message`.
    pub(crate) fn says(self, id: &str, message: &str) -> Self {
        self.hooks(&format!("- {{id: {id}, execute-command: 'true', response-message: {message}}}\n"))
    }

    pub(crate) fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    /// Flags between blanks.
    pub(crate) fn flags(mut self, flags: &str) -> Self {
        self.flags.extend(flags.split_whitespace().map(str::to_owned));
        self
    }

    /// One flag or value, with whatever blanks it has.
    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves out `-ip 127.0.0.1 -port 0`; the test knows the address.
    pub(crate) fn without_address(mut self) -> Self {
        self.picks_address = false;
        self
    }

    /// Makes the server believe that its stderr is read by journald.
    pub(crate) fn under_journald(mut self) -> Self {
        self.under_journald = true;
        self
    }

    /// `command` is to `exec` the program and arguments appended to it.
    pub(crate) fn launched_by(mut self, command: Command) -> Self {
        self.launcher = Some(command);
        self
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn start(mut self) -> Server {
        let notify_path = self.path("notify");
        let notify = UnixDatagram::bind(&notify_path).unwrap();
        // As the service manager's: a server that has given up root still reports.
        fs::set_permissions(&notify_path, Permissions::from_mode(0o777)).unwrap();
        let (stderr, writer) = io::pipe().unwrap();
        let mut command = self.command();
        command.env("NOTIFY_SOCKET", &notify_path).stdout(Stdio::null());
        if self.under_journald {
            let pipe = fs::metadata(format!("/proc/self/fd/{}", writer.as_raw_fd())).unwrap();
            command.env("JOURNAL_STREAM", format!("{}:{}", pipe.st_dev(), pipe.st_ino()));
        }
        let process = command.stderr(writer).spawn().unwrap();
        // It holds the pipe's writing end, which must close with the server.
        drop(command);
        Server::ready(process, self.directory, stderr, notify, self.picks_address)
    }

    /// Runs a server that is to end by itself.
    pub(crate) fn run(mut self) -> Exit {
        let mut process = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = process.stdout.take().unwrap();
        let stderr = process.stderr.take().unwrap();
        let stdout = thread::spawn(|| io::read_to_string(stdout).unwrap());
        let stderr = thread::spawn(|| io::read_to_string(stderr).unwrap());
        let mut running = Running(process);
        let status = running.wait();
        Exit { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    fn command(&mut self) -> Command {
        if !self.hooks.is_empty() {
            fs::write(self.path("hooks.yaml"), self.placed(&self.hooks)).unwrap();
            self.flags.splice(0..0, ["-hooks".to_owned(), "@DIR@/hooks.yaml".to_owned()]);
        }
        if self.picks_address {
            self.flags.splice(0..0, ["-ip", "127.0.0.1", "-port", "0"].map(str::to_owned));
        }
        let mut command = match self.launcher.take() {
            Some(mut launcher) => {
                launcher.arg(BINARY);
                launcher
            }
            None => {
                let mut command = Command::new(BINARY);
                command.stdin(Stdio::null());
                command
            }
        };
        for (name, _) in env::vars_os() {
            if NOT_INHERITED.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .args(self.flags.iter().map(|flag| self.placed(flag)))
            .envs(self.environment.iter().map(|(name, value)| (name, self.placed(value))))
            .current_dir(self.directory());
        command
    }

    fn placed(&self, text: &str) -> String {
        text.replace("@DIR@", self.directory().to_str().unwrap())
    }
}

/// How a server ended that was not meant to serve.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn wait(&mut self) -> ExitStatus {
        wait(&mut self.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Raises the limit on open files, which servers started afterwards inherit.
pub(crate) fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}
