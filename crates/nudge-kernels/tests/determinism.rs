//! The same bits on any number of threads: a resumed run may have other cores to itself.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Int, Tensor, TensorData};
use nudge_kernels::{causal_attention, embedding, linear, rms_norm, sum_of_squares, swiglu, token_logprobs};

use common::device;

const BATCH: usize = 5;
const TIME: usize = 150;
const VOCAB: usize = 300;
const WIDTH: usize = 96;

fn weight(rows: usize, cols: usize) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * cols).map(|i| ((i * 7919 + rows) % 1009) as f32 / 1009.0 - 0.5).collect();
    Tensor::from_data(TensorData::new(values, [rows, cols]), &device()).require_grad()
}

/// Forward and backward through every operation with a reduction; the loss and all gradients.
fn step() -> Vec<Vec<f32>> {
    let device = device();
    let ids: Vec<i64> = (0..BATCH * TIME).map(|i| (i * i % VOCAB) as i64).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [BATCH, TIME]), &device);
    // Padding on the left, then sequences of up to 70 tokens.
    let first: Vec<i64> = (0..BATCH * TIME)
        .map(|i| (i % TIME, i / TIME * 9))
        .map(|(t, pad)| if t < pad { TIME as i64 } else { (t / 70 * 70).max(pad) as i64 })
        .collect();
    let first = Tensor::<2, Int>::from_data(TensorData::new(first, [BATCH, TIME]), &device);
    let weights = [
        weight(VOCAB, WIDTH),
        weight(WIDTH, WIDTH),
        weight(1, WIDTH),
        weight(4 * WIDTH, WIDTH),
        weight(VOCAB, 4 * WIDTH),
    ];
    let [table, projection, norm, up, head] = weights.clone();

    let x = rms_norm(embedding(table, ids.clone()), norm.flatten(0, 1), 1e-5);
    let q = linear(x.clone(), projection).reshape([BATCH, TIME, 6, 16]);
    let k = x.reshape([BATCH, TIME, 6, 16]);
    let x = causal_attention(q, k.clone(), k, first).reshape([BATCH, TIME, WIDTH]);
    let x = linear(x, up);
    let loss = token_logprobs(linear(swiglu(x.clone(), x), head), ids).sum();
    let grads = loss.clone().backward();
    let mut results = vec![loss.into_data().try_to_vec().unwrap()];
    for weight in weights {
        let grad = weight.grad(&grads).unwrap();
        results.push(sum_of_squares(vec![grad.clone()]).0.into_data().try_to_vec().unwrap());
        results.push(grad.into_data().try_to_vec().unwrap());
    }
    results
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(step);
    let one = on(1);
    assert!(one.iter().flatten().all(|x| x.is_finite()));
    for threads in [2, 3, 7] {
        assert!(on(threads) == one, "{threads} threads give other bits than one");
    }
}
