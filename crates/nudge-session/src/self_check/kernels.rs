//! Every fused operation on the device against the same composed of single operations on the CPU: values and gradients.
//!
//! A training step alone would show that something is wrong; this names it. Sizes are odd on purpose: they leave work
//! groups and tiles partly empty.

use super::report::{Check, largest, relative_distance};
use crate::SessionError;
use crate::readback::read_all;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_data::Rng;
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};
use nudge_kernels::{self as fused, AdamWState, AdamWStep, primitive};

/// Rounding of `f32` over sums of a hundred numbers, and of a GPU's `exp`, which WGSL lets be off by many units.
const LIMIT: f64 = 1e-4;

pub(super) const BATCH: usize = 3;
pub(super) const TIME: usize = 37;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD_DIM: usize = 8;
const WIDTH: usize = 52;
const VOCAB: usize = 211;

/// An operation on a device: its constants are made there.
type Body<const N: usize> = fn(&Device, [Tensor<3>; N]) -> Tensor<3>;

/// All comparisons, one check an operation.
pub(super) async fn checks(device: &Device, cpu: &Device) -> Result<Vec<Check>, SessionError> {
    let devices = [device, cpu];
    Ok(vec![
        trained(
            "kernel linear",
            devices,
            [[BATCH, TIME, WIDTH], [1, 31, WIDTH]],
            [|_, [x, w]| fused::linear(x, w.squeeze_dim(0)), |_, [x, w]| primitive::linear(x, w.squeeze_dim(0))],
        )
        .await?,
        trained(
            "kernel linear onto",
            devices,
            [[BATCH, TIME, WIDTH], [1, 31, WIDTH], [BATCH, TIME, 31]],
            [
                |_, [x, w, added]| fused::linear_onto(x, w.squeeze_dim(0), added),
                |_, [x, w, added]| primitive::linear(x, w.squeeze_dim(0)) + added,
            ],
        )
        .await?,
        trained(
            "kernel RMS norm",
            devices,
            [[BATCH, TIME, WIDTH], [1, 1, WIDTH]],
            [
                |_, [x, w]| fused::rms_norm(x, w.flatten(0, 2), 1e-5),
                |_, [x, w]| primitive::rms_norm(x, w.flatten(0, 2), 1e-5),
            ],
        )
        .await?,
        trained(
            "kernel SwiGLU",
            devices,
            [[BATCH, TIME, WIDTH]; 2],
            [|_, [gate, up]| fused::swiglu(gate, up), |_, [gate, up]| primitive::swiglu(gate, up)],
        )
        .await?,
        trained(
            "kernel rotary",
            devices,
            [[BATCH, TIME, HEADS * HEAD_DIM]],
            [|device, [x]| turned(device, x, fused::rotary), |device, [x]| turned(device, x, primitive::rotary)],
        )
        .await?,
        trained(
            "kernel attention",
            devices,
            [[BATCH, TIME, 2 * HEADS * HEAD_DIM]],
            [
                |device, [qkv]| attend(qkv, |q, k, v| fused::causal_attention(q, k, v, first_keys(device))),
                |device, [qkv]| attend(qkv, |q, k, v| primitive::causal_attention(q, k, v, first_keys(device))),
            ],
        )
        .await?,
        trained(
            "kernel token logprobs",
            devices,
            [[BATCH, TIME, VOCAB]],
            [
                |device, [x]| fused::token_logprobs(x, tokens(device)).unsqueeze_dim(2),
                |device, [x]| primitive::token_logprobs(x, tokens(device)).unsqueeze_dim(2),
            ],
        )
        .await?,
        trained(
            "kernel embedding",
            devices,
            [[1, VOCAB, WIDTH]],
            [
                |device, [w]| fused::embedding(w.squeeze_dim(0), tokens(device)),
                |device, [w]| primitive::embedding(w.squeeze_dim(0), tokens(device)),
            ],
        )
        .await?,
        entropy(devices).await?,
        adamw(devices).await?,
        norm_of_gradients(devices).await?,
        decoding(devices).await?,
        products_of_a_token(devices).await?,
        drawing(devices).await?,
    ])
}

fn noise(shape: &[usize], seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..shape.iter().product()).map(|_| rng.normal()).collect()
}

fn normal<const D: usize>(device: &Device, shape: [usize; D], seed: u64) -> Tensor<D> {
    Tensor::from_data(TensorData::new(noise(&shape, seed), shape), device)
}

pub(super) fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.shape().num_elements();
    x.reshape([count])
}

/// Angles of any size: rotation by them is the same everywhere.
fn angles(device: &Device, function: fn(f32) -> f32) -> Tensor<3> {
    let shape = [BATCH, TIME, HEAD_DIM / 2];
    let values: Vec<f32> = noise(&shape, 11).into_iter().map(function).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Rows of one sequence, of one behind padding, and of two.
fn first_keys(device: &Device) -> Tensor<2, Int> {
    let padding = 5;
    let padded = |t: usize| if t < padding { TIME } else { padding };
    let packed = |t: usize| if t < TIME / 2 { 0 } else { TIME / 2 };
    let rows = (0..TIME).map(|_| 0).chain((0..TIME).map(padded)).chain((0..TIME).map(packed));
    Tensor::from_data(TensorData::new(rows.map(|key| key as i32).collect(), [BATCH, TIME]), device)
}

fn tokens(device: &Device) -> Tensor<2, Int> {
    let tokens = (0..BATCH * TIME).map(|i| (i * 7 % VOCAB) as i32).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(tokens, [BATCH, TIME]), device)
}

/// The heads of one tensor, turned by `rotary`.
fn turned(device: &Device, x: Tensor<3>, rotary: fn(Tensor<4>, Tensor<3>, Tensor<3>) -> Tensor<4>) -> Tensor<3> {
    let heads = x.reshape([BATCH, TIME, HEADS, HEAD_DIM]);
    rotary(heads, angles(device, f32::cos), angles(device, f32::sin)).flatten(2, 3)
}

/// What attention makes of queries, keys and values out of one tensor.
fn attend(qkv: Tensor<3>, body: impl Fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>) -> Tensor<3> {
    let heads = qkv.reshape([BATCH, TIME, 2 * HEADS, HEAD_DIM]);
    let part = |from, count| heads.clone().narrow(2, from, count);
    body(part(0, HEADS), part(HEADS, KV_HEADS), part(HEADS + KV_HEADS, KV_HEADS)).flatten(2, 3)
}

/// The result of an operation and the gradients of its inputs under one random projection.
pub(super) fn results(
    device: &Device,
    shapes: &[[usize; 3]],
    body: &dyn Fn(&Device, Vec<Tensor<3>>) -> Tensor<3>,
) -> Vec<Tensor<1>> {
    let device = device.clone().autodiff();
    let inputs: Vec<Tensor<3>> =
        (1..).zip(shapes).map(|(seed, shape)| normal(&device, *shape, seed).require_grad()).collect();
    let out = body(&device, inputs.clone());
    let gradients = (out.clone() * normal(&device, out.dims(), 99)).sum().backward();
    let gradients = inputs.into_iter().filter_map(|input| Some(flat(input.grad(&gradients)?)));
    std::iter::once(flat(out.inner())).chain(gradients).collect()
}

/// The fused body on the first device against the composed one on the second.
fn trained<const N: usize>(
    name: &'static str,
    devices: [&Device; 2],
    shapes: [[usize; 3]; N],
    bodies: [Body<N>; 2],
) -> impl Future<Output = Result<Check, SessionError>> {
    let of = |which: usize| {
        let body = bodies[which];
        let body =
            move |device: &Device, inputs: Vec<Tensor<3>>| body(device, inputs.try_into().expect("an input a shape"));
        results(devices[which], &shapes, &body)
    };
    compare(name, of(0), of(1))
}

/// The largest relative distance of two lists of results.
pub(super) async fn compare(
    name: &'static str,
    found: Vec<Tensor<1>>,
    expected: Vec<Tensor<1>>,
) -> Result<Check, SessionError> {
    let (found, expected) = (read_all(found).await?, read_all(expected).await?);
    if found.len() != expected.len() {
        return Ok(Check::new(name, f64::NAN, LIMIT));
    }
    let distances = found.iter().zip(&expected).map(|(found, expected)| relative_distance(found, expected));
    Ok(Check::new(name, largest(distances), LIMIT))
}

async fn entropy([device, cpu]: [&Device; 2]) -> Result<Check, SessionError> {
    let logits = |device| normal(device, [BATCH, TIME, VOCAB], 1).mul_scalar(3.0);
    let (found, expected) = (fused::entropy(logits(device)), primitive::entropy(logits(cpu)));
    compare("kernel entropy", vec![flat(found)], vec![flat(expected)]).await
}

/// Shapes of more parameters than one launch copies.
const PARAMETERS: [[usize; 2]; 8] = [[29, WIDTH], [1, WIDTH], [7, 9], [64, 64], [1, 1], [3, 128], [5, 5], [31, 2]];

fn parameters(device: &Device, seed: u64) -> Vec<Tensor<2>> {
    (seed..).zip(PARAMETERS).map(|(seed, shape)| normal(device, shape, seed)).collect()
}

/// Two steps, the second with what the first left.
async fn adamw([device, cpu]: [&Device; 2]) -> Result<Check, SessionError> {
    type Update = fn(AdamWState, Vec<Tensor<2>>, Tensor<1>, &AdamWStep) -> AdamWState;
    let run = |device: &Device, update: Update| {
        let params = parameters(device, 1);
        let zeros = || params.iter().map(Tensor::zeros_like).collect();
        let mut state = AdamWState { m: zeros(), v: zeros(), params: params.clone() };
        for step in 1..=2 {
            let options = AdamWStep { lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, step };
            let scale = Tensor::from_data([0.7f32], device);
            let (_, grads) = fused::sum_of_squares(parameters(device, 100 * step as u64));
            state = update(state, grads, scale, &options);
        }
        let AdamWState { params, m, v } = state;
        [params, m, v].into_iter().flatten().map(flat).collect()
    };
    compare("kernel AdamW", run(device, fused::adamw_update), run(cpu, primitive::adamw_update)).await
}

async fn norm_of_gradients([device, cpu]: [&Device; 2]) -> Result<Check, SessionError> {
    let (found, beside) = fused::sum_of_squares(parameters(device, 1));
    let expected = parameters(cpu, 1);
    let found = std::iter::once(found).chain(beside.into_iter().map(flat));
    let expected = std::iter::once(primitive::sum_of_squares(&expected)).chain(expected.into_iter().map(flat));
    compare("kernel norm of gradients", found.collect(), expected.collect()).await
}

/// Three tokens a row into a cache whose rows begin at different places.
async fn decoding([device, cpu]: [&Device; 2]) -> Result<Check, SessionError> {
    type Decode = fn(Tensor<3>, Tensor<1, Int>, Tensor<3>, &mut KeyValueCache, usize, &LiveRows) -> Tensor<3>;
    let run = |device: &Device, decode: Decode| {
        let room = [BATCH, TIME, KV_HEADS, HEAD_DIM];
        let mut cache = KeyValueCache { keys: normal(device, room, 1), values: normal(device, room, 2) };
        let turns: Vec<f32> = noise(&[TIME, HEAD_DIM / 2], 3).into_iter().flat_map(|x| [x.cos(), x.sin()]).collect();
        let turns = Tensor::<3>::from_data(TensorData::new(turns, [TIME, HEAD_DIM / 2, 2]), device);
        let live = LiveRows::all(BATCH, &[], device);
        let mut results = Vec::new();
        for filled in 33..36 {
            let token = normal(device, [BATCH, 1, (HEADS + 2 * KV_HEADS) * HEAD_DIM], filled as u64);
            let first = Tensor::<1, Int>::from_data([0, 17, 33], device);
            results.push(flat(decode(token, first, turns.clone(), &mut cache, filled, &live)));
        }
        results
    };
    let composed: Decode =
        |qkv, first, angles, cache, filled, _| primitive::decode_attention(qkv, first, angles, cache, filled);
    compare("kernel decoding", run(device, decoding::attention), run(cpu, composed)).await
}

/// What surrounds the attention of a token: a norm and a product, the gated half of a SwiGLU, a product onto a sum.
async fn products_of_a_token([device, cpu]: [&Device; 2]) -> Result<Check, SessionError> {
    let inputs = |device: &Device| {
        let (x, norm) = (normal(device, [BATCH, 1, WIDTH], 1), normal(device, [WIDTH], 2));
        (x, norm, normal(device, [62, WIDTH], 3), normal(device, [BATCH, 1, 62], 4))
    };
    let (x, norm, weight, added) = inputs(device);
    let live = LiveRows::all(BATCH, &[], device);
    let found = vec![
        flat(decoding::normed_linear(x.clone(), norm.clone(), 1e-5, weight.clone(), &live)),
        flat(decoding::normed_swiglu(x.clone(), norm, 1e-5, weight.clone(), &live)),
        flat(decoding::linear_onto(x, weight, added, &live)),
    ];
    let (x, norm, weight, added) = inputs(cpu);
    let product = primitive::linear(primitive::rms_norm(x.clone(), norm, 1e-5), weight.clone());
    let (gate, up) = (product.clone().narrow(2, 0, 31), product.clone().narrow(2, 31, 31));
    let expected = vec![flat(product), flat(primitive::swiglu(gate, up)), flat(added + primitive::linear(x, weight))];
    compare("kernel products of a token", found, expected).await
}

/// Tokens drawn on the device against those drawn on the host: how many differ. A number beside an
/// edge of the cumulative distribution may fall on either side of it.
async fn drawing([device, _]: [&Device; 2]) -> Result<Check, SessionError> {
    use fused::host::{Distribution, draw};
    const ROWS: usize = 16;
    const EDGES: f64 = 1.0;
    let (logits, mut rng) = (noise(&[ROWS, VOCAB], 5), Rng::new(6));
    let uniform: Vec<f32> = (0..ROWS).map(|_| rng.uniform()).collect();
    let on_device = Tensor::<2>::from_data(TensorData::new(logits.clone(), [ROWS, VOCAB]), device);
    let noise = Tensor::<2>::from_data(TensorData::new(uniform.clone(), [ROWS, 1]), device);
    let live = LiveRows::all(ROWS, &[], device);
    let mut different = 0.0;
    for (top_k, top_p) in [(0, 1.0), (20, 1.0), (0, 0.7)] {
        let distribution = Distribution { temperature: 0.8, top_k, top_p };
        let mut drawn = Drawn::none(ROWS, 1, device);
        decoding::draw(on_device.clone(), noise.clone(), distribution, &live, &mut drawn);
        let tokens = read_all(vec![drawn.tokens.float()]).await?.remove(0);
        let expected =
            logits.chunks(VOCAB).zip(&uniform).map(|(row, noise)| draw(&mut row.to_vec(), *noise, distribution));
        different +=
            tokens.iter().zip(expected).filter(|(token, (expected, _))| **token != *expected as f32).count() as f64;
    }
    Ok(Check::new("kernel drawing", different, EDGES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    #[test]
    fn fused_and_composed_agree_on_the_cpu() {
        let cpu = Device::flex();
        for check in block_on(checks(&cpu, &cpu)).unwrap() {
            assert!(check.ok, "{check:?}");
        }
    }

    #[test]
    fn a_wrong_gradient_fails_its_check() {
        let cpu = Device::flex();
        let shapes = [[BATCH, TIME, WIDTH]; 2];
        let bodies: [Body<2>; 2] =
            [|_, [gate, up]| fused::swiglu(gate, up.detach()) + 0.0, |_, [gate, up]| primitive::swiglu(gate, up)];
        assert!(!block_on(trained("no gradient", [&cpu, &cpu], shapes, bodies)).unwrap().ok);
        let bodies: [Body<2>; 2] =
            [|_, [gate, up]| fused::swiglu(up, gate), |_, [gate, up]| primitive::swiglu(gate, up)];
        assert!(!block_on(trained("swapped", [&cpu, &cpu], shapes, bodies)).unwrap().ok);
    }
}
