//! A content type and a body: JSON, form, XML, multipart.

#![no_main]

use hookrunner::fuzzing::payload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| payload(data));
