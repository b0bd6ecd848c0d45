//! What one run is started with: built from a hook and the facts of a request, before any effect.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::facts::{Facts, NoValue};
use crate::hook::{FileVariable, Hook};

#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) hook_id: String,
    pub(crate) request_id: String,
    /// As the hook says it; the path is looked up when the run starts.
    pub(crate) program: OsString,
    /// Without `argv[0]`, which is `program`.
    pub(crate) arguments: Vec<OsString>,
    /// What is added to the server's own environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) files: Vec<InvocationFile>,
    pub(crate) working_directory: Option<PathBuf>,
}

/// Content that the command finds in a temporary file, whose path is in an environment variable.
#[derive(Debug)]
pub(crate) struct InvocationFile {
    pub(crate) variable: String,
    pub(crate) content: Vec<u8>,
}

/// Builds the invocation. What had no value is reported beside it: the run takes place all the same,
/// with an empty argument, without the variable, without the file.
pub(crate) fn build(hook: &Hook, facts: &Facts<'_>) -> (Invocation, Vec<NoValue>) {
    let mut missing = Vec::new();
    let arguments = hook
        .arguments
        .iter()
        .map(|reference| match facts.text_of(reference) {
            Ok(text) => OsString::from_vec(text.into_owned()),
            Err(no_value) => {
                missing.push(no_value);
                OsString::new()
            }
        })
        .collect();
    let mut environment: Vec<(OsString, OsString)> = Vec::with_capacity(hook.environment.len());
    for variable in &hook.environment {
        match facts.text_of(&variable.value) {
            Ok(text) => environment.push((variable.name.clone().into(), OsStr::from_bytes(&text).to_owned())),
            Err(no_value) => missing.push(no_value),
        }
    }
    let mut files = Vec::with_capacity(hook.files.len());
    for file in &hook.files {
        match facts.text_of(&file.value) {
            Ok(text) => files.push(invocation_file(file, &text)),
            Err(no_value) => missing.push(no_value),
        }
    }
    let invocation = Invocation {
        hook_id: hook.id.clone(),
        request_id: facts.request.id.clone(),
        program: hook.command.program.clone().into(),
        arguments,
        environment,
        files,
        working_directory: hook.command.working_directory.as_ref().map(PathBuf::from),
    };
    (invocation, missing)
}

fn invocation_file(file: &FileVariable, text: &[u8]) -> InvocationFile {
    let content = if file.base64 { decode_base64_prefix(text) } else { text.to_vec() };
    InvocationFile { variable: file.name.clone(), content }
}

/// Decodes standard base64 up to the first group of four that is not right; line breaks are skipped.
fn decode_base64_prefix(text: &[u8]) -> Vec<u8> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let text: Vec<u8> = text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).copied().collect();
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        let Ok(bytes) = ENGINE.decode(group) else { break };
        decoded.extend_from_slice(&bytes);
        if group.ends_with(b"=") {
            break;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_up_to_the_first_bad_character() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(decode_base64_prefix(text.as_bytes()), expected.as_bytes(), "{text:?}");
        }
        check("aGVsbG8=", "hello");
        check("aGVs\r\nbG8=", "hello");
        check("aGVsbG8", "hel");
        check("aGVsbG!=", "hel");
        check("aGVs!bG8=", "hel");
        check("!", "");
        check("", "");
        check("aGVsbG8=aGVs", "hello");
    }
}
