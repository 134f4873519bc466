// jax-js, on its WebAssembly device (SIMD and threads) or on WebGPU: a training step is one `jit`, a decoded token too.
//
// An array is used up by whatever takes it; `.ref` keeps it for once more. Written around its defects: the gradient of
// `take` fails inside `jit`, so the embedding is a product with one-hot rows; `oneHot` makes a row of ones of -1, so a
// mask leaves the last target out. The KV cache is static, since a new shape would compile anew, and written through a
// mask.

import { defaultDevice, init, jit, nn, numpy as np, random, tree, valueAndGrad } from '/modules/@jax-js/jax/dist/index.js';
import { SHAPE, randomTokens, rotary, weights } from './shape.mjs';

const { width, layers, heads, headWidth, vocabulary, epsilon } = SHAPE;

export async function open(device) {
  const name = device === 'webgpu' ? 'webgpu' : 'wasm';
  if (!(await init(name)).includes(name)) throw new Error(`no ${name}`);
  defaultDevice(name);
  return { sft, rollout };
}

const array = (data, shape) => np.array(data).reshape(shape);
const parameters = () =>
  Object.fromEntries(Object.entries(weights()).map(([name, { shape, data }]) => [name, array(data, shape)]));

function positions(start, length) {
  const { cos, sin } = rotary(start + length);
  const rows = (table) => array(table.slice(start * headWidth), [1, length, 1, headWidth]);
  return { cos: rows(cos), sin: rows(sin) };
}

const oneHot = (tokens) => nn.oneHot(tokens, vocabulary).astype(np.float32);

function norm(x, weight) {
  const scale = np.reciprocal(np.sqrt(np.mean(np.square(x.ref), -1, { keepdims: true }).add(epsilon)));
  return x.mul(scale).mul(weight);
}

/** Leaves `turn` as it is. */
function rotate(x, turn) {
  const [left, right] = np.split(x.ref, 2, -1);
  const turned = np.concatenate([np.negative(right), left], -1);
  return x.mul(turn.cos.ref).add(turned.mul(turn.sin.ref));
}

/**
 * The normed hidden states of `inputs`, [rows, length, width]; uses up `inputs`, leaves the weights and `turn` as they
 * are. `attend(layer, query, key, value)` mixes the positions.
 */
function hidden(w, inputs, turn, attend) {
  let x = inputs;
  const [rows, length] = x.shape;
  const split = (y) => y.reshape([rows, length, heads, headWidth]);
  for (let layer = 0; layer < layers; layer++) {
    const matrix = (name) => w[`${name}.${layer}`].ref;
    const y = norm(x.ref, matrix('norm1'));
    const query = rotate(split(np.matmul(y.ref, matrix('query'))), turn);
    const key = rotate(split(np.matmul(y.ref, matrix('key'))), turn);
    const mixed = attend(layer, query, key, split(np.matmul(y, matrix('value'))));
    x = x.add(np.matmul(mixed.reshape([rows, length, width]), matrix('output')));
    const z = norm(x.ref, matrix('norm2'));
    const gate = nn.silu(np.matmul(z.ref, matrix('gate')));
    x = x.add(np.matmul(gate.mul(np.matmul(z, matrix('up'))), matrix('down')));
  }
  return norm(x, w.norm.ref);
}

const causal = (_, query, key, value) => nn.dotProductAttention(query, key, value, { isCausal: true });
const embed = (w, tokens) => np.matmul(oneHot(tokens), w.embedding.ref);
const logits = (w, x) => np.matmul(x, np.transpose(w.embedding.ref));

function loss(w, tokens, targets, turn) {
  const logprobs = nn.logSoftmax(logits(w, hidden(w, embed(w, tokens), turn, causal)), -1);
  tree.dispose([w, turn]);
  const { rows, context } = SHAPE;
  return np.sum(logprobs.mul(targets)).div(-rows * (context - 1));
}

/** AdamW behind the clip by the global norm. `corrections` are one over 1 - beta^step. */
function descend(w, { first, second }, grads, corrections) {
  const squares = tree.leaves(grads).map((grad) => np.sum(np.square(grad.ref)));
  const length = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
  const scale = np.minimum(1, np.reciprocal(length.add(1e-6)).mul(SHAPE.maxGradNorm));
  const [beta1, beta2] = SHAPE.betas;
  const [correction1, correction2] = corrections;
  const next = { w: {}, first: {}, second: {} };
  for (const name of Object.keys(w)) {
    const grad = grads[name].mul(scale.ref);
    const mean = first[name].mul(beta1).add(grad.ref.mul(1 - beta1));
    const square = second[name].mul(beta2).add(np.square(grad).mul(1 - beta2));
    const root = np.sqrt(square.ref.mul(correction2.ref)).add(SHAPE.adamEpsilon);
    const step = mean.ref.mul(correction1.ref).div(root).mul(SHAPE.learningRate);
    next.w[name] = w[name].mul(1 - SHAPE.learningRate * SHAPE.weightDecay).sub(step);
    [next.first[name], next.second[name]] = [mean, square];
  }
  tree.dispose([scale, ...corrections]);
  return next;
}

function sft() {
  const { rows, context, betas } = SHAPE;
  const ids = randomTokens(rows * context);
  const following = ids.map((_, index) => ids[(index + 1) % ids.length]);
  const shape = [rows, context];
  const tokens = np.array(ids, { dtype: np.int32 }).reshape(shape);
  const predicts = np.less(np.arange(context), context - 1).astype(np.float32).reshape([1, context, 1]);
  const targets = oneHot(np.array(following, { dtype: np.int32 }).reshape(shape)).mul(predicts);
  const turn = positions(0, context);
  const step = jit((w, moments, corrections, tokens, targets, turn) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(w), tokens, targets, turn);
    return [value, descend(w, moments, grads, corrections)];
  });
  const zeros = (w) => tree.map((x) => np.zeros(x.shape), w);
  const w = parameters();
  let state = { w, first: zeros(w), second: zeros(w) };
  let count = 0;
  return async () => {
    count++;
    const corrections = betas.map((beta) => np.array([1 / (1 - beta ** count)]));
    const { w, ...moments } = state;
    const [value, next] = step(w, moments, corrections, tokens.ref, targets.ref, tree.ref(turn));
    state = next;
    await Promise.all(tree.leaves(state.w).map((x) => x.blockUntilReady()));
    return (await value.data())[0];
  };
}

function rollout() {
  const { prompts, promptTokens, newTokens, temperature } = SHAPE;
  const length = promptTokens + newTokens;
  const w = parameters();
  const first = np.array(randomTokens(prompts * promptTokens), { dtype: np.int32 }).reshape([prompts, promptTokens]);
  const turns = Array.from({ length }, (_, place) => positions(place, 1));
  const firstTurn = positions(0, promptTokens);
  const draw = (w, x, key) => {
    const token = random.categorical(key, logits(w, x).div(temperature));
    tree.dispose(w);
    return token;
  };
  const begin = jit((w, tokens, turn, key) => {
    const cache = [];
    const keep = (x) => np.pad(x, [[0, 0], [0, newTokens], [0, 0], [0, 0]]);
    const x = hidden(w, embed(w, tokens), turn, (layer, query, keys, values) => {
      cache[layer] = { keys: keep(keys.ref), values: keep(values.ref) };
      return causal(layer, query, keys, values);
    });
    tree.dispose(turn);
    return [draw(w, x.slice([], -1), key), cache];
  });
  const decode = jit((w, token, cache, turn, place, key) => {
    const here = np.arange(length).astype(np.int32).reshape([1, length, 1, 1]);
    const now = np.equal(here.ref, place.ref);
    const mask = np.lessEqual(here, place).reshape([1, 1, 1, length]);
    const next = [];
    const x = hidden(w, embed(w, token.reshape([prompts, 1])), turn, (layer, query, key, value) => {
      const keys = np.where(now.ref, key, cache[layer].keys);
      const values = np.where(now.ref, value, cache[layer].values);
      next[layer] = { keys: keys.ref, values: values.ref };
      return nn.dotProductAttention(query, keys, values, { mask: mask.ref });
    });
    tree.dispose([turn, now, mask]);
    return [draw(w, x.reshape([prompts, width]), key), next];
  });
  let seed = 0;
  return async () => {
    let [token, cache] = begin(tree.ref(w), first.ref, tree.ref(firstTurn), random.key(seed++));
    const tokens = [token.ref];
    for (let place = promptTokens; tokens.length < newTokens; place++) {
      const at = np.array([place], { dtype: np.int32 });
      [token, cache] = decode(tree.ref(w), token, cache, tree.ref(turns[place]), at, random.key(seed++));
      tokens.push(token.ref);
    }
    tree.dispose([token, cache]);
    return [...(await np.stack(tokens, 1).data())];
  };
}
