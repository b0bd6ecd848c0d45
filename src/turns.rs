//! Waiting for one's turn: the lines of `admission`, shared by all requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::admission::{Admission, Call, Calls, Concurrency, Number, Refusal};

type Waker = oneshot::Sender<Call>;

/// Survives reloads.
#[derive(Debug)]
pub(crate) struct Turns {
    admission: Mutex<Admission<Waker>>,
    /// Whether runs of hooks without a limit of their own are counted.
    is_server_limited: bool,
}

/// A delivery's place among the runs, from when it is let in. Dropping it gives it to the next in line.
#[derive(Debug)]
pub(crate) struct Turn {
    /// `None`: nothing limits the hook's runs.
    of: Option<(Arc<Turns>, Number)>,
    /// Whether it has come, or how it will be told.
    called: Called,
}

#[derive(Debug)]
enum Called {
    Already(Call),
    NotYet(oneshot::Receiver<Call>),
}

impl Turns {
    /// `runs_max`: runs of the whole server at once, if that has a limit.
    pub(crate) fn new(runs_max: Option<usize>) -> Arc<Self> {
        let admission = Mutex::new(Admission::new(runs_max));
        Arc::new(Self { admission, is_server_limited: runs_max.is_some() })
    }

    /// Whether somebody with this limit may have to wait.
    pub(crate) fn is_limiting(&self, of: Option<&Arc<Concurrency>>) -> bool {
        of.is_some() || self.is_server_limited
    }

    /// Lets a delivery in, to run now or later.
    pub(crate) fn enter(self: &Arc<Self>, of: Option<&Arc<Concurrency>>) -> Result<Turn, Refusal> {
        if !self.is_limiting(of) {
            return Ok(Turn { of: None, called: Called::Already(Call::Turn) });
        }
        let (waker, waiting) = oneshot::channel();
        let (number, calls) = self.admission().enter(of, waker)?;
        tell(calls);
        Ok(Turn { of: Some((self.clone(), number)), called: Called::NotYet(waiting) })
    }

    /// Puts other limits in force, also for deliveries that wait.
    pub(crate) fn adjust<'c>(&self, limits: impl Iterator<Item = &'c Concurrency>) {
        for limit in limits {
            let calls = self.admission().adjust(limit);
            tell(calls);
        }
    }

    fn admission(&self) -> MutexGuard<'_, Admission<Waker>> {
        // What it holds is right at every moment, also after a panic elsewhere.
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    pub(crate) fn has_come(&mut self) -> bool {
        if let Called::NotYet(waiting) = &mut self.called
            && let Ok(call) = waiting.try_recv()
        {
            self.called = Called::Already(call);
        }
        matches!(self.called, Called::Already(Call::Turn))
    }

    /// Waits until it comes, or will not.
    pub(crate) async fn comes(&mut self) -> Call {
        if let Called::NotYet(waiting) = &mut self.called {
            // Whoever waits is told before it is forgotten.
            self.called = Called::Already(waiting.await.unwrap_or(Call::Superseded));
        }
        match self.called {
            Called::Already(call) => call,
            Called::NotYet(_) => Call::Superseded,
        }
    }

    /// The command has started.
    pub(crate) fn began(&self) {
        if let Some((turns, number)) = &self.of {
            let calls = turns.admission().began(*number);
            tell(calls);
        }
    }

    /// Lets others run until it comes again.
    pub(crate) fn pause(&mut self) {
        if let Some((turns, number)) = &self.of {
            let (waker, waiting) = oneshot::channel();
            self.called = Called::NotYet(waiting);
            let calls = turns.admission().pause(*number, waker);
            tell(calls);
        }
    }

    /// Ends when, in a pause, another delivery has taken its place.
    pub(crate) async fn is_superseded(&mut self) {
        if self.of.is_none() || self.comes().await == Call::Turn {
            std::future::pending().await
        }
    }

    /// Gets in line again after a pause.
    pub(crate) fn again(&self) {
        if let Some((turns, number)) = &self.of {
            let calls = turns.admission().again(*number);
            tell(calls);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((turns, number)) = &self.of {
            let calls = turns.admission().leave(*number);
            tell(calls);
        }
    }
}

/// Somebody who is gone has left the line, or is about to.
fn tell(calls: Calls<Waker>) {
    for (waker, call) in calls {
        let _ = waker.send(call);
    }
}
