// Builds commands. An option that is left out takes the trainer's default, so the defaults live in one place.

import type {
  CandidatesRecord,
  Command,
  CompareOptions,
  DemonstrationRecord,
  Judge,
  PreferenceRecord,
  Prompt,
  RewardOptions,
  SampleOptions,
  SftOptions,
} from './protocol';

/** Values of a method's options by their names. */
export type Values = Record<string, unknown>;

export const sft = (model: string, demonstrations: DemonstrationRecord[], options: Partial<SftOptions>): Command => ({
  command: 'sft',
  model,
  demonstrations,
  options,
});

export const sample = (model: string, prompts: Prompt[], options: Partial<SampleOptions>): Command => ({
  command: 'sample',
  model,
  prompts,
  options,
});

export const rank = (candidates: CandidatesRecord[], labeler: string): Command => ({
  command: 'rank',
  candidates,
  labeler,
});

export const reward = (model: string, preferences: PreferenceRecord[], options: Partial<RewardOptions>): Command => ({
  command: 'reward',
  model,
  preferences,
  demonstrations: [],
  options,
});

/** What a method learns from: reward models and prompts for them, or rankings. */
export type Lessons = { rewards: string[]; prompts: Prompt[]; preferences: PreferenceRecord[] };

/** The method's name comes from the trainer, so its options are of no narrower type here. */
export const tune = (method: string, policy: string, lessons: Lessons, options: Values): Command =>
  ({ command: 'tune', method, policy, ...lessons, pretraining_texts: [], options }) as Command;

/** With `bestOfReward`, the first model draws `options.best_of` completions and that reward model picks one. */
export const compare = (
  a: string,
  b: string,
  prompts: Prompt[],
  judge: Judge,
  bestOfReward: string | null,
  options: Partial<CompareOptions>,
): Command => ({
  command: 'compare',
  a,
  b,
  prompts,
  judge,
  best_of_reward: bestOfReward,
  options,
});

export const score = (rewardModel: string, records: Record<string, unknown>[]): Command => ({
  command: 'score',
  reward: rewardModel,
  records,
});
