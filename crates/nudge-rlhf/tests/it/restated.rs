//! Every differentiable loss once more, in plain `f64` on slices, as its paper prints it.
//!
//! Nothing is shared with the crate, nothing is made stable and nothing is fast. A loss is right if
//! its value is the restated one and its gradient the central difference of the restated one.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::LossAggregation;

use crate::common::*;

/// In `f64` a central difference with this step is right to ten digits.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 3e-6;

/// Compares value and gradient of `loss` at `point` with those of `restated`.
#[track_caller]
pub fn check(
    name: &str,
    point: &[f32],
    loss: impl Fn(Tensor<1>, &Device) -> Tensor<1>,
    restated: impl Fn(&[f64]) -> f64,
) {
    let device = device().autodiff();
    let leaf = tensor1(point, &device).require_grad();
    let actual = loss(leaf.clone(), &device);
    let gradients = actual.backward();
    let gradient = numbers(leaf.grad(&gradients).expect("a gradient"));

    let exact = wide(point);
    let expected = restated(&exact);
    let value = f64::from(number(actual));
    assert!((value - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{name}: {value} is not {expected}");
    let slope = |i: usize| {
        let at = |step: f64| restated(&moved(&exact, i, step));
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    };
    let expected: Vec<f64> = (0..point.len()).map(slope).collect();
    assert!(expected.iter().any(|g| g.abs() > 1000.0 * TOLERANCE), "{name}: nothing to compare in {expected:?}");
    for (a, e) in gradient.iter().zip(&expected) {
        let near = (f64::from(*a) - e).abs() <= TOLERANCE * e.abs().max(1.0);
        assert!(near, "{name}: gradient {gradient:?} is not {expected:?}");
    }
}

fn moved(point: &[f64], i: usize, step: f64) -> Vec<f64> {
    let mut point = point.to_vec();
    point[i] += step;
    point
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn logsumexp(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::exp).sum::<f64>().ln()
}

/// The values of each row that count.
fn rows(values: &[f64], mask: &[bool], time: usize) -> Vec<Vec<f64>> {
    let row = |(values, mask): (&[f64], &[bool])| -> Vec<f64> {
        values.iter().zip(mask).filter(|(_, counts)| **counts).map(|(value, _)| *value).collect()
    };
    values.chunks(time).zip(mask.chunks(time)).map(row).collect()
}

pub fn row_sums(values: &[f64], mask: &[bool], time: usize) -> Vec<f64> {
    rows(values, mask, time).iter().map(|row| row.iter().sum()).collect()
}

pub fn aggregate(values: &[f64], mask: &[bool], time: usize, aggregation: LossAggregation) -> f64 {
    let rows = rows(values, mask, time);
    match aggregation {
        LossAggregation::TokenMean => mean(rows.concat().into_iter()),
        LossAggregation::SequenceMean => mean(rows.iter().map(|row| mean(row.iter().copied()))),
        LossAggregation::FixedLength => rows.concat().iter().sum::<f64>() / values.len() as f64,
    }
}

/// PPO's clipped loss of one action.
pub fn clipped(log_ratio: f64, advantage: f64, cliprange: f64) -> f64 {
    let ratio = log_ratio.exp();
    -(ratio * advantage).min(ratio.clamp(1.0 - cliprange, 1.0 + cliprange) * advantage)
}

/// The clipped value loss of one token, without the half.
pub fn clipped_value(new_value: f64, value: f64, returns: f64, cliprange: f64) -> f64 {
    let clipped = new_value.clamp(value - cliprange, value + cliprange);
    (new_value - returns).powi(2).max((clipped - returns).powi(2))
}

pub fn entropy(logits: &[f64]) -> f64 {
    let total = logsumexp(logits.iter().copied());
    -logits.iter().map(|logit| (logit - total).exp() * (logit - total)).sum::<f64>()
}

pub fn k1(d: f64) -> f64 {
    d
}

pub fn k2(d: f64) -> f64 {
    d * d / 2.0
}

pub fn k3(d: f64) -> f64 {
    (-d).exp() - 1.0 + d
}

/// `KL(p || q)` of two distributions given by logits.
pub fn kl(logits: &[f64], ref_logits: &[f64]) -> f64 {
    let (total, ref_total) = (logsumexp(logits.iter().copied()), logsumexp(ref_logits.iter().copied()));
    let term = |(l, r): (&f64, &f64)| (l - total).exp() * ((l - total) - (r - ref_total));
    logits.iter().zip(ref_logits).map(term).sum()
}

/// `-ln` of the softmax share of each completion of `tier` among `completions`, summed.
fn choices(rewards: &[f64], tier: &[usize], completions: &[usize]) -> f64 {
    let total = logsumexp(completions.iter().map(|&completion| rewards[completion]));
    tier.iter().map(|&completion| total - rewards[completion]).sum()
}

pub fn best_of_k(rewards: &[f64], rankings: &[Vec<Vec<usize>>]) -> f64 {
    mean(rankings.iter().map(|tiers| choices(rewards, &tiers[0], &tiers.concat()) / tiers[0].len() as f64))
}

pub fn plackett_luce(rewards: &[f64], rankings: &[Vec<Vec<usize>>]) -> f64 {
    let ranking = |tiers: &Vec<Vec<usize>>| -> f64 {
        (0..tiers.len() - 1).map(|k| choices(rewards, &tiers[k], &tiers[k..].concat())).sum()
    };
    mean(rankings.iter().map(ranking))
}

pub fn bradley_terry(difference: f64) -> f64 {
    -sigmoid(difference).ln()
}

/// `ln(p / (1 - p))` of `ln p`.
pub fn log_odds(logprob: f64) -> f64 {
    let p = logprob.exp();
    (p / (1.0 - p)).ln()
}
