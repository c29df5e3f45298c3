//! A value that every task can read, and wait for.
//!
//! Waiting tasks wake in the order in which they began to wait, so that the same pass always runs in the same order.

use std::pin::pin;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::lock::lock;

/// Such a value.
#[derive(Debug, Default)]
pub struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Watched<T> {
    /// A watched value that starts as `value`.
    pub fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Notify::new(),
        }
    }

    /// The current value.
    pub fn get(&self) -> T {
        *lock(&self.value)
    }

    /// Changes it, and wakes every waiting task.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut lock(&self.value));
        self.changed.notify_waiters();
    }

    /// Waits until `which` makes something of it.
    pub async fn wait_for<R>(&self, mut which: impl FnMut(T) -> Option<R>) -> R {
        let mut changed = pin!(self.changed.notified());
        loop {
            // Every change from here on wakes this task.
            changed.as_mut().enable();
            if let Some(made) = which(self.get()) {
                return made;
            }
            changed.as_mut().await;
            changed.set(self.changed.notified());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join;
    use futures_util::stream::{FuturesUnordered, StreamExt};

    #[tokio::test]
    async fn all_who_wait_wake_in_their_order() {
        let watched = Watched::new(0);
        let wait = async |number: usize| {
            watched.wait_for(|value| (value > 1).then_some(())).await;
            number
        };
        let waiting: FuturesUnordered<_> = (0..50).map(wait).collect();
        let change = async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
                watched.change(|value| *value += 1);
            }
        };
        let (woken, ()) = join(waiting.collect::<Vec<_>>(), change).await;
        assert_eq!(woken, (0..50).collect::<Vec<_>>());
        assert_eq!(wait(7).await, 7, "who comes late need not wait");
    }
}
