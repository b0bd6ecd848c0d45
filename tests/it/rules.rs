//! Rules that adnanh/webhook does not have, against the built binary.

mod cases;
mod matches;
