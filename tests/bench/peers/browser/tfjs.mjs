// TensorFlow.js, on its WebAssembly backend (SIMD and threads) or on WebGPU.
//
// Written around its defects: WebAssembly lacks the gradient of gather, so the embedding is a product with one-hot
// rows; it runs a plain loop for products of transposed matrices, which every gradient of a product is, so they are
// transposed first (those of attention come in batches and meet that loop anyway); WebGPU's pad writes an invalid
// shader in five dimensions, so no slice that a gradient passes has more than four, and its `addN` binds more buffers
// than a shader may have, so sums are of two. The KV cache grows by concatenation: its tensors cannot be written to.

import { SHAPE, gumbel, randomTokens, rotary, uniform, weights } from './shape.mjs';

const { width, layers, heads, headWidth, vocabulary, epsilon } = SHAPE;
const PACKAGES = '/modules/@tensorflow';

function script(src) {
  return new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject }));
  });
}

export async function open(device) {
  await script(`${PACKAGES}/tfjs/dist/tf.min.js`);
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
  await script(`${PACKAGES}/tfjs-backend-${backend}/dist/tf-backend-${backend}.min.js`);
  if (backend === 'wasm') tf.wasm.setWasmPaths(`${PACKAGES}/tfjs-backend-wasm/dist/`);
  if (!(await tf.setBackend(backend))) throw new Error(`no ${backend}`);
  await tf.ready();
  product = backend === 'wasm' ? untransposed() : tf.matMul;
  return { sft, rollout };
}

/** The product of two matrices. */
let product;

function untransposed() {
  const gradients = (dy, [a, b]) => [tf.matMul(dy, tf.transpose(b)), tf.matMul(tf.transpose(a), dy)];
  return tf.customGrad((a, b, save) => {
    save([a, b]);
    return { value: tf.matMul(a, b), gradFunc: gradients };
  });
}

function variables() {
  const all = {};
  for (const [name, { shape, data }] of Object.entries(weights())) all[name] = tf.variable(tf.tensor(data, shape), true, name);
  return all;
}

const norm = (x, weight) => x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul(weight);
const oneHot = (tokens) => tf.oneHot(tokens, vocabulary).toFloat();

function rotate(x, { cos, sin }) {
  const left = x.slice([0, 0, 0, 0], [-1, -1, -1, headWidth / 2]);
  const right = x.slice([0, 0, 0, headWidth / 2], [-1, -1, -1, headWidth / 2]);
  return x.mul(cos).add(tf.concat([right.neg(), left], 3).mul(sin));
}

/** `x` is [rows * length, width]; `cache[layer]` is what came before, or nothing. */
function attention(w, layer, x, rows, turn, mask, cache) {
  const split = (y) => y.reshape([rows, -1, heads, headWidth]).transpose([0, 2, 1, 3]);
  const query = rotate(split(product(x, w[`query.${layer}`])), turn);
  let key = rotate(split(product(x, w[`key.${layer}`])), turn);
  let value = split(product(x, w[`value.${layer}`]));
  if (cache) {
    const { keys, values } = cache[layer] ?? {};
    if (keys) [key, value] = [tf.concat([keys, key], 2), tf.concat([values, value], 2)];
    cache[layer] = { keys: key, values: value };
  }
  const scores = tf.matMul(query, key, false, true).mul(headWidth ** -0.5);
  const shares = tf.softmax(mask ? scores.add(mask) : scores);
  const y = tf.matMul(shares, value).transpose([0, 2, 1, 3]).reshape([-1, width]);
  return product(y, w[`output.${layer}`]);
}

function hidden(w, inputs, rows, turn, mask, cache) {
  let x = product(inputs, w.embedding);
  for (let layer = 0; layer < layers; layer++) {
    x = x.add(attention(w, layer, norm(x, w[`norm1.${layer}`]), rows, turn, mask, cache));
    const y = norm(x, w[`norm2.${layer}`]);
    const [gate, up] = [product(y, w[`gate.${layer}`]), product(y, w[`up.${layer}`])];
    x = x.add(product(gate.mul(gate.sigmoid()).mul(up), w[`down.${layer}`]));
  }
  return norm(x, w.norm);
}

const logits = (w, x) => product(x, tf.transpose(w.embedding));

function positions(length) {
  const { cos, sin } = rotary(length);
  return { cos: tf.tensor(cos, [length, headWidth]), sin: tf.tensor(sin, [length, headWidth]) };
}

/** 0 where a position may look, -1e9 after it. */
function causal(length) {
  const cell = (_, index) => (index % length > Math.floor(index / length) ? -1e9 : 0);
  return tf.tensor(Float32Array.from({ length: length * length }, cell), [length, length]);
}

/** Clips by the global norm, on the device, and takes AdamW's step. */
function descend(w, adam, grads) {
  const square = Object.values(grads).reduce((sum, grad) => sum.add(grad.square().sum()), tf.scalar(0));
  const scale = tf.minimum(1, tf.scalar(SHAPE.maxGradNorm).div(square.sqrt().add(1e-6)));
  const clipped = Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, grad.mul(scale)]));
  const keep = 1 - SHAPE.learningRate * SHAPE.weightDecay;
  for (const variable of Object.values(w)) variable.assign(variable.mul(keep));
  adam.applyGradients(clipped);
}

function sft() {
  const { rows, context } = SHAPE;
  const w = variables();
  const adam = tf.train.adam(SHAPE.learningRate, ...SHAPE.betas, SHAPE.adamEpsilon);
  // The last position of a row predicts nothing; one-hot targets of zeros leave it out.
  const tokens = randomTokens(rows * context);
  const following = tokens.map((_, index) => (index % context === context - 1 ? -1 : tokens[index + 1]));
  const [inputs, targets] = [tf.tensor1d(tokens, 'int32'), tf.tensor1d(following, 'int32')];
  const [turn, mask] = [positions(context), causal(context)];
  const loss = () => {
    const logprobs = tf.logSoftmax(logits(w, hidden(w, oneHot(inputs), rows, turn, mask)));
    return logprobs.mul(oneHot(targets)).sum().div(-rows * (context - 1)).asScalar();
  };
  return async () => {
    const value = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss);
      descend(w, adam, grads);
      return value;
    });
    const [number] = await value.data();
    value.dispose();
    return number;
  };
}

function rollout() {
  const { prompts, promptTokens, newTokens, temperature } = SHAPE;
  const w = variables();
  const first = tf.tensor1d(randomTokens(prompts * promptTokens), 'int32');
  const [turns, mask] = [positions(promptTokens + newTokens), causal(promptTokens)];
  const turn = (start, length) => ({ cos: turns.cos.slice(start, length), sin: turns.sin.slice(start, length) });
  const next = uniform(3);
  const draw = (x) => {
    const noise = tf.tensor(gumbel(prompts * vocabulary, next), [prompts, vocabulary]);
    return logits(w, x).div(temperature).add(noise).argMax(1).toInt();
  };
  const sample = () => {
    const cache = [];
    const x = hidden(w, oneHot(first), prompts, turn(0, promptTokens), mask, cache);
    const last = x.reshape([prompts, promptTokens, width]).slice([0, promptTokens - 1, 0], [-1, 1, -1]);
    const tokens = [draw(last.reshape([prompts, width]))];
    while (tokens.length < newTokens) {
      const place = promptTokens + tokens.length - 1;
      tokens.push(draw(hidden(w, oneHot(tokens.at(-1)), prompts, turn(place, 1), null, cache)));
    }
    return tf.stack(tokens, 1);
  };
  return async () => {
    const rows = tf.tidy(sample);
    const tokens = await rows.data();
    rows.dispose();
    return [...tokens];
  };
}
