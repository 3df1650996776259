//! The threads that callers' connections are served on: one for each processor, each with a runtime of
//! its own.
//!
//! A connection stays where it began, and so does all that is done for it. A runtime that shares its
//! work among threads would take half of the steps of a request from one processor to another, and
//! wake it for that.

use std::{io, sync::Arc, thread::available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};

/// How many descriptors one needs to learn of events.
const DESCRIPTORS: usize = 5;

/// All of them. Dropped, they stop at once.
pub(super) struct Workers(Vec<Worker>);

struct Worker {
    handle: Handle,
    /// Taken to be ended.
    runtime: Option<Runtime>,
    load: Load,
}

/// A connection on a worker, or the worker's own: there are as many as it has connections, and one.
#[derive(Clone)]
pub(super) struct Load(Arc<()>);

impl Workers {
    fn count() -> usize {
        available_parallelism().map_or(1, Into::into)
    }

    /// How many descriptors they need, apart from those of connections.
    pub(super) fn descriptors() -> usize {
        DESCRIPTORS * Self::count()
    }

    /// Starts them.
    pub(super) fn start() -> io::Result<Self> {
        let start = |number| {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(1).thread_name(format!("worker-{number}"));
            let runtime = runtime.enable_all().build()?;
            let (handle, load) = (runtime.handle().clone(), Load(Arc::default()));
            Ok(Worker { handle, runtime: Some(runtime), load })
        };
        (1..=Self::count()).map(start).collect::<io::Result<_>>().map(Self)
    }

    /// The one with the fewest connections, for one more, which is to hold what it gets.
    pub(super) fn next(&self) -> (Handle, Load) {
        let fewest = self.0.iter().min_by_key(|worker| Arc::strong_count(&worker.load.0));
        fewest.map_or_else(Self::here, |worker| (worker.handle.clone(), worker.load.clone()))
    }

    /// For connections that are served where they are accepted.
    pub(super) fn here() -> (Handle, Load) {
        (Handle::current(), Load(Arc::default()))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // To wait for them is not allowed where something asynchronous runs.
        self.0.drain(..).filter_map(|worker| worker.runtime).for_each(Runtime::shutdown_background);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_spread_evenly() {
        let workers = Workers::start().unwrap();
        let count = Workers::count();
        let held: Vec<_> = (0..3 * count).map(|_| workers.next()).collect();
        let of = |worker: &Worker| held.iter().filter(|it| it.0.id() == worker.handle.id()).count();
        assert!(workers.0.iter().all(|worker| of(worker) == 3));
    }

    #[tokio::test]
    async fn each_has_a_thread_of_its_own_and_ends_with_them() {
        let workers = Workers::start().unwrap();
        let thread = |handle: Handle| async move {
            handle.spawn(async { std::thread::current().id() }).await
        };
        let (one, load) = workers.next();
        assert_eq!(thread(one.clone()).await.unwrap(), thread(one.clone()).await.unwrap());
        drop((workers, load));
        assert!(thread(one).await.is_err());
    }
}
