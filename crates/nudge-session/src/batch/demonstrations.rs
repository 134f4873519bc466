//! Which demonstrations each step of instruction tuning takes, and how they lie in its rows.
//!
//! Packing changes the rows and nothing else: a step takes the same demonstrations, its loss is the mean over the same
//! tokens, and each demonstration is read as if it were alone. A demonstration is never cut.

use crate::batch::epoch_places;
use crate::options::{Batching, SftOptions};
use crate::passes::Pass;
use crate::room::PADDED_STEP;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use nudge_data::{EncodedDemonstration, bucket, length_grouped, pack};
use nudge_model::{Decoder, DecoderConfig, TokenBatch};
use nudge_rlhf::sft_loss;

/// Widths of packed rows are multiples of this. A GPU prepares kernels for a new shape: with multiples of 32 a run over
/// short demonstrations meets about 14 widths, with these 7, nearly as few as padded rows have, and about three more
/// columns of padding in a hundred.
const PACKED_STEP: usize = 64;

/// The places behind which logits exist are a multiple of this many, for the same reason.
const COUNTED_STEP: usize = 64;

/// Which demonstrations each step takes. Stateless: a resumed run needs only its step.
pub(crate) struct Steps {
    lengths: Vec<usize>,
    batch_size: usize,
    seed: u64,
    grouped: bool,
}

impl Steps {
    /// The steps over `train`, of so many demonstrations each.
    pub fn new(train: &[EncodedDemonstration], batch_size: usize, options: &SftOptions) -> Self {
        Self {
            lengths: train.iter().map(|demonstration| demonstration.tokens.len()).collect(),
            batch_size,
            seed: options.seed,
            grouped: options.batching == Batching::LengthGrouped,
        }
    }

    /// Demonstrations of a step.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// What a pass counts: demonstrations, or batches of similar length, which never reach over its end.
    pub fn pass(&self) -> Pass {
        let demonstrations = self.lengths.len();
        match self.grouped {
            true => Pass { items: demonstrations.div_ceil(self.batch_size), batch: 1 },
            false => Pass { items: demonstrations, batch: self.batch_size },
        }
    }

    /// Places of the demonstrations of the batch that `before` others went before.
    pub fn demonstrations(&self, before: usize) -> Vec<usize> {
        if !self.grouped {
            return epoch_places(self.lengths.len(), before * self.batch_size, self.batch_size, self.seed);
        }
        let batches = self.pass().items;
        let epoch = (before / batches) as u64;
        length_grouped(&self.lengths, self.batch_size, self.seed, epoch).swap_remove(before % batches)
    }
}

/// Prompts with completions as tensors.
pub(crate) struct DemonstrationBatch {
    rows: TokenBatch,
    /// The places before the tokens of the completions: no logits exist behind others. `[counted]`.
    counted: Tensor<1, Int>,
    /// By target, the number of its place in `counted` from 1; 0 where it does not count. `[batch * (time - 1)]`.
    numbers: Tensor<1, Int>,
    /// Tokens of the completions by target, `[batch, time - 1]`.
    pub loss_mask: Tensor<2, Bool>,
    /// Real tokens in it.
    pub tokens: usize,
    /// Tokens over which the loss is the mean: those of the completions.
    pub targets: usize,
}

impl DemonstrationBatch {
    /// One a row in their order, padded on the right.
    pub fn padded(rows: &[&EncodedDemonstration], pad: u32, config: &DecoderConfig, device: &Device) -> Self {
        let longest = rows.iter().map(|row| row.tokens.len()).max().unwrap_or(2);
        let mut layout = Layout::new(bucket(longest, PADDED_STEP), pad);
        for row in rows {
            layout.add_row(&[row]);
        }
        layout.on_device(config, device)
    }

    /// As few rows as they fit in, of the width that leaves the least padding; in any order.
    pub fn packed(demonstrations: &[&EncodedDemonstration], pad: u32, config: &DecoderConfig, device: &Device) -> Self {
        let lengths: Vec<usize> = demonstrations.iter().map(|demonstration| demonstration.tokens.len()).collect();
        let width = packed_width(&lengths, config.max_position_embeddings);
        let mut layout = Layout::new(width, pad);
        for row in pack(&lengths, width) {
            let row: Vec<_> = row.into_iter().map(|place| demonstrations[place]).collect();
            layout.add_row(&row);
        }
        layout.on_device(config, device)
    }

    /// Cross-entropy, averaged over the tokens of all completions.
    pub fn loss(&self, model: &Decoder) -> Tensor<1> {
        sft_loss(self.token_logprobs(model), self.loss_mask.clone())
    }

    /// Log-probability of each next token, in nats, `[batch, time - 1]`; 0 where `loss_mask` is false.
    pub fn token_logprobs(&self, model: &Decoder) -> Tensor<2> {
        let logprobs = model.next_token_logprobs_at(&self.rows, self.counted.clone());
        let nothing = Tensor::zeros([1], &logprobs.device());
        Tensor::cat(vec![nothing, logprobs], 0).select(0, self.numbers.clone()).reshape(self.loss_mask.dims())
    }
}

/// The width that holds `lengths` in the fewest columns of all rows together, the narrowest of several: narrow rows
/// are more, and threads share the rows. A row may be wider than `context`, since positions start again in it.
fn packed_width(lengths: &[usize], context: usize) -> usize {
    let narrowest = bucket(lengths.iter().copied().max().unwrap_or(2), PACKED_STEP);
    let widths = (narrowest..=narrowest.max(context)).step_by(PACKED_STEP);
    widths.min_by_key(|width| pack(lengths, *width).len() * width).unwrap_or(narrowest)
}

/// Rows of demonstrations on the host.
struct Layout {
    time: usize,
    pad: u32,
    tokens: Vec<u32>,     // [batch, time]
    segments: Vec<u32>,   // [batch, time], from 1 in each row; 0 is padding
    loss_mask: Vec<bool>, // [batch, time - 1], by target
    real: usize,
}

impl Layout {
    fn new(time: usize, pad: u32) -> Self {
        Self { time, pad, tokens: vec![], segments: vec![], loss_mask: vec![], real: 0 }
    }

    /// One demonstration behind the other, then padding. The first token of each is no target: the token before it
    /// belongs to another or there is none.
    fn add_row(&mut self, demonstrations: &[&EncodedDemonstration]) {
        let (mut row, mut segments, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (number, demonstration) in (1..).zip(demonstrations) {
            row.extend_from_slice(&demonstration.tokens);
            segments.resize(row.len(), number);
            counts.extend(demonstration.loss_mask.iter().enumerate().map(|(at, &counts)| at > 0 && counts));
        }
        self.real += row.len();
        assert!(row.len() <= self.time, "a row of {} tokens in a batch of width {}", row.len(), self.time);
        row.resize(self.time, self.pad);
        segments.resize(self.time, 0);
        counts.resize(self.time, false);
        self.tokens.extend(row);
        self.segments.extend(segments);
        self.loss_mask.extend_from_slice(&counts[1..]);
    }

    /// The places before the targets that count, as many as [`COUNTED_STEP`] says, and the number of each target's.
    fn counted(&self) -> (Vec<i32>, Vec<i32>) {
        let (mut counted, mut numbers) = (Vec::new(), Vec::with_capacity(self.loss_mask.len()));
        for (target, counts) in self.loss_mask.iter().enumerate() {
            if *counts {
                // A row has one target less than places.
                counted.push((target + target / (self.time - 1)) as i32);
            }
            numbers.push(if *counts { counted.len() as i32 } else { 0 });
        }
        counted.resize(counted.len().max(1).next_multiple_of(COUNTED_STEP), 0);
        (counted, numbers)
    }

    fn on_device(self, config: &DecoderConfig, device: &Device) -> DemonstrationBatch {
        let (batch, time) = (self.tokens.len() / self.time, self.time);
        let (counted, numbers) = self.counted();
        DemonstrationBatch {
            counted: Tensor::from_data(counted.as_slice(), device),
            numbers: Tensor::from_data(numbers.as_slice(), device),
            rows: TokenBatch::packed(&self.tokens, &self.segments, batch, time, config, device),
            targets: self.loss_mask.iter().filter(|counts| **counts).count(),
            loss_mask: Tensor::from_data(TensorData::new(self.loss_mask, [batch, time - 1]), device),
            tokens: self.real,
        }
    }
}

#[cfg(test)]
mod tests;
