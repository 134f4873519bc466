// Measures the page and its peers in Chromium and prints one JSON object a row.
//
//     cargo xtask bench --browser
//     node bench.mjs --peers tfjs jax-js --devices cpu webgpu --phases sft rollout --repeats 5
//
// Every row comes from a browser of its own, so `first_ms` is the first step of somebody who has just opened the page,
// compiled shaders and all. `cpu` is WebAssembly. NUDGE_CHROMIUM names the browser's program; on an emulated GPU
// TensorFlow.js takes minutes a row, and --minutes says how many it may. Deliberately absent:
// memory (a tab does not tell), other browsers, verdicts.

import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { countLaunches } from './launches.mjs';
import { serve } from './server.mjs';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
const KNOWN = { peers: ['nudge', 'tfjs', 'jax-js'], devices: ['cpu', 'webgpu'], phases: ['sft', 'rollout'] };
const MINUTE = 60_000;

function options() {
  // Several values a flag, as clap and argparse have it.
  const words = process.argv.slice(2).flatMap((word, index, all) => {
    const flag = all.slice(0, index).findLast((earlier) => earlier.startsWith('--'));
    return word.startsWith('--') ? [] : [`${flag ?? '--peers'}=${word}`];
  });
  const list = (name) => [name, { type: 'string', multiple: true, default: KNOWN[name] }];
  const { values } = parseArgs({
    args: words,
    options: {
      ...Object.fromEntries(Object.keys(KNOWN).map(list)),
      repeats: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      minutes: { type: 'string', default: '20' },
      dist: { type: 'string' },
    },
  });
  for (const [name, known] of Object.entries(KNOWN)) {
    const unknown = values[name].find((value) => !known.includes(value));
    if (unknown) throw new Error(`--${name} takes ${known.join(', ')}, not ${unknown}`);
  }
  return values;
}

/** Runs `work` with a page of a browser of its own, for at most `minutes`. */
async function inFreshBrowser(minutes, work) {
  const program = process.env.NUDGE_CHROMIUM || undefined;
  const browser = await chromium.launch({
    args: FLAGS,
    executablePath: program,
    ...(program ? {} : { channel: 'chromium' }),
  });
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no row after ${minutes} minutes`)), minutes * MINUTE);
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(minutes * MINUTE);
    page.on('pageerror', (error) => console.error(`  page: ${error.message}`));
    return await Promise.race([work(page), late]);
  } finally {
    clearTimeout(timer);
    await browser.close();
  }
}

/** Opens the page of a peer and lets it measure. */
async function peerRow(page, origin, request) {
  await page.addInitScript(countLaunches);
  await page.goto(`${origin}/peers/peer.html?peer=${request.peer}`);
  await page.waitForFunction(() => globalThis.nudgeBench);
  return page.evaluate((request) => globalThis.nudgeBench(request), request);
}

/**
 * Where the rows of the page itself come in: a page opened at `/?bench=1` that has a bench defines
 * `globalThis.nudgeBench`, which takes { device, phase, repeats, warmUp } and resolves to a row, as `peer.mjs` does.
 * The page computes in a worker, so it counts launches and submits itself.
 */
async function pageRow(page, origin, request) {
  await page.goto(`${origin}/?bench=1`);
  const offered = await page.waitForFunction(() => globalThis.nudgeBench, null, { timeout: 15_000 }).catch(() => null);
  if (!offered) throw new NoBench('the page offers no bench at /?bench=1');
  return page.evaluate((request) => globalThis.nudgeBench(request), request);
}

class NoBench extends Error {}

function requests({ peers, devices, phases, repeats, 'warm-up': warmUp }) {
  const numbers = { repeats: Number(repeats), warmUp: Number(warmUp) };
  return peers.flatMap((peer) =>
    devices.flatMap((device) => phases.map((phase) => ({ peer, device, phase, ...numbers }))),
  );
}

async function main() {
  const values = options();
  const server = await serve(values.dist);
  const without = new Set();
  for (const request of requests(values)) {
    const { peer, device, phase } = request;
    if (without.has(peer)) continue;
    const measure = peer === 'nudge' ? pageRow : peerRow;
    try {
      const row = await inFreshBrowser(Number(values.minutes), (page) => measure(page, server.origin, request));
      console.log(JSON.stringify({ ...row, peer, size: 'tiny', phase, device }));
    } catch (error) {
      process.exitCode = 1;
      if (error instanceof NoBench) without.add(peer);
      console.error(`  ${peer} ${phase} on ${device}: ${error.message.split('\n')[0]}`);
    }
  }
  server.close();
}

await main();
