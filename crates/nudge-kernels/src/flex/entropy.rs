//! Entropy of the next token, read off the logits in one pass; no gradient.
//!
//! With `z = logit - largest`: `H = ln Σ exp z - Σ z exp z / Σ exp z`.

use super::ROWS;
use super::storage::{FlexTensor, contiguous, dims, tensor, values};
use super::vector::{self, exp, sum, vectorised};
use crate::platform;

/// Below it `exp` is zero; keeps `0 * minus infinity` out of the sum.
const FARTHEST: f32 = -1e4;

vectorised! {
    fn entropy_of_row(logits: &[f32]) -> f32 {
        let largest = vector::max(logits);
        let (mut total, mut weighted) = (0.0, 0.0);
        let (mut powers, mut products) = ([0.0; 512], [0.0; 512]);
        for block in logits.chunks(powers.len()) {
            let (powers, products) = (&mut powers[..block.len()], &mut products[..block.len()]);
            for ((power, product), &logit) in powers.iter_mut().zip(products.iter_mut()).zip(block) {
                let z = (logit - largest).max(FARTHEST);
                *power = exp(z);
                *product = *power * z;
            }
            total += sum(powers);
            weighted += sum(products);
        }
        total.ln() - weighted / total
    }
}

/// `[batch, time]` of `logits: [batch, time, vocab]`.
pub(super) fn entropy(logits: FlexTensor) -> FlexTensor {
    let logits = contiguous(logits);
    let [batch, time, vocab] = dims(&logits);
    let mut entropies = vec![0.0; batch * time];
    let blocks = entropies.chunks_mut(ROWS).zip(values(&logits).chunks(ROWS * vocab)).collect();
    platform::for_each(blocks, |(entropies, logits)| {
        for (entropy, logits) in entropies.iter_mut().zip(logits.chunks(vocab)) {
            *entropy = entropy_of_row(logits);
        }
    });
    tensor(entropies, [batch, time])
}
