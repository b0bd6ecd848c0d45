//! What the ceilings share: a bare hyper server, and the HMAC that the pushes are signed with.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpListener;

/// Ends a program early; `main` prints it.
pub type Failure = Box<dyn Error + Send + Sync>;
/// What every handler answers with.
pub type Answer = Response<Full<Bytes>>;

/// The key of all signatures here, as in the hooks files of `compare.sh`.
pub const SECRET: &[u8] = b"not-a-secret-but-a-benchmark";

/// The hex HMAC-SHA256 of `body`.
pub fn signature(body: &[u8]) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET)?;
    mac.update(body);
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// Serves on the address in the first argument, with nothing between hyper and `handler`.
pub fn serve<H, F>(handler: H) -> Result<(), Failure>
where
    H: Fn(Request<Incoming>) -> F + Copy + Send + 'static,
    F: Future<Output = Result<Answer, Failure>> + Send + 'static,
{
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: PROGRAM ADDRESS")?.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let service = service_fn(move |request| async move {
                    let answer = handler(request).await.unwrap_or_else(|failure| {
                        let mut answer = answer(failure.to_string());
                        *answer.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
                        answer
                    });
                    Ok::<_, Infallible>(answer)
                });
                // A client that goes away is no matter of a benchmark.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

/// 200 with `text`.
pub fn answer(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()))
}
