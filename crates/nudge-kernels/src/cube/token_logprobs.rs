//! Log-probability of a chosen token, and the entropy of its distribution: a cube a row of logits.
//!
//! With `p` the softmax of the row: `dlogits = dy (onehot(target) - p)`, written over the logits where nothing else
//! reads them, so that batch x time x vocabulary is held once.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{Output, buffer, empty, floats, integers, one_cube_each, one_unit_each, sizes};
use super::reduce::{max_of_units, sum_of_units};

/// Units that share a row.
const UNITS: u32 = 64;

/// The largest logit of the row at `at`, and the logarithm of the sum of `exp(logit - largest)`.
///
/// Kept apart: added up, a huge logit would swallow the logarithm.
#[cube]
fn log_sum_exp_of_row(logits: &[f32], at: usize, vocab: usize) -> (f32, f32) {
    let unit = UNIT_POS as usize;
    let mut highest = f32::new(f32::MIN);
    for i in range_stepped(unit, vocab, UNITS as usize) {
        highest = max(highest, logits[at + i]);
    }
    let highest = max_of_units(highest, UNITS);
    let mut sum = 0.0f32;
    for i in range_stepped(unit, vocab, UNITS as usize) {
        sum += (logits[at + i] - highest).exp();
    }
    (highest, sum_of_units(sum, UNITS).ln())
}

#[cube(launch_unchecked)]
fn forward_rows(logits: &[f32], targets: &[i32], logprobs: &mut [f32], saved: &mut [f32], rows: usize, vocab: usize) {
    let row = min(CUBE_POS, rows - 1);
    let (highest, log_sum) = log_sum_exp_of_row(logits, row * vocab, vocab);
    if UNIT_POS == 0 {
        let target = min(usize::cast_from(targets[row]), vocab - 1);
        logprobs[row] = logits[row * vocab + target] - highest - log_sum;
        saved[row * 2] = highest;
        saved[row * 2 + 1] = log_sum;
    }
}

#[cube(launch_unchecked)]
fn backward_elements(
    logits: &[f32],
    targets: &[i32],
    saved: &[f32],
    dy: &[f32],
    dlogits: &mut [f32],
    rows: usize,
    vocab: usize,
) {
    if ABSOLUTE_POS >= rows * vocab {
        terminate!();
    }
    let row = ABSOLUTE_POS / vocab;
    let token = ABSOLUTE_POS % vocab;
    let mut gradient = -(logits[ABSOLUTE_POS] - saved[row * 2] - saved[row * 2 + 1]).exp();
    if token == usize::cast_from(targets[row]) {
        gradient += 1.0;
    }
    dlogits[ABSOLUTE_POS] = gradient * dy[row];
}

#[cube(launch_unchecked)]
fn entropy_rows(logits: &[f32], entropy: &mut [f32], rows: usize, vocab: usize) {
    let row = min(CUBE_POS, rows - 1);
    let at = row * vocab;
    let (highest, log_sum) = log_sum_exp_of_row(logits, at, vocab);
    let mut sum = 0.0f32;
    for i in range_stepped(UNIT_POS as usize, vocab, UNITS as usize) {
        let logprob = max(logits[at + i] - highest - log_sum, f32::new(-1e4));
        sum -= logprob.exp() * logprob;
    }
    let sum = sum_of_units(sum, UNITS);
    if UNIT_POS == 0 {
        entropy[row] = sum;
    }
}

/// The log-probabilities `[batch, time]`, and what backward needs: the two terms of `ln Σ exp(logits)`,
/// `[batch, time, 2]`.
pub(super) fn forward(logits: CubeTensor, targets: CubeTensor) -> (CubeTensor, CubeTensor) {
    let (logits, targets) = (floats(logits), integers(targets));
    let [batch, time, vocab] = sizes(&logits);
    assert_eq!([batch, time], sizes(&targets), "token_logprobs: logits are {:?}", [batch, time, vocab]);
    let rows = batch * time;
    let (logprobs, saved) = (empty(&logits, [batch, time]), empty(&logits, [batch, time, 2]));
    let (count, cube) = one_cube_each(&logits, rows, UNITS);
    // SAFETY: every row is below `rows`, every token of it below `vocab`; targets are tokens.
    unsafe {
        forward_rows::launch_unchecked(
            &logits.client,
            count,
            cube,
            buffer(&logits),
            buffer(&targets),
            buffer(&logprobs),
            buffer(&saved),
            rows,
            vocab,
        );
    }
    (logprobs, saved)
}

/// The gradient of the logits.
pub(super) fn backward(logits: CubeTensor, targets: CubeTensor, saved: CubeTensor, dy: CubeTensor) -> CubeTensor {
    let (logits, targets) = (floats(logits), integers(targets));
    let (saved, dy) = (floats(saved), floats(dy));
    let [batch, time, vocab] = sizes(&logits);
    let dlogits = Output::over(&logits, 0);
    let (count, cube) = one_unit_each(&logits, batch * time * vocab);
    // SAFETY: units beyond the elements end at once; an element is its unit's alone, so it may write over it.
    unsafe {
        backward_elements::launch_unchecked(
            &logits.client,
            count,
            cube,
            buffer(&logits),
            buffer(&targets),
            buffer(&saved),
            buffer(&dy),
            dlogits.buffer(),
            batch * time,
            vocab,
        );
    }
    dlogits.tensor
}

/// Entropy in nats, `[batch, time]`.
pub(super) fn entropy(logits: CubeTensor) -> CubeTensor {
    let logits = floats(logits);
    let [batch, time, vocab] = sizes(&logits);
    let out = empty(&logits, [batch, time]);
    let (count, cube) = one_cube_each(&logits, batch * time, UNITS);
    // SAFETY: every row is below `rows`, every token of it below `vocab`.
    unsafe {
        entropy_rows::launch_unchecked(&logits.client, count, cube, buffer(&logits), buffer(&out), batch * time, vocab);
    }
    out
}
