//! What a command runs under: its time, and what else its hook says of it.

mod environment;
mod limits;
mod orphans;
mod run_as;
mod stdin;
mod timeout;
