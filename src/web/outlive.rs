//! Work that outlives whoever waits for it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;

/// Work that is done to its end, whether or not anyone waits for that.
///
/// While someone does, it is done where they wait: a task of its own would cost every request a hop to
/// another thread and back, for the sake of the few who hang up. When they do, this is dropped, and
/// what is left of the work becomes such a task. Only the end of the runtime ends it before.
pub(super) struct Outliving<W: Future<Output: Send> + Send + 'static> {
    rest: Option<Pin<Box<W>>>,
    waits: Option<Arc<()>>,
}

/// Tells the work whether someone still waits for it.
pub(super) struct Audience(Weak<()>);

/// The work panicked.
#[derive(Debug)]
pub(super) struct Panicked;

impl Audience {
    pub(super) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl<W: Future<Output: Send> + Send + 'static> Outliving<W> {
    pub(super) fn new(work: impl FnOnce(Audience) -> W) -> Self {
        let waits = Arc::new(());
        let audience = Audience(Arc::downgrade(&waits));
        Self { rest: Some(Box::pin(work(audience))), waits: Some(waits) }
    }
}

impl<W: Future<Output: Send> + Send + 'static> Future for Outliving<W> {
    type Output = Result<W::Output, Panicked>;

    /// Must not be called again after its end, as with any future.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let rest = &mut self.get_mut().rest;
        let step = AssertUnwindSafe(|| {
            let Some(work) = rest else { return Poll::Pending };
            let output = ready!(work.as_mut().poll(cx));
            // Within reach of the guard: this may panic, too.
            drop(rest.take());
            Poll::Ready(output)
        });
        catch_unwind(step).map_or_else(
            |_| {
                let rest = rest.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(rest)));
                Poll::Ready(Err(Panicked))
            },
            |step| step.map(Ok),
        )
    }
}

impl<W: Future<Output: Send> + Send + 'static> Drop for Outliving<W> {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take() else { return };
        // First, so that the rest of it knows.
        drop(self.waits.take());
        // Where the runtime ends, so does everything in it.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::{runtime, sync::oneshot, task::yield_now, time::timeout};

    use super::*;

    const STEPS: usize = 4;

    /// Work of several steps, which at its end says how many it did, and whether anyone listens.
    fn steps(
        done: &Arc<AtomicUsize>,
    ) -> (Outliving<impl Future<Output = usize> + Send + use<>>, Ended) {
        let (tell, ended) = oneshot::channel();
        let done = Arc::clone(done);
        let work = Outliving::new(|audience| async move {
            for _ in 0..STEPS {
                yield_now().await;
                done.fetch_add(1, Ordering::Relaxed);
            }
            let _ = tell.send(audience.is_gone());
            done.load(Ordering::Relaxed)
        });
        (work, ended)
    }

    type Ended = oneshot::Receiver<bool>;

    #[tokio::test]
    async fn whoever_waits_gets_it_and_nothing_is_left() {
        let done = Arc::default();
        let (work, ended) = steps(&done);
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        assert_eq!(work.await.unwrap(), STEPS);
        assert!(!ended.await.unwrap(), "someone waited");
        assert_eq!(tasks(), before);
    }

    #[tokio::test]
    async fn whenever_they_hang_up_it_is_done_to_its_end_and_once() {
        for polls in 0..STEPS {
            let done = Arc::default();
            let (mut work, ended) = steps(&done);
            for _ in 0..polls {
                assert!(futures_util::poll!(&mut work).is_pending());
            }
            drop(work);
            let is_gone = timeout(Duration::from_secs(5), ended).await.unwrap().unwrap();
            assert!(is_gone, "after {polls} polls");
            assert_eq!(done.load(Ordering::Relaxed), STEPS, "after {polls} polls");
        }
    }

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("as told");
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_wherever_it_happens() {
        let at_once = Outliving::new(|_| async { panic!("as told") });
        assert!(at_once.await.is_err());
        let later = Outliving::new(|_| async {
            yield_now().await;
            panic!("as told")
        });
        assert!(later.await.is_err());
        let at_its_end = Outliving::new(|_| async {
            let _held = PanicsWhenDropped;
            yield_now().await;
        });
        assert!(at_its_end.await.is_err());
    }

    #[test]
    fn the_end_of_the_runtime_is_no_panic() {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        let done = Arc::default();
        let (work, mut ended) = steps(&done);
        runtime.spawn(async move {
            let _work = work;
            std::future::pending::<()>().await;
        });
        runtime.block_on(yield_now());
        drop(runtime);
        assert!(ended.try_recv().is_err(), "it did not come to its end");
    }

    #[test]
    fn outside_of_a_runtime_it_ends() {
        let done = Arc::default();
        let (work, mut ended) = steps(&done);
        drop(work);
        assert!(ended.try_recv().is_err());
    }
}
