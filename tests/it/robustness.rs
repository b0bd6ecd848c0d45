//! Strangers that mean harm, and surroundings that break: the server keeps serving the others, keeps its memory
//! and its log in bounds, and ends when it is told to.

mod bodies;
mod connections;
mod ends;
mod headers;
mod logs;
mod reloads;
