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
    let inverse = 1.0 / distribution.temperature;
    if distribution.top_k > 0 && distribution.top_k < logits.len() {
        exclude(logits, distribution.top_k);
    }
    let (largest, total) = exponentials(logits, inverse);
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

/// Takes the tokens behind the `top_k` likeliest out.
fn exclude(logits: &mut [f32], top_k: usize) {
    let mut sorted = logits.to_vec();
    let (_, threshold, _) = sorted.select_nth_unstable_by(top_k - 1, |a, b| b.total_cmp(a));
    let threshold = *threshold;
    logits.iter_mut().filter(|logit| **logit < threshold).for_each(|logit| *logit = EXCLUDED);
}

vectorised! {
    /// Replaces the logits by `exp((logit - largest) / temperature)`; gives the place of the largest, and the sum.
    fn exponentials(logits: &mut [f32], inverse_temperature: f32) -> (usize, f32) {
        let largest = vector::max(logits);
        let place = logits.iter().position(|logit| *logit == largest).unwrap_or(0);
        for logit in logits.iter_mut() {
            *logit = exp((*logit - largest) * inverse_temperature);
        }
        let mut total = 0.0;
        for block in logits.chunks(BLOCK) {
            total += block.iter().sum::<f32>();
        }
        (place, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Distribution = Distribution { temperature: 1.0, top_k: 0 };

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
        let of = |noise, temperature, top_k| draw(&mut logits.to_vec(), noise, Distribution { temperature, top_k });
        assert_eq!(of(0.0, 1.0, 1).0, 1);
        assert_eq!(of(0.999, 1.0, 1).0, 3); // As likely as the likeliest.
        assert!((of(0.0, 1.0, 2).1 - 0.5f32.ln()).abs() < 1e-6);
        assert_eq!(of(0.999, 1e-4, 0).0, 3);
        assert_eq!(of(0.999_999_94, 1.0, 0).0, 4);
    }
}
