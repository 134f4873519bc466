//! Rotary position embedding, rotate-half convention: a unit a pair. The gradient is the rotation back.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{Output, buffer, floats, one_unit_each, sizes};

#[cube(launch_unchecked)]
fn rotate(
    x: &[f32],
    cos: &[f32],
    sin: &[f32],
    out: &mut [f32],
    pairs: usize,
    heads: usize,
    half: usize,
    #[comptime] back: bool,
) {
    if ABSOLUTE_POS >= pairs {
        terminate!();
    }
    let i = ABSOLUTE_POS % half;
    let token_head = ABSOLUTE_POS / half;
    let angle = token_head / heads * half + i;
    let at = token_head * half * 2 + i;
    let cos = cos[angle];
    let mut sin = sin[angle];
    if back {
        sin = -sin;
    }
    let first = x[at];
    let second = x[at + half];
    out[at] = first * cos - second * sin;
    out[at + half] = second * cos + first * sin;
}

/// Rotates `x: [batch, time, heads, head_dim]` by the angles, or back by them.
pub(super) fn rotary(x: CubeTensor, cos: CubeTensor, sin: CubeTensor, back: bool) -> CubeTensor {
    let (x, cos, sin) = (floats(x), floats(cos), floats(sin));
    let [batch, time, heads, head_dim] = sizes(&x);
    let half = head_dim / 2;
    assert_eq!([batch, time, half], sizes(&cos), "rotary: x is {:?}", [batch, time, heads, head_dim]);
    let pairs = batch * time * heads * half;
    let out = Output::over(&x, 0);
    let (count, cube) = one_unit_each(&x, pairs);
    // SAFETY: units beyond the pairs end at once; a pair's elements are its unit's alone, so it may write over them.
    unsafe {
        rotate::launch_unchecked(
            &x.client,
            count,
            cube,
            buffer(&x),
            buffer(&cos),
            buffer(&sin),
            out.buffer(),
            pairs,
            heads,
            half,
            back,
        );
    }
    out.tensor
}
