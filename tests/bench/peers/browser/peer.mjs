// The page of one peer: times a phase and answers with a row. The peer is the module that `?peer=` names.
//
// A peer's module exports `open(device)`, which resolves to `{ sft, rollout }`; each makes a step, an async function
// that does the work once, waits for its result and gives it back. Results are checked, since a GPU error may pass
// without an exception. On an emulated GPU one step after one to warm up is all there is time for.

import { SHAPE } from './shape.mjs';

const PEERS = ['tfjs', 'jax-js'];
const peer = new URLSearchParams(location.search).get('peer');
if (!PEERS.includes(peer)) throw new Error(`no peer ${peer}`);
const { open } = await import(`./${peer}.mjs`);

const WORK = {
  sft: { tokens: SHAPE.rows * SHAPE.context, check: checkLoss },
  rollout: { tokens: SHAPE.prompts * SHAPE.newTokens, check: checkTokens },
};

/** A random model's loss is near that of a coin with as many sides as there are tokens, and falls on one batch. */
function checkLoss(losses) {
  const [first, last] = [losses[0], losses.at(-1)];
  if (!(Math.abs(first - Math.log(SHAPE.vocabulary)) < 0.5)) throw new Error(`the first loss is ${first}`);
  if (!(last < first)) throw new Error(`the loss went from ${first} to ${last}`);
}

function checkTokens(rollouts) {
  for (const tokens of rollouts) {
    if (tokens.length !== WORK.rollout.tokens) throw new Error(`${tokens.length} tokens`);
    if (!tokens.every((token) => token >= 0 && token < SHAPE.vocabulary)) throw new Error('no such token');
    if (new Set(tokens).size < tokens.length / 4) throw new Error('a random model repeats itself');
  }
}

async function emulated(device) {
  if (device !== 'webgpu') return false;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter');
  return adapter.info.isFallbackAdapter;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

globalThis.nudgeBench = async ({ phase, device, repeats, warmUp }) => {
  if (await emulated(device)) [repeats, warmUp] = [1, 1];
  const step = await (await open(device))[phase]();
  const counts = globalThis.gpuCounts;
  const [times, results] = [[], []];
  let before;
  for (let index = 0; index < warmUp + repeats; index++) {
    before = { ...counts };
    const started = performance.now();
    results.push(await step());
    times.push(performance.now() - started);
  }
  if (counts.errors.length) throw new Error(`WebGPU: ${counts.errors[0]}`);
  WORK[phase].check(results);
  const measured = times.slice(warmUp);
  const ms = median(measured);
  return {
    ms,
    ms_low: Math.min(...measured),
    ms_high: Math.max(...measured),
    first_ms: times[0],
    tokens_per_s: (1e3 * WORK[phase].tokens) / ms,
    launches: counts.launches - before.launches,
    submits: counts.submits - before.submits,
    repeats,
    isolated: crossOriginIsolated,
  };
};
