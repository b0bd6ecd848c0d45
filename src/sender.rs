//! `verify:`: whether a request comes from the sender that a hook names.
//!
//! A sender is a record (`spec`), never code: where its signature is, how it is written, and what it is
//! over. The table of them is `senders.json`; a hook may write a record of its own, or override a row's
//! fields. Only the handshakes go by name. `verify` checks a request, `sign` makes one that passes.
//!
//! Everything here is a pure function of a request, a record, the secrets and the time. Reading secrets,
//! remembering deliveries, answering and logging are left to others.

mod der;
mod encrypted_echo;
mod family;
mod handshake;
mod jws;
mod key;
mod message;
mod outgoing;
mod reading;
mod record;
mod refusal;
mod sign;
mod signature;
mod source;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod timestamp;
mod unfit;
mod url;
mod verifier;
mod verify;
mod words;

pub(crate) use handshake::{Answer, Answered};
#[cfg(any(fuzzing, test))]
pub(crate) use message::Message;
pub(crate) use message::Part;
pub(crate) use record::{RawSpec, SpecError};
pub(crate) use refusal::Refusal;
pub(crate) use sign::{Draft, SignError, Signer};
pub(crate) use source::Source;
pub(crate) use spec::{Spec, Timestamp, TimestampPlace, seconds};
pub(crate) use table::{OPEN, Own, Row, find, named, table, unknown};
pub(crate) use timestamp::{format_ms, parse_ms};
pub(crate) use unfit::UNFIT;
pub(crate) use verifier::{Labels, Options, Verifier};
pub(crate) use verify::{Decision, Verified};
pub(crate) use words::{Algorithm, Handshake, KeyEncoding, Scheme, Separator, Unit};
