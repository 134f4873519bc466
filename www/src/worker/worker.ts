// The worker: owns the compiled trainer and its device, answers requests, and pulls runs step by step.
//
// One run at a time. Between two steps it lets messages in, so that a pause or a cancel is heard.

import type { Notice, Request, RequestKind, Requests, RunEnd } from '../lib/messages';
import { openDevice } from './device';
import { countGpuCalls, gpuCounts } from './gpu-counts';
import { loadNudge, type Nudge, type NudgeClass, type TrainerError } from './nudge';

type Replies = { [Kind in RequestKind]: Requests[Kind]['reply'] };
type Ask<Kind extends RequestKind> = Extract<Request, { kind: Kind }>;

let library: Promise<NudgeClass> | undefined;
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

function loaded(): Promise<NudgeClass> {
  library ??= loadNudge((bytes, total) => post({ notice: 'loading', loaded: bytes, total }));
  return library;
}

function opened(): Nudge {
  if (!session) throw new Error('The device is not open yet.');
  return session;
}

const handlers: { [Kind in RequestKind]: (ask: Ask<Kind>) => Promise<Replies[Kind]> } = {
  async open({ choice, crash }) {
    const preparing = (gpu: string) => post({ notice: 'preparing', gpu });
    const { nudge, report } = await openDevice(await loaded(), choice, crash, preparing);
    session = nudge;
    return report;
  },
  async self_check() {
    return exclusive((nudge) => nudge.self_check(true));
  },
  async labelers() {
    return (await loaded()).labelers();
  },
  async methods() {
    return (await loaded()).methods();
  },
  async option_value({ method, option, words }) {
    return (await loaded()).option_value(method, option, words);
  },
  async metrics() {
    return (await loaded()).metrics();
  },
  async put_model({ name, files }) {
    return exclusive((nudge) => nudge.put_model(name, files));
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
  async verdict({ preferences }) {
    return (await loaded()).verdict(preferences);
  },
  async check_ranking({ record }) {
    return (await loaded()).check_ranking(record);
  },
  async read_rankings({ name, bytes }) {
    return (await loaded()).read_rankings(name, bytes);
  },
  async read_demonstrations({ name, bytes, model }) {
    return exclusive((nudge) => nudge.read_demonstrations(name, bytes, model));
  },
  async bench({ request }) {
    countGpuCalls();
    return (await loaded()).bench(request, gpuCounts);
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

/** A trap leaves the WebAssembly instance unusable; a device that fails, as a lost GPU does, computes nothing more. */
function isFatal(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || (error as Partial<TrainerError> | null)?.kind === 'device';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    const handler = handlers[data.kind] as (ask: Request) => Promise<unknown>;
    post({ notice: 'reply', id: data.id, value: await handler(data) });
  } catch (error) {
    post({ notice: 'error', id: data.id, message: message(error), fatal: isFatal(error) });
  }
};

// A panic inside a spawned future surfaces here and nowhere else.
self.addEventListener('unhandledrejection', (event) => {
  post({ notice: 'error', id: 0, message: message(event.reason), fatal: true });
});
