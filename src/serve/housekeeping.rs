//! What goes on beside serving: reloads, log rotation, telling the service manager.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::Signal;
use tracing::{error, info, warn};

use crate::deliver::Delivery;
use crate::hook::{Hook, HookTable};
use crate::hooks_file::{Effect, HooksFiles, Problem};
use crate::log::LogFile;
use crate::run::{Surroundings, examine};
use crate::server::tls::Tls;
use crate::systemd::Notifier;
use crate::watch::FileWatch;

pub(super) struct Housekeeping {
    pub(super) files: HooksFiles,
    pub(super) tls: Option<Tls>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) log_file: LogFile,
    pub(super) notifier: Notifier,
    pub(super) address: String,
}

/// The files that are reloaded when they change.
pub(super) struct Watches {
    pub(super) hooks: Option<FileWatch>,
    pub(super) tls: Option<FileWatch>,
}

/// Without a watch a signal still reloads them.
pub(super) fn watch_tls(files: &[PathBuf]) -> Option<FileWatch> {
    // A directory stands for no certificates.
    let watch = FileWatch::new(files, |_| Ok(Vec::new()));
    watch.inspect_err(|error| warn!("failed to watch the certificate, SIGHUP still reloads it: {error}")).ok()
}

impl Housekeeping {
    pub(super) async fn run(mut self, mut hangup: Signal, mut user1: Signal, watches: Watches) {
        let Watches { mut hooks, mut tls } = watches;
        loop {
            let reason = tokio::select! {
                _ = hangup.recv() => {
                    if let Err(error) = self.log_file.reopen() {
                        warn!("failed to reopen the log file, the former one stays in use: {error}");
                    }
                    "SIGHUP"
                }
                _ = user1.recv() => "SIGUSR1",
                () = changed(&mut hooks) => "a change of the hooks files",
                () = changed(&mut tls) => {
                    tokio::task::block_in_place(|| self.reload_tls("a change of its files"));
                    continue;
                }
            };
            tokio::task::block_in_place(|| self.reload(reason));
        }
    }

    fn reload(&mut self, reason: &str) {
        info!("reloading hooks because of {reason}");
        self.notifier.reloading();
        load(&mut self.files, &self.delivery);
        info!("in force: {}", self.delivery.table.load().summary());
        self.reload_tls(reason);
        self.notifier.notify(&format!("READY=1\n{}", self.status()));
    }

    /// Connections that are open keep what they began with.
    fn reload_tls(&self, reason: &str) {
        match self.tls.as_ref().map(Tls::reload) {
            None => {}
            Some(Ok(())) => info!("reloaded the certificate because of {reason}"),
            Some(Err(error)) => error!("the former certificate stays in force: {error}"),
        }
    }

    pub(super) fn status(&self) -> String {
        format!("STATUS=serving {} on {}\n", self.delivery.table.load().summary(), self.address)
    }
}

async fn changed(watch: &mut Option<FileWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Reads all files anew, puts what they give in force and tells every problem.
pub(super) fn load(files: &mut HooksFiles, delivery: &Delivery) {
    let (table, problems) = files.load();
    for problem in &problems {
        tell(problem);
    }
    for file in files.kept() {
        warn!("the former hooks of {} stay in force", file.display());
    }
    tell_of_commands(&table, &delivery.settings.surroundings);
    let table = Arc::new(table);
    delivery.table.store(table.clone());
    delivery.turns.adjust(table.hooks().filter_map(|hook| hook.concurrency.as_deref()));
}

/// Warns of commands that cannot be run. Many hooks may share one, which is looked at once.
fn tell_of_commands(table: &HookTable, surroundings: &Surroundings) {
    let runnable = table.hooks().flat_map(Hook::runnable);
    let mut hooks: Vec<&Hook> = runnable.filter(|hook| !hook.command.program.is_empty()).collect();
    hooks.sort_by(|one, other| one.id.cmp(&other.id));
    let mut examined = HashMap::new();
    for hook in hooks {
        // As texts: a path's end matters to the system, and not to the equality of paths.
        let (program, directory) = (&*hook.command.program, hook.command.working_directory.as_deref());
        let failure = examined
            .entry((program, directory))
            .or_insert_with(|| examine(Path::new(program), directory.map(Path::new), surroundings).err());
        if let Some(failure) = failure {
            let case = hook.case.as_deref().unwrap_or_default();
            warn!(hook = %hook.id, case, "the command {program:?} cannot be run now: {failure}");
        }
    }
}

fn tell(problem: &Problem) {
    match problem.effect() {
        Effect::Warning => warn!("{problem}"),
        Effect::Error | Effect::HookRefused => error!("{problem}"),
        Effect::FileRefused => error!("couldn't load hooks from file! {problem}"),
    }
}

/// Tells the service manager that the server lives, as often as it wants.
pub(super) async fn watchdog(notifier: Notifier) {
    let Some(interval) = notifier.watchdog_interval() else {
        return;
    };
    loop {
        notifier.notify("WATCHDOG=1");
        tokio::time::sleep(interval).await;
    }
}
