//! One token after another: against whole sequences, against the operations composed, and with rows that have ended.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Int, Tensor, TensorData};
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows, attention, attention_within};
use nudge_kernels::host::{Distribution, draw};
use nudge_kernels::primitive;

use common::{assert_close, behind_padding, host, plain_device, random};

type Decode<'a> = &'a dyn Fn(Tensor<3>, Tensor<1, Int>, Tensor<3>, &mut KeyValueCache, usize) -> Tensor<3>;

/// Cosine and sine by position, `[time, head_dim / 2, 2]`.
fn angle_table(time: usize, half: usize) -> Tensor<3> {
    let values: Vec<f32> = (0..time * half)
        .map(|i| ((i / half) as f32) * 0.7f32.powi((i % half) as i32))
        .flat_map(|angle| [angle.cos(), angle.sin()])
        .collect();
    Tensor::from_data(TensorData::new(values, [time, half, 2]), &plain_device())
}

#[test]
fn decoding_token_by_token_is_causal_attention() {
    for [heads, kv_heads, head_dim, time] in [[4, 2, 8, 21], [2, 1, 32, 70]] {
        let padding = [0, 6, time - 1];
        let batch = padding.len();
        let qkv = random([batch, time, (heads + 2 * kv_heads) * head_dim], 2.0).inner();
        let angles = angle_table(time, head_dim / 2);
        let part = |from: usize, count: usize| {
            qkv.clone().narrow(2, from * head_dim, count * head_dim).reshape([batch, time, count, head_dim])
        };
        // Of every token the angles of its place behind the padding.
        let turn = |which: usize| {
            let rows = padding.map(|pad| {
                let places: Vec<i64> = (0..time).map(|t| t.saturating_sub(pad) as i64).collect();
                let places = Tensor::<1, Int>::from_data(places.as_slice(), &plain_device());
                angles.clone().select(0, places).narrow(2, which, 1).reshape([1, time, head_dim / 2])
            });
            Tensor::cat(rows.to_vec(), 0)
        };
        let rotated = |x: Tensor<4>| primitive::rotary(x, turn(0), turn(1));
        let (q, k, v) = (part(0, heads), part(heads, kv_heads), part(heads + kv_heads, kv_heads));
        let first = behind_padding(&padding, time).inner();
        let expected = primitive::causal_attention(rotated(q), rotated(k), v, first);
        let starts = padding.map(|pad| pad as i64);
        let starts = Tensor::<1, Int>::from_data(starts.as_slice(), &plain_device());
        let live = LiveRows::all(batch, &[], &plain_device());
        let fused: Decode = &|qkv, first, angles, cache, filled| attention(qkv, first, angles, cache, filled, &live);
        for body in [fused, &primitive::decode_attention] {
            let empty = Tensor::<4>::zeros([batch, time, kv_heads, head_dim], &plain_device());
            let mut cache = KeyValueCache { keys: empty.clone(), values: empty };
            for t in 0..time {
                let token = qkv.clone().narrow(1, t, 1);
                // A row that has not begun is looked at from its first token on.
                let begun: Vec<usize> = (0..batch).filter(|&row| padding[row] <= t).collect();
                let now = starts.clone().clamp_max(t as i64);
                let out = host(body(token, now, angles.clone(), &mut cache, t));
                let width = heads * head_dim;
                let expected = host(expected.clone().narrow(1, t, 1));
                for row in begun {
                    let at = row * width..(row + 1) * width;
                    assert_close(&format!("row {row}, token {t}"), &out[at.clone()], &expected[at], 2e-5);
                }
            }
        }
    }
}

#[test]
fn decoding_within_a_window_is_attention_whose_queries_begin_later() {
    let ([heads, kv_heads, head_dim, time], window) = ([4, 2, 8, 23], 5);
    let padding = [0usize, 3];
    let batch = padding.len();
    let qkv = random([batch, time, (heads + 2 * kv_heads) * head_dim], 2.0).inner();
    // Angles of nothing: the window alone is looked at.
    let unturned = [1.0, 0.0].repeat(time * head_dim / 2);
    let angles = Tensor::from_data(TensorData::new(unturned, [time, head_dim / 2, 2]), &plain_device());
    let part = |from: usize, count: usize| {
        qkv.clone().narrow(2, from * head_dim, count * head_dim).reshape([batch, time, count, head_dim])
    };
    let seen_from = |pad: usize| (0..time).map(move |t| pad.max((t + 1).saturating_sub(window)));
    let first = int_column(padding.iter().flat_map(|&pad| seen_from(pad))).reshape([batch, time]);
    let (q, k, v) = (part(0, heads), part(heads, kv_heads), part(heads + kv_heads, kv_heads));
    let expected = primitive::causal_attention(q, k, v, first);
    let live = LiveRows::all(batch, &[], &plain_device());
    let empty = Tensor::<4>::zeros([batch, time, kv_heads, head_dim], &plain_device());
    let mut cache = KeyValueCache { keys: empty.clone(), values: empty };
    for t in 0..time {
        let now = int_column(padding.iter().map(|&pad| pad.min(t))).reshape([batch]);
        let token = qkv.clone().narrow(1, t, 1);
        let out = host(attention_within(token, now, angles.clone(), &mut cache, t, &live, window));
        let expected = host(expected.clone().narrow(1, t, 1));
        for row in (0..batch).filter(|&row| padding[row] <= t) {
            let at = row * heads * head_dim..(row + 1) * heads * head_dim;
            assert_close(&format!("row {row}, token {t}"), &out[at.clone()], &expected[at], 2e-5);
        }
    }
}

#[test]
fn tokens_drawn_on_a_device_are_those_drawn_on_the_host() {
    let rows = 40;
    let live = LiveRows::all(rows, &[], &plain_device());
    for vocab in [1, 5, 300, 2048] {
        let logits = random([rows, vocab], 6.0).inner();
        let noise: Vec<f32> = (0..rows).map(|row| (row as f32 * 0.617).fract()).collect();
        let noise_rows = Tensor::from_data(TensorData::new(noise.clone(), [rows, 1]), &plain_device());
        for (temperature, top_k, top_p) in
            [(1.0, 0, 1.0), (0.7, 0, 1.0), (1.0, 3, 1.0), (1.3, 40, 1.0), (1.0, 0, 0.8), (0.9, 20, 0.6), (1e-4, 1, 1.0)]
        {
            let distribution = Distribution { temperature, top_k, top_p };
            let mut drawn = Drawn::none(rows, 3, &plain_device());
            // Into the second of three columns.
            drawn.steps = 1;
            decoding::draw(logits.clone(), noise_rows.clone(), distribution, &live, &mut drawn);
            assert_eq!(drawn.steps, 2);
            let (tokens, logprobs) = column(&drawn, 1);
            let logits = host(logits.clone());
            for (row, logits) in logits.chunks(vocab).enumerate() {
                let (token, logprob) = draw(&mut logits.to_vec(), noise[row], distribution);
                assert_eq!(tokens[row] as u32, token, "row {row} of {vocab} by {distribution:?}");
                assert!((logprobs[row] - logprob).abs() < 1e-4, "{} against {logprob}", logprobs[row]);
            }
        }
    }
}

/// A batch after its first token, of which some rows have ended, and the slots of the others.
struct Ended {
    live: LiveRows,
    /// Embeddings of the first token, by slot.
    x: Tensor<3>,
    /// Slot and row of all that go on.
    going_on: Vec<(usize, usize)>,
}

const BATCH: usize = 11;
const WIDTH: usize = 33;
const VOCAB: usize = 20;

/// Tokens and log-probabilities of one step.
fn column(drawn: &Drawn, at: usize) -> (Vec<i32>, Vec<f32>) {
    let tokens = drawn.tokens.clone().narrow(1, at, 1).into_data().convert::<i32>().try_to_vec().unwrap();
    (tokens, host(drawn.logprobs.clone().narrow(1, at, 1)))
}

fn int_column(values: impl Iterator<Item = usize>) -> Tensor<2, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    Tensor::from_data(TensorData::new(values.clone(), [values.len(), 1]), &plain_device())
}

fn embeddings() -> Tensor<2> {
    random([VOCAB, WIDTH], 1.0).inner()
}

/// Tokens 3 and 7 end a row. All rows draw, twice: by the first draw rows 0 and 5 end, by the second 4 and 10.
fn ended() -> Ended {
    let mut live = LiveRows::all(BATCH, &[3, 7], &plain_device());
    let first = |row| match row {
        0 => 3,
        5 => 7,
        row => 8 + row,
    };
    let mut drawn = Drawn { tokens: int_column((0..BATCH).map(first)), logprobs: embeddings(), steps: 1 };
    decoding::embedding(embeddings(), &drawn, &mut live);
    let second = |row| match row {
        4 => 7,
        10 => 3,
        row => row % 3,
    };
    drawn.tokens = Tensor::cat(vec![drawn.tokens, int_column((0..BATCH).map(second))], 1);
    drawn.steps = 2;
    let x = decoding::embedding(embeddings(), &drawn, &mut live);
    let rows = (0..BATCH).filter(|row| ![0, 4, 5, 10].contains(row));
    // A GPU puts them together.
    let going_on = rows.enumerate().map(|(slot, row)| (if cfg!(feature = "gpu") { slot } else { row }, row)).collect();
    Ended { live, x, going_on }
}

/// Compares the slots that count with the rows of `expected`.
fn assert_rows(name: &str, going_on: &[(usize, usize)], found: Tensor<3>, expected: Tensor<3>) {
    let [_, _, width] = found.dims();
    let (found, expected) = (host(found), host(expected));
    for &(slot, row) in going_on {
        let name = format!("{name}, row {row}");
        assert_close(&name, &found[slot * width..][..width], &expected[row * width..][..width], 1e-5);
    }
}

/// Rows of `of_rows` in the order of their slots; slots that do not count hold something else.
fn by_slot(going_on: &[(usize, usize)], of_rows: &Tensor<3>) -> Tensor<3> {
    let [batch, time, width] = of_rows.dims();
    let rows = host(of_rows.clone());
    let mut slots = vec![1e30f32; rows.len()];
    for &(slot, row) in going_on {
        slots[slot * width..][..width].copy_from_slice(&rows[row * width..][..width]);
    }
    Tensor::from_data(TensorData::new(slots, [batch, time, width]), &plain_device())
}

#[test]
fn the_next_tokens_of_rows_that_go_on_are_embedded() {
    let Ended { x, going_on, .. } = ended();
    let expected = primitive::embedding(embeddings(), int_column((0..BATCH).map(|row| row % 3)));
    assert_rows("embedding", &going_on, x, expected);
}

#[test]
fn products_of_rows_that_go_on_are_those_of_the_whole_batch() {
    let Ended { live, going_on, .. } = ended();
    let x = random([BATCH, 1, WIDTH], 2.0).inner();
    let slots = by_slot(&going_on, &x);
    let norm = random([WIDTH], 1.0).inner();
    for out in [1, 5, 64, 130] {
        let weight = random([2 * out, WIDTH], 0.5).inner();
        let normed = primitive::rms_norm(x.clone(), norm.clone(), 1e-5);
        let expected = primitive::linear(normed, weight.clone());
        let found = decoding::normed_linear(slots.clone(), norm.clone(), 1e-5, weight.clone(), &live);
        assert_rows("normed_linear", &going_on, found, expected.clone());
        let gated = primitive::swiglu(expected.clone().narrow(2, 0, out), expected.narrow(2, out, out));
        let found = decoding::normed_swiglu(slots.clone(), norm.clone(), 1e-5, weight.clone(), &live);
        assert_rows("normed_swiglu", &going_on, found, gated);
        let added = random([BATCH, 1, 2 * out], 1.0).inner();
        let expected = added.clone() + primitive::linear(x.clone(), weight.clone());
        let found = decoding::linear_onto(slots.clone(), weight, by_slot(&going_on, &added), &live);
        assert_rows("linear_onto", &going_on, found, expected);
    }
}

#[test]
fn rows_that_go_on_attend_to_their_own_cache() {
    let Ended { live, going_on, .. } = ended();
    let (heads, kv_heads, head_dim, capacity, filled) = (4, 2, 8, 9, 6);
    let room = [BATCH, capacity, kv_heads, head_dim];
    let cache = || KeyValueCache { keys: random(room, 1.0).inner(), values: random(room, 2.0).inner() };
    let qkv = random([BATCH, 1, (heads + 2 * kv_heads) * head_dim], 2.0).inner();
    let first: Vec<i32> = (0..BATCH as i32).map(|row| row % 6).collect();
    let first = Tensor::<1, Int>::from_data(first.as_slice(), &plain_device());
    let angles = angle_table(capacity, head_dim / 2);
    let (mut found_cache, mut expected_cache) = (cache(), cache());
    let slots = by_slot(&going_on, &qkv);
    let found = attention(slots, first.clone(), angles.clone(), &mut found_cache, filled, &live);
    let expected = primitive::decode_attention(qkv, first, angles, &mut expected_cache, filled);
    assert_rows("attention", &going_on, found, expected);
    let rows = |cache: Tensor<4>| cache.reshape([BATCH as i32, 1, -1]);
    // By row, whatever the slot.
    let by_row: Vec<(usize, usize)> = going_on.iter().map(|&(_, row)| (row, row)).collect();
    assert_rows("keys", &by_row, rows(found_cache.keys), rows(expected_cache.keys));
    assert_rows("values", &by_row, rows(found_cache.values), rows(expected_cache.values));
}

#[cfg(feature = "gpu")]
#[test]
fn rows_that_have_ended_draw_nothing() {
    let Ended { live, going_on, .. } = ended();
    let logits = random([BATCH, 1, VOCAB], 3.0).inner();
    let noise: Vec<f32> = (0..BATCH).map(|row| (row as f32 * 0.617).fract()).collect();
    let noise_rows = Tensor::from_data(TensorData::new(noise.clone(), [BATCH, 1]), &plain_device());
    for (top_k, top_p) in [(0, 1.0), (5, 0.7)] {
        let distribution = Distribution { temperature: 0.9, top_k, top_p };
        let slots = by_slot(&going_on, &logits).reshape([BATCH, VOCAB]);
        let mut drawn = Drawn::none(BATCH, 1, &plain_device());
        decoding::draw(slots, noise_rows.clone(), distribution, &live, &mut drawn);
        let (tokens, logprobs) = column(&drawn, 0);
        for (row, logits) in host(logits.clone()).chunks(VOCAB).enumerate() {
            let expected = match going_on.iter().any(|&(_, other)| other == row) {
                true => draw(&mut logits.to_vec(), noise[row], distribution),
                false => (0, 0.0),
            };
            assert_eq!(tokens[row] as u32, expected.0, "row {row}");
            assert!((logprobs[row] - expected.1).abs() < 1e-4, "row {row}");
        }
    }
}

#[test]
fn draws_follow_the_distribution() {
    const PLAIN: Distribution = Distribution { temperature: 1.0, top_k: 0, top_p: 1.0 };
    let device = plain_device();
    let probabilities = [0.1f32, 0.2, 0.3, 0.4];
    let rows = 1000;
    let logits: Vec<f32> = (0..rows).flat_map(|_| probabilities.map(f32::ln)).collect();
    let noise: Vec<f32> = (0..rows).map(|i| (i as f32 + 0.5) / rows as f32).collect();
    let logits = Tensor::from_data(TensorData::new(logits, [rows, 4]), &device);
    let noise = Tensor::from_data(TensorData::new(noise, [rows, 1]), &device);
    let count = |options: Distribution| {
        let (live, mut drawn) = (LiveRows::all(rows, &[], &device), Drawn::none(rows, 1, &device));
        decoding::draw(logits.clone(), noise.clone(), options, &live, &mut drawn);
        let (tokens, logprobs) = column(&drawn, 0);
        ([0, 1, 2, 3].map(|token| tokens.iter().filter(|t| **t == token).count()), logprobs[rows - 1])
    };
    let (counts, logprob) = count(PLAIN);
    assert_eq!(counts, [100, 200, 300, 400]);
    assert!((logprob - 0.4f32.ln()).abs() < 1e-5);
    assert_eq!(count(Distribution { top_k: 1, ..PLAIN }).0, [0, 0, 0, 1000]);
    assert_eq!(count(Distribution { temperature: 1e-4, top_k: 1, ..PLAIN }).0, [0, 0, 0, 1000]);
    let (counts, logprob) = count(Distribution { top_p: 0.65, ..PLAIN });
    assert_eq!(counts, [0, 0, 429, 571]);
    assert!((logprob - (4.0f32 / 7.0).ln()).abs() < 1e-5);
    // Of what top_k leaves the likeliest has 4/7.
    assert_eq!(count(Distribution { top_k: 2, top_p: 0.5, ..PLAIN }).0, [0, 0, 0, 1000]);
}
