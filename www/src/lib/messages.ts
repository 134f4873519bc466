// What the main thread and the worker say to each other.
//
// The worker owns WebAssembly and the device, the main thread draws. Every request has one reply with its id;
// a run also sends `event` and `checkpoint` notices while it goes. Deliberately absent: any computing.

import type { Command, Event, Preference, Verdict } from './protocol';

/** The files of a model folder or of a checkpoint: name and bytes. */
export type Files = Record<string, Uint8Array>;

export type DeviceKind = 'cpu' | 'webgpu';
export type DeviceChoice = 'auto' | DeviceKind;

export type ModelInfo = {
  kind: 'decoder' | 'reward';
  parameters: number;
  vocab_size: number;
  max_position_embeddings: number;
  chat: boolean;
};

/** A simulated labeler and its rule in words. */
export type LabelerInfo = { name: string; title: string; rule: string };

/** A metric by the name under which it is logged: what it is, the values to expect, what to do outside them. */
export type MetricDoc = { name: string; meaning: string; healthy: string; act: string };

/** A value that is no number is `null`; it is never ok. */
export type SelfCheckLine = { name: string; ok: boolean; value: number | null; limit: number };
export type SelfCheck = { ok: boolean; checks: SelfCheckLine[] };

/** Why a device was passed over; the words for each stand in `strings.ts`. */
export type DeviceReason =
  | 'chosen'
  | 'found'
  | 'no_webgpu'
  | 'no_adapter'
  | 'fallback_adapter'
  | 'no_timestamp_query'
  | 'self_check_failed'
  | 'create_failed'
  | 'crashed';

export type DeviceReport = {
  kind: DeviceKind;
  /** What the device calls itself. */
  name: string;
  reason: DeviceReason;
  /** The quick checks, which WebGPU has to pass before it is taken. */
  self_check: SelfCheck | null;
  /** What went wrong, where something did. */
  detail: string | null;
};

/** What is in a file: records as JSONL, how many are left out, and where and why the first of them. */
export type Understood = { format: string; jsonl: string; records: number; dropped: number; reason: string };

/** One phase of the bench at one size; `prompts` are those of a rollout. */
export type BenchRequest = {
  device: DeviceKind;
  size: string;
  phase: string;
  repeats: number;
  warm_up: number;
  prompts: number;
};

/** A phase, measured: medians, and what was counted in the last step. */
export type BenchRow = {
  size: string;
  phase: string;
  device: string;
  ms: number;
  ms_low: number;
  ms_high: number;
  first_ms: number;
  tokens_per_s: number;
  gflops: number;
  gflops_ceiling: number;
  gb_per_s: number;
  gb_per_s_ceiling: number;
  launches: number | null;
  launches_per_token: number | null;
  submits: number | null;
  readbacks: number;
  peak_bytes: number | null;
  repeats: number;
  parameters: number;
};

export type RunEnd = 'finished' | 'paused' | 'cancelled';

export type Requests = {
  open: { ask: { choice: DeviceChoice; crashed: string | null }; answer: DeviceReport };
  /** All checks of the open device. */
  self_check: { ask: Record<never, never>; answer: SelfCheck };
  labelers: { ask: Record<never, never>; answer: LabelerInfo[] };
  metrics: { ask: Record<never, never>; answer: MetricDoc[] };
  put_model: { ask: { name: string; files: Files }; answer: ModelInfo };
  model_files: { ask: { name: string }; answer: Files };
  /** Pulls a run to its end. `save_every` is in seconds; 0 saves only at a pause. */
  run: { ask: { command: Command; resume: Files | null; save_every: number }; answer: RunEnd };
  /** Ends the run after the step it is in; a pause saves a checkpoint first. */
  halt: { ask: { how: 'pause' | 'cancel' }; answer: null };
  verdict: { ask: { preferences: Preference[] }; answer: Verdict };
  /** One entry a ranking: `null`, or why nothing can be learnt from it. Fails at a line that is no ranking. */
  check_rankings: { ask: { name: string; jsonl: string }; answer: (string | null)[] };
  /** The rankings in a file of any format. */
  read_rankings: { ask: { name: string; bytes: Uint8Array }; answer: Understood };
  /** The demonstrations in a file of any format that `model` has room for. */
  read_demonstrations: { ask: { name: string; bytes: Uint8Array; model: string }; answer: Understood };
  /** One phase of the bench, on a device of its own. */
  bench: { ask: { request: BenchRequest }; answer: BenchRow[] };
};

export type RequestKind = keyof Requests;

export type Request = {
  [Kind in RequestKind]: { id: number; kind: Kind } & Requests[Kind]['ask'];
}[RequestKind];

export type Notice =
  | { notice: 'answer'; id: number; value: unknown }
  | { notice: 'error'; id: number; message: string; fatal: boolean }
  | { notice: 'event'; id: number; event: Event }
  | { notice: 'checkpoint'; id: number; files: Files }
  | { notice: 'loading'; loaded: number; total: number | null }
  /** The GPU named so is being started: its programs are compiled and checked. */
  | { notice: 'preparing'; gpu: string };
