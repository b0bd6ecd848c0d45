//! One connection from accept to close.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use hyper::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, InvalidMessage};
use tracing::{debug, info};

use super::ServerLimits;
use super::answering::Answering;
use super::listen::Stream;
use super::timed::{Phase, TimedStream};
use crate::deliver::{Delivery, deliver};
use crate::request::Peer;
use crate::respond::BrokenOff;

/// Serves `stream` until either side ends it, or `drain` turns true and the request in progress is
/// answered.
pub(super) async fn serve(
    stream: Stream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    delivery: Arc<Delivery>,
    drain: watch::Receiver<bool>,
) {
    match stream {
        Stream::Tcp(stream) => serve_stream(stream, peer, tls, limits, delivery, drain).await,
        Stream::Unix(stream) => serve_stream(stream, peer, tls, limits, delivery, drain).await,
    }
}

async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    delivery: Arc<Delivery>,
    drain: watch::Receiver<bool>,
) {
    match tls {
        None => serve_http(stream, peer, limits, delivery, drain).await,
        // Boxed, so that a connection without TLS does not take the room of one with it.
        Some(acceptor) => Box::pin(serve_tls(stream, peer, acceptor, limits, delivery, drain)).await,
    }
}

async fn serve_tls<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    acceptor: TlsAcceptor,
    limits: ServerLimits,
    delivery: Arc<Delivery>,
    mut drain: watch::Receiver<bool>,
) {
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limits.timeouts.header, acceptor.accept(stream)) => shaken,
        () = until_drain(&mut drain) => return,
    };
    match shaken {
        Ok(Ok(stream)) => serve_http(stream, peer, limits, delivery, drain).await,
        Ok(Err(error)) => {
            let hint = if is_other_protocol(&error) { " (plain HTTP?)" } else { "" };
            info!("TLS handshake with {peer} failed: {error}{hint}");
        }
        Err(_) => info!("TLS handshake with {peer} took too long"),
    }
}

fn is_other_protocol(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(error, Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)))
}

async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    limits: ServerLimits,
    delivery: Arc<Delivery>,
    mut drain: watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let stream = TimedStream::new(stream, phase.clone(), limits.timeouts);
    let service = service_fn(|request| {
        phase.busy();
        let phase = phase.clone();
        deliver(&delivery, peer, request, move |response| {
            if response.headers().contains_key(CONNECTION) {
                phase.body_left();
            }
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, phase)))
        })
    });
    let connection = http1::Builder::new()
        .max_headers(limits.headers_max)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(2 * limits.head_bytes_max)
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
        Err(_) if phase.is_broken_off() => debug!("an answer to {peer} was broken off: {BrokenOff}"),
        Err(error) => debug!("connection with {peer} ended early: {error}"),
    }
}

async fn until_drain(drain: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a drain too.
    let _ = drain.wait_for(|drain| *drain).await;
}
