//! A whole request, for hooks that look at every part of it.

#![no_main]

use hookrunner::fuzzing::request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| request(data));
