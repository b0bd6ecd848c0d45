//! A template as a hooks file may have it, and a body that it is filled from.

#![no_main]

use hookrunner::fuzzing::message_template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| message_template(data));
