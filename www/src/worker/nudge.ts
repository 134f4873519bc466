// Loads the compiled trainer and gives its one class a type.
//
// Deliberately absent: the trainer. `src/wasm` is written by `cargo xtask build`.

import wasmUrl from '../wasm/nudge_web_bg.wasm?url';
import type { DeviceKind, Files } from '../lib/messages';

/** One session with its device. Strings are JSON; every method may throw an `Error` with a message to show. */
export interface Nudge {
  device_name(): string;
  self_check(all: boolean): Promise<string>;
  put_model(name: string, files: Files): string;
  model_files(name: string): Files;
  read_demonstrations(name: string, bytes: Uint8Array, model: string): string;
  start(command_json: string, resume?: Files): void;
  next(): Promise<string | undefined>;
  save(): Promise<Files>;
  cancel(): void;
}

export interface NudgeClass {
  create(device: DeviceKind): Promise<Nudge>;
  bench(request_json: string, counts: () => [number, number]): Promise<string>;
  labelers(): string;
  metrics(): string;
  verdict(preferences_json: string): string;
  check_rankings(name: string, jsonl: string): string;
  read_rankings(name: string, bytes: Uint8Array): string;
}

interface NudgeModule {
  default(source: { module_or_path: Promise<Response> }): Promise<unknown>;
  Nudge: NudgeClass;
}

/** Called with the bytes so far and, where the server tells it, the bytes in all. */
export type OnBytes = (loaded: number, total: number | null) => void;

export async function loadNudge(onBytes: OnBytes): Promise<NudgeClass> {
  const module = (await import('../wasm/nudge_web.js')) as unknown as NudgeModule;
  await module.default({ module_or_path: fetchCounted(wasmUrl, onBytes) });
  return module.Nudge;
}

async function fetchCounted(url: string, onBytes: OnBytes): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  const total = length ? Number(length) : null;
  let loaded = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      onBytes(loaded, total);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter), { headers: { 'content-type': 'application/wasm' } });
}
