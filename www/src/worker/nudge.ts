// Loads the compiled trainer and gives its one class a type.
//
// Deliberately absent: the trainer. `src/wasm` is written by `cargo xtask build`.

import fusedUrl from '../wasm/nudge_web_bg.wasm?url';
import unfusedUrl from '../wasm/nudge_web_unfused.wasm?url';
import relaxedSimd from '../lib/relaxed-simd.json';
import { bytesOf } from '../lib/file-sizes';
import type {
  BenchRequest,
  BenchRow,
  DeviceKind,
  ExportForm,
  Files,
  LabelerInfo,
  MemoryNeeded,
  MetricDoc,
  ModelInfo,
  Outlook,
  PromptsFound,
  SelfCheck,
  Understood,
} from '../lib/messages';
import type {
  Changes,
  Command,
  DemonstrationRecord,
  Event,
  Evidence,
  ExampleNotes,
  Finding,
  Foretell,
  Frontier,
  JudgedPair,
  Look,
  MethodInfo,
  Metrics,
  Preference,
  PreferenceRecord,
  Prequential,
  Prompt,
  Prompts,
  RankingRecord,
  Seen,
  SftOptions,
  Verdict,
} from '../lib/protocol';

/** What the trainer throws: a message to show, and what to decide by (`web/src/thrown.rs`). */
export interface TrainerError extends Error {
  kind:
    | 'mistake'
    | 'data'
    | 'record'
    | 'prompt'
    | 'model'
    | 'labeler'
    | 'option'
    | 'nothing'
    | 'checkpoint'
    | 'diverged'
    | 'memory'
    | 'device';
  /** Of the record or prompt that is at fault, from 1. */
  index?: number;
}

/** One session with its device. Every method may throw a `TrainerError`, or a `WebAssembly.RuntimeError` that ends it. */
export interface Nudge {
  device_name(): string;
  self_check(all: boolean): Promise<SelfCheck>;
  put_model(name: string, files: Files, packed: boolean): ModelInfo;
  put_incoming(name: string, files: IncomingFiles): ModelInfo;
  forget(name: string): void;
  put_scaled(name: string, of: string, strength: number): void;
  outlook(name: string, answer: number): Promise<Outlook>;
  imitation_time(name: string, demonstrations: number, options: Partial<SftOptions>, example: number): number;
  sha256(name: string): string;
  model_files(name: string): Files;
  export_model(name: string, form: ExportForm, base: string): Files;
  read_prompts(
    name: string,
    bytes: Uint8Array,
    by: string | undefined,
    task: string,
    model: string,
    answer: number,
  ): PromptsFound;
  read_demonstrations(name: string, bytes: Uint8Array, model: string): Understood<DemonstrationRecord>;
  look(look: Look): Promise<Seen>;
  foretell(asked: Foretell): Promise<Prequential>;
  start(command: Command, resume?: Files): void;
  next(): Promise<Event | undefined>;
  save(): Promise<Files>;
  stop_completion(prompt: number, completion: number): void;
  cancel(): void;
}

/** Files on their way in; `put_incoming` takes them over. */
export interface IncomingFiles {
  begin(name: string, bytes: number): void;
  append(name: string, piece: Uint8Array): void;
  free(): void;
}

/** What the compiled module has to offer. */
export interface Library {
  Nudge: NudgeClass;
  IncomingFiles: new () => IncomingFiles;
  /** From now on `count` threads compute, this one among them. Once, before anything is computed. */
  start_threads(count: number): void;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

export interface NudgeClass {
  create(device: DeviceKind): Promise<Nudge>;
  bench(request: BenchRequest, counts: () => [number, number]): Promise<BenchRow[]>;
  memory_needed(bytes: number): MemoryNeeded;
  labelers(all: boolean): LabelerInfo[];
  methods(): MethodInfo[];
  option_value(method: string, option: string, words: string): unknown;
  metrics(): MetricDoc[];
  verdict(preferences: Preference[], usable: ([boolean, boolean] | null)[]): Verdict;
  findings(evidence: Partial<Evidence>, asked: Command | null, preferences: PreferenceRecord[]): Finding[];
  changes(pairs: JudgedPair[]): Changes | null;
  frontier(steps: Metrics[]): Frontier;
  divide_prompts(prompts: Prompt[], examples: DemonstrationRecord[], seed: number): Prompts;
  look_over_examples(examples: DemonstrationRecord[], held_out: Prompt[]): ExampleNotes;
  wants_examples(rankings: RankingRecord[]): boolean;
  check_ranking(record: RankingRecord): string | undefined;
  read_rankings(name: string, bytes: Uint8Array): Understood<RankingRecord>;
}

interface Source {
  module_or_path: WebAssembly.Module;
  memory?: WebAssembly.Memory;
}

/** The JavaScript that binding wrote. */
interface Glue extends Omit<Library, 'module' | 'memory'> {
  default(source: Source): Promise<{ memory: WebAssembly.Memory }>;
  /** Waits for work from the trainer. Does not return. */
  work(): void;
}

const glue = async () => (await import('../wasm/nudge_web.js')) as unknown as Glue;

/** Called with the bytes so far and, where the server tells it, the bytes in all. */
export type OnBytes = (loaded: number, total: number | null) => void;

export async function loadNudge(onBytes: OnBytes): Promise<Library> {
  const loaded = await glue();
  // The service worker keeps the same one (`sw.js`).
  const url = WebAssembly.validate(new Uint8Array(relaxedSimd)) ? fusedUrl : unfusedUrl;
  const module = await WebAssembly.compileStreaming(fetchCounted(url, onBytes));
  const { memory } = await loaded.default({ module_or_path: module, memory: sharedMemory() });
  held = memory;
  const { Nudge, IncomingFiles, start_threads } = loaded;
  return { Nudge, IncomingFiles, start_threads, module, memory };
}

/** Makes this worker a thread of the trainer whose module and memory these are; what it gives never returns. */
export async function joinTrainer(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<() => void> {
  const loaded = await glue();
  await loaded.default({ module_or_path: module, memory });
  return loaded.work;
}

/** In pages of 64 KiB: what the module wants at first, and most of what a memory can have. */
const FIRST_PAGES = 1024;
const MOST_PAGES = 65_536;

/**
 * A memory that threads can share. It reserves all the room it may ever take: where the device refuses that, half of it
 * is asked for, and so on. A module that was built without threads makes its own.
 */
function sharedMemory(): WebAssembly.Memory | undefined {
  for (let maximum = MOST_PAGES; maximum >= FIRST_PAGES; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared: true });
    } catch {
      // Less may do.
    }
  }
  return undefined;
}

let held: WebAssembly.Memory | undefined;

/** Bytes of the trainer's memory. */
export function heldBytes(): number {
  return held?.buffer.byteLength ?? 0;
}

async function fetchCounted(url: string, onBytes: OnBytes): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const total = bytesOf(response);
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
