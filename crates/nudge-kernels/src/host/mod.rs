//! Operations on slices, for sampling on the CPU: there one token passes through a whole model on one thread, without
//! a tensor in between.
//!
//! - [`PanelMatrix`]: a weight laid out for products with a few rows;
//! - [`PackedRows`]: a frozen weight, multiplied with a few rows where it lies;
//! - [`rms_norm`], [`layer_norm`], [`rotary`], [`swiglu`], [`gelu`]: the operations of training, on slices;
//! - [`attend`], [`attend_together`]: one query against a cache, and those of a prompt;
//! - [`draw`]: the next token from its logits.

mod attention;
mod draw;
mod panels;
mod rows;

pub use attention::{attend, attend_together};
pub use draw::{Distribution, draw, probabilities};
pub use panels::PanelMatrix;
pub use rows::PackedRows;

use crate::flex::vector::{dot, exp, sum};
use crate::flex::{rms_norm_rows, rotate_token, swiglu_block, vectorised};
use crate::platform;
use crate::primitive::{GELU_CUBE, GELU_SLOPE};

/// Root-mean-square norm of every row of `x`, `[rows, width]`, into `out`; `weight: [width]`.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    assert!(x.len() == out.len() && x.len().is_multiple_of(weight.len()), "rms_norm: rows of {}", weight.len());
    let mut inverse_rms = vec![0.0; x.len() / weight.len()];
    rms_norm_rows(x, weight, eps, out, &mut inverse_rms);
}

/// [`crate::layer_norm`] of every row of `x`, `[rows, width]`, in place; `weight, bias: [width]`.
pub fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
    let width = weight.len();
    assert!(bias.len() == width && x.len().is_multiple_of(width), "layer_norm: rows of {width}");
    x.chunks_exact_mut(width).for_each(|row| layer_norm_row(row, weight, bias, eps));
}

vectorised! {
    fn layer_norm_row(x: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
        let count = x.len() as f32;
        let mean = sum(x) / count;
        for x in x.iter_mut() {
            *x -= mean;
        }
        let inverse_deviation = 1.0 / (dot(x, x) / count + eps).sqrt();
        for ((x, weight), bias) in x.iter_mut().zip(weight).zip(bias) {
            *x = *x * inverse_deviation * weight + bias;
        }
    }
}

vectorised! {
    /// [`crate::gelu`] of every number, in place.
    pub fn gelu(x: &mut [f32]) {
        for x in x.iter_mut() {
            let inner = *x + GELU_CUBE * *x * *x * *x;
            *x /= 1.0 + exp(-GELU_SLOPE * inner);
        }
    }
}

/// Rotary position embedding of every head of one token, `[heads, head_dim]`; `cos, sin: [head_dim / 2]`.
pub fn rotary(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    assert!(cos.len() == sin.len() && x.len().is_multiple_of(2 * cos.len()), "rotary: heads of {}", 2 * cos.len());
    rotate_token(x, cos, sin, 1.0);
}

/// `silu(gate) * up` into `out`, all of one length.
pub fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
    assert!(gate.len() == up.len() && gate.len() == out.len(), "swiglu: {} and {}", gate.len(), up.len());
    swiglu_block(gate, up, out);
}

/// Runs `work` on every item, on all threads where there are threads.
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Send + Sync) {
    platform::for_each(items, work);
}

/// How many items can run at a time.
pub fn threads() -> usize {
    platform::threads()
}
