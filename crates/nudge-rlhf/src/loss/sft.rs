//! The loss of supervised fine-tuning: make the demonstration likely.

use burn::tensor::{Bool, Tensor};

use super::masked::masked_mean;

/// Mean negative log-probability of the tokens that are to be learned, in nats a token.
///
/// - `logprobs`: log-probability of every token given those before it, `[batch, time]`
/// - `loss_mask`: `true` on the completion's tokens and on its EOS, without which the model never learns
///   to stop; `false` on prompt and padding, `[batch, time]`
///
/// Every token weighs the same, so long completions weigh more than short ones.
pub fn sft_loss(logprobs: Tensor<2>, loss_mask: Tensor<2, Bool>) -> Tensor<1> {
    masked_mean(logprobs, loss_mask).neg()
}
