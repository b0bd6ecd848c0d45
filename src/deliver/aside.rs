//! What takes long, aside from the other requests of its thread.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::task::{JoinError, spawn_blocking};

use super::{LONG_BODY_BYTES, Received};
use crate::hook::Hook;
use crate::judge::{Judgement, Nobody, judge};

/// Judges a request, one with a long body on a thread for that. In place it would make this thread's successor read
/// bodies too, and the memory that the allocator keeps for large ones grows with the threads that have read some.
pub(super) async fn judged(
    hook: &Arc<Hook>,
    received: Received,
    handshake_only: Option<&[String]>,
) -> (Received, Judgement) {
    let judge = |hook: &Hook, received: &Received, handshake_only: Option<&[String]>| {
        judge(hook, &received.request, handshake_only, received.at_unix_ms, &mut Nobody)
    };
    if received.request.body.len() <= LONG_BODY_BYTES {
        let judgement = judge(hook, &received, handshake_only);
        return (received, judgement);
    }
    let (hook, handshake_only) = (hook.clone(), handshake_only.map(<[String]>::to_vec));
    let judging = spawn_blocking(move || {
        let judgement = judge(&hook, &received, handshake_only.as_deref());
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
