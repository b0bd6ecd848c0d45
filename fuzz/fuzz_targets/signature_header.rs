//! A sender's name and the text of its signature's header: lists, prefixes, encodings, timestamps, tokens.

#![no_main]

use hookrunner::fuzzing::signature_header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| signature_header(data));
