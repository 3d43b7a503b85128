//! Threads: the pool that work runs on, and parts of a work shared out among threads.

use std::{
    panic::resume_unwind,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Result;

/// Threads for everything that runs in parallel.
pub enum Pool {
    /// Those of the process: one for each core, started by the first work and kept.
    Shared(Arc<ThreadPool>),
    /// Started for this work.
    Own(ThreadPool),
    /// The pool that the caller runs in.
    Callers,
}

impl Pool {
    /// A pool of the given number of threads, or that of the process; on a thread of a pool already, that one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the system gives no threads.
    pub fn new(threads: Option<usize>) -> Result<Self> {
        if rayon::current_thread_index().is_some() {
            return Ok(Self::Callers);
        }
        match threads {
            Some(threads) => start(threads).map(Self::Own),
            None => shared().map(Self::Shared),
        }
    }

    /// A pool that no other work has to wait for: for work that may wait long itself, as for a pipe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the system gives no threads.
    pub fn apart(threads: Option<usize>) -> Result<Self> {
        start(threads.unwrap_or(0)).map(Self::Own)
    }

    /// Runs `work` inside the pool, so that its parallel iterators use these threads.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Shared(pool) => pool.install(work),
            Self::Own(pool) => pool.install(work),
            Self::Callers => work(),
        }
    }
}

/// The pool of the process. A process that was forked has none of its parent's threads, so it starts its own.
fn shared() -> Result<Arc<ThreadPool>> {
    static SHARED: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let process = std::process::id();
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*shared {
        Some((owner, pool)) if *owner == process => Ok(Arc::clone(pool)),
        _ => {
            let pool = Arc::new(start(0)?);
            if let Some(of_parent) = shared.replace((process, Arc::clone(&pool))) {
                // Its threads are not there to be told to end.
                std::mem::forget(of_parent);
            }
            Ok(pool)
        }
    }
}

fn start(threads: usize) -> Result<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("heapdelta-{index}")).build();
    pool.map_err(|error| std::io::Error::other(error.to_string()).into())
}

/// Numbers below a count, each handed out once, to whoever asks first.
struct Parts {
    next: AtomicUsize,
    count: usize,
}

impl Parts {
    fn new(count: usize) -> Self {
        Self { next: AtomicUsize::new(0), count }
    }

    fn taken(&self) -> impl Iterator<Item = usize> {
        std::iter::from_fn(|| Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|part| *part < self.count))
    }
}

/// Does the parts of a work in any order, on the threads of the pool it is called in; gives the worker of each thread.
pub fn share<W: Send>(count: usize, worker: impl Fn() -> W + Sync, work: impl Fn(&mut W, usize) + Sync) -> Vec<W> {
    let parts = Parts::new(count);
    rayon::broadcast(|_| {
        let mut own = worker();
        parts.taken().for_each(|part| work(&mut own, part));
        own
    })
}

/// Places that a thread takes at a time.
const SHARE: usize = 64;

/// Does the same for every place on a few threads, this one among them when it has done something else; answers are in the
/// order of the places.
pub fn beside<T: Send + Sync, R>(
    places: &[u64],
    threads: Option<usize>,
    work: impl Fn(&u64) -> T + Sync,
    meanwhile: impl FnOnce() -> R,
) -> (Vec<T>, R) {
    let answers: Vec<OnceLock<Vec<T>>> = places.chunks(SHARE).map(|_| OnceLock::new()).collect();
    let parts = Parts::new(answers.len());
    let answer = |part: usize| {
        let places = &places[part * SHARE..places.len().min((part + 1) * SHARE)];
        answers[part].get_or_init(|| places.iter().map(&work).collect());
    };
    let help = || parts.taken().for_each(answer);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let helpers = threads.unwrap_or(cores.min(4)).min(parts.count).saturating_sub(1);
    let (here, (arrived, arrivals)) = (Core::current(), mpsc::channel());
    let helper = || {
        here.leave();
        let _ = arrived.send(());
        help();
    };
    let other = std::thread::scope(|scope| {
        // A system that gives no thread leaves the work to this one.
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, helper).ok();
        let started: Vec<_> = (0..helpers).map_while(start).collect();
        arrivals.iter().take(started.len()).for_each(|()| ());
        let other = meanwhile();
        help();
        started.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        other
    });
    (answers.into_iter().filter_map(OnceLock::into_inner).flatten().collect(), other)
}

/// The core that a thread runs on, for threads that it starts to leave.
///
/// A new thread may wait for its turn on the core of its parent for milliseconds, though another core is idle (Linux 6.18 on a
/// virtual machine of 2 cores): longer than work of a few milliseconds takes.
struct Core {
    #[cfg(target_os = "linux")]
    number: usize,
}

impl Core {
    fn current() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            number: rustix::thread::sched_getcpu(),
        }
    }

    /// Moves the thread that calls to another core, if it may run on any.
    fn leave(&self) {
        #[cfg(target_os = "linux")]
        if let Ok(mut cores) = rustix::thread::sched_getaffinity(None)
            && self.number < rustix::thread::CpuSet::MAX_CPU
        {
            cores.unset(self.number);
            // A set without a core is refused, which changes nothing.
            let _ = rustix::thread::sched_setaffinity(None, &cores);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn work_without_a_number_of_threads_shares_the_pool_of_the_process() {
        let one = || std::thread::current().id();
        let ids = |pool: Pool| pool.install(|| rayon::broadcast(|_| one()));
        let first = ids(Pool::new(None).unwrap());
        assert_eq!(first, ids(Pool::new(None).unwrap()));
        let own = ids(Pool::apart(Some(2)).unwrap());
        assert_eq!(own.len(), 2);
        assert!(own.iter().all(|thread| !first.contains(thread)));
    }

    #[test]
    fn answers_stand_in_the_order_of_the_places_whoever_gave_them() {
        for count in [0, 1, SHARE, SHARE + 1, 50 * SHARE + 7] {
            let places: Vec<u64> = (0..count as u64).map(|place| place * 3).collect();
            let here = std::thread::current().id();
            let (answers, other) = beside(&places, None, |place| place + 1, || std::thread::current().id());
            assert_eq!(answers, places.iter().map(|place| place + 1).collect::<Vec<_>>());
            assert_eq!(other, here);
        }
    }

    #[test]
    #[should_panic(expected = "place 70")]
    fn a_panic_of_another_thread_is_told() {
        let places: Vec<u64> = (0..10_000).collect();
        beside(&places, Some(3), |place| assert_ne!(*place, 70, "place {place}"), || ());
    }
}
