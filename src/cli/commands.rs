//! The flags of the commands beside serving.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use hyper::Method;

use super::values::parse_timeout;

/// Prints the JSON Schema of a hooks file, for editors.
#[derive(Debug, Parser)]
#[command(name = "hookrunner schema", bin_name = "hookrunner schema")]
pub(super) struct SchemaFlags {}

/// List the senders that `verify` knows, or show how one of them signs and a hook for it.
#[derive(Debug, Parser)]
#[command(name = "hookrunner senders", bin_name = "hookrunner senders", max_term_width = 100)]
pub(crate) struct SendersFlags {
    /// The sender to show [default: a table of all]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The table as docs/senders.md has it
    #[arg(long, hide = true)]
    pub(crate) markdown: bool,
}

/// Makes a delivery as a sender would, signs it, sends it and prints the answer.
///
/// Exit code: 0 after a 2xx; 1 after any other answer, or none; 2 when nothing was sent, because a flag,
/// the secret or the body does not fit.
#[derive(Debug, Parser)]
#[command(
    name = "hookrunner send",
    bin_name = "hookrunner send",
    args_override_self = true,
    max_term_width = 100
)]
pub(crate) struct SendFlags {
    /// Where to send it, http:// or https://
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Whose delivery it is to be; `hookrunner senders` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) sender: String,
    /// Environment variable with the secret. For Ed25519 it is the private key: 32 bytes in hex, `whsk_`
    /// and base64, or PKCS#8 in PEM
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    pub(crate) secret_env: Option<String>,
    /// File with the secret
    #[arg(long, value_name = "PATH")]
    pub(crate) secret_file: Option<PathBuf>,
    /// User of basic authentication, if the secret is the password alone
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// The event
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// The delivery's id [default: a random one]
    #[arg(long, value_name = "ID")]
    pub(crate) delivery_id: Option<String>,
    /// The body: a text, @FILE, or @- for stdin [default: an empty object or form]
    #[arg(long, value_name = "TEXT")]
    pub(crate) data: Option<String>,
    /// Header, `Name: value`; may be repeated
    #[arg(long, value_name = "HEADER", value_parser = parse_header)]
    pub(crate) header: Vec<(String, String)>,
    /// The method
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    pub(crate) method: Method,
    /// The URL to sign, if it is another than the one to send to: the hook's `public-url`
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Times to send it again after 429, a 5xx or no answer
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) retries: u32,
    /// Time for one answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_timeout)]
    pub(crate) timeout: Duration,
    /// Print the request instead of sending it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Names and values are checked where the request is made.
fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
