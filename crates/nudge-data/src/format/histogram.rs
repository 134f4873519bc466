//! How long things are: counts by powers of two, in constant memory.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One for 0, and one for each number of binary digits.
const BUCKETS: usize = 65;

/// Counts of numbers by size. The median is interpolated within its bucket; everything else is exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    count: u64,
    longest: u64,
}

/// The numbers from `from` to `to`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The least.
    pub from: u64,
    /// The greatest.
    pub to: u64,
    /// How many there were.
    pub count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], count: 0, longest: 0 }
    }
}

impl Histogram {
    /// Counts a number.
    pub fn add(&mut self, number: u64) {
        self.counts[(u64::BITS - number.leading_zeros()) as usize] += 1;
        self.count += 1;
        self.longest = self.longest.max(number);
    }

    /// How many numbers there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The greatest of them.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// About the median: exact to the bucket, spread evenly within it. 0 of none.
    pub fn median(&self) -> u64 {
        let mut before = 0;
        let middle = self.count.saturating_sub(1) / 2;
        for Bucket { from, to, count } in self.buckets() {
            if middle < before + count {
                let to = to.min(self.longest);
                let share = ((middle - before) as f64 + 0.5) / count as f64;
                return from + ((to - from) as f64 * share).round() as u64;
            }
            before += count;
        }
        0
    }

    /// The buckets from the first to the last that holds something.
    pub fn buckets(&self) -> Vec<Bucket> {
        let first = self.counts.iter().position(|&count| count > 0);
        let last = self.counts.iter().rposition(|&count| count > 0);
        let Some((first, last)) = first.zip(last) else { return Vec::new() };
        let bucket = |digits: usize| match digits {
            0 => Bucket { from: 0, to: 0, count: self.counts[0] },
            _ => Bucket { from: 1 << (digits - 1), to: u64::MAX >> (64 - digits), count: self.counts[digits] },
        };
        (first..=last).map(bucket).collect()
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Histogram", 4)?;
        fields.serialize_field("count", &self.count)?;
        fields.serialize_field("median", &self.median())?;
        fields.serialize_field("longest", &self.longest)?;
        fields.serialize_field("buckets", &self.buckets())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        numbers.iter().for_each(|&number| histogram.add(number));
        histogram
    }

    #[test]
    fn buckets_are_powers_of_two() {
        let buckets = of(&[0, 1, 3, 2, 9, u64::MAX]).buckets();
        let at = |from| *buckets.iter().find(|bucket| bucket.from == from).expect("is there");
        assert_eq!(at(0), Bucket { from: 0, to: 0, count: 1 });
        assert_eq!(at(2), Bucket { from: 2, to: 3, count: 2 });
        assert_eq!(at(4), Bucket { from: 4, to: 7, count: 0 });
        assert_eq!(at(8), Bucket { from: 8, to: 15, count: 1 });
        assert_eq!(at(1 << 63), Bucket { from: 1 << 63, to: u64::MAX, count: 1 });
        assert!(of(&[]).buckets().is_empty());
    }

    #[test]
    fn the_median_lies_in_the_middle_bucket() {
        assert_eq!(of(&[]).median(), 0);
        assert_eq!(of(&[7]).median(), 6, "the middle of 4 to 7");
        assert_eq!(of(&[1, 1, 100]).median(), 1);
        assert_eq!(of(&[1, 100, 100]).median(), 64 + 36 / 4);
        assert_eq!(of(&(0..1000).collect::<Vec<_>>()).median(), 499);
    }
}
