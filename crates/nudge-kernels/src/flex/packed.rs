//! Products with frozen weights on the CPU: `y = x Wᵀ` and `dx = dy W`, the weight read from its bytes a few rows at a
//! time.
//!
//! Reading a weight costs a thousandth of multiplying it with a thousand tokens, and what is read stays in the cache
//! until it is multiplied. Neither the pieces nor the parts of their products depend on the number of threads, so the sums
//! do not either.

use std::cell::Cell;
use std::ops::Range;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Backend, DispatchTensorKind, Flex};
use burn::tensor::{Int, Tensor};

use super::Tracked;
use super::gemm::{Matrix, Write, product_onto};
use super::storage::{FlexTensor, contiguous, dims, indices, tensor, values};
use super::token_logprobs;
use super::vector::vectorised;
use crate::encoding::Encoding;
use crate::packed::Form;
use crate::platform;
use crate::tensor_list::Words;

/// Numbers that are unpacked at a time: 4 MiB.
const NUMBERS_AT_ONCE: usize = 1 << 20;

/// Rows that one thread unpacks at a time.
const ROWS_AT_ONCE: usize = 64;

vectorised! {
    /// What the bytes mean.
    fn decode(encoding: Encoding, bytes: &[u8], out: &mut [f32]) {
        encoding.decode(bytes, out);
    }
}

/// The words of a weight on the CPU.
#[derive(Clone)]
pub(crate) struct FlexWords(FlexTensor);

impl FlexWords {
    /// Those of a tensor on the CPU.
    pub(crate) fn of(words: &Tensor<1, Int>) -> Option<Self> {
        match words.clone().into_dispatch().kind {
            DispatchTensorKind::Flex(words) => Some(Self(words.int())),
            #[allow(unreachable_patterns)] // Other backends exist when a shell turns them on.
            _ => None,
        }
    }

    /// As bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// Those of an operation: on the CPU a weight has one part.
pub(super) fn whole<B: Backend<IntTensorPrimitive = FlexTensor>>(words: Words<B>) -> FlexTensor {
    let [whole] = <[FlexTensor; 1]>::try_from(words.0).expect("a weight on the CPU has one part");
    whole
}

/// A piece of a weight: consecutive rows, `[rows, columns]`.
struct Piece<'a> {
    rows: Range<usize>,
    numbers: &'a [f32],
}

thread_local! {
    /// Room for a piece, which is not cleared for the next one.
    static ROOM: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Calls `work` with the weight piece by piece.
fn for_each_piece(bytes: &[u8], form: Form, mut work: impl FnMut(Piece)) {
    let Form { encoding, rows, columns, .. } = form;
    let bytes = &bytes[..rows * form.row_bytes()];
    let at_once = (NUMBERS_AT_ONCE / columns).max(1);
    let mut numbers = ROOM.take();
    numbers.resize(numbers.len().max(at_once.min(rows) * columns), 0.0);
    for first in (0..rows).step_by(at_once) {
        let rows = first..(first + at_once).min(rows);
        let bytes = &bytes[rows.start * form.row_bytes()..rows.end * form.row_bytes()];
        let numbers = &mut numbers[..rows.len() * columns];
        let parts = bytes.chunks(ROWS_AT_ONCE * form.row_bytes()).zip(numbers.chunks_mut(ROWS_AT_ONCE * columns));
        platform::for_each(parts.collect(), |(bytes, numbers): (&[u8], &mut [f32])| decode(encoding, bytes, numbers));
        work(Piece { rows, numbers });
    }
    ROOM.set(numbers);
}

/// The whole weight, `[rows, columns]`.
pub(super) fn unpacked(words: &FlexTensor, form: Form) -> FlexTensor {
    let mut all = Vec::with_capacity(form.rows * form.columns);
    for_each_piece(words.bytes(), form, |piece| all.extend_from_slice(piece.numbers));
    tensor(all, [form.rows, form.columns])
}

/// Rows at `ids: [batch, time]`.
pub(super) fn rows(words: &FlexTensor, ids: FlexTensor, form: Form) -> FlexTensor {
    let [batch, time] = dims(&ids);
    let (bytes, width) = (words.bytes(), form.row_bytes());
    let mut out = vec![0.0; batch * time * form.columns];
    for (id, out) in indices(ids, form.rows).into_iter().zip(out.chunks_exact_mut(form.columns)) {
        decode(form.encoding, &bytes[id as usize * width..][..width], out);
    }
    tensor(out, [batch, time, form.columns])
}

/// `x: [batch, time, columns]`, contiguous.
fn forward(x: &FlexTensor, words: &FlexTensor, form: Form) -> FlexTensor {
    let [batch, time, _] = dims(x);
    let mut y = vec![0.0; batch * time * form.rows];
    multiply(values(x), words.bytes(), form, &mut y, Write::Replace);
    tensor(y, [batch, time, form.rows])
}

/// The product of every row of `x`, `[tokens, columns]`, into `y`, `[tokens, rows]`.
pub(crate) fn multiply(x: &[f32], bytes: &[u8], form: Form, y: &mut [f32], write: Write) {
    for_each_piece(bytes, form, |Piece { rows, numbers }| {
        let weight = Matrix::rows(numbers, form.columns).transposed();
        let sizes = [x.len() / form.columns, rows.len(), form.columns];
        product_onto(sizes, Matrix::rows(x, form.columns), weight, write, y, rows.start, form.rows);
    });
}

/// `dy: [batch, time, rows]`, contiguous.
fn gradient(dy: &FlexTensor, words: &FlexTensor, form: Form) -> FlexTensor {
    let [batch, time, _] = dims(dy);
    let mut dx = vec![0.0; batch * time * form.columns];
    for_each_piece(words.bytes(), form, |Piece { rows, numbers }| {
        let dy = Matrix::rows(&values(dy)[rows.start..], form.rows);
        let sizes = [batch * time, form.columns, rows.len()];
        product_onto(sizes, dy, Matrix::rows(numbers, form.columns), Write::Add, &mut dx, 0, form.columns);
    });
    tensor(dx, [batch, time, form.columns])
}

pub(super) fn linear(x: FlexTensor, words: FlexTensor, form: Form) -> FlexTensor {
    forward(&contiguous(x), &words, form)
}

/// Products of one input with several weights, side by side.
pub(super) fn linears(x: FlexTensor, words: &[FlexTensor], forms: &[Form]) -> FlexTensor {
    let ([batch, time, _], x) = (dims(&x), contiguous(x));
    let products: Vec<FlexTensor> = words.iter().zip(forms).map(|(words, form)| forward(&x, words, *form)).collect();
    let width: usize = forms.iter().map(|form| form.rows).sum();
    let mut y = Vec::with_capacity(batch * time * width);
    for row in 0..batch * time {
        for (product, form) in products.iter().zip(forms) {
            y.extend_from_slice(&values(product)[row * form.rows..][..form.rows]);
        }
    }
    tensor(y, [batch, time, width])
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 1> for LinearBackward {
    type State = (FlexTensor, Form);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (words, form) = ops.state;
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, gradient(&dy, &words, form));
        }
    }
}

pub(super) fn linear_tracked(x: Tracked, words: FlexTensor, form: Form) -> Tracked {
    let node = x.node();
    let y = linear(x.into_primitive(), words.clone(), form);
    match LinearBackward.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((words, form), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

/// `x: [1, rows, columns]`, `targets: [1, rows]` to `[1, rows]`, `piece` rows at a time.
pub(super) fn logprobs(x: FlexTensor, words: FlexTensor, targets: FlexTensor, form: Form, piece: usize) -> FlexTensor {
    let x = contiguous(x);
    let targets = indices(targets, form.rows);
    let of_piece = |(x, targets): (&[f32], &[u32])| {
        let logits = forward(&tensor(x.to_vec(), [1, targets.len(), form.columns]), &words, form);
        token_logprobs::of_logits(&logits, targets)
    };
    let logprobs: Vec<f32> =
        values(&x).chunks(piece * form.columns).zip(targets.chunks(piece)).flat_map(of_piece).collect();
    tensor(logprobs, [1, targets.len()])
}

/// The same, and `W[target] - softmax(x Wᵀ) W` of every row, `[1, rows, columns]`: the gradient of its log-probability.
fn logprobs_and_gradients(
    x: FlexTensor,
    words: FlexTensor,
    targets: FlexTensor,
    form: Form,
    piece: usize,
) -> (FlexTensor, FlexTensor) {
    let x = contiguous(x);
    let targets = indices(targets, form.rows);
    let (mut logprobs, mut gradients) = (Vec::new(), Vec::with_capacity(values(&x).len()));
    for (x, targets) in values(&x).chunks(piece * form.columns).zip(targets.chunks(piece)) {
        let logits = forward(&tensor(x.to_vec(), [1, targets.len(), form.columns]), &words, form);
        let (of_piece, dlogits) = token_logprobs::with_gradient_of_ones(logits, targets);
        logprobs.extend(of_piece);
        gradients.extend_from_slice(values(&gradient(&dlogits, &words, form)));
    }
    (tensor(logprobs, [1, targets.len()]), tensor(gradients, [1, targets.len(), form.columns]))
}

#[derive(Debug)]
struct LogprobsBackward;

impl Backward<Flex, 1> for LogprobsBackward {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let [Some(node)] = ops.parents else { return };
        let [_, rows, columns] = dims(&ops.state);
        let scaled = |(gradient, dy): (&[f32], &f32)| gradient.iter().map(|gradient| gradient * dy).collect::<Vec<_>>();
        let dx: Vec<f32> = values(&ops.state).chunks_exact(columns).zip(values(&dy)).flat_map(scaled).collect();
        grads.register::<Flex>(node.id, tensor(dx, [1, rows, columns]));
    }
}

pub(super) fn logprobs_tracked(
    x: Tracked,
    words: FlexTensor,
    targets: FlexTensor,
    form: Form,
    piece: usize,
) -> Tracked {
    let node = x.node();
    let x = x.into_primitive();
    match LogprobsBackward.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let (logprobs, gradients) = logprobs_and_gradients(x, words, targets, form, piece);
            prep.finish(gradients, logprobs)
        }
        OpsKind::UnTracked(prep) => prep.finish(logprobs(x, words, targets, form, piece)),
    }
}
