//! The ceiling of a run: hyper reads the body and starts `/bin/true` with its output captured.

use std::process::Stdio;

use bare::{Failure, answer, serve};
use http_body_util::BodyExt;
use hyper::Method;

fn main() -> Result<(), Failure> {
    serve(|request| async move {
        // By a GET `compare.sh` sees that the server is up.
        if request.method() == Method::GET {
            return Ok(answer("OK"));
        }
        request.into_body().collect().await?;
        let output = command().stdin(Stdio::null()).output().await?;
        if output.status.success() { Ok(answer(output.stdout)) } else { Err("/bin/true failed".into()) }
    })
}

#[expect(clippy::disallowed_methods, reason = "the ban is meant for the server")]
fn command() -> tokio::process::Command {
    tokio::process::Command::new("/bin/true")
}
