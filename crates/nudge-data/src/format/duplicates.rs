//! Counts repeats of anything in bounded memory.
//!
//! Up to a limit every hash is remembered and the count is exact (save for chance collisions of 64 bits). Beyond it
//! only hashes that end in a growing number of zero bits are remembered, a fair sample of the different things, and the
//! count is an estimate with its error (Wegman's adaptive sampling, analysed by Flajolet 1990).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use serde::Serialize;

/// How many of a number of things were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// Things that were there before; about, if not `exact`.
    pub count: u64,
    /// True if nothing was estimated.
    pub exact: bool,
    /// Two standard deviations of the estimate; 0 if exact.
    pub error: u64,
}

/// Remembers what was there.
#[derive(Debug)]
pub(super) struct Seen {
    hashes: HashSet<u64, BuildHasherDefault<AsIs>>,
    limit: usize,
    /// Only hashes with this many zero bits at the end are remembered.
    zeros: u32,
    added: u64,
}

impl Seen {
    /// Remembers up to `limit` things exactly; the table takes 9 bytes for each, rounded up to the next power of two.
    pub(super) fn new(limit: usize) -> Self {
        Self { hashes: HashSet::default(), limit, zeros: 0, added: 0 }
    }

    pub(super) fn add(&mut self, thing: &(impl Hash + ?Sized)) {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        self.add_hash(hasher.finish());
    }

    fn add_hash(&mut self, hash: u64) {
        self.added += 1;
        if hash.trailing_zeros() < self.zeros || !self.hashes.insert(hash) {
            return;
        }
        while self.hashes.len() > self.limit {
            self.zeros += 1;
            let kept: Vec<u64> = self.hashes.iter().copied().filter(|h| h.trailing_zeros() >= self.zeros).collect();
            // Cleared and filled again, because a table full of removed entries would grow.
            self.hashes.clear();
            self.hashes.extend(kept);
        }
    }

    /// About how many different things there were.
    pub(super) fn different(&self) -> u64 {
        ((self.hashes.len() as u64) << self.zeros).min(self.added)
    }

    pub(super) fn repeats(&self) -> Repeats {
        // Each different thing is in the sample with chance 2^-zeros, independently.
        let variance = self.different() as f64 * ((1u64 << self.zeros) - 1) as f64;
        Repeats {
            count: self.added - self.different(),
            exact: self.zeros == 0,
            error: (2.0 * variance.sqrt()).ceil() as u64,
        }
    }
}

/// The hash of a hash is itself.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        // The sample's hashes end in zeros, and the table looks at the last bits.
        self.0 = hash.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(limit: usize, things: impl Iterator<Item = u64>) -> Seen {
        let mut seen = Seen::new(limit);
        things.for_each(|thing| seen.add(&thing));
        seen
    }

    #[test]
    fn few_things_are_counted_exactly() {
        let seen = seen(1000, (0..1000).chain(0..300));
        assert_eq!(seen.different(), 1000);
        assert_eq!(seen.repeats(), Repeats { count: 300, exact: true, error: 0 });
    }

    #[test]
    fn many_things_are_estimated_within_the_error() {
        let seen = seen(1000, (0..100_000).chain(0..30_000));
        let repeats = seen.repeats();
        assert!(!repeats.exact && repeats.error > 0);
        assert!(repeats.count.abs_diff(30_000) <= 2 * repeats.error, "{repeats:?}");
        assert!(seen.hashes.len() <= 1000);
        assert!(seen.hashes.capacity() < 4 * 1000);
    }

    #[test]
    fn one_thing_over_and_over_is_no_estimate() {
        let seen = seen(10, std::iter::repeat_n(5, 1000));
        assert_eq!(seen.repeats(), Repeats { count: 999, exact: true, error: 0 });
    }
}
