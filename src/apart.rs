//! Work that takes long, apart from the thread that waits for it: each thread has connections to serve.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// What `work` gives, done on a thread for that. It panics if `work` does.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The server is gone.
            Err(_) => pending().await,
        },
    }
}
