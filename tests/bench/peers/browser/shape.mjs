// The size `tiny` of `nudge bench` and its random weights, for every peer alike. Nothing here computes a model.

export const SHAPE = {
  width: 128,
  layers: 4,
  inner: 352,
  heads: 4,
  headWidth: 32,
  vocabulary: 2048,
  epsilon: 1e-5,
  // sft
  rows: 8,
  context: 128,
  learningRate: 1e-4,
  maxGradNorm: 1,
  betas: [0.9, 0.999],
  adamEpsilon: 1e-8,
  weightDecay: 0.01,
  // rollout
  prompts: 8,
  promptTokens: 32,
  newTokens: 64,
  temperature: 0.7,
};

/** Uniform numbers in [0, 1) from a seed: mulberry32. */
export function uniform(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const count = (shape) => shape.reduce((product, side) => product * side, 1);

/** `{ name: { shape, data } }`. Matrices are [in, out]; the embedding is [token, width]. */
export function weights() {
  const { width, layers, inner, vocabulary } = SHAPE;
  const next = uniform(1);
  const all = {};
  const matrix = (name, ...shape) => {
    const normal = () => 0.02 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    all[name] = { shape, data: Float32Array.from({ length: count(shape) }, normal) };
  };
  const norm = (name) => {
    all[name] = { shape: [width], data: new Float32Array(width).fill(1) };
  };
  matrix('embedding', vocabulary, width);
  for (let layer = 0; layer < layers; layer++) {
    norm(`norm1.${layer}`);
    for (const name of ['query', 'key', 'value', 'output']) matrix(`${name}.${layer}`, width, width);
    norm(`norm2.${layer}`);
    matrix(`gate.${layer}`, width, inner);
    matrix(`up.${layer}`, width, inner);
    matrix(`down.${layer}`, inner, width);
  }
  norm('norm');
  return all;
}

export function randomTokens(length) {
  const next = uniform(2);
  return Int32Array.from({ length }, () => Math.floor(next() * SHAPE.vocabulary));
}

/** Cosines and sines of the positions from 0, each [length, headWidth]. */
export function rotary(length) {
  const { headWidth } = SHAPE;
  const angle = (index) => {
    const [position, place] = [Math.floor(index / headWidth), index % (headWidth / 2)];
    return position * 10_000 ** ((-2 * place) / headWidth);
  };
  const table = (f) => Float32Array.from({ length: length * headWidth }, (_, index) => f(angle(index)));
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** Gumbel noise: the largest of logits / temperature + noise is a draw. */
export function gumbel(length, next) {
  return Float32Array.from({ length }, () => -Math.log(-Math.log(next() || 0.5)));
}
