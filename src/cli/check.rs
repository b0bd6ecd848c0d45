//! The flags of `hookrunner check`.

use std::path::PathBuf;

use clap::Parser;

/// Says everything that is wrong with hooks files, and what to write instead.
///
/// Exit code 0: nothing wrong; 1: errors; 2: warnings with --strict, or a wrong command line.
#[derive(Debug, Parser)]
#[command(
    name = "hookrunner check",
    bin_name = "hookrunner check",
    args_override_self = true,
    max_term_width = 100
)]
pub(crate) struct CheckFlags {
    /// Hooks file, or a directory of such files; may be repeated [default: hooks.json]
    #[arg(long, value_name = "PATH")]
    pub(crate) hooks: Vec<PathBuf>,
    /// Further hooks files
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Hooks files are Go templates
    #[arg(long)]
    pub(crate) template: bool,
    /// Form of the report: `text` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
    /// Exit with 2 when there are only warnings
    #[arg(long)]
    pub(crate) strict: bool,
}
