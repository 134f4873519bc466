//! Rows of tokens as a decoder reads them: one sequence a row, or several packed into one.
//!
//! Deliberately absent: which sequences share a row, and what the loss counts. Both are the caller's.

use crate::DecoderConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_kernels::Visibility;

/// Rows of tokens on a device, with what attention and rotary positions need.
///
/// A row holds one sequence, or several, one behind the other and blind to each other. The first token of each has
/// position 0, wherever it stands in the row.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// Token ids, `[batch, time]`.
    pub tokens: Tensor<2, Int>,
    pub(crate) visibility: Visibility,
    pub(crate) cos: Tensor<3>, // [batch, time, head_dim / 2]
    pub(crate) sin: Tensor<3>,
}

impl TokenBatch {
    /// Rows `[batch, time]` of one sequence each, row-major, as tensors on `device` (an autodiff device where they
    /// train). `mask` is true where a token is real; padding stands on either side.
    ///
    /// # Panics
    /// If the slices are not `batch * time` long or padding stands between real tokens.
    pub fn new(
        tokens: &[u32],
        mask: &[bool],
        batch: usize,
        time: usize,
        config: &DecoderConfig,
        device: &Device,
    ) -> Self {
        assert_eq!(mask.len(), batch * time, "mask is not [{batch}, {time}]");
        for (row, mask) in mask.chunks(time.max(1)).enumerate() {
            let sequences = mask.chunk_by(|a, b| a == b).filter(|run| run[0]).count();
            assert!(sequences <= 1, "row {row} has padding between its tokens: lay out sequences as packed segments");
        }
        let segments: Vec<u32> = mask.iter().map(|&real| real.into()).collect();
        Self::packed(tokens, &segments, batch, time, config, device)
    }

    /// Rows `[batch, time]` of any number of sequences. Neighbours with the same number in `segments` belong to one
    /// sequence, which sees itself alone; 0 is padding.
    ///
    /// # Panics
    /// If the slices are not `batch * time` long.
    pub fn packed(
        tokens: &[u32],
        segments: &[u32],
        batch: usize,
        time: usize,
        config: &DecoderConfig,
        device: &Device,
    ) -> Self {
        assert_eq!(tokens.len(), batch * time, "tokens are not [{batch}, {time}]");
        assert_eq!(segments.len(), batch * time, "segments are not [{batch}, {time}]");
        let places = segments.chunks(time.max(1)).flat_map(sequence_places);
        let (first, positions): (Vec<u32>, Vec<usize>) = places.unzip();
        let (cos, sin) = rotary_tables(&positions, config, device, [batch, time]);
        let rows = |values| int_rows(values, [batch, time], device);
        Self { tokens: rows(tokens), visibility: rows(&first).into(), cos, sin }
    }
}

/// Of each token of a row: the column where its sequence begins, and its position within it. Padding begins behind
/// the row, where no query sees it.
fn sequence_places(segments: &[u32]) -> Vec<(u32, usize)> {
    let mut places = Vec::with_capacity(segments.len());
    for run in segments.chunk_by(|a, b| a == b) {
        let start = if run[0] == 0 { segments.len() } else { places.len() };
        places.extend((0..run.len()).map(|position| (start as u32, position)));
    }
    places
}

pub(crate) fn int_rows(tokens: &[u32], shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Cosines and sines of the rotary angles of these positions, `[batch, time, head_dim / 2]`.
pub(crate) fn rotary_tables(
    positions: &[usize],
    config: &DecoderConfig,
    device: &Device,
    [batch, time]: [usize; 2],
) -> (Tensor<3>, Tensor<3>) {
    let angles: Vec<f32> = angles(positions.iter().copied(), config).collect();
    let table = |function: fn(f32) -> f32| {
        let values: Vec<f32> = angles.iter().copied().map(function).collect();
        Tensor::from_data(TensorData::new(values, [batch, time, config.head_dim / 2]), device)
    };
    (table(f32::cos), table(f32::sin))
}

/// Cosine and sine side by side of the positions from 0, `[length, head_dim / 2, 2]`.
pub(crate) fn angle_table(length: usize, config: &DecoderConfig, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = angles(0..length, config).flat_map(|angle| [angle.cos(), angle.sin()]).collect();
    Tensor::from_data(TensorData::new(values, [length, config.head_dim / 2, 2]), device)
}

/// The rotary angles `position * theta^(-2i / head_dim)` of each position.
fn angles(positions: impl Iterator<Item = usize>, config: &DecoderConfig) -> impl Iterator<Item = f32> {
    let frequencies: Vec<f32> =
        (0..config.head_dim / 2).map(|i| config.rope_theta.powf(-2.0 * i as f32 / config.head_dim as f32)).collect();
    positions
        .flat_map(move |position| frequencies.clone().into_iter().map(move |frequency| position as f32 * frequency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_begins_at_position_0_wherever_it_stands() {
        let places = sequence_places(&[0, 0, 7, 7, 7, 2, 0, 2, 2]);
        let (first, positions): (Vec<u32>, Vec<usize>) = places.into_iter().unzip();
        assert_eq!(first, [9, 9, 2, 2, 2, 5, 9, 7, 7]);
        assert_eq!(positions, [0, 1, 0, 1, 2, 0, 0, 0, 1]);
    }

    #[test]
    #[should_panic(expected = "row 1 has padding between its tokens")]
    fn a_row_of_one_sequence_has_no_hole() {
        let mask = [true, true, false, true, false, true];
        TokenBatch::new(&[1; 6], &mask, 2, 3, &DecoderConfig::test(5), &Device::flex());
    }
}
