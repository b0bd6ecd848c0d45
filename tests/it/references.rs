//! References: where the values come from that rules compare and commands get.

mod each;
mod missing;
mod path;
mod template;
mod upload;
