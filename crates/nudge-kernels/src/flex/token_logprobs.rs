//! Log-probability of one token a row, without the `[batch, time, vocab]` log-softmax.
//!
//! Forward reads the logits twice and keeps two numbers a row, the parts of the log of the sum of exponentials.
//! Backward, `(one-hot - softmax) * dy`, overwrites the logits if nobody else holds them.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};

use super::storage::{FlexTensor, contiguous, dims, indices, tensor, values, values_mut};
use super::vector::{self, exp, sum_of, vectorised};
use super::{ROWS, Tracked};
use crate::platform;

/// `log Σ exp(logits)` of one row in two parts, `largest + log_sum`: added up, a large one would swallow the other.
#[derive(Clone, Copy, Debug, Default)]
struct LogSumExp {
    largest: f32,
    log_sum: f32,
}

impl LogSumExp {
    #[inline(always)]
    fn logprob(self, logit: f32) -> f32 {
        (logit - self.largest) - self.log_sum
    }
}

vectorised! {
    fn log_sum_exp(logits: &[f32]) -> LogSumExp {
        let largest = vector::max(logits);
        LogSumExp { largest, log_sum: sum_of(logits, |logit| exp(logit - largest)).ln() }
    }
}

vectorised! {
    /// Replaces the logits of one row by the gradient of `dy * logprob(target)`.
    fn backward_row(logits: &mut [f32], target: usize, total: LogSumExp, dy: f32) {
        for logit in logits.iter_mut() {
            *logit = -dy * exp(total.logprob(*logit));
        }
        logits[target] += dy;
    }
}

/// The log-probabilities, and the total of every row.
fn forward(logits: &FlexTensor, targets: &[u32]) -> (FlexTensor, Vec<LogSumExp>) {
    let [batch, time, vocab] = dims(logits);
    assert_eq!(targets.len(), batch * time, "token_logprobs: logits are {:?}", [batch, time, vocab]);
    let logits = values(logits);
    let mut totals = vec![LogSumExp::default(); batch * time];
    let blocks = totals.chunks_mut(ROWS).zip(logits.chunks(ROWS * vocab)).collect();
    platform::for_each(blocks, |(totals, logits)| {
        for (total, logits) in totals.iter_mut().zip(logits.chunks(vocab)) {
            *total = log_sum_exp(logits);
        }
    });
    let rows = logits.chunks(vocab).zip(targets).zip(&totals);
    let logprobs = rows.map(|((logits, &target), total)| total.logprob(logits[target as usize])).collect();
    (tensor(logprobs, [batch, time]), totals)
}

/// `targets` of any integer type, checked against the vocabulary.
pub(super) fn untracked(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
    let [_, _, vocab] = dims(&logits);
    forward(&contiguous(logits), &indices(targets, vocab)).0
}

#[derive(Clone, Debug)]
struct State {
    logits: FlexTensor,
    targets: Vec<u32>,
    totals: Vec<LogSumExp>,
}

/// The gradient of the logits, written over them.
fn backward(State { mut logits, targets, totals }: State, dy: FlexTensor) -> FlexTensor {
    let dy = contiguous(dy);
    let [_, _, vocab] = dims(&logits);
    let blocks = values_mut(&mut logits)
        .chunks_mut(ROWS * vocab)
        .zip(targets.chunks(ROWS))
        .zip(totals.chunks(ROWS))
        .zip(values(&dy).chunks(ROWS))
        .collect();
    platform::for_each(blocks, |(((logits, targets), totals), dy)| {
        let rows = logits.chunks_mut(vocab).zip(targets).zip(totals).zip(dy);
        for (((logits, &target), &total), &dy) in rows {
            backward_row(logits, target as usize, total, dy);
        }
    });
    logits
}

/// The gradient of logits whose log-probabilities have the gradient `dy: [batch, time]`.
pub(super) fn gradient(logits: FlexTensor, targets: FlexTensor, dy: FlexTensor) -> FlexTensor {
    let logits = contiguous(logits);
    let [_, _, vocab] = dims(&logits);
    let targets = indices(targets, vocab);
    let (_, totals) = forward(&logits, &targets);
    backward(State { logits, targets, totals }, dy)
}

/// Log-probabilities of `targets`, one a row of `logits: [1, rows, vocab]`.
pub(super) fn of_logits(logits: &FlexTensor, targets: &[u32]) -> Vec<f32> {
    values(&forward(logits, targets).0).to_vec()
}

/// The same, and the gradients of each in its row of logits, written over them.
pub(super) fn with_gradient_of_ones(logits: FlexTensor, targets: &[u32]) -> (Vec<f32>, FlexTensor) {
    let (logprobs, totals) = forward(&logits, targets);
    let ones = tensor(vec![1.0; targets.len()], [1, targets.len()]);
    let gradients = backward(State { logits, targets: targets.to_vec(), totals }, ones);
    (values(&logprobs).to_vec(), gradients)
}

#[derive(Debug)]
struct TokenLogprobsBackward;

impl Backward<Flex, 1> for TokenLogprobsBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<Flex>(&ops.node);
        let [Some(node)] = ops.parents else { return };
        grads.register::<Flex>(node.id, backward(ops.state, dy));
    }
}

pub(super) fn tracked(logits: Tracked, targets: FlexTensor) -> Tracked {
    let nodes = [logits.node()];
    let logits = contiguous(logits.into_primitive());
    let [_, _, vocab] = dims(&logits);
    let targets = indices(targets, vocab);
    let (logprobs, totals) = forward(&logits, &targets);
    match TokenLogprobsBackward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(State { logits, targets, totals }, logprobs),
        OpsKind::UnTracked(prep) => prep.finish(logprobs),
    }
}
