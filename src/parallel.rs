//! Independent work on all cores (feature `parallel`), or in order on one.

/// Applies `work` to each item; returns the results in the order of the items, and the states. Each thread makes a state
/// with `init`.
#[cfg(feature = "parallel")]
pub fn map<T: Sync, S: Send, R: Send>(
    items: &[T],
    init: impl Fn() -> S + Sync,
    work: impl Fn(&S, &T) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};

    use crate::stack::deep;

    let threads = rayon::current_num_threads().min(items.len());
    if threads <= 1 {
        return in_order(items, init, work);
    }
    let next = AtomicUsize::new(0);
    let (all, states) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let one_thread = || {
        let state = init();
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            results.push((at, work(&state, item)));
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(&mut results);
        let mut states = states.lock().unwrap_or_else(PoisonError::into_inner);
        states.push(state);
    };
    rayon::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| deep(one_thread));
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_unstable_by_key(|(at, _)| *at);
    let results = all.into_iter().map(|(_, result)| result);
    let states = states.into_inner().unwrap_or_else(PoisonError::into_inner);
    (results.collect(), states)
}

#[cfg(not(feature = "parallel"))]
pub fn map<T, S, R>(
    items: &[T],
    init: impl Fn() -> S,
    work: impl Fn(&S, &T) -> R,
) -> (Vec<R>, Vec<S>) {
    in_order(items, init, work)
}

fn in_order<T, S, R>(
    items: &[T],
    init: impl Fn() -> S,
    work: impl Fn(&S, &T) -> R,
) -> (Vec<R>, Vec<S>) {
    let state = init();
    let results = items.iter().map(|item| work(&state, item)).collect();
    (results, vec![state])
}
