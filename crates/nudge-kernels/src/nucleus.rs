//! Nucleus sampling (top-p, Holtzman et al. 2020) with tensors: which tokens may be drawn.
//!
//! Deliberately absent: sorting, which reads back on WebGPU.

use burn::tensor::{Tensor, activation};

/// Of less than 30 nats: the last step is below 3e-8.
const HALVINGS: usize = 30;

/// The logits with those outside the nucleus excluded.
///
/// The least log-probability inside it is found by halving. The search starts where all tokens below have less than
/// `1 - top_p` together, and its last step is finer than a logit's rounding.
pub(crate) fn nucleus(logits: Tensor<2>, top_p: f32) -> Tensor<2> {
    let [batch, vocab] = logits.dims();
    let logprobs = activation::log_softmax(logits.clone(), 1);
    let probabilities = logprobs.clone().exp();
    let lowest = ((1.0 - top_p) / vocab as f32).ln();
    let mut threshold = Tensor::full([batch, 1], lowest, &logits.device());
    let mut step = -lowest;
    for _ in 0..HALVINGS {
        step /= 2.0;
        let raised = threshold.clone().add_scalar(step);
        let below = logprobs.clone().lower(raised.clone().expand([batch, vocab]));
        let mass = probabilities.clone().mask_fill(below, 0.0).sum_dim(1);
        threshold = threshold.mask_where(mass.greater_equal_elem(top_p), raised);
    }
    logits.mask_fill(logprobs.lower(threshold.expand([batch, vocab])), -1e30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn every_row_has_a_nucleus_of_its_own_and_ties_stay() {
        let rows = [[0.1f32, 0.2, 0.3, 0.4], [0.96, 0.01, 0.02, 0.01], [0.15, 0.35, 0.15, 0.35], [0.25; 4]];
        let logits: Vec<f32> = rows.iter().flatten().map(|p| p.ln() + 2.0).collect();
        let logits = Tensor::from_data(TensorData::new(logits, [4, 4]), &Device::flex());
        let kept = |top_p| -> Vec<String> {
            let kept: Vec<f32> = nucleus(logits.clone(), top_p).to_data().try_to_vec().unwrap();
            kept.chunks(4).map(|row| row.iter().map(|logit| if *logit > -1e29 { 'x' } else { '.' }).collect()).collect()
        };
        assert_eq!(kept(1e-6), ["...x", "x...", ".x.x", "xxxx"]);
        assert_eq!(kept(0.3), ["...x", "x...", ".x.x", "xxxx"]);
        assert_eq!(kept(0.72), [".xxx", "x...", "xxxx", "xxxx"]);
        assert_eq!(kept(0.985), ["xxxx", "xxxx", "xxxx", "xxxx"]);
        assert_eq!(kept(0.97), ["xxxx", "x.x.", "xxxx", "xxxx"]);
        assert_eq!(kept(1.0 - f32::EPSILON / 2.0), ["xxxx", "xxxx", "xxxx", "xxxx"]);
    }

    #[test]
    fn what_is_hardly_less_likely_does_not_stay() {
        let logits = Tensor::from_data([[-4e-6f32, 0.0, -12e-6, -8e-6]], &Device::flex());
        let kept: Vec<f32> = nucleus(logits, 0.4).to_data().try_to_vec().unwrap();
        assert_eq!(kept, [-4e-6, 0.0, -1e30, -1e30]);
    }
}
