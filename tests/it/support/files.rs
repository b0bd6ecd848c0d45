//! Files that tests and hook commands share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::PATIENCE;

/// A named pipe, on which a test and a hook's command meet: each waits for the other.
pub(crate) struct Fifo(PathBuf);

impl Fifo {
    pub(crate) fn new(path: PathBuf) -> Self {
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        Self(path)
    }

    /// What the command writes there, when it does.
    pub(crate) fn receive(&self) -> String {
        let (sender, receiver) = mpsc::channel();
        let path = self.0.clone();
        thread::spawn(move || sender.send(fs::read_to_string(path)));
        let received = receiver.recv_timeout(PATIENCE);
        received.unwrap_or_else(|_| panic!("nobody wrote into {:?}", self.0)).unwrap()
    }

    /// Hands `text` to the command once it reads; does not wait for that.
    pub(crate) fn send(&self, text: &'static str) {
        let path = self.0.clone();
        thread::spawn(move || fs::write(path, text));
    }
}

/// Written by a process of its own: a descriptor of ours that is open for writing while another test forks
/// would make the script "busy" to whoever runs it.
pub(crate) fn write_executable(path: &Path, text: &str) {
    let written = Command::new("sh")
        .args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .arg(text)
        .stdin(Stdio::null())
        .status();
    assert!(written.unwrap().success(), "writing {path:?}");
}

/// Commands wait there (`: < @DIR@/NAME`) until it is opened, and then all pass.
pub(crate) struct Gate(PathBuf);

impl Gate {
    pub(crate) fn new(path: PathBuf) -> Self {
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        Self(path)
    }

    /// It is open for as long as the file is.
    #[must_use]
    pub(crate) fn open(&self) -> fs::File {
        fs::File::options().read(true).write(true).open(&self.0).unwrap()
    }
}

/// The lines of a file, none while it is not there.
pub(crate) fn lines_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
