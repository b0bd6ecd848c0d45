//! One connection from accept to close.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info};

use super::listen::Stream;
use super::timed::{Phase, TimedStream, Timeouts};
use crate::deliver::{Delivery, deliver};
use crate::request::Peer;

/// Headers of one request: as many as browsers and proxies together send, several times over.
pub(crate) const HEADERS_MAX: usize = 100;
/// Bytes of one request's head.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Serves `stream` until either side ends it, or `drain` turns true and the request in progress is
/// answered.
pub(super) async fn serve(
    stream: Stream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    timeouts: Timeouts,
    delivery: Arc<Delivery>,
    drain: watch::Receiver<bool>,
) {
    match (stream, tls) {
        (Stream::Tcp(stream), None) => serve_http(stream, peer, timeouts, delivery, drain).await,
        (Stream::Tcp(stream), Some(acceptor)) => {
            match tokio::time::timeout(timeouts.header, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => serve_http(stream, peer, timeouts, delivery, drain).await,
                Ok(Err(error)) => info!("TLS handshake with {peer} failed: {error}"),
                Err(_) => info!("TLS handshake with {peer} took too long"),
            }
        }
        (Stream::Unix(stream), _) => serve_http(stream, peer, timeouts, delivery, drain).await,
    }
}

async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    timeouts: Timeouts,
    delivery: Arc<Delivery>,
    mut drain: watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let stream = TimedStream::new(stream, phase.clone(), timeouts);
    let service = service_fn(|request| {
        phase.busy();
        let (phase, delivery) = (phase.clone(), delivery.clone());
        async move {
            let response = deliver(&delivery, peer, request).await;
            phase.idle();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until_drain(&mut drain) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    match ended {
        Ok(()) => {}
        Err(error) if error.is_parse() => info!("a request of {peer} was refused: {error}"),
        Err(_) if phase.is_timed_out() => {
            info!("a request of {peer} was refused: its head took too long (408)")
        }
        Err(error) => debug!("connection with {peer} ended early: {error}"),
    }
}

async fn until_drain(drain: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a drain too.
    let _ = drain.wait_for(|drain| *drain).await;
}
