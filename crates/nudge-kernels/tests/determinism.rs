//! The same bits on any number of threads: a resumed run may have other cores to itself.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Int, Tensor, TensorData};
use nudge_kernels::encoding::Encoding;
use nudge_kernels::host::{PackedRows, attend, attend_together};
use nudge_kernels::{
    PackedWeight, causal_attention, embedding, linear, rms_norm, sum_of_squares, swiglu, token_logprobs,
};

use common::{device, host, plain_device, random};

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

/// What `work` gives on several numbers of threads is what it gives on one.
fn same_on_any_number_of_threads(name: &str, work: impl Fn() -> Vec<Vec<f32>> + Send + Sync) {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    let one = on(1);
    assert!(one.iter().flatten().all(|x| x.is_finite()), "{name}");
    for threads in [2, 3, 7, 8, 32] {
        assert!(on(threads) == one, "{name}: {threads} threads give other bits than one");
    }
}

#[test]
fn a_step() {
    same_on_any_number_of_threads("a step", step);
}

/// Tokens, outputs and inputs: narrow products, long sums, parts with a last row of their own.
const SIZES: [[usize; 3]; 8] = [
    [97, 64, 1024],
    [129, 61, 640],
    [385, 16, 544],
    [769, 33, 576],
    [1025, 1, 1056],
    [193, 513, 64],
    [161, 1537, 32],
    [49, 700, 608],
];

#[test]
fn products_and_their_gradients() {
    for [tokens, outputs, inputs] in SIZES {
        same_on_any_number_of_threads(&format!("{tokens} x {inputs} -> {outputs}"), || {
            let x = random([1, tokens, inputs], 1.0).require_grad();
            let weight = random([outputs, inputs], 0.1).require_grad();
            let y = linear(x.clone(), weight.clone());
            let grads = (y.clone() * y.clone()).sum().backward();
            vec![host(y), host(x.grad(&grads).unwrap()), host(weight.grad(&grads).unwrap())]
        });
    }
}

#[test]
fn products_with_frozen_weights() {
    for [tokens, outputs, inputs] in SIZES {
        let numbers = host(random([outputs, inputs], 0.1));
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let weight = PackedWeight::new(Encoding::F32, [outputs, inputs], &bytes, &plain_device());
        let rows = PackedRows::of(&weight);
        same_on_any_number_of_threads(&format!("frozen {tokens} x {inputs} -> {outputs}"), || {
            let x = random([1, tokens, inputs], 1.0).require_grad();
            let y = weight.linear(x.clone());
            let grads = (y.clone() * y.clone()).sum().backward();
            let mut results = vec![host(y), host(x.grad(&grads).unwrap())];
            for tokens in [1, 5, tokens] {
                let x = host(random([tokens, inputs], 1.0));
                let mut few = vec![0.0; tokens * outputs];
                let mut many = few.clone();
                if let Some(rows) = &rows {
                    rows.multiply(&x, &mut few, false);
                    rows.multiply_many(&x, &mut many, false);
                }
                results.extend([few, many]);
            }
            results
        });
    }
}

#[test]
fn attention_over_a_cache() {
    let (time, kv_heads, head_dim, heads) = (1301, 3, 20, 6);
    let [keys, values] = [1.0, 0.5].map(|scale| host(random([time, kv_heads * head_dim], scale)));
    for (tokens, window) in [(1, time), (1, 977), (131, time), (131, 77)] {
        let q = host(random([tokens, heads * head_dim], 1.0));
        same_on_any_number_of_threads(&format!("{tokens} queries, window {window}"), || {
            let mut out = vec![0.0; q.len()];
            match tokens {
                1 => attend(&q, [&keys, &values], kv_heads, head_dim, window, &mut out),
                _ => attend_together(&q, heads * head_dim, [&keys, &values], kv_heads, head_dim, window, &mut out),
            }
            vec![out]
        });
    }
}
