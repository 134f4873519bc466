//! Frozen weights as their files store them: the numbers of some rows, and products with all of them.
//!
//! A product of [few rows](super::few_rows) reads the words and never writes the numbers down. For more, a piece of the
//! weight is unpacked and multiplied as any other: that costs a thousandth of the product, and 16 MiB. The words lie in
//! parts, each of which a kernel may read.

use std::ops::Range;

use burn::backend::Cube;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{FloatDType, Slice};
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::encoding::{RUN, run};
use super::few_rows::{self, FEW};
use super::launch::{buffer, empty, floats, integers, one_unit_each, sizes};
use super::{matmul, token_logprobs};
use crate::encoding::Encoding;
use crate::packed::Form;

/// Numbers that are unpacked at a time: 16 MiB.
const NUMBERS_AT_ONCE: usize = 1 << 22;

/// A weight on a GPU.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// The words of consecutive rows, [`Form::rows_of_part`] each.
    parts: Vec<CubeTensor>,
    pub form: Form,
}

/// Consecutive rows of a weight in one buffer.
pub(super) struct Part {
    pub words: CubeTensor,
    /// Of the weight.
    pub rows: Range<usize>,
}

impl Packed {
    pub fn new(parts: Vec<CubeTensor>, form: Form) -> Self {
        Self { parts, form }
    }

    /// Its parts in their order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let Form { rows, rows_of_part, .. } = self.form;
        let starts = (0..rows).step_by(rows_of_part);
        starts.zip(&self.parts).map(move |(first, words)| {
            let rows = first..(first + rows_of_part).min(rows);
            Part { words: words.clone(), rows }
        })
    }

    /// Calls `work` with consecutive rows of it, and their numbers `[rows, columns]`, until all have been.
    fn for_each_piece(&self, mut work: impl FnMut(Range<usize>, CubeTensor)) {
        let at_once = (NUMBERS_AT_ONCE / self.form.columns).max(1);
        for part in self.parts() {
            for first in part.rows.clone().step_by(at_once) {
                let rows = first..(first + at_once).min(part.rows.end);
                work(rows.clone(), unpacked_rows(&part, rows, self.form));
            }
        }
    }
}

#[cube(launch_unchecked)]
fn unpack_runs(words: &[u32], out: &mut [f32], first: usize, count: usize, #[comptime] encoding: Encoding) {
    let at = ABSOLUTE_POS * RUN;
    if at >= count {
        terminate!();
    }
    let numbers = run(words, first + at, first + count, encoding);
    #[unroll]
    for i in 0..comptime!(RUN) {
        if at + i < count {
            out[at + i] = numbers[i];
        }
    }
}

/// The numbers of `rows`, which lie in `part`.
fn unpacked_rows(part: &Part, rows: Range<usize>, form: Form) -> CubeTensor {
    let out = empty(&part.words, [rows.len(), form.columns]);
    let count = rows.len() * form.columns;
    let (cubes, cube) = one_unit_each(&out, count.div_ceil(RUN));
    // SAFETY: units beyond the numbers end at once, none reads or writes beyond the rows' last.
    unsafe {
        unpack_runs::launch_unchecked(
            &out.client,
            cubes,
            cube,
            buffer(&part.words),
            buffer(&out),
            (rows.start - part.rows.start) * form.columns,
            count,
            form.encoding,
        );
    }
    out
}

/// All numbers, `[rows, columns]`.
pub(super) fn unpacked(weight: &Packed) -> CubeTensor {
    let mut pieces = Vec::new();
    weight.for_each_piece(|_, numbers| pieces.push(numbers));
    beside(pieces, 0)
}

#[cube(launch_unchecked)]
fn rows_at(
    words: &[u32],
    ids: &[i32],
    out: &mut [f32],
    count: usize,
    columns: usize,
    first: usize,
    rows: usize,
    #[comptime] encoding: Encoding,
) {
    let runs = (columns + comptime!(RUN - 1)) / RUN;
    let place = ABSOLUTE_POS / runs;
    if place >= count {
        terminate!();
    }
    let column = ABSOLUTE_POS % runs * RUN;
    let row = usize::cast_from(ids[place]);
    if row >= first && row < first + rows {
        let numbers = run(words, (row - first) * columns + column, rows * columns, encoding);
        #[unroll]
        for i in 0..comptime!(RUN) {
            if column + i < columns {
                out[place * columns + column + i] = numbers[i];
            }
        }
    }
}

/// Rows at `ids: [batch, time]`, giving `[batch, time, columns]`.
pub(super) fn rows(weight: &Packed, ids: CubeTensor) -> CubeTensor {
    let Form { encoding, columns, .. } = weight.form;
    let ids = integers(ids);
    let [batch, time] = sizes(&ids);
    let out = empty(&ids, [batch, time, columns]);
    for part in weight.parts() {
        let (cubes, cube) = one_unit_each(&out, batch * time * columns.div_ceil(RUN));
        // SAFETY: units beyond the ids end at once; of ids that are no rows of the part nothing is read or written.
        unsafe {
            rows_at::launch_unchecked(
                &out.client,
                cubes,
                cube,
                buffer(&part.words),
                buffer(&ids),
                buffer(&out),
                batch * time,
                columns,
                part.rows.start,
                part.rows.len(),
                encoding,
            );
        }
    }
    out
}

/// Products of one input with several weights, side by side.
pub(super) fn linears(x: CubeTensor, weights: &[Packed]) -> CubeTensor {
    let [batch, time, _] = sizes(&x);
    if batch * time <= FEW {
        return few_rows::linears(x, weights);
    }
    beside(weights.iter().map(|weight| linear(x.clone(), weight)).collect(), 2)
}

/// `x Wᵀ`: `x: [batch, time, columns]` to `[batch, time, rows]`.
pub(super) fn linear(x: CubeTensor, weight: &Packed) -> CubeTensor {
    let [batch, time, _] = sizes(&x);
    if batch * time <= FEW {
        return few_rows::linears(x, std::slice::from_ref(weight));
    }
    let x = floats(x);
    let mut outputs = Vec::new();
    weight.for_each_piece(|_, numbers| outputs.push(matmul::linear(x.clone(), numbers, None)));
    beside(outputs, 2)
}

/// The gradient of `x`: `dy W`.
pub(super) fn linear_backward_x(dy: CubeTensor, weight: &Packed) -> CubeTensor {
    let dy = floats(dy);
    let all = weight.form.rows;
    let mut sum = None;
    weight.for_each_piece(|rows, numbers| {
        let of_piece = match rows.len() == all {
            true => dy.clone(),
            false => Cube::float_slice(dy.clone(), &[Slice::full(), Slice::full(), rows.into()]),
        };
        let dx = matmul::linear_backward_x(of_piece, numbers);
        sum = Some(match sum.take() {
            Some(before) => Cube::float_add(before, dx),
            None => dx,
        });
    });
    sum.expect("a weight has rows")
}

/// Log-probabilities `[1, rows]` of `targets: [1, rows]` under the logits of `x: [1, rows, columns]`, `piece` rows at a
/// time.
pub(super) fn logprobs(x: CubeTensor, weight: &Packed, targets: CubeTensor, piece: usize) -> CubeTensor {
    let of_piece = |(x, targets)| token_logprobs::forward(linear(x, weight), targets).0;
    beside(pieces(x, targets, piece).map(of_piece).collect(), 1)
}

/// The same, and `W[target] - softmax(x Wᵀ) W` of every row, `[1, rows, columns]`: the gradient of its log-probability.
pub(super) fn logprobs_and_gradients(
    x: CubeTensor,
    weight: &Packed,
    targets: CubeTensor,
    piece: usize,
) -> (CubeTensor, CubeTensor) {
    let of_piece = |(x, targets): (CubeTensor, CubeTensor)| {
        let logits = linear(x, weight);
        let (logprobs, saved) = token_logprobs::forward(logits.clone(), targets.clone());
        let ones = Cube::float_ones(logprobs.meta.shape().clone(), &logprobs.device, FloatDType::F32);
        let dlogits = token_logprobs::backward(logits, targets, saved, ones);
        (logprobs, linear_backward_x(dlogits, weight))
    };
    let (logprobs, gradients) = pieces(x, targets, piece).map(of_piece).unzip();
    (beside(logprobs, 1), beside(gradients, 1))
}

/// `x: [1, rows, columns]` and `targets: [1, rows]`, `piece` rows at a time.
fn pieces(x: CubeTensor, targets: CubeTensor, piece: usize) -> impl Iterator<Item = (CubeTensor, CubeTensor)> {
    let [_, rows, _] = sizes(&x);
    (0..rows).step_by(piece).map(move |first| {
        let range = [Slice::full(), (first..(first + piece).min(rows)).into()];
        (Cube::float_slice(x.clone(), &range), Cube::int_slice(targets.clone(), &range))
    })
}

/// Tensors as one.
fn beside(mut tensors: Vec<CubeTensor>, dimension: usize) -> CubeTensor {
    match tensors.len() {
        1 => tensors.remove(0),
        _ => Cube::float_cat(tensors, dimension),
    }
}
