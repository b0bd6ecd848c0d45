//! The ceiling of a checked push: hyper reads the body and compares its HMAC-SHA256 with the header's.

use bare::{Failure, answer, serve, signature};
use http_body_util::BodyExt;

fn main() -> Result<(), Failure> {
    serve(|request| async move {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let expected = signature(&body)?;
        let sent = head.headers.get("x-hub-signature-256").map(|value| value.as_bytes());
        match sent.and_then(|value| value.strip_prefix(b"sha256=")) {
            Some(sent) if sent == expected.as_bytes() => Ok(answer("Hook rules were not satisfied.")),
            // A GET, by which `compare.sh` sees that the server is up.
            None if body.is_empty() => Ok(answer("OK")),
            _ => Err("the signature is wrong".into()),
        }
    })
}
