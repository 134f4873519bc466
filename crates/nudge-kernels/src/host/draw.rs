//! The next token: temperature, then the tokens that may be drawn, then the inverse of the cumulative distribution.

use crate::flex::vector::{self, exp};
use crate::flex::vectorised;

/// How a token is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Distribution {
    /// Logits are divided by it.
    pub temperature: f32,
    /// Only the likeliest `top_k` tokens, and what is as likely as the last of them; 0 allows all.
    pub top_k: usize,
    /// Of the tokens that `top_k` allows, only the smallest set of likeliest ones whose probabilities sum to at least
    /// `top_p`, and what is as likely as the last of them (the nucleus of Holtzman et al. 2020); 1 allows all.
    pub top_p: f32,
}

/// Stands for minus infinity: `exp` of it is zero.
const EXCLUDED: f32 = -1e30;
/// Tokens whose probabilities are added before the search looks closer.
const BLOCK: usize = 64;

/// Draws by `noise`, uniform in `[0, 1)`; gives the token and its log-probability. The logits are overwritten.
///
/// # Panics
/// If there is no logit.
pub fn draw(logits: &mut [f32], noise: f32, distribution: Distribution) -> (u32, f32) {
    let (largest, total) = weigh(logits, distribution);
    let target = noise * total;
    let mut below = 0.0;
    let mut chosen = None;
    for (index, block) in logits.chunks(BLOCK).enumerate() {
        let sum: f32 = block.iter().sum();
        if below + sum <= target {
            below += sum;
            continue;
        }
        let within = block.iter().position(|probability| {
            below += probability;
            below > target
        });
        if let Some(within) = within {
            chosen = Some(index * BLOCK + within);
            break;
        }
    }
    // Rounding may leave the target just above the last sum: the last token that has any probability.
    let token = chosen.or_else(|| logits.iter().rposition(|probability| *probability > 0.0)).unwrap_or(largest);
    (token as u32, (logits[token] / total).ln())
}

/// How likely each token is to be drawn, in place of its logit.
///
/// # Panics
/// If there is no logit.
pub fn probabilities(logits: &mut [f32], distribution: Distribution) {
    let (_, total) = weigh(logits, distribution);
    logits.iter_mut().for_each(|weight| *weight /= total);
}

/// Weights by which tokens are drawn, in place of the logits; gives the likeliest token and their sum.
fn weigh(logits: &mut [f32], distribution: Distribution) -> (usize, f32) {
    let inverse = 1.0 / distribution.temperature;
    if distribution.top_k > 0 && distribution.top_k < logits.len() {
        exclude(logits, distribution.top_k);
    }
    let (largest, total) = exponentials(logits, inverse);
    match distribution.top_p < 1.0 {
        true => (largest, keep_nucleus(logits, total, distribution.top_p)),
        false => (largest, total),
    }
}

/// Takes the tokens behind the `top_k` likeliest out.
fn exclude(logits: &mut [f32], top_k: usize) {
    let mut sorted = logits.to_vec();
    let (_, threshold, _) = sorted.select_nth_unstable_by(top_k - 1, |a, b| b.total_cmp(a));
    let threshold = *threshold;
    logits.iter_mut().filter(|logit| **logit < threshold).for_each(|logit| *logit = EXCLUDED);
}

/// Takes the probabilities outside the nucleus out, they sum to `total`; gives the sum of what stays.
fn keep_nucleus(probabilities: &mut [f32], total: f32, top_p: f32) -> f32 {
    let threshold = least_likely(&mut probabilities.to_vec(), total * top_p);
    probabilities.iter_mut().filter(|probability| **probability < threshold).for_each(|probability| *probability = 0.0);
    sum_by_blocks(probabilities)
}

/// The largest probability that sums to at least `mass` with those above it; the least one if all are too little.
///
/// Looks into the half where the sum gets there, as quickselect does: nothing is sorted. The order is lost.
fn least_likely(mut probabilities: &mut [f32], mass: f32) -> f32 {
    let mut above = 0.0;
    while probabilities.len() > 1 {
        let half = probabilities.len() / 2;
        probabilities.select_nth_unstable_by(half, |a, b| b.total_cmp(a));
        let (likelier, others) = probabilities.split_at_mut(half);
        let with_likelier = above + vector::sum(likelier);
        if with_likelier >= mass {
            probabilities = likelier;
        } else {
            above = with_likelier;
            probabilities = others;
        }
    }
    probabilities[0]
}

/// The sum in the order in which [`draw`] searches, so that the search ends where the sum does.
#[inline(always)]
fn sum_by_blocks(probabilities: &[f32]) -> f32 {
    let mut total = 0.0;
    for block in probabilities.chunks(BLOCK) {
        total += block.iter().sum::<f32>();
    }
    total
}

vectorised! {
    /// Replaces the logits by `exp((logit - largest) / temperature)`; gives the place of the largest, and the sum.
    fn exponentials(logits: &mut [f32], inverse_temperature: f32) -> (usize, f32) {
        let largest = vector::max(logits);
        let place = logits.iter().position(|logit| *logit == largest).unwrap_or(0);
        for logit in logits.iter_mut() {
            *logit = exp((*logit - largest) * inverse_temperature);
        }
        (place, sum_by_blocks(logits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Distribution = Distribution { temperature: 1.0, top_k: 0, top_p: 1.0 };

    #[test]
    fn draws_follow_the_distribution() {
        let probabilities: Vec<f32> = (0..200).map(|i| (i % 4 + 1) as f32 / 500.0).collect();
        let draws = 5000;
        let mut counts = vec![0; 200];
        for i in 0..draws {
            let mut logits: Vec<f32> = probabilities.iter().map(|p| p.ln() + 3.0).collect();
            let (token, logprob) = draw(&mut logits, (i as f32 + 0.5) / draws as f32, ALL);
            counts[token as usize] += 1;
            assert!((logprob - probabilities[token as usize].ln()).abs() < 1e-5);
        }
        for (count, probability) in counts.iter().zip(&probabilities) {
            assert!((*count as f32 - probability * draws as f32).abs() <= 1.0);
        }
    }

    #[test]
    fn temperature_and_top_k_narrow_the_choice() {
        let logits = [0.0, 2.0, 1.0, 2.0, -1.0];
        let of = |noise, temperature, top_k| {
            draw(&mut logits.to_vec(), noise, Distribution { temperature, top_k, top_p: 1.0 })
        };
        assert_eq!(of(0.0, 1.0, 1).0, 1);
        assert_eq!(of(0.999, 1.0, 1).0, 3); // As likely as the likeliest.
        assert!((of(0.0, 1.0, 2).1 - 0.5f32.ln()).abs() < 1e-6);
        assert_eq!(of(0.999, 1e-4, 0).0, 3);
        assert_eq!(of(0.999_999_94, 1.0, 0).0, 4);
    }

    #[test]
    fn what_is_told_is_what_is_drawn() {
        let narrow = Distribution { temperature: 0.5, top_k: 4, top_p: 0.9 };
        let mut told = [0.0, 2.0, 1.0, 2.0, -1.0];
        let mut logits = told;
        probabilities(&mut told, narrow);
        let (token, logprob) = draw(&mut logits, 0.0, narrow);
        assert!((told[token as usize].ln() - logprob).abs() < 1e-6);
        assert!((told.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!((told[0], told[4]), (0.0, 0.0));
    }

    /// The tokens that can be drawn, each with its probability.
    fn drawn(probabilities: &[f32], distribution: Distribution) -> Vec<(u32, f32)> {
        let logits: Vec<f32> = probabilities.iter().map(|p| p.ln() - 2.0).collect();
        let mut drawn: Vec<(u32, f32)> =
            (0..1000).map(|i| draw(&mut logits.clone(), i as f32 / 1000.0, distribution)).collect();
        drawn.dedup_by_key(|(token, _)| *token);
        drawn.into_iter().map(|(token, logprob)| (token, logprob.exp())).collect()
    }

    #[track_caller]
    fn assert_drawn(drawn: &[(u32, f32)], expected: &[(u32, f32)]) {
        let close = drawn.iter().zip(expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-5);
        assert!(drawn.len() == expected.len() && close, "{drawn:?} against {expected:?}");
    }

    #[test]
    fn top_p_keeps_the_fewest_tokens_that_sum_to_it() {
        let of = |top_p| drawn(&[0.1, 0.4, 0.2, 0.3], Distribution { top_p, ..ALL });
        assert_drawn(&of(1e-6), &[(1, 1.0)]);
        assert_drawn(&of(0.39), &[(1, 1.0)]);
        assert_drawn(&of(0.41), &[(1, 4.0 / 7.0), (3, 3.0 / 7.0)]);
        assert_drawn(&of(0.69), &[(1, 4.0 / 7.0), (3, 3.0 / 7.0)]);
        assert_drawn(&of(0.71), &[(1, 4.0 / 9.0), (2, 2.0 / 9.0), (3, 3.0 / 9.0)]);
        assert_drawn(&of(0.91), &[(0, 0.1), (1, 0.4), (2, 0.2), (3, 0.3)]);
        // Halves and quarters have no rounding: a sum of exactly top_p is enough.
        assert_drawn(&drawn(&[0.25, 0.5, 0.25], Distribution { top_p: 0.5, ..ALL }), &[(1, 1.0)]);
    }

    #[test]
    fn what_is_as_likely_as_the_last_of_the_nucleus_stays() {
        let of = |top_p| drawn(&[0.15, 0.2, 0.3, 0.15, 0.2], Distribution { top_p, ..ALL });
        assert_drawn(&of(0.35), &[(1, 2.0 / 7.0), (2, 3.0 / 7.0), (4, 2.0 / 7.0)]);
        assert_drawn(&of(0.75), &[(0, 0.15), (1, 0.2), (2, 0.3), (3, 0.15), (4, 0.2)]);
    }

    #[test]
    fn top_p_counts_what_temperature_and_top_k_leave() {
        // A temperature of 1/2 squares: 1, 4, 9 and 16 of 30.
        let tempered = Distribution { temperature: 0.5, top_p: 0.52, ..ALL };
        assert_drawn(&drawn(&[0.1, 0.2, 0.3, 0.4], tempered), &[(3, 1.0)]);
        // 3/7 and 4/7 of what top_k leaves: 0.5 is reached by the likeliest, which has 0.4 of everything.
        let two = Distribution { top_k: 2, top_p: 0.5, ..ALL };
        assert_drawn(&drawn(&[0.1, 0.2, 0.3, 0.4], two), &[(3, 1.0)]);
    }

    #[test]
    fn the_nucleus_of_many_tokens_is_that_of_sorting_them() {
        let weights: Vec<f32> = (0..1000).map(|i| ((i * 37 % 101) as f32 - 50.0) / 8.0).map(f32::exp).collect();
        let mut sorted: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = sorted.iter().sum();
        for top_p in [0.05, 0.3, 0.5, 0.9, 0.99] {
            let mut sum = 0.0;
            let last = sorted.iter().find(|weight| {
                sum += **weight;
                sum >= total * f64::from(top_p)
            });
            let mut kept = weights.clone();
            keep_nucleus(&mut kept, total as f32, top_p);
            let least = kept.iter().copied().filter(|weight| *weight > 0.0).min_by(f32::total_cmp);
            assert_eq!(least.map(f64::from), last.copied(), "top_p {top_p}");
        }
    }
}
