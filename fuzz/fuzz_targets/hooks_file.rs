//! A hooks file as `check` reads it.

#![no_main]

use hookrunner::fuzzing::hooks_file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| hooks_file(data));
