//! What one run is started with: built from a hook and the facts of a request, before any effect.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::circumstances::Circumstances;
use crate::facts::{Facts, NoValue};
use crate::hook::{Argument, CommandOutput, FileVariable, Hook, Variable};

/// Arguments that one reference is spread over. The kernel takes some MiB of arguments in all, which that
/// many short ones nearly fill.
const SPREAD_ARGUMENTS_MAX: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) hook_id: String,
    /// Of a hook with cases.
    pub(crate) case: Option<String>,
    pub(crate) request_id: String,
    /// As the hook says it; the path is looked up when the run starts.
    pub(crate) program: OsString,
    /// Without `argv[0]`, which is `program`.
    pub(crate) arguments: Vec<OsString>,
    /// What is added to the server's own environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) files: Vec<InvocationFile>,
    pub(crate) working_directory: Option<PathBuf>,
    /// What the command reads; `None`: nothing.
    pub(crate) stdin: Option<Bytes>,
    pub(crate) circumstances: Arc<Circumstances>,
    pub(crate) output: CommandOutput,
}

/// Content that the command finds in a temporary file, whose path is in an environment variable.
#[derive(Debug)]
pub(crate) struct InvocationFile {
    pub(crate) variable: String,
    pub(crate) content: Vec<u8>,
}

impl Invocation {
    /// The memory that its texts take.
    pub(crate) fn bytes(&self) -> usize {
        let arguments = self.arguments.iter().map(|argument| argument.len());
        let variables = self.environment.iter().map(|(name, value)| name.len() + value.len());
        let files = self.files.iter().map(|file| file.content.len());
        let stdin = self.stdin.iter().map(Bytes::len);
        arguments.chain(variables).chain(files).chain(stdin).sum()
    }

    /// For a program that cannot be started and looks like a command line.
    pub(crate) fn hint_on_words(&self) -> Option<String> {
        let program = self.program.to_string_lossy();
        let first = program.split_ascii_whitespace().next().filter(|first| *first != program)?;
        Some(format!("use 'pass-arguments-to-command' to specify args for '{first}'"))
    }
}

/// A part of an invocation that is not what the hook asks for. The run takes place all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Shortfall {
    #[error("argument {position} is empty: {why}")]
    Argument { position: usize, why: NoValue },
    #[error("the variable {name} is not set: {why}")]
    Variable { name: String, why: NoValue },
    #[error("the command's stdin is empty: {why}")]
    Stdin { why: NoValue },
    #[error(
        "error decoding string: what {name} refers to is not base64 to its end, the file has what comes before"
    )]
    Base64 { name: String },
}

/// Why there is no invocation for a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("{0}")]
    Required(#[from] NoValue),
    #[error("`{reference}` has {count} values, and at most {SPREAD_ARGUMENTS_MAX} become arguments")]
    TooManyArguments { reference: String, count: usize },
}

/// Builds the invocation, and says what of it is missing.
pub(crate) fn build(hook: &Hook, facts: &Facts<'_>) -> Result<(Invocation, Vec<Shortfall>), Unfit> {
    let mut shortfalls = Vec::new();
    let arguments = arguments(hook, facts, &mut shortfalls)?;
    let mut environment: Vec<(OsString, OsString)> = Vec::with_capacity(hook.environment.len());
    for Variable { name, value } in &hook.environment {
        match facts.text_if_any(value)? {
            Ok(text) => environment.push((name.clone().into(), OsStr::from_bytes(&text).to_owned())),
            Err(why) => shortfalls.push(Shortfall::Variable { name: name.clone(), why }),
        }
    }
    let mut files = Vec::with_capacity(hook.files.len());
    for FileVariable { name, value, base64 } in &hook.files {
        match facts.text_if_any(value)? {
            Ok(text) if *base64 => {
                let (content, is_whole) = decode_base64_prefix(&text);
                if !is_whole {
                    shortfalls.push(Shortfall::Base64 { name: name.clone() });
                }
                files.push(InvocationFile { variable: name.clone(), content });
            }
            Ok(text) => files.push(InvocationFile { variable: name.clone(), content: text.into_owned() }),
            Err(why) => shortfalls.push(Shortfall::Variable { name: name.clone(), why }),
        }
    }
    let stdin = hook.stdin.as_ref().map(|reference| facts.bytes_if_any(reference)).transpose()?;
    let stdin = stdin.map(|found| {
        found.unwrap_or_else(|why| {
            shortfalls.push(Shortfall::Stdin { why });
            Bytes::new()
        })
    });
    let invocation = Invocation {
        hook_id: hook.id.clone(),
        case: hook.case.clone(),
        request_id: facts.request.id.clone(),
        program: hook.command.program.clone().into(),
        arguments,
        environment,
        files,
        working_directory: hook.command.working_directory.as_ref().map(PathBuf::from),
        stdin,
        circumstances: hook.circumstances.clone(),
        output: hook.command.output,
    };
    Ok((invocation, shortfalls))
}

fn arguments(
    hook: &Hook,
    facts: &Facts<'_>,
    shortfalls: &mut Vec<Shortfall>,
) -> Result<Vec<OsString>, Unfit> {
    let mut arguments = Vec::with_capacity(hook.arguments.len());
    for Argument { value, spread } in &hook.arguments {
        match facts.find_if_any(value)? {
            Ok(found) if *spread => {
                let texts = found.spread();
                if texts.len() > SPREAD_ARGUMENTS_MAX {
                    return Err(Unfit::TooManyArguments { reference: value.to_string(), count: texts.len() });
                }
                arguments.extend(texts.into_iter().map(|text| OsString::from_vec(text.into_owned())));
            }
            Ok(found) => arguments.push(OsString::from_vec(found.into_text().into_owned())),
            Err(_) if *spread => {}
            Err(why) => {
                arguments.push(OsString::new());
                shortfalls.push(Shortfall::Argument { position: arguments.len(), why });
            }
        }
    }
    Ok(arguments)
}

/// Decodes standard base64 up to the first group of four that is not right, and says whether that was
/// all; line breaks are skipped.
fn decode_base64_prefix(text: &[u8]) -> (Vec<u8>, bool) {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let text: Vec<u8> = text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).copied().collect();
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let mut groups = text.chunks(4);
    for group in groups.by_ref() {
        let Ok(bytes) = ENGINE.decode(group) else { return (decoded, false) };
        decoded.extend_from_slice(&bytes);
        if group.ends_with(b"=") {
            break;
        }
    }
    (decoded, groups.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_up_to_the_first_bad_character() {
        #[track_caller]
        fn check(text: &str, expected: &str, is_whole: bool) {
            let (decoded, whole) = decode_base64_prefix(text.as_bytes());
            assert_eq!((decoded.as_slice(), whole), (expected.as_bytes(), is_whole), "{text:?}");
        }
        check("aGVsbG8=", "hello", true);
        check("aGVs\r\nbG8=", "hello", true);
        check("aGVsbG8", "hel", false);
        check("aGVsbG!=", "hel", false);
        check("aGVs!bG8=", "hel", false);
        check("!", "", false);
        check("", "", true);
        check("aGVsbG8=aGVs", "hello", false);
    }
}
