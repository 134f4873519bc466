//! Ragged rows of token ids as one rectangle, with a mask that says which tokens are real.
//!
//! Plain vectors, no tensors. The caller chooses the width, because a new width costs a shader
//! compile: [`bucket`] keeps the number of widths small.

/// Rows of equal length, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaddedBatch {
    /// Token ids, `[batch, time]`; padding holds the pad id.
    pub tokens: Vec<u32>,
    /// True where the token is real, `[batch, time]`.
    pub mask: Vec<bool>,
    /// Number of rows.
    pub batch: usize,
    /// Length of each row.
    pub time: usize,
}

impl PaddedBatch {
    /// Pads on the left, so that all rows end together: for prompts that generation continues.
    ///
    /// # Panics
    ///
    /// If a row is longer than `time`.
    pub fn left(rows: &[Vec<u32>], pad: u32, time: usize) -> Self {
        Self::pad_rows(rows, pad, time, |row| time - row.len())
    }

    /// Pads on the right, so that all rows start together: for training.
    ///
    /// # Panics
    ///
    /// If a row is longer than `time`.
    pub fn right(rows: &[Vec<u32>], pad: u32, time: usize) -> Self {
        Self::pad_rows(rows, pad, time, |_| 0)
    }

    fn pad_rows(rows: &[Vec<u32>], pad: u32, time: usize, start: impl Fn(&[u32]) -> usize) -> Self {
        let mut tokens = vec![pad; rows.len() * time];
        let mut mask = vec![false; rows.len() * time];
        for (index, row) in rows.iter().enumerate() {
            assert!(
                row.len() <= time,
                "row {index} has {} tokens but the batch is [{}, {time}]",
                row.len(),
                rows.len(),
            );
            let from = index * time + start(row);
            tokens[from..from + row.len()].copy_from_slice(row);
            mask[from..from + row.len()].fill(true);
        }
        Self { tokens, mask, batch: rows.len(), time }
    }

    /// The real tokens of one row, in order.
    ///
    /// # Panics
    ///
    /// If `row` is not below [`PaddedBatch::batch`].
    pub fn row(&self, row: usize) -> Vec<u32> {
        let span = row * self.time..(row + 1) * self.time;
        let real = self.mask[span.clone()].iter();
        self.tokens[span].iter().zip(real).filter_map(|(&token, &real)| real.then_some(token)).collect()
    }
}

/// `len` rounded up to a multiple of `step`, and at least one `step`: a batch of width zero has no
/// use.
///
/// # Panics
///
/// If `step` is zero.
pub fn bucket(len: usize, step: usize) -> usize {
    assert!(step > 0, "bucket needs a step > 0");
    len.max(1).next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn left_and_right_differ_in_the_side_alone() {
        let rows = [vec![5, 6], vec![7]];
        let left = PaddedBatch::left(&rows, 0, 3);
        assert_eq!(left.tokens, [0, 5, 6, 0, 0, 7]);
        assert_eq!(left.mask, [false, true, true, false, false, true]);
        let right = PaddedBatch::right(&rows, 0, 3);
        assert_eq!(right.tokens, [5, 6, 0, 7, 0, 0]);
        assert_eq!(right.mask, [true, true, false, true, false, false]);
        assert_eq!((right.batch, right.time), (2, 3));
    }

    #[test]
    #[should_panic(expected = "row 1 has 3 tokens but the batch is [2, 2]")]
    fn a_row_that_does_not_fit_is_a_mistake() {
        PaddedBatch::right(&[vec![1], vec![1, 2, 3]], 0, 2);
    }

    #[test]
    fn buckets_round_up() {
        assert_eq!([0, 1, 16, 17].map(|len| bucket(len, 16)), [16, 16, 16, 32]);
    }

    proptest! {
        #[test]
        fn rows_come_back(
            rows in prop::collection::vec(prop::collection::vec(0u32..9, 0..12), 0..6),
            step in 1usize..8,
        ) {
            let time = bucket(rows.iter().map(Vec::len).max().unwrap_or(0), step);
            // The pad id also occurs as a real token: the mask decides, not the id.
            for batch in [PaddedBatch::left(&rows, 0, time), PaddedBatch::right(&rows, 0, time)] {
                prop_assert_eq!(batch.tokens.len(), rows.len() * time);
                for (index, row) in rows.iter().enumerate() {
                    prop_assert_eq!(&batch.row(index), row);
                }
            }
        }
    }
}
