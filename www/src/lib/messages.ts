// What the main thread and the worker say to each other.
//
// The worker owns WebAssembly and the device, the main thread draws. Every request has one reply with its id;
// a run also sends `event` and `checkpoint` notices while it goes.

import type { Base } from './bases';
import type { Picked } from './opening';
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
} from './protocol';

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

/** A value may be no number; then it is never ok. */
export type SelfCheckLine = { name: string; ok: boolean; value: number; limit: number };
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
  | 'crashed'
  | 'restarted';

export type DeviceReport = {
  kind: DeviceKind;
  /** What the device calls itself. */
  name: string;
  /** On how many threads the CPU computes. */
  threads: number;
  reason: DeviceReason;
  /** The quick checks, which WebGPU has to pass before it is taken. */
  self_check: SelfCheck | null;
  /** What went wrong, where something did. */
  detail: string | null;
};

/** How a worker ends that did not mean to; the words for each stand in `strings.ts`. */
export type Loss = 'trap' | 'gpu' | 'memory' | 'silence' | 'load';

/** Why the worker before this one ended, and on which device. */
export type Crash = { device: DeviceKind; message: string };

/** What is in a file: records, how many are left out, and where and why the first of them. */
export type Understood<Record> = { records: Record[]; dropped: number; reason: string };

/** About how many bytes of memory a model takes to answer, and to train adapters on it. */
export type MemoryNeeded = { answering: number; training: number };

/** Memory as above, and seconds: of one answer, of one example in a step, of a step of tuning, and of the whole loop. */
export type Outlook = MemoryNeeded & { answer: number; example: number; step: number; whole: number };

/** The prompts in a file, by a column of it or a way to cut a text, what else they could be by, and its first rows. */
export type PromptsFound = {
  text: boolean;
  choices: string[];
  by: string;
  rows: string[][];
  prompts: Prompt[];
  dropped: number;
  reason: string;
};

/** Which program a model goes out to: PEFT, llama.cpp's adapters, or llama.cpp with the adapter worked in. */
export type ExportForm = 'peft' | 'gguf-adapter' | 'gguf';

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
  /** `threads` is how many the reader's address asks for, if any. */
  open: { ask: { choice: DeviceChoice; crash: Crash | null; threads: number | null }; reply: DeviceReport };
  /** All checks of the open device. */
  self_check: { ask: Record<never, never>; reply: SelfCheck };
  /** Of a model whose files are so many bytes. */
  memory_needed: { ask: { bytes: number }; reply: MemoryNeeded };
  /** Those of stories, or all. */
  labelers: { ask: { all: boolean }; reply: LabelerInfo[] };
  methods: { ask: Record<never, never>; reply: MethodInfo[] };
  /** The value that words such as `cosine:0.1` stand for, as the option of a method. */
  option_value: { ask: { method: string; option: string; words: string }; reply: unknown };
  metrics: { ask: Record<never, never>; reply: MetricDoc[] };
  put_model: { ask: { name: string; files: Files; packed: boolean }; reply: ModelInfo };
  /** Reads the one model among files of the reader; `names` are those of its files. */
  open_model: { ask: { name: string; picked: Picked[] }; reply: { info: ModelInfo; names: string[] } };
  /** Takes an adapter in once more, under another name and at so much of its strength. */
  put_scaled: { ask: { name: string; of: string; strength: number }; reply: null };
  /** What working with a model will take, measured by a probe of a few seconds. */
  outlook: { ask: { name: string; answer: number }; reply: Outlook };
  /** Seconds that imitating so many examples will take, where each takes `example` seconds of a step (`outlook`). */
  imitation_time: { ask: { name: string; demonstrations: number; options: Partial<SftOptions>; example: number }; reply: number };
  /** Lets go of a model. */
  forget: { ask: { name: string }; reply: null };
  /** Of a model's weights, without an adapter's. */
  sha256: { ask: { name: string }; reply: string };
  /** Keeps files on this device. */
  keep_base: { ask: { base: Base; files: Picked[] }; reply: null };
  model_files: { ask: { name: string }; reply: Files };
  /** A model for another program; `base` is what its base is called there. */
  export_model: { ask: { name: string; form: ExportForm; base: string }; reply: Files };
  /** Files as one zip. */
  pack: { ask: { files: Files }; reply: Uint8Array };
  /** The files of a workflow's zip, by their paths in its folder; none where it holds no workflow. */
  unpack: { ask: { name: string; blob: Blob }; reply: Files };
  /** The prompts in a file that `model` has room for beside an answer of so many tokens. */
  read_prompts: {
    ask: { name: string; bytes: Uint8Array; by: string | null; task: string; model: string; answer: number };
    reply: PromptsFound;
  };
  /** Pulls a run to its end. `save_every` is in seconds; 0 saves only at a pause. */
  run: { ask: { command: Command; resume: Files | null; save_every: number }; reply: RunEnd };
  /** Ends the run after the step it is in; a pause saves a checkpoint first. */
  halt: { ask: { how: 'pause' | 'cancel' }; reply: null };
  /** Ends a completion that grows in the run: that of a prompt, both counted from 0. */
  stop_completion: { ask: { prompt: number; completion: number }; reply: null };
  /** `usable` says of each pair, where it was asked, whether the answers are good enough to use. */
  verdict: { ask: { preferences: Preference[]; usable: ([boolean, boolean] | null)[] }; reply: Verdict };
  /** What the rules of the trainer say; `asked` is the command that trained, its data left out. */
  findings: {
    ask: { evidence: Partial<Evidence>; asked: Command | null; preferences: PreferenceRecord[] };
    reply: Finding[];
  };
  /** What changed between two models' completions. */
  changes: { ask: { pairs: JudgedPair[] }; reply: Changes | null };
  /** What a run gained for the distance it covered. */
  frontier: { ask: { steps: Metrics[] }; reply: Frontier };
  /** What models say of one text. */
  look: { ask: { look: Look }; reply: Seen };
  /** Reads one ranking more and says how well those before each foretold it. */
  foretell: { ask: { asked: Foretell }; reply: Prequential };
  /** Why nothing can be learnt from a ranking, if so. Fails for one that is not whole. */
  check_ranking: { ask: { record: RankingRecord }; reply: string | undefined };
  /** Divides prompts; those with an example are learnt from. Fails where too few are left to compare on. */
  divide_prompts: { ask: { prompts: Prompt[]; examples: DemonstrationRecord[]; seed: number }; reply: Prompts };
  /** What is to be known of examples before they are learnt. */
  look_over_examples: { ask: { examples: DemonstrationRecord[]; held_out: Prompt[] }; reply: ExampleNotes };
  /** Whether the last screens say that examples teach more than further rankings. */
  wants_examples: { ask: { rankings: RankingRecord[] }; reply: boolean };
  /** The rankings in a file of any format. Fails at a line of our own format that is no ranking. */
  read_rankings: { ask: { name: string; bytes: Uint8Array }; reply: Understood<RankingRecord> };
  /** The demonstrations in a file of any format that `model` has room for. */
  read_demonstrations: {
    ask: { name: string; bytes: Uint8Array; model: string };
    reply: Understood<DemonstrationRecord>;
  };
  /** One phase of the bench, on a device of its own. */
  bench: { ask: { request: BenchRequest }; reply: BenchRow[] };
};

export type RequestKind = keyof Requests;

/** What the page says to a worker that is to be one of the trainer's threads. */
export type Join = { kind: 'join'; module: WebAssembly.Module; memory: WebAssembly.Memory };

export type Request = {
  [Kind in RequestKind]: { id: number; kind: Kind } & Requests[Kind]['ask'];
}[RequestKind];

/** What the page says to a worker without being owed an answer; `joined` is how many threads wait for the trainer. */
export type Word = Join | { kind: 'joined'; joined: number };

export type Notice =
  | { notice: 'reply'; id: number; value: unknown }
  /** `kind` is the trainer's own; with a `loss` the worker is of no use any more. */
  | { notice: 'error'; id: number; message: string; kind: string | null; loss: Loss | null }
  | { notice: 'event'; id: number; event: Event }
  | { notice: 'checkpoint'; id: number; files: Files }
  | { notice: 'loading'; loaded: number; total: number | null }
  /** The GPU named so is being started: its programs are compiled and checked. */
  | { notice: 'preparing'; gpu: string }
  /** The trainer wants to share its work with so many more workers. */
  | { notice: 'threads'; more: number; module: WebAssembly.Module; memory: WebAssembly.Memory }
  /** This worker is ready to be a thread; it says nothing more. */
  | { notice: 'joined' };
