//! Median time of every operation, composed and fused, at the shape of a small story model.
//!
//! `cargo run --release -p nudge-kernels --example bench`

#![allow(clippy::disallowed_macros, clippy::disallowed_methods)] // It prints and looks at the clock.
#![allow(clippy::type_complexity)]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Int, Tensor};
use nudge_kernels as fused;
use nudge_kernels::{AdamWState, AdamWStep, primitive};

const BATCH: usize = 16;
const TIME: usize = 256;
const WIDTH: usize = 192;
const HEADS: usize = 6;
const HEAD_DIM: usize = WIDTH / HEADS;
const HIDDEN: usize = 512;
const VOCAB: usize = 2048;
const LAYERS: usize = 4;
const REPEATS: usize = 15;

fn device() -> Device {
    Device::flex().autodiff()
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
}

/// Every query sees all keys before it.
fn one_sequence_a_row() -> Tensor<2, Int> {
    Tensor::zeros([BATCH, TIME], &device())
}

fn median_ms(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

/// Prints forward and forward-plus-backward of both bodies.
fn compare<const N: usize, const D: usize, const R: usize>(
    name: &str,
    inputs: [Tensor<D>; N],
    primitive: impl Fn([Tensor<D>; N]) -> Tensor<R>,
    fused: impl Fn([Tensor<D>; N]) -> Tensor<R>,
) {
    let forward = |body: &dyn Fn([Tensor<D>; N]) -> Tensor<R>| {
        let inputs = inputs.clone().map(|x| x.inner());
        median_ms(|| drop(body(inputs.clone())))
    };
    let both = |body: &dyn Fn([Tensor<D>; N]) -> Tensor<R>| {
        median_ms(|| {
            let inputs = inputs.clone().map(|x| x.detach().require_grad());
            drop(body(inputs).sum().backward());
        })
    };
    let [f0, f1] = [forward(&primitive), forward(&fused)];
    let [b0, b1] = [both(&primitive), both(&fused)];
    println!(
        "{name:24} forward {f0:8.2} -> {f1:7.2} ms ({:4.1}x)   with backward {b0:8.2} -> {b1:7.2} ms ({:4.1}x)",
        f0 / f1,
        b0 / b1
    );
}

fn operations() {
    let ids = Tensor::<1, Int>::arange(0..(BATCH * TIME) as i64, &device())
        .remainder_scalar(VOCAB as i64)
        .reshape([BATCH, TIME]);
    let tokens = [BATCH, TIME, WIDTH];
    for out in [WIDTH, HIDDEN, VOCAB] {
        compare(
            &format!("linear {WIDTH} to {out}"),
            [random([BATCH * TIME, WIDTH]), random([out, WIDTH])],
            |[x, w]| primitive::linear(x.reshape(tokens), w),
            |[x, w]| fused::linear(x.reshape(tokens), w),
        );
    }
    compare(
        "token_logprobs",
        [random([BATCH, TIME, VOCAB])],
        |[x]| primitive::token_logprobs(x, ids.clone()),
        |[x]| fused::token_logprobs(x, ids.clone()),
    );
    compare(
        "causal_attention",
        [(); 3].map(|()| random([BATCH, TIME, HEADS, HEAD_DIM])),
        |[q, k, v]| primitive::causal_attention(q, k, v, one_sequence_a_row()),
        |[q, k, v]| fused::causal_attention(q, k, v, one_sequence_a_row()),
    );
    compare(
        "swiglu",
        [(); 2].map(|()| random([BATCH, TIME, HIDDEN])),
        |[g, u]| primitive::swiglu(g, u),
        |[g, u]| fused::swiglu(g, u),
    );
    let norm = random([WIDTH]);
    compare(
        "rms_norm",
        [random(tokens)],
        |[x]| primitive::rms_norm(x, norm.clone(), 1e-5),
        |[x]| fused::rms_norm(x, norm.clone(), 1e-5),
    );
    let (cos, sin) = (random([BATCH, TIME, HEAD_DIM / 2]), random([BATCH, TIME, HEAD_DIM / 2]));
    compare(
        "rotary",
        [random([BATCH, TIME, HEADS, HEAD_DIM])],
        |[x]| primitive::rotary(x, cos.clone(), sin.clone()),
        |[x]| fused::rotary(x, cos.clone(), sin.clone()),
    );
    compare(
        "embedding",
        [random([VOCAB, WIDTH])],
        |[w]| primitive::embedding(w, ids.clone()),
        |[w]| fused::embedding(w, ids.clone()),
    );
    let logits = random([BATCH, TIME, VOCAB]).inner();
    let run = |body: fn(Tensor<3>) -> Tensor<2>| median_ms(|| drop(body(logits.clone())));
    report("entropy", run(primitive::entropy), run(fused::entropy));
}

fn report(name: &str, before: f64, after: f64) {
    println!("{name:24} {before:16.2} -> {after:7.2} ms ({:4.1}x)", before / after);
}

type Update = fn(AdamWState, Vec<Tensor<2>>, Tensor<1>, &AdamWStep) -> AdamWState;

fn optimizer() {
    let step = AdamWStep { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, step: 3 };
    let grad_scale = Tensor::from_data([0.5], &device()).inner();
    let run = |update: Update| {
        let grad = random([VOCAB, WIDTH]).inner();
        let (m, v) = (vec![grad.zeros_like()], vec![grad.zeros_like()]);
        let mut state = Some(AdamWState { params: vec![random([VOCAB, WIDTH]).inner()], m, v });
        median_ms(|| {
            state = state.take().map(|state| update(state, vec![grad.clone()], grad_scale.clone(), &step));
        })
    };
    report("adamw_update", run(primitive::adamw_update), run(fused::adamw_update));
}

/// The operations of one body, to train a model of either kind.
struct Body {
    rms_norm: fn(Tensor<3>, Tensor<1>, f32) -> Tensor<3>,
    rotary: fn(Tensor<4>, Tensor<3>, Tensor<3>) -> Tensor<4>,
    attention: fn(Tensor<4>, Tensor<4>, Tensor<4>, Tensor<2, Int>) -> Tensor<4>,
    swiglu: fn(Tensor<3>, Tensor<3>) -> Tensor<3>,
    token_logprobs: fn(Tensor<3>, Tensor<2, Int>) -> Tensor<2>,
    embedding: fn(Tensor<2>, Tensor<2, Int>) -> Tensor<3>,
    linear: fn(Tensor<3>, Tensor<2>) -> Tensor<3>,
}

/// Forward and backward of a whole decoder with random weights and a tied embedding.
fn train_step(body: &Body, layers: &[Vec<Tensor<2>>], table: &Tensor<2>, ids: &Tensor<2, Int>) {
    let norm = Tensor::<1>::ones([WIDTH], &device()).require_grad();
    let angle = Tensor::<3>::zeros([BATCH, TIME, HEAD_DIM / 2], &device());
    let (cos, sin) = (angle.clone().cos(), angle.sin());
    let heads = |x: Tensor<3>| x.reshape([BATCH, TIME, HEADS, HEAD_DIM]);
    let table = table.clone().detach().require_grad();
    let mut x = (body.embedding)(table.clone(), ids.clone());
    for layer in layers {
        let [wq, wk, wv, wo, gate, up, down] = std::array::from_fn(|i| layer[i].clone().detach().require_grad());
        let h = (body.rms_norm)(x.clone(), norm.clone(), 1e-5);
        let q = (body.rotary)(heads((body.linear)(h.clone(), wq)), cos.clone(), sin.clone());
        let k = (body.rotary)(heads((body.linear)(h.clone(), wk)), cos.clone(), sin.clone());
        let v = heads((body.linear)(h, wv));
        let attended = (body.attention)(q, k, v, one_sequence_a_row()).reshape([BATCH, TIME, WIDTH]);
        x = x + (body.linear)(attended, wo);
        let h = (body.rms_norm)(x.clone(), norm.clone(), 1e-5);
        let h = (body.swiglu)((body.linear)(h.clone(), gate), (body.linear)(h, up));
        x = x + (body.linear)(h, down);
    }
    let logits = (body.linear)((body.rms_norm)(x, norm, 1e-5), table);
    drop((body.token_logprobs)(logits, ids.clone()).mean().neg().backward());
}

fn whole_step() {
    let fused = Body {
        rms_norm: fused::rms_norm,
        rotary: fused::rotary,
        attention: fused::causal_attention,
        swiglu: fused::swiglu,
        token_logprobs: fused::token_logprobs,
        embedding: fused::embedding,
        linear: fused::linear,
    };
    let primitive = Body {
        rms_norm: primitive::rms_norm,
        rotary: primitive::rotary,
        attention: primitive::causal_attention,
        swiglu: primitive::swiglu,
        token_logprobs: primitive::token_logprobs,
        embedding: primitive::embedding,
        linear: primitive::linear,
    };
    let shapes = [
        [WIDTH, WIDTH],
        [WIDTH, WIDTH],
        [WIDTH, WIDTH],
        [WIDTH, WIDTH],
        [HIDDEN, WIDTH],
        [HIDDEN, WIDTH],
        [WIDTH, HIDDEN],
    ];
    let layers: Vec<Vec<Tensor<2>>> = (0..LAYERS).map(|_| shapes.map(|shape| random(shape) * 0.05).to_vec()).collect();
    let table = random([VOCAB, WIDTH]) * 0.05;
    let ids = Tensor::<1, Int>::arange(0..(BATCH * TIME) as i64, &device())
        .remainder_scalar(VOCAB as i64)
        .reshape([BATCH, TIME]);
    let run = |body: &Body| median_ms(|| train_step(body, &layers, &table, &ids));
    report("forward and backward", run(&primitive), run(&fused));
}

fn main() {
    println!(
        "{BATCH} x {TIME} tokens, width {WIDTH}, {HEADS} heads, feed-forward {HIDDEN}, vocabulary {VOCAB}, {LAYERS} layers; median of {REPEATS}"
    );
    operations();
    optimizer();
    whole_step();
}
