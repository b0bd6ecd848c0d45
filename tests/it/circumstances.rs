//! What a command runs under: its time, and what else its hook says of it.

mod stdin;
mod timeout;
