// Counts what the page asks of WebGPU: node count-gpu.mjs [MODEL.gguf]
//
// Headless Chromium (NUDGE_CHROMIUM) on the built page in www/dist, whose worker is asked directly. The adapter says that it
// has WebGPU's default limits, the least that any phone has, so that a kernel or a buffer beyond them fails here too. Counts
// do not depend on speed: where a training step would take an emulated GPU minutes, its launches are counted and left out.
// Without a file the built-in model is counted. Prints one JSON object a line, then two tables.

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const [model] = process.argv.slice(2);
const PORT = '4792';
const here = fileURLToPath(new URL('.', import.meta.url));
const dist = process.env.NUDGE_DIST ?? `${here}../../www/dist`;

/** Runs in the worker before anything else: counts calls, keeps the largest of everything, and tells both with each message. */
function countCalls() {
  const counts = {
    launches: 0, submits: 0, uploads: 0, uploaded: 0, readbacks: 0, read: 0, buffers: 0, made: 0, pipelines: 0,
  };
  const most = {
    workgroup_bytes: 0, invocations: 0, storage_buffers: 0, cubes_a_dimension: 0, buffer_bytes: 0, binding_bytes: 0,
  };
  const kernels = {};
  const uploads = {};
  const errors = [];
  let launching = true;
  const raise = (name, value) => (most[name] = Math.max(most[name], value));
  const around = (type, method, before, after = (result) => result) => {
    const original = type.prototype[method];
    type.prototype[method] = function (...given) {
      if (before.apply(this, given) === false) return undefined;
      return after.call(this, Reflect.apply(original, this, given), ...given);
    };
  };
  // The limits that every adapter has.
  const DEFAULTS = {
    maxComputeWorkgroupStorageSize: 16384, maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256, maxComputeWorkgroupSizeZ: 64, maxComputeWorkgroupsPerDimension: 65535,
    maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27, maxUniformBufferBindingSize: 65536,
    maxStorageBuffersPerShaderStage: 8, maxUniformBuffersPerShaderStage: 12,
  };
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'limits');
  Object.defineProperty(GPUAdapter.prototype, 'limits', {
    get() {
      const real = Reflect.apply(get, this, []);
      return new Proxy(real, { get: (_, name) => DEFAULTS[name] ?? real[name] });
    },
  });
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await Reflect.apply(requestDevice, this, given);
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    return device;
  };

  // What a shader takes is written in it.
  const SIZES = { f32: 4, u32: 4, i32: 4, f16: 2, bool: 4, 'atomic<u32>': 4, 'atomic<i32>': 4 };
  const sizeOf = (type) => {
    const vector = /^vec(\d)<(.+)>$/.exec(type);
    if (vector) return (vector[1] === '3' ? 4 : Number(vector[1])) * sizeOf(vector[2]);
    const array = /^array<(.+),\s*(\d+)u?>$/.exec(type);
    if (array) return Number(array[2]) * sizeOf(array[1].trim());
    return SIZES[type] ?? NaN;
  };
  around(GPUDevice, 'createShaderModule', ({ code }) => {
    const aliases = Object.fromEntries([...code.matchAll(/alias\s+(\w+)\s*=\s*([^;]+);/g)].map(([, name, type]) => [name, type.trim()]));
    const shared = [...code.matchAll(/var<workgroup>\s*\w+\s*:\s*([^;]+);/g)].map(([, type]) => type.trim());
    raise('workgroup_bytes', shared.reduce((sum, type) => sum + sizeOf(aliases[type] ?? type), 0));
    raise('storage_buffers', [...code.matchAll(/var<storage/g)].length);
    const size = /@workgroup_size\(([^)]*)\)/.exec(code);
    const numbers = size ? size[1].split(',').map((word) => Number.parseInt(word, 10)) : [];
    raise('invocations', numbers.reduce((product, number) => product * number, 1));
  });
  const names = new WeakMap();
  const current = new WeakMap();
  around(GPUDevice, 'createComputePipeline', () => void counts.pipelines++, (pipeline, { compute, label }) => {
    names.set(pipeline, compute.entryPoint ?? label);
    return pipeline;
  });
  around(GPUComputePassEncoder, 'setPipeline', function (pipeline) {
    current.set(this, names.get(pipeline));
  });
  const launch = function () {
    counts.launches++;
    const name = current.get(this);
    kernels[name] = (kernels[name] ?? 0) + 1;
    return launching;
  };
  around(GPUComputePassEncoder, 'dispatchWorkgroups', function (...cubes) {
    raise('cubes_a_dimension', Math.max(...cubes));
    return launch.call(this);
  });
  around(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', launch);
  around(GPUQueue, 'submit', () => void counts.submits++);
  around(GPUQueue, 'writeBuffer', (_buffer, _offset, data, from = 0, size = undefined) => {
    const bytes = (size ?? (data.length ?? data.byteLength) - from) * (data.BYTES_PER_ELEMENT ?? 1);
    counts.uploads++;
    counts.uploaded += bytes;
    uploads[bytes] = (uploads[bytes] ?? 0) + 1;
  });
  // A buffer that is read is one that was copied into; what is mapped can be longer.
  around(GPUBuffer, 'mapAsync', (mode) => void (mode === GPUMapMode.READ && counts.readbacks++));
  around(GPUCommandEncoder, 'copyBufferToBuffer', (_from, _start, to, ...rest) => {
    if (to.usage & GPUBufferUsage.MAP_READ) counts.read += rest.at(-1);
  });
  around(GPUDevice, 'createBuffer', ({ size }) => {
    counts.buffers++;
    counts.made += size;
    raise('buffer_bytes', size);
  });
  around(GPUDevice, 'createBindGroup', ({ entries }) => {
    for (const { resource } of entries) {
      if (resource.buffer) raise('binding_bytes', resource.size ?? resource.buffer.size - (resource.offset ?? 0));
    }
  });

  const post = self.postMessage;
  self.postMessage = (message, options) => {
    const gpu = structuredClone({ counts, most, kernels, uploads, errors });
    return Reflect.apply(post, self, [{ ...message, gpu }, options]);
  };
  self.addEventListener('message', (event) => {
    if (event.data.kind !== 'launching') return;
    event.stopImmediatePropagation();
    launching = event.data.launching;
  });
}

/** Runs in the page: a worker of its own, and what it says to each request. */
function openWorker(address) {
  const worker = new Worker(address, { type: 'module', name: 'en' });
  let last = 0;
  const asks = new Map();
  worker.addEventListener('message', ({ data }) => {
    const ask = asks.get(data.id);
    if (data.notice === 'event') ask?.events.push({ event: data.event, gpu: data.gpu });
    if (data.notice === 'reply') ask?.resolve({ value: data.value, gpu: data.gpu, events: ask.events });
    if (data.notice === 'error') [...asks.values()].at(-1)?.reject(new Error(data.message));
  });
  window.ask = (kind, words) =>
    new Promise((resolve, reject) => {
      last += 1;
      asks.set(last, { resolve, reject, events: [] });
      worker.postMessage({ id: last, kind, ...words });
    });
  window.launching = (yes) => worker.postMessage({ kind: 'launching', launching: yes });
}

// What is asked. Words of one token each, so that lengths are about the same for both models.
const WORDS = 'time people way water day part place work year name help line turn move right boy old same tell three'.split(' ');
const text = (count, from) => Array.from({ length: count }, (_, at) => WORDS[(at * 7 + from * 3) % WORDS.length]).join(' ');
const BATCHES = 4;
const [ROWS, LONG, SHORT] = model ? [4, 220, 60] : [8, 70, 40];
const demonstrations = Array.from({ length: BATCHES * ROWS }, (_, index) => ({ prompt: text(4, index), completion: text(LONG, index + 1) }));
const pairs = Array.from({ length: BATCHES * ROWS }, (_, index) => ({ prompt: text(8, index), chosen: text(SHORT, index + 1), rejected: text(SHORT, index + 2) }));
const finetuning = model ? { finetuning: 'lora' } : {};
const training = { batch_size: ROWS, epochs: 2, held_out: 0, ...finetuning };
const question = model ? 'A customer writes: the kettle I ordered arrived with a crack. Write our reply.' : 'Tell me a story about a cat.';

const [FEW, MORE] = [8, 16];
const nothing = { counts: {}, kernels: {}, uploads: {} };

const difference = (after, before) => Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]).filter(([, value]) => value !== 0));
const divided = (counts, by) => Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number((value / by).toFixed(2))]));
const rows = [];
function tell(what, after, before, by = 1) {
  const of = (name) => divided(difference(after[name], before[name]), by);
  const row = { what, ...of('counts'), kernels: of('kernels'), uploads_of_bytes: of('uploads') };
  rows.push(row);
  console.log(JSON.stringify(row));
}

const LIMITS = {
  workgroup_bytes: 16384, invocations: 256, storage_buffers: 8, cubes_a_dimension: 65535, buffer_bytes: 2 ** 28, binding_bytes: 2 ** 27,
};

/** What is done and its counts, and the largest of everything beside its limit. */
function tables(rows, most) {
  const columns = ['launches', 'submits', 'uploads', 'uploaded', 'readbacks', 'read', 'buffers', 'made'];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const head = (names) => [line(names), line(names.map(() => '---'))];
  const counts = rows.map((row) => line([row.what, ...columns.map((name) => (row[name] ?? 0).toLocaleString('en'))]));
  const largest = Object.entries(LIMITS).map(([name, limit]) => line([name, most[name].toLocaleString('en'), limit.toLocaleString('en')]));
  return [...head(['', ...columns]), ...counts, '', ...head(['', 'most', 'limit']), ...largest].join('\n');
}

const server = spawn(process.execPath, [`${here}server.mjs`], { env: { ...process.env, NUDGE_PORT: PORT } });
const executablePath = process.env.NUDGE_CHROMIUM || undefined;
const browser = await chromium.launch({ executablePath, args: ['--headless=new', '--no-sandbox', '--enable-unsafe-webgpu'] });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(900_000);
  page.on('console', (message) => message.type() === 'error' && console.error(message.text()));
  await page.route('**/assets/worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(${countCalls})();\n${await response.text()}` });
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await page.goto(`http://127.0.0.1:${PORT}/?bench=1`);
  const script = readdirSync(`${dist}/assets`).find((name) => /^worker-.*\.js$/.test(name));
  await page.evaluate(openWorker, `/assets/${script}`);
  let latest = nothing;
  const ask = async (kind, words) => {
    const before = latest;
    const reply = await page.evaluate(([kind, words]) => window.ask(kind, words), [kind, words]);
    latest = reply.gpu;
    return { ...reply, before };
  };
  const run = (command) => ask('run', { command, resume: null, save_every: 0 });

  const opened = await ask('open', { choice: 'webgpu', crash: null, threads: 1 });
  if (opened.value.kind !== 'webgpu') throw new Error(`no WebGPU: ${JSON.stringify(opened.value)}`);
  tell('opening the device, with its quick checks', opened.gpu, opened.before);

  if (model) {
    await page.evaluate(() => document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'counted' })));
    await page.locator('#counted').setInputFiles(model);
    latest = await page.evaluate(async () => {
      const picked = [...document.querySelector('#counted').files].map((blob) => ({ path: blob.name, blob }));
      return (await window.ask('open_model', { name: 'counted', picked })).gpu;
    });
  } else {
    const files = ['base', 'sft'].flatMap((name) => readdirSync(`${dist}/model/${name}`).map((file) => `/model/${name}/${file}`));
    latest = await page.evaluate(async (files) => {
      const bytes = async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer());
      const named = await Promise.all(files.map(async (address) => [address.split('/').at(-1), await bytes(address)]));
      return (await window.ask('put_model', { name: 'counted', files: Object.fromEntries(named), packed: true })).gpu;
    }, files);
  }
  tell('opening the model', latest, opened.gpu);

  // A token is what a longer answer takes more, one that is read along. Of several answers at once a token of all takes the same.
  const sample = async (tokens) => {
    const options = { k: 1, stream: true, max_new_tokens: tokens, seed: 1 };
    const { before, gpu, events } = await run({ command: 'sample', model: 'counted', prompts: [question], options });
    const { metrics } = events.findLast(({ event }) => event.event === 'progress').event;
    if (metrics['completions/mean_length'] !== tokens) throw new Error(`the answer ended before ${tokens} tokens`);
    const counts = (name) => difference(gpu[name], before[name]);
    return { counts: counts('counts'), kernels: counts('kernels'), uploads: counts('uploads') };
  };
  const [first, short, long] = [await sample(FEW), await sample(FEW), await sample(MORE)];
  tell(`an answer of ${FEW} tokens, the first`, first, nothing);
  tell(`an answer of ${FEW} tokens, again`, short, nothing);
  tell('a token more', long, short, MORE - FEW);

  // A step is what lies between two that are told.
  await page.evaluate(() => window.launching(false));
  const commands = [
    [`SFT, ${ROWS} rows`, { command: 'sft', model: 'counted', demonstrations, options: training }],
    [`DPO, ${ROWS} pairs`, { command: 'tune', method: 'dpo', policy: 'counted', preferences: pairs, options: training }],
  ];
  for (const [what, command] of commands) {
    const { events, before } = await run(command);
    const steps = events.filter(({ event }) => event.event === 'progress');
    tell(`${what}: the start and the first step`, steps[0].gpu, before);
    // The reference of DPO is asked about each pair once.
    tell(`${what}: a step of the first pass`, steps[BATCHES - 1].gpu, steps[BATCHES - 2].gpu);
    tell(`${what}: a step of the second pass`, steps.at(-1).gpu, steps.at(-2).gpu);
  }

  const { errors, most } = latest;
  console.log(JSON.stringify({ what: 'the most of all', ...most, errors }));
  console.log(`\n${tables(rows, most)}`);
  if (errors.length > 0) process.exitCode = 1;
} finally {
  await browser.close();
  server.kill();
}
