//! Some rows of a rollout as tensors; shapes `[rows, time]` over the tokens of completions.

use super::experience::Estimated;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use nudge_model::{Decoder, DecoderConfig, Frozen, ScalarModel, TokenBatch};
use nudge_rlhf::{PolicyLoss, Variance, sequence_policy_loss, whiten};

/// How the rows are laid out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    /// Advantages are whitened over the minibatch, with this divisor of the variance.
    pub whiten: Option<Variance>,
    /// The loss holds the KL over the whole vocabulary: the reference has to read the rows, too.
    pub exact_kl_in_loss: bool,
}

/// Some rows of a rollout as tensors.
pub struct Minibatch {
    /// Places of the rows in the rollout.
    places: Vec<usize>,
    policy_rows: TokenBatch,
    /// Without autodiff, where the reference's logits are needed.
    ref_rows: Option<TokenBatch>,
    targets: Tensor<2, Int>,
    first: usize,
    time: usize,
    /// Of the policy that sampled.
    pub old_logprobs: Tensor<2>,
    /// Of the reference.
    pub ref_logprobs: Tensor<2>,
    /// What each token is learnt by; whitened where the method whitens.
    pub advantages: Tensor<2>,
    /// The advantage of each completion where all its tokens have the same, `[rows]`.
    pub completion_advantages: Vec<f32>,
    /// Tokens of the completions.
    pub mask: Tensor<2, Bool>,
    width: usize,
    tokens: Vec<u32>,
    token_mask: Vec<bool>,
    device: Device,
}

/// What the value model learns from, for the rows of a [`Minibatch`].
pub struct ValueBatch {
    rows: TokenBatch,
    first: usize,
    time: usize,
    /// Of the value model at the rollout.
    pub old_values: Tensor<2>,
    /// Targets of the value model.
    pub returns: Tensor<2>,
    /// Where values count.
    pub reward_mask: Tensor<2, Bool>,
}

impl Minibatch {
    /// Some `rows` of a rollout, as `policy`'s model reads them, on an autodiff device.
    pub fn new(estimated: &Estimated, rows: &[usize], policy: &DecoderConfig, layout: Layout, device: &Device) -> Self {
        let (laid_out, time, width) = (&estimated.rows, estimated.time(), estimated.rows.width());
        let mask = pick(&estimated.mask, rows, time);
        let mut advantages = pick(&estimated.advantages, rows, time);
        if let Some(variance) = layout.whiten {
            advantages = whiten(&advantages, &mask, variance, true);
        }
        let completion_advantages: Vec<f32> = advantages.chunks(time).map(|row| row[0]).collect();
        let shape = [rows.len(), time];
        let floats = |values: Vec<f32>| -> Tensor<2> { Tensor::from_data(TensorData::new(values, shape), device) };
        let (tokens, token_mask) = (pick(&laid_out.tokens, rows, width), pick(&laid_out.mask, rows, width));
        let completion =
            |row: &[u32]| row[laid_out.prompt_width..].iter().map(|token| *token as i32).collect::<Vec<_>>();
        let targets: Vec<i32> = tokens.chunks(width).flat_map(completion).collect();
        let batch = |device: &Device| TokenBatch::new(&tokens, &token_mask, rows.len(), width, policy, device);
        Self {
            places: rows.to_vec(),
            policy_rows: batch(device),
            ref_rows: layout.exact_kl_in_loss.then(|| batch(&device.clone().without_autodiff())),
            targets: Tensor::from_data(TensorData::new(targets, shape), device),
            first: laid_out.prompt_width - 1,
            time,
            old_logprobs: floats(pick(&estimated.logprobs, rows, time)),
            ref_logprobs: floats(pick(&estimated.ref_logprobs, rows, time)),
            advantages: floats(advantages),
            completion_advantages,
            mask: Tensor::from_data(TensorData::new(mask, shape), device),
            width,
            tokens,
            token_mask,
            device: device.clone(),
        }
    }

    /// What the value model learns from in the same rows.
    pub fn values(&self, estimated: &Estimated, value: &DecoderConfig) -> ValueBatch {
        let rows = self.places.as_slice();
        let shape = [rows.len(), self.time];
        let floats = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), &self.device);
        let reward_mask = pick(&estimated.reward_mask, rows, self.time);
        ValueBatch {
            rows: TokenBatch::new(&self.tokens, &self.token_mask, rows.len(), self.width, value, &self.device),
            first: self.first,
            time: self.time,
            old_values: floats(pick(&estimated.values, rows, self.time)),
            returns: floats(pick(&estimated.returns, rows, self.time)),
            reward_mask: Tensor::from_data(TensorData::new(reward_mask, shape), &self.device),
        }
    }

    /// The policy's hidden states before each token of the completions, `[rows, time, hidden]`.
    pub fn policy_hidden(&self, policy: &Decoder) -> Tensor<3> {
        policy.hidden(&self.policy_rows).narrow(1, self.first, self.time)
    }

    /// Log-probabilities of the completions' tokens, from the policy's hidden states.
    pub fn logprobs_of(&self, policy: &Decoder, hidden: Tensor<3>, temperature: f32) -> Tensor<2> {
        policy.logprobs(hidden, self.targets.clone(), temperature)
    }

    /// The surrogate of methods for which the whole completion is one action.
    pub fn sequence_surrogate(&self, new_logprobs: Tensor<2>, cliprange: f32) -> PolicyLoss {
        let advantages = Tensor::from_data(self.completion_advantages.as_slice(), &self.device);
        let old = self.old_logprobs.clone();
        sequence_policy_loss(new_logprobs, old, advantages, self.mask.clone(), cliprange)
    }

    /// The reference's logits before each token of the completions, `[rows, time, vocabulary]`, divided by the temperature. Only
    /// where the exact KL stands in the loss.
    pub fn ref_logits(&self, reference: &Frozen<Decoder>, temperature: f32) -> Tensor<3> {
        let rows =
            self.ref_rows.as_ref().expect("rows for the reference are laid out where the exact KL is in the loss");
        let hidden = reference.hidden(rows).narrow(1, self.first, self.time);
        reference.logits(hidden).div_scalar(temperature).autodiff()
    }
}

impl ValueBatch {
    /// Values before each token of the completions.
    pub fn new_values(&self, value: &ScalarModel) -> Tensor<2> {
        value.values(&self.rows).narrow(1, self.first, self.time)
    }
}

/// Rows of a `[batch, width]` slice.
fn pick<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
    rows.iter().flat_map(|row| values[row * width..(row + 1) * width].to_vec()).collect()
}
