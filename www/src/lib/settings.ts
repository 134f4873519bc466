// What the address of the page decides: device, seed, labeler, method, which built-in model, and sizes.
//
// A teacher hands out such an address.

import type { DeviceChoice } from './messages';
import type { RewardOptions, SftOptions } from './protocol';

export type Effort = 'quick' | 'normal' | 'long';
/** The five lessons, in their order. */
export const LESSONS = ['base', 'demonstrations', 'rankings', 'reward', 'leash'] as const;
export type LessonName = (typeof LESSONS)[number];
export type Leash = 'loose' | 'normal' | 'tight';

const parameters = new URLSearchParams(location.search);

function oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
  const value = parameters.get(name);
  return allowed.find((candidate) => candidate === value) ?? fallback;
}

function wholeNumber(name: string, fallback: number): number {
  const value = Number(parameters.get(name) ?? NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}

/** More than any processor of a reader gains from. */
const MOST_THREADS = 32;

const small = parameters.get('test') === '1';

/** Packs of earlier pages, and what took their place. */
export const RENAMED_PACKS: Record<string, string> = { politeness: 'dialogue' };

export const settings = {
  device: oneOf<DeviceChoice>('device', ['auto', 'cpu', 'webgpu'], 'auto'),
  seed: wholeNumber('seed', 1),
  /** On how many threads the CPU computes; `null` leaves it to the trainer. */
  threads: Math.min(wholeNumber('threads', 0), MOST_THREADS) || null,
  /** A lesson to be taken, in a workflow of its own. */
  lesson: LESSONS.find((name) => name === parameters.get('lesson')) ?? null,
  /** A simulated labeler that a teacher chose; `null` leaves the choice to the reader. */
  labeler: parameters.get('labeler'),
  /** Ready-made rankings that a teacher chose. */
  pack: RENAMED_PACKS[parameters.get('pack') ?? ''] ?? parameters.get('pack'),
  /** The method that a teacher chose for step 5, if the trainer knows it; `null` leaves the choice to the reader. */
  method: parameters.get('method'),
  /** Where the built-in models lie. */
  modelRoot: parameters.get('model') === 'test' ? 'model/test-size' : 'model',
  effort: oneOf<Effort>('effort', ['quick', 'normal', 'long'], small ? 'quick' : 'normal'),
  /** Whether the address says how long; then it counts, not what was chosen in an earlier visit. */
  effortGiven: parameters.has('effort'),
};

/** What decides how the page runs, whatever it is asked to show. */
const RUNS = ['device', 'threads', 'model', 'test', 'language'];

/** The address of this page with these parameters. */
export function addressWith(asked: Record<string, string>): string {
  const kept = RUNS.filter((name) => parameters.has(name) && !(name in asked)).map((name) => [name, parameters.get(name)!]);
  return `?${new URLSearchParams([...Object.entries(asked), ...kept])}`;
}

/** Sizes of the page's own runs; everything else is the trainer's default. `?test=1` takes the small ones. */
const OF_STORIES = {
  /** Of each prompt, to rank. */
  completions: 4,
  /** Of each prompt, where nobody reads along: those that are ranked are chosen among them. */
  drawn: 8,
  completionTokens: small ? 16 : 64,
  /** Prompts answered at once while the reader ranks. */
  promptsAhead: 4,
  /** Completions sampled at once where nobody reads along. */
  sampleBatch: small ? 128 : 32,
  rankingTarget: 30,
  /** Examples that are asked for in step 2. */
  fewestExamples: 5,
  enoughExamples: 12,
  /**
   * How the built-in model learns a few examples: by the trainer's defaults it would make one step of them. A real model
   * takes the trainer's own.
   */
  learning: { most: 60, options: { epochs: small ? 4 : 16, batch_size: 4, held_out: 0 } as Partial<SftOptions> },
  comparisonTarget: 10,
  comparedPrompts: small ? 24 : 60,
  demonstrations: small ? 48 : Infinity,
  episodes: { quick: small ? 32 : 320, normal: 640, long: 1920 } satisfies Record<Effort, number>,
  /**
   * Completions of one rollout. Fewer give sooner something to see, more give a steadier direction. Each is a multiple
   * of the completions of one prompt (8 in GRPO, 4 in RLOO) and of the minibatches (4).
   */
  rolloutBatch: { quick: small ? 16 : 32, normal: 64, long: 64 } satisfies Record<Effort, number>,
  /**
   * The learning rate of quick runs without a value model: at the trainer's own nothing is to be seen after so few
   * answers (53 % of 60 pairs won by GRPO after 128 answers; 65 % [56, 73] of 120 with this after 320).
   */
  quickRate: (small ? null : 6e-5) as number | null,
  /** What a run takes off the trainer's defaults; nothing but for tests. */
  reward: (small ? { epochs: 2 } : {}) as Partial<RewardOptions>,
  tuning: (small ? { epochs: 2, num_iterations: 1, num_mini_batches: 2 } : {}) as Record<string, number>,
  /** The KL that the adaptive coefficient steers to, in nats a completion. */
  leash: { loose: 8, normal: 3.5, tight: 1.5 } satisfies Record<Leash, number>,
  /** Completions among which the reward model chooses in best-of-n. */
  bestOf: 8,
  /** How long the lab on the leash runs. */
  lab: { episodes: small ? 48 : 896, batch_size: small ? 16 : 64 },
  /** Seconds between two checkpoints of a training run. */
  saveEvery: small ? 2 : 10,
  /** What every training run of the page says, whatever it trains. */
  finetuning: {} as { finetuning?: 'lora' },
};

/** A real model answers a thousand times slower, and at greater length; what it learns goes into adapters. */
const OF_REAL_MODELS: Partial<typeof OF_STORIES> = {
  completionTokens: small ? 16 : 96,
  learning: { most: 0, options: {} },
  promptsAhead: 1,
  drawn: 6,
  sampleBatch: 16,
  rankingTarget: small ? 8 : 30,
  comparedPrompts: small ? 6 : 20,
  episodes: { quick: small ? 16 : 32, normal: 96, long: 320 },
  rolloutBatch: { quick: small ? 8 : 16, normal: 16, long: 32 },
  quickRate: null,
  // A step of four pairs takes most of a minute on a CPU.
  reward: { epochs: 2 },
  tuning: small ? { ...OF_STORIES.tuning, epochs: 1 } : { epochs: 2 },
  saveEvery: small ? 2 : 60,
  finetuning: { finetuning: 'lora' },
};

export type Sizes = typeof OF_STORIES;
export const sizes: Sizes = { ...OF_STORIES };

/** The sizes of the built-in model, or those of real ones. */
export const sizesOf = (real: boolean): Sizes => ({ ...OF_STORIES, ...(real ? OF_REAL_MODELS : {}) });

/** Takes one of them. What is on the page is drawn anew then. */
export function useSizes(real: boolean): void {
  Object.assign(sizes, sizesOf(real));
}
