// The worker: owns the compiled trainer and its device, answers requests, and pulls runs step by step.
//
// The same file is a thread of the trainer where the page says so first; then it does nothing else.
//
// One run at a time. Between two steps it lets messages in, so that a pause or a cancel is heard.

import './guard';
import type { Files, Join, Loss, Notice, Request, RequestKind, Requests, RunEnd, Word } from '../lib/messages';
import { openDevice } from './device';
import { countGpuCalls, gpuCounts } from './gpu-counts';
import { takeIn } from './intake';
import { keepBase } from './keep';
import { watchGpu } from './gpu-watch';
import { haveJoined, startThreads } from './threads';
import { speak } from './words';
import { pack, unpack } from './zip';
import { heldBytes, joinTrainer, loadNudge, type Library, type Nudge, type TrainerError } from './nudge';

type Replies = { [Kind in RequestKind]: Requests[Kind]['reply'] };
type Ask<Kind extends RequestKind> = Extract<Request, { kind: Kind }>;

let library: Promise<Library> | undefined;
let session: Nudge | undefined;
let halt: 'pause' | 'cancel' | undefined;
let running = false;
let turn: Promise<unknown> = Promise.resolve();

/** The session can be in one call at a time; a call that waits for the GPU must not be entered again. */
function exclusive<T>(work: (nudge: Nudge) => T | Promise<T>): Promise<T> {
  const mine = turn.then(() => work(opened()));
  turn = mine.catch(() => undefined);
  return mine;
}

function post(notice: Notice, transfer: Transferable[] = []): void {
  self.postMessage(notice, { transfer });
}

function loaded(): Promise<Library> {
  library ??= loadNudge((bytes, total) => post({ notice: 'loading', loaded: bytes, total }));
  return library;
}

function opened(): Nudge {
  if (!session) throw new Error('The device is not open yet.');
  return session;
}

const handlers: { [Kind in RequestKind]: (ask: Ask<Kind>) => Promise<Replies[Kind]> } = {
  async open({ choice, crash, threads: asked }) {
    const preparing = (gpu: string) => post({ notice: 'preparing', gpu });
    const lost = watchGpu();
    const library = await loaded();
    const threads = await startThreads(library, asked, post);
    const { nudge, report } = await openDevice(library.Nudge, threads, choice, crash, preparing);
    session = nudge;
    if (report.kind === 'webgpu') {
      void lost.then((why) => post({ notice: 'error', id: 0, message: why, kind: 'device', loss: 'gpu' }));
    }
    return report;
  },
  async self_check() {
    return exclusive((nudge) => nudge.self_check(true));
  },
  async memory_needed({ bytes }) {
    return (await loaded()).Nudge.memory_needed(bytes);
  },
  async labelers({ all }) {
    return (await loaded()).Nudge.labelers(all);
  },
  async methods() {
    return (await loaded()).Nudge.methods();
  },
  async option_value({ method, option, words }) {
    return (await loaded()).Nudge.option_value(method, option, words);
  },
  async metrics() {
    return (await loaded()).Nudge.metrics();
  },
  async put_model({ name, files, packed }) {
    return exclusive((nudge) => nudge.put_model(name, files, packed));
  },
  async open_model({ name, picked }) {
    await speak();
    const incoming = new (await loaded()).IncomingFiles();
    try {
      const names = await takeIn(picked, incoming);
      return { info: await exclusive((nudge) => nudge.put_incoming(name, incoming)), names };
    } catch (error) {
      // A model that was refused is not kept; one that was taken over is not here any more.
      freeQuietly(incoming);
      throw error;
    }
  },
  async put_scaled({ name, of, strength }) {
    await exclusive((nudge) => nudge.put_scaled(name, of, strength));
    return null;
  },
  async outlook({ name, answer }) {
    return exclusive((nudge) => nudge.outlook(name, answer));
  },
  async imitation_time({ name, demonstrations, options, example }) {
    return exclusive((nudge) => nudge.imitation_time(name, demonstrations, options, example));
  },
  async stop_completion({ prompt, completion }) {
    await exclusive((nudge) => nudge.stop_completion(prompt, completion));
    return null;
  },
  async forget({ name }) {
    await exclusive((nudge) => nudge.forget(name));
    return null;
  },
  async sha256({ name }) {
    return exclusive((nudge) => nudge.sha256(name));
  },
  async keep_base({ base, files }) {
    await keepBase(base, files);
    return null;
  },
  async export_model({ name, form, base }) {
    return exclusive((nudge) => nudge.export_model(name, form, base));
  },
  async pack({ files }) {
    return pack(files);
  },
  async unpack({ blob }) {
    await speak();
    return unpack(blob);
  },
  async read_prompts({ name, bytes, by, task, model, answer }) {
    return exclusive((nudge) => nudge.read_prompts(name, bytes, by ?? undefined, task, model, answer));
  },
  async model_files({ name }) {
    return exclusive((nudge) => nudge.model_files(name));
  },
  async run(ask) {
    return run(ask);
  },
  async halt({ how }) {
    if (running) halt = how;
    return null;
  },
  async verdict({ preferences, usable }) {
    return (await loaded()).Nudge.verdict(preferences, usable);
  },
  async findings({ evidence, asked, preferences }) {
    return (await loaded()).Nudge.findings(evidence, asked, preferences);
  },
  async changes({ pairs }) {
    return (await loaded()).Nudge.changes(pairs);
  },
  async frontier({ steps }) {
    return (await loaded()).Nudge.frontier(steps);
  },
  async look({ look }) {
    return exclusive((nudge) => nudge.look(look));
  },
  async foretell({ asked }) {
    return exclusive((nudge) => nudge.foretell(asked));
  },
  async check_ranking({ record }) {
    return (await loaded()).Nudge.check_ranking(record);
  },
  async divide_prompts({ prompts, examples, seed }) {
    return (await loaded()).Nudge.divide_prompts(prompts, examples, seed);
  },
  async look_over_examples({ examples, held_out }) {
    return (await loaded()).Nudge.look_over_examples(examples, held_out);
  },
  async wants_examples({ rankings }) {
    return (await loaded()).Nudge.wants_examples(rankings);
  },
  async read_rankings({ name, bytes }) {
    return (await loaded()).Nudge.read_rankings(name, bytes);
  },
  async read_demonstrations({ name, bytes, model }) {
    return exclusive((nudge) => nudge.read_demonstrations(name, bytes, model));
  },
  async bench({ request }) {
    countGpuCalls();
    return (await loaded()).Nudge.bench(request, gpuCounts);
  },
};

async function run({ id, command, resume, save_every }: Ask<'run'>): Promise<RunEnd> {
  if (running) throw new Error('Another run is still going.');
  running = true;
  halt = undefined;
  try {
    await exclusive((nudge) => nudge.start(command, resume ?? undefined));
    return await pull(id, save_every);
  } catch (error) {
    await exclusive((nudge) => nudge.cancel()).catch(() => undefined);
    throw error;
  } finally {
    running = false;
  }
}

async function pull(id: number, saveEvery: number): Promise<RunEnd> {
  let saved = performance.now();
  for (;;) {
    const event = await exclusive((nudge) => nudge.next());
    if (event === undefined) return 'finished';
    post({ notice: 'event', id, event });
    await messagesIn();
    const due = saveEvery > 0 && event.event === 'progress' && performance.now() - saved > saveEvery * 1000;
    if (halt === 'pause' || (due && !halt)) {
      await saveCheckpoint(id);
      saved = performance.now();
    }
    if (halt) {
      await exclusive((nudge) => nudge.cancel());
      return halt === 'pause' ? 'paused' : 'cancelled';
    }
  }
}

/** Its bytes are handed over, not copied: a checkpoint of PPO holds two models and their moments. */
async function saveCheckpoint(id: number): Promise<void> {
  const files = await exclusive((nudge) => nudge.save());
  const buffers = Object.values(files).map(({ buffer }) => buffer as ArrayBuffer);
  post({ notice: 'checkpoint', id, files }, buffers);
}

/** Lets waiting messages be handled: a task of its own, not a microtask, and without a timer's delay. */
function messagesIn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** The bytes of a model's files are handed over, not copied. */
function handedOver(kind: RequestKind, value: unknown): Transferable[] {
  if (kind === 'pack') return [(value as Uint8Array).buffer as ArrayBuffer];
  if (kind !== 'model_files' && kind !== 'export_model') return [];
  return Object.values(value as Files).map(({ buffer }) => buffer as ArrayBuffer);
}

function freeQuietly(incoming: { free(): void }): void {
  try {
    incoming.free();
  } catch {
    // It was taken over.
  }
}

/** The most that a WebAssembly memory can hold; one that is nearly full trapped because of it. */
const FULL = 0.95 * 2 ** 32;

/**
 * How an error ends this worker, if it does: a trap leaves the WebAssembly instance unusable, and a device that fails,
 * as a lost GPU does, computes nothing more.
 */
function lossOf(error: unknown): Loss | null {
  if ((error as Partial<TrainerError> | null)?.kind === 'device') return 'gpu';
  if (error instanceof RangeError) return 'memory';
  if (!(error instanceof WebAssembly.RuntimeError)) return null;
  return heldBytes() > FULL ? 'memory' : 'trap';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function join({ module, memory }: Join): Promise<void> {
  const work = await joinTrainer(module, memory);
  post({ notice: 'joined' });
  work();
}

self.onmessage = async ({ data }: MessageEvent<Request | Word>) => {
  if (data.kind === 'join') return join(data);
  if (data.kind === 'joined') return haveJoined(data.joined);
  try {
    const handler = handlers[data.kind] as (ask: Request) => Promise<unknown>;
    const value = await handler(data);
    post({ notice: 'reply', id: data.id, value }, handedOver(data.kind, value));
  } catch (error) {
    const kind = (error as Partial<TrainerError> | null)?.kind ?? null;
    post({ notice: 'error', id: data.id, message: message(error), kind, loss: lossOf(error) });
  }
};

// A trap in a task of its own: it has no caller who would hear of it.
self.addEventListener('error', (event) => {
  event.preventDefault();
  post({ notice: 'error', id: 0, message: event.message, kind: null, loss: lossOf(event.error) ?? 'trap' });
});

// A panic inside a spawned future surfaces here and nowhere else.
self.addEventListener('unhandledrejection', (event) => {
  post({ notice: 'error', id: 0, message: message(event.reason), kind: null, loss: lossOf(event.reason) ?? 'trap' });
});
