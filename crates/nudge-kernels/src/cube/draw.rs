//! The next token of each row, chosen on the device: a cube a row.
//!
//! Temperature, `top_k` and `top_p` narrow the distribution, then a uniform number picks by the inverse of the cumulative
//! distribution in token order, as [`crate::host::draw`] does. A narrowed set is all tokens within some distance below
//! the largest logit; the distance is found by halving the range of its bit pattern, which is exact and needs no sort.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, floats, integers, mutable, one_cube_each, sizes};
use super::reduce::{max_of_units, sum_of_units};
use crate::host::Distribution;

/// Units that share a row.
const UNITS: u32 = 64;

/// The bit pattern of infinity: that of every distance is at most this, and patterns are in the order of distances.
const FARTHEST: u32 = 0x7f80_0000;

/// Halvings until one pattern is left.
const HALVINGS: u32 = 31;

/// The part of a row that this unit walks over.
#[derive(CubeType, Clone, Copy)]
struct Part {
    row_at: usize,
    from: usize,
    to: usize,
    highest: f32,
    inverse_temperature: f32,
}

/// How far the tempered logit of a token lies below the largest.
#[cube]
fn distance(logits: &[f32], part: &Part, token: usize) -> f32 {
    (part.highest - logits[part.row_at + token]) * part.inverse_temperature
}

/// Over all tokens of the row within the distance of pattern `within`: how many, or their sum of `exp(-distance)`.
#[cube]
fn weight_within(logits: &[f32], part: &Part, within: u32, #[comptime] count: bool) -> f32 {
    let mut sum = 0.0f32;
    for token in part.from..part.to {
        let distance = distance(logits, part, token);
        if distance.to_bits() <= within {
            if count {
                sum += 1.0;
            } else {
                sum += (-distance).exp();
            }
        }
    }
    sum_of_units(sum, UNITS)
}

/// The smallest distance, as a pattern up to `farthest`, within which the weight reaches `enough`.
#[cube]
fn shortest(logits: &[f32], part: &Part, enough: f32, farthest: u32, #[comptime] count: bool) -> u32 {
    let mut low = 0u32;
    let mut high = farthest;
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2;
        if weight_within(logits, part, middle, count) >= enough {
            high = middle;
        } else {
            low = min(middle + 1, high);
        }
    }
    high
}

#[cube(launch_unchecked)]
fn draw_rows(
    logits: &[f32],
    noise: &[f32],
    live: &[i32],
    tokens: &mut [i32],
    logprobs: &mut [f32],
    rows: usize,
    vocab: usize,
    room: usize,
    at: usize,
    inverse_temperature: f32,
    top_k: f32,
    top_p: f32,
    #[comptime] narrows: [bool; 2],
) {
    let slot = min(CUBE_POS, rows - 1);
    let row = usize::cast_from(live[1 + slot]);
    let lives = slot < usize::cast_from(live[0]);
    let row_at = slot * vocab;
    let share = vocab.div_ceil(UNITS as usize);
    let from = min(UNIT_POS as usize * share, vocab);
    let mut to = min(from + share, vocab);
    // All units meet at barriers, so a row that has ended reads nothing instead of leaving early.
    if !lives {
        to = from;
    }
    let mut highest = f32::new(f32::MIN);
    for token in from..to {
        highest = max(highest, logits[row_at + token]);
    }
    let part = Part { row_at, from, to, highest: max_of_units(highest, UNITS), inverse_temperature };

    let mut within = u32::new(FARTHEST as i64);
    if comptime!(narrows[0]) {
        within = shortest(logits, &part, top_k, within, true);
    }
    if comptime!(narrows[1]) {
        let enough = top_p * weight_within(logits, &part, within, false);
        within = shortest(logits, &part, enough, within, false);
    }

    let mut sums = Shared::<[f32]>::new_slice(UNITS as usize);
    let mut own = 0.0f32;
    for token in from..to {
        let distance = distance(logits, &part, token);
        if distance.to_bits() <= within {
            own += (-distance).exp();
        }
    }
    sums[UNIT_POS as usize] = own;
    sync_cube();
    if UNIT_POS == 0 {
        let mut total = 0.0f32;
        for unit in 0..UNITS as usize {
            total += sums[unit];
        }
        let target = noise[row] * total;
        // The part that holds the target: rounding may leave it above the last sum, then the last part with any weight.
        let mut below = 0.0f32;
        let mut chosen = 0usize;
        let mut before_chosen = 0.0f32;
        for unit in 0..UNITS as usize {
            if below <= target && sums[unit] > 0.0 {
                chosen = unit;
                before_chosen = below;
            }
            below += sums[unit];
        }
        let mut cumulative = before_chosen;
        let mut token = 0usize;
        let mut of_token = 0.0f32;
        for candidate in chosen * share..min((chosen + 1) * share, vocab) {
            let distance = distance(logits, &part, candidate);
            if distance.to_bits() <= within && cumulative <= target {
                let weight = (-distance).exp();
                if weight > 0.0 {
                    token = candidate;
                    of_token = distance;
                    cumulative += weight;
                }
            }
        }
        let mut logprob = 0.0f32;
        if lives {
            logprob = -of_token - total.ln();
        }
        tokens[row * room + at] = i32::cast_from(token);
        logprobs[row * room + at] = logprob;
    }
}

/// Tokens and log-probabilities, `[batch, room]` both, with column `at` drawn: `logits: [batch, vocab]` by slot,
/// `noise: [batch, 1]` in `[0, 1)`, `live: [1 + batch]`. Both are 0 for rows that have ended.
pub(super) fn draw(
    [logits, noise, logprobs]: [CubeTensor; 3],
    [live, tokens]: [CubeTensor; 2],
    distribution: Distribution,
    at: usize,
) -> (CubeTensor, CubeTensor) {
    let (logits, noise, live) = (floats(logits), floats(noise), integers(live));
    let (tokens, logprobs) = (mutable(integers(tokens)), mutable(floats(logprobs)));
    let ([batch, vocab], [_, room]) = (sizes(&logits), sizes(&tokens));
    assert_eq!([batch, 1], sizes(&noise), "draw: one number a row");
    let narrows = [(1..vocab).contains(&distribution.top_k), distribution.top_p < 1.0];
    let (count, cube) = one_cube_each(&logits, batch, UNITS);
    // SAFETY: every row is below `batch`, every token below `vocab`.
    unsafe {
        draw_rows::launch_unchecked(
            &logits.client,
            count,
            cube,
            buffer(&logits),
            buffer(&noise),
            buffer(&live),
            buffer(&tokens),
            buffer(&logprobs),
            batch,
            vocab,
            room,
            at,
            1.0 / distribution.temperature,
            distribution.top_k as f32,
            distribution.top_p,
            narrows,
        );
    }
    (tokens, logprobs)
}
