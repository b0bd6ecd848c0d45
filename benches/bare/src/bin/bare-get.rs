//! The ceiling of `GET /`: hyper answers `OK`.

use bare::{Failure, answer, serve};

fn main() -> Result<(), Failure> {
    serve(|_request| async { Ok(answer("OK")) })
}
