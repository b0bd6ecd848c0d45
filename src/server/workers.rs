//! The threads that serve connections: one for each core, each with an event loop of its own.
//!
//! A connection stays on its thread, and so do its requests and their runs: nothing of them moves between
//! cores. What takes long belongs [`apart`](crate::apart), or the thread's other connections wait.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};

/// Threads of one worker for what takes long. It is work for the processor, so more than cores help nobody.
const LONG_WORK_THREADS_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    event_loop: Handle,
    /// Each connection has a clone.
    load: Arc<()>,
}

impl Workers {
    /// They last as long as the process.
    pub(crate) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        (0..count).map(Worker::start).collect::<io::Result<_>>().map(Self)
    }

    /// Has the worker that has the fewest connections serve one more.
    pub(super) fn serve(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let Some(worker) = self.0.iter().min_by_key(|worker| Arc::strong_count(&worker.load)) else { return };
        let load = worker.load.clone();
        worker.event_loop.spawn(async move {
            connection.await;
            drop(load);
        });
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let event_loop =
            Builder::new_current_thread().enable_all().max_blocking_threads(LONG_WORK_THREADS_MAX).build()?;
        let handle = event_loop.handle().clone();
        thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || event_loop.block_on(std::future::pending::<()>()))?;
        Ok(Self { event_loop: handle, load: Arc::new(()) })
    }
}
