//! The edge: bind, accept, hand requests on, drain.

mod answering;
mod connection;
mod listen;
pub(crate) mod timed;
pub(crate) mod tls;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, info, warn};

use crate::deliver::Delivery;
use crate::outcome::KILL_GRACE;
use timed::Timeouts;
use tls::Tls;

pub(crate) use listen::{Endpoint, Listener};

/// The pause after an accept that failed for want of descriptors or memory: time for connections to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A stop that takes longer says what it waits for.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// Beyond the grace of a killed run: for its end to be seen and its client to be told.
const AFTER_KILL: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerLimits {
    pub(crate) connections_max: u32,
    pub(crate) headers_max: usize,
    pub(crate) head_bytes_max: usize,
    pub(crate) timeouts: Timeouts,
    /// How long requests and runs may go on after the shutdown has begun.
    pub(crate) drain: Duration,
}

/// A bound server, not yet serving.
pub(crate) struct Server {
    listener: Listener,
    tls: Option<Tls>,
    limits: ServerLimits,
    delivery: Arc<Delivery>,
}

impl Server {
    pub(crate) fn new(
        listener: Listener,
        tls: Option<Tls>,
        limits: ServerLimits,
        delivery: Arc<Delivery>,
    ) -> Self {
        Self { listener, tls, limits, delivery }
    }

    /// Serves until `shutdown` completes, then drains; `hurry` completing cuts the drain short.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections_max as usize));
        let drain = watch::Sender::new(false);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = self.accept(&places) => accepted,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let (tls, limits) = (self.tls.as_ref().map(Tls::acceptor), self.limits);
                    let (delivery, drain) = (self.delivery.clone(), drain.subscribe());
                    tokio::spawn(async move {
                        connection::serve(stream, peer, tls, limits, delivery, drain).await;
                        drop(place);
                    });
                }
                Err(error) if is_of_one_connection(&error) => {
                    debug!("a connection was gone before it was accepted: {error}")
                }
                Err(error) => {
                    warn!("failed to accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let Self { listener, limits, delivery, .. } = self;
        drop(listener);
        drain.send_replace(true);
        drain_all(&delivery, &places, limits, hurry).await;
    }

    /// A place is taken before a connection is: further ones wait in the backlog.
    async fn accept(
        &self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(listen::Stream, crate::request::Peer, OwnedSemaphorePermit)> {
        let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok((stream, peer, place))
    }
}

/// Errors that concern the connection that was about to come, not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn drain_all(
    delivery: &Delivery,
    places: &Semaphore,
    limits: ServerLimits,
    hurry: impl Future<Output = ()>,
) {
    delivery.runs.drain();
    let all_done = async {
        // A connection may still start a run, so connections are waited for first.
        let _ = places.acquire_many(limits.connections_max).await;
        delivery.runs.all_ended().await;
    };
    let count = delivery.runs.count();
    info!("shutting down: waiting up to {:?} for requests and runs (now {count})", limits.drain);
    let tell_of_long_wait = async {
        sleep(LONG_WAIT).await;
        let runs = delivery.runs.names();
        if runs.count() > 0 {
            warn!("shutting down: still waiting for {runs}; a second signal ends the wait");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = all_done => return,
        () = tell_of_long_wait => {}
        () = sleep(limits.drain) => warn!("the drain timeout of {:?} is over", limits.drain),
        () = hurry => warn!("a second signal: not waiting any longer"),
    }
    let open = (limits.connections_max as usize).saturating_sub(places.available_permits());
    let cut = delivery.runs.cut();
    if cut.count() > 0 {
        warn!("killed at shutdown: {cut}");
    }
    if open > cut.count() {
        warn!("cut at shutdown: {} connections whose requests were not done", open - cut.count());
    }
    let deadline = Instant::now() + KILL_GRACE + AFTER_KILL;
    let _ = timeout_at(deadline, delivery.runs.all_ended()).await;
    // Clients that waited for a killed run get their answer; anything else is not waited for.
    let _ = timeout_at(Instant::now() + AFTER_KILL, places.acquire_many(limits.connections_max)).await;
}
