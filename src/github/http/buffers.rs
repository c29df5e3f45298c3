//! What bodies are read into, to be used again: allocators that give memory back to the system at once, as musl's does,
//! take longer for a page's than it takes to read the page.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most that are kept: more requests are hardly under way.
const KEPT: usize = 16;

/// The largest that is kept, in bytes, and most that is set aside on the word of a body that says how long it is.
const LARGEST: usize = 256 << 10;

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// An empty buffer for a body that says it is so long.
    pub(crate) fn take(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.spare().pop().unwrap_or_default();
        buffer.reserve(length.min(LARGEST));
        buffer
    }

    /// Takes one back.
    pub(crate) fn give(&self, mut buffer: Vec<u8>) {
        let mut spare = self.spare();
        if spare.len() < KEPT && (1..=LARGEST).contains(&buffer.capacity()) {
            buffer.clear();
            spare.push(buffer);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_unless_it_is_huge() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(1_000);
        buffer.extend_from_slice(b"secret");
        let place = buffer.as_ptr();
        buffers.give(buffer);
        let again = buffers.take(100);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(buffers.take(usize::MAX).capacity() <= LARGEST);
        buffers.give(Vec::with_capacity(LARGEST + 1));
        buffers.give(Vec::new());
        assert_eq!(buffers.spare().len(), 0);
        for _ in 0..20 {
            buffers.give(Vec::with_capacity(1));
        }
        assert_eq!(buffers.spare().len(), KEPT);
    }
}
