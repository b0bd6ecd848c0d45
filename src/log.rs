//! Log lines: text or JSON, to stderr or a file, with priorities under journald.
//!
//! Nothing that a stranger sends can begin a new line: control characters are escaped, and the lines of
//! a command's output are indented.

mod quota;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use quota::Quota;

#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    pub(crate) level: Level,
    pub(crate) format: LogFormat,
    pub(crate) file: Option<PathBuf>,
    /// stderr goes to journald, which has its own clock and takes a priority before each line.
    pub(crate) is_journal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The log file, if there is one, to be reopened after a rotation.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFile(Option<Arc<OpenFile>>);

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// Sends all further events of the program to where `settings` say.
pub(crate) fn init(settings: &LogSettings) -> io::Result<LogFile> {
    let file = match &settings.file {
        None => LogFile(None),
        Some(path) => LogFile(Some(Arc::new(OpenFile { path: path.clone(), file: Mutex::new(open(path)?) }))),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(settings.level)
        // It would report a failed write with `eprintln!`, which panics when stderr is gone.
        .log_internal_errors(false)
        .event_format(Line {
            format: settings.format,
            is_journal: settings.is_journal && settings.file.is_none(),
        })
        .with_writer(Outputs(file.clone()))
        .finish();
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
    Ok(file)
}

impl LogFile {
    /// Gives the file to the account that the server will run as.
    pub(crate) fn give_to(&self, user: u32, group: u32) -> io::Result<()> {
        let Some(open_file) = &self.0 else { return Ok(()) };
        let file = open_file.file.lock().unwrap_or_else(PoisonError::into_inner);
        std::os::unix::fs::fchown(&*file, Some(user), Some(group))
    }

    /// Opens the file anew under its name, so that a rotated one can go.
    pub(crate) fn reopen(&self) -> io::Result<()> {
        let Some(open_file) = &self.0 else { return Ok(()) };
        let file = open(&open_file.path)?;
        *open_file.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

struct Outputs(LogFile);

/// Where one event goes: to the log file or to stderr; warnings and errors to stderr in any case.
struct Output {
    file: Option<Arc<OpenFile>>,
    to_stderr: bool,
}

impl<'w> MakeWriter<'w> for Outputs {
    type Writer = Output;

    fn make_writer(&'w self) -> Output {
        Output { file: self.0.0.clone(), to_stderr: self.0.0.is_none() }
    }

    fn make_writer_for(&'w self, metadata: &tracing::Metadata<'_>) -> Output {
        let is_serious = *metadata.level() <= Level::WARN;
        Output { file: self.0.0.clone(), to_stderr: self.0.0.is_none() || is_serious }
    }
}

impl Write for Output {
    /// Never fails: there is nowhere to tell it, and serving goes on without a log.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(open_file) = &self.file {
            let _ = open_file.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line);
        }
        if self.to_stderr {
            let _ = io::stderr().write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Line {
    format: LogFormat,
    is_journal: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        match self.format {
            LogFormat::Text => self.write_text(&mut out, level, &fields),
            LogFormat::Json => {
                out.write_str(if self.is_journal { priority(level) } else { "" })?;
                write_json(&mut out, level, &fields)
            }
        }
    }
}

impl Line {
    fn write_text(&self, out: &mut Writer<'_>, level: Level, fields: &Fields) -> fmt::Result {
        let priority = match self.is_journal {
            true => priority(level),
            false => "",
        };
        out.write_str(priority)?;
        if !self.is_journal {
            SystemTime.format_time(out)?;
            write!(out, " {level:>5} ")?;
        }
        if let Some((_, request)) = fields.others.iter().find(|(name, _)| *name == "request") {
            write!(out, "[{}] ", escaped(request, priority))?;
        }
        out.write_str(&escaped(&fields.message, priority))?;
        for (name, value) in
            fields.others.iter().filter(|(name, value)| *name != "request" && !value.is_empty())
        {
            write!(out, " {name}={}", escaped(value, priority))?;
        }
        for (name, number) in &fields.numbers {
            write!(out, " {name}={number}")?;
        }
        out.write_char('\n')
    }
}

fn write_json(out: &mut Writer<'_>, level: Level, fields: &Fields) -> fmt::Result {
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    write!(out, "{{\"time\":{},\"level\":{}", quoted(&time), quoted(&level.as_str().to_ascii_lowercase()))?;
    for (name, value) in fields.others.iter().filter(|(_, value)| !value.is_empty()) {
        write!(out, ",{}:{}", quoted(name), quoted(value))?;
    }
    for (name, number) in &fields.numbers {
        write!(out, ",{}:{number}", quoted(name))?;
    }
    writeln!(out, ",\"message\":{}}}", quoted(&fields.message))
}

/// The priority that journald reads at the beginning of a line (sd-daemon(3)).
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// `text` without control characters; further lines are indented, and have the priority of the first.
fn escaped(text: &str, priority: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.trim_end_matches('\n').chars() {
        match character {
            '\n' => {
                escaped.push('\n');
                escaped.push_str(priority);
                escaped.push_str("    ");
            }
            '\t' => escaped.push('\t'),
            control if control.is_control() => escaped.extend(control.escape_default()),
            other => escaped.push(other),
        }
    }
    escaped
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
    numbers: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.numbers.push((field.name(), value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.numbers.push((field.name(), value.to_string()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => self.others.push((name, text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_forge_lines() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(escaped(text, ""), expected);
        }
        check("plain", "plain");
        check("a\r\nb", "a\\r\n    b");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("tab\there\n", "tab\there");
        assert_eq!(escaped("a\nb", "<6>"), "a\n<6>    b");
    }
}
