//! What takes long, aside from the other requests of its thread.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::task::{JoinError, spawn_blocking};

use super::Received;
use crate::hook::Hook;
use crate::judge::{Judgement, Nobody, judge};

/// Judges a request with a long body on a thread for that. In place it would make this thread's successor read
/// bodies too, and the memory that the allocator keeps for large ones grows with the threads that have read some.
pub(super) async fn judged_aside(
    hook: &Arc<Hook>,
    received: Received,
    handshake_only: Option<Vec<String>>,
) -> (Received, Judgement) {
    let hook = hook.clone();
    let judging = spawn_blocking(move || {
        let (request, now) = (&received.request, received.at_unix_ms);
        let judgement = judge(&hook, request, handshake_only.as_deref(), now, &mut Nobody);
        (received, judgement)
    });
    match judging.await.map_err(JoinError::try_into_panic) {
        Ok(judged) => judged,
        Err(Ok(panic)) => resume_unwind(panic),
        // The server is gone.
        Err(Err(_)) => pending().await,
    }
}

/// Does long work without holding up the other requests of this thread.
pub(super) fn off_the_others_way<T>(takes_long: bool, work: impl FnOnce() -> T) -> T {
    if takes_long { tokio::task::block_in_place(work) } else { work() }
}
