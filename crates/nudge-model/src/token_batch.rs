//! Rows of tokens as a decoder reads them: one sequence a row, or several packed into one.
//!
//! Deliberately absent: which sequences share a row, and what the loss counts. Both are the caller's.

use crate::DecoderConfig;
use crate::config::LayerAttention;
use crate::rotary::Rotary;
use crate::shared_tokens::SharedTokens;
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
    /// Where fewer tokens than those of the rows are computed.
    pub(crate) shared: Option<SharedTokens>,
    /// Position of each computed token in its sequence; only models that learnt positions want them on a device.
    positions: Vec<u32>,
    layers: Vec<LayerAttention>,
    /// By what the attention of a layer sees.
    visible: Vec<(Option<usize>, Visibility)>,
    /// Cosines and sines of the computed tokens by how a layer turns, `[batch, time, head_dim / 2]`, or `[1, distinct,
    /// head_dim / 2]`.
    turned: Vec<(Rotary, [Tensor<3>; 2])>,
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
        let shared = SharedTokens::of_rows(tokens, segments, [batch, time], device);
        Self::laid_out(tokens, segments, [batch, time], shared, config, device)
    }

    /// The same with these tokens shared.
    pub(crate) fn laid_out(
        tokens: &[u32],
        segments: &[u32],
        [batch, time]: [usize; 2],
        shared: Option<SharedTokens>,
        config: &DecoderConfig,
        device: &Device,
    ) -> Self {
        let places = segments.chunks(time.max(1)).flat_map(sequence_places);
        let (first, positions): (Vec<u32>, Vec<usize>) = places.unzip();
        let rows = |values: &[u32]| int_rows(values, [batch, time], device);
        let mut layers = config.layers();
        // A window as wide as the rows is none.
        layers.iter_mut().for_each(|layer| layer.window = layer.window.filter(|window| *window < time));
        let visible = different(layers.iter().map(|layer| layer.window));
        let visible = visible.map(|window| (window, rows(&within(&first, time, window)).into())).collect();
        let (positions, computed) = match &shared {
            Some(shared) => (shared.choose(&positions), [1, shared.first.len()]),
            None => (positions, [batch, time]),
        };
        let table = |rotary: Rotary| (rotary, rotary.tables(&positions, computed, config.head_dim, device));
        let turned = different(layers.iter().filter_map(|layer| layer.rotary)).map(table).collect();
        let positions = positions.iter().map(|&position| position as u32).collect();
        Self { tokens: rows(tokens), shared, positions, layers, visible, turned }
    }

    /// How many tokens a decoder computes, `[batch, time]`, or `[1, distinct]`.
    pub(crate) fn computed(&self) -> [usize; 2] {
        self.shared.as_ref().map_or(self.tokens.dims(), |shared| [1, shared.first.len()])
    }

    /// The tokens that a decoder computes, of the shape of [`TokenBatch::computed`].
    pub(crate) fn computed_tokens(&self) -> Tensor<2, Int> {
        match &self.shared {
            Some(shared) => shared.gather_tokens(self.tokens.clone()),
            None => self.tokens.clone(),
        }
    }

    /// Their positions in their sequences.
    pub(crate) fn positions(&self) -> Tensor<2, Int> {
        int_rows(&self.positions, self.computed(), &self.tokens.device())
    }

    /// What the queries of a layer see.
    pub(crate) fn visibility(&self, layer: usize) -> Visibility {
        let window = self.layers[layer].window;
        let found = self.visible.iter().find(|(other, _)| *other == window);
        found.map_or_else(|| panic!("layer {layer} is not of this batch's model"), |(_, visible)| visible.clone())
    }

    /// Cosines and sines of a layer that turns queries and keys.
    pub(crate) fn turn(&self, layer: usize) -> Option<[Tensor<3>; 2]> {
        let rotary = self.layers[layer].rotary;
        self.turned.iter().find(|(other, _)| Some(*other) == rotary).map(|(_, tables)| tables.clone())
    }
}

/// The different ones of some values, in their order.
fn different<T: PartialEq>(values: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept.into_iter()
}

/// The first column that each token sees, where it sees the last `window` alone, its own among them.
fn within(first: &[u32], time: usize, window: Option<usize>) -> Vec<u32> {
    let Some(window) = window else { return first.to_vec() };
    let begin = |place: usize| (place % time + 1).saturating_sub(window) as u32;
    first.iter().enumerate().map(|(place, &first)| first.max(begin(place))).collect()
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

fn int_rows(tokens: &[u32], shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
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
    fn a_window_begins_at_the_sequence_or_behind_it_and_padding_stays_unseen() {
        let first = [4, 1, 1, 1, 0, 0, 2, 2];
        assert_eq!(within(&first, 4, Some(2)), [4, 1, 1, 2, 0, 0, 2, 2]);
        assert_eq!(within(&first, 4, None), first);
    }

    #[test]
    #[should_panic(expected = "row 1 has padding between its tokens")]
    fn a_row_of_one_sequence_has_no_hole() {
        let mask = [true, true, false, true, false, true];
        TokenBatch::new(&[1; 6], &mask, 2, 3, &DecoderConfig::test(5), &Device::flex());
    }
}
