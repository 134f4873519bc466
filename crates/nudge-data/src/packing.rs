//! Which examples share a row: packing several into one, or batching those of similar length.
//!
//! A padded batch of ragged examples spends most of its work on padding. Packing lays whole examples end to end in
//! rows of one capacity; positions start again at each of them and a segment id tells whose token is whose, so that
//! attention can stop at the boundary. Batches of similar length keep one example a row and merely pad less.
//!
//! It lacks tensors, masks and padding ids: those are the trainer's. No example is ever cut.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::rng::Rng;

/// One example's place in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Index of the example.
    pub example: usize,
    /// Its columns in the row.
    pub columns: Range<usize>,
}

/// Examples laid end to end in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedRow {
    /// The examples, from the first column on, without gaps.
    pub segments: Vec<Segment>,
}

/// Best-fit decreasing packing: the examples of each row, by index, longest first.
///
/// `lengths` counts tokens. Examples are taken from the longest to the shortest, equal ones in their order, and each
/// goes into the row that it leaves the least room in, the earliest among equals, or else into a new row. The rows
/// number at most 11/9 of the fewest possible plus a constant (Johnson 1973); it takes O(n log n) steps. TRL calls
/// the strategy `bfd`. The same lengths give the same rows.
///
/// # Panics
///
/// If an example is longer than `capacity`: what does not fit is left out or cut before.
pub fn pack(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&example| std::cmp::Reverse(lengths[example]));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    // (room left, row), so that the first at or after (length, 0) is the best fit.
    let mut rooms: BTreeSet<(usize, usize)> = BTreeSet::new();
    for example in order {
        let length = lengths[example];
        assert!(length <= capacity, "example {example} has {length} tokens and a row holds {capacity}");
        let fit = rooms.range((length, 0)..).next().copied();
        let (room, row) = fit.unwrap_or((capacity, rows.len()));
        if fit.is_some() {
            rooms.remove(&(room, row));
        } else {
            rows.push(Vec::new());
        }
        rows[row].push(example);
        rooms.insert((room - length, row));
    }
    rows
}

/// The rows of [`pack`] with each example's columns.
///
/// # Panics
///
/// As [`pack`].
pub fn packed_rows(lengths: &[usize], capacity: usize) -> Vec<PackedRow> {
    pack(lengths, capacity).into_iter().map(|examples| PackedRow::new(&examples, lengths)).collect()
}

impl PackedRow {
    /// `examples` end to end, each `lengths[example]` columns wide.
    pub fn new(examples: &[usize], lengths: &[usize]) -> Self {
        let mut end = 0;
        let segments = examples.iter().map(|&example| {
            let start = end;
            end += lengths[example];
            Segment { example, columns: start..end }
        });
        Self { segments: segments.collect() }
    }

    /// Columns in use.
    pub fn width(&self) -> usize {
        self.segments.last().map_or(0, |segment| segment.columns.end)
    }

    /// Each token's position within its own example, from 0. // [width]
    pub fn positions(&self) -> Vec<u32> {
        self.segments.iter().flat_map(|segment| 0..segment.columns.len() as u32).collect()
    }

    /// What the examples hold token by token (ids, a loss mask), laid out as the row is. // [width]
    ///
    /// # Panics
    ///
    /// If an example does not have the length that the row was made with.
    pub fn lay_out<T: Copy>(&self, examples: &[Vec<T>]) -> Vec<T> {
        let mut row = Vec::with_capacity(self.width());
        for Segment { example, columns } in &self.segments {
            let tokens = &examples[*example];
            assert_eq!(tokens.len(), columns.len(), "example {example} has not the length that it was packed with");
            row.extend_from_slice(tokens);
        }
        row
    }
}

/// An epoch's batches of `batch_size` examples of similar length, by index; the last examples may make a smaller one.
///
/// Examples of one length meet in different batches in each epoch, and the batches come in an order drawn by `seed`
/// and `epoch`: longest first or last would be a curriculum that nobody asked for.
///
/// # Panics
///
/// If `batch_size` is zero.
pub fn length_grouped(lengths: &[usize], batch_size: usize, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
    assert!(batch_size > 0, "a batch holds at least one example");
    let mut rng = Rng::with_stream(seed, epoch);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    rng.shuffle(&mut order);
    order.sort_by_key(|&example| lengths[example]);
    let mut batches: Vec<Vec<usize>> = order.chunks(batch_size).map(<[usize]>::to_vec).collect();
    rng.shuffle(&mut batches);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_example_goes_where_it_leaves_the_least_room() {
        // 7 and 6 open rows, 4 fills the second, 3 fills the first, and 2 opens a third.
        assert_eq!(pack(&[2, 3, 4, 6, 7], 10), [vec![4, 1], vec![3, 2], vec![0]]);
        // 50, 45 and 42 leave 30, 35 and 38: the 38 fills the third, the 29 leaves 1 in the first, which the 1 fills.
        assert_eq!(pack(&[50, 45, 42, 38, 29, 1], 80), [vec![0, 4, 5], vec![1], vec![2, 3]]);
        // Two rows of equal room: the earlier one.
        assert_eq!(pack(&[6, 6, 4], 10), [vec![0, 2], vec![1]]);
        assert!(pack(&[], 10).is_empty());
    }

    #[test]
    fn a_tighter_row_that_was_opened_later_is_preferred() {
        // 6, 5 and 5: the fives share a row. Then 4 leaves 10 - 6 - 4 = 0, 3 opens a row (room 7), 3 joins it.
        assert_eq!(pack(&[6, 5, 5, 4, 3, 3], 10), [vec![0, 3], vec![1, 2], vec![4, 5]]);
        // 60 and 50 leave 40 and 50; 45 goes to the second and leaves 5, and the 5 goes there, not to the first.
        assert_eq!(pack(&[60, 50, 45, 5], 100), [vec![0], vec![1, 2, 3]]);
    }

    #[test]
    #[should_panic(expected = "example 1 has 11 tokens and a row holds 10")]
    fn an_example_that_fits_no_row_is_a_mistake() {
        pack(&[3, 11], 10);
    }

    #[test]
    fn positions_start_again_with_each_segment() {
        let rows = packed_rows(&[2, 3, 4], 6);
        assert_eq!(rows.len(), 2);
        let row = &rows[0];
        assert_eq!(row.segments, [Segment { example: 2, columns: 0..4 }, Segment { example: 0, columns: 4..6 }]);
        assert_eq!(row.positions(), [0, 1, 2, 3, 0, 1]);
        assert_eq!(
            row.lay_out(&[vec!['a', 'b'], vec!['x'; 3], vec!['c', 'd', 'e', 'f']]),
            ['c', 'd', 'e', 'f', 'a', 'b']
        );
        assert_eq!((row.width(), rows[1].width()), (6, 3));
    }

    #[test]
    fn grouped_batches_hold_neighbours_in_length() {
        let lengths = [9, 1, 8, 2, 7, 3, 2];
        let mut batches = length_grouped(&lengths, 3, 5, 0);
        assert_eq!(batches, length_grouped(&lengths, 3, 5, 0));
        let orders: BTreeSet<_> = (0..20).map(|epoch| length_grouped(&lengths, 3, 5, epoch)).collect();
        // Three batches have six orders, and examples 3 and 6 change places.
        assert!(orders.len() > 6, "{}", orders.len());
        batches.sort_by_key(|batch| lengths[batch[0]]);
        let grouped: Vec<Vec<usize>> =
            batches.iter().map(|batch| batch.iter().map(|&i| lengths[i]).collect()).collect();
        assert_eq!(grouped, [vec![1, 2, 2], vec![3, 7, 8], vec![9]]);
    }

    proptest! {
        #[test]
        fn rows_hold_every_example_once_and_never_too_much(
            lengths in prop::collection::vec(0usize..=60, 0..200),
            capacity in 60usize..200,
        ) {
            let rows = pack(&lengths, capacity);
            let width = |row: &[usize]| row.iter().map(|&example| lengths[example]).sum::<usize>();
            let mut seen: Vec<usize> = rows.iter().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            prop_assert!(rows.iter().all(|row| width(row) <= capacity));
            let total: usize = lengths.iter().sum();
            prop_assert!(rows.len() >= total.div_ceil(capacity));
            // Any-fit packing leaves no two rows half empty.
            prop_assert!(rows.len() <= (2 * total).div_ceil(capacity) + 1);
            // No example of a row would have fitted into an earlier one when it opened its own.
            for (later, row) in rows.iter().enumerate() {
                for earlier in &rows[..later] {
                    prop_assert!(width(earlier) + lengths[row[0]] > capacity);
                }
            }
        }

        #[test]
        fn rows_are_those_of_the_definition(
            lengths in prop::collection::vec(0usize..=60, 0..80),
            capacity in 60usize..200,
        ) {
            // Best fit by looking at every row.
            let mut order: Vec<usize> = (0..lengths.len()).collect();
            order.sort_by_key(|&i| (std::cmp::Reverse(lengths[i]), i));
            let mut rows: Vec<(usize, Vec<usize>)> = Vec::new();
            for example in order {
                let length = lengths[example];
                match rows.iter_mut().filter(|row| row.0 >= length).min_by_key(|row| row.0) {
                    Some(row) => {
                        row.0 -= length;
                        row.1.push(example);
                    }
                    None => rows.push((capacity - length, vec![example])),
                }
            }
            prop_assert_eq!(pack(&lengths, capacity), rows.into_iter().map(|row| row.1).collect::<Vec<_>>());
        }

        #[test]
        fn grouped_batches_hold_every_example_once(
            lengths in prop::collection::vec(0usize..30, 0..100), batch_size in 1usize..9, seed: u64, epoch in 0u64..5,
        ) {
            let batches = length_grouped(&lengths, batch_size, seed, epoch);
            let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            prop_assert_eq!(batches.len(), lengths.len().div_ceil(batch_size));
            // Ranges of lengths of two batches do not overlap by more than a shared end.
            let mut ranges: Vec<(usize, usize)> = batches.iter().map(|batch| {
                let lengths = batch.iter().map(|&example| lengths[example]);
                (lengths.clone().min().expect("not empty"), lengths.max().expect("not empty"))
            }).collect();
            ranges.sort_unstable();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }
}
