// Builds commands. An option that is left out takes the trainer's default, so the defaults live in one place.

import type {
  Command,
  CompareOptions,
  DpoOptions,
  GrpoOptions,
  Judge,
  KtoOptions,
  OrpoOptions,
  PpoStageOptions,
  RewardOptions,
  RlooOptions,
  SampleOptions,
  SftOptions,
} from './protocol';

export const sft = (model: string, demonstrations: string, options: Partial<SftOptions>): Command => ({
  command: 'sft',
  model,
  demonstrations,
  options: options as SftOptions,
});

export const sample = (model: string, prompts: string[], options: Partial<SampleOptions>): Command => ({
  command: 'sample',
  model,
  prompts,
  options: options as SampleOptions,
});

export const rank = (candidates: string, labeler: string): Command => ({ command: 'rank', candidates, labeler });

export const reward = (model: string, comparisons: string, options: Partial<RewardOptions>): Command => ({
  command: 'reward',
  model,
  comparisons,
  demonstrations: '',
  options: options as RewardOptions,
});

export const ppo = (
  policy: string,
  rewardModel: string,
  prompts: string[],
  options: Partial<PpoStageOptions>,
): Command => ({
  command: 'ppo',
  policy,
  reward: rewardModel,
  reward_ensemble: [],
  prompts,
  pretraining_texts: [],
  options: options as PpoStageOptions,
});

/** The methods without a value model, with the options that they share. */
export const policyGradient = (
  command: 'grpo' | 'rloo' | 'reinforce',
  policy: string,
  rewardModel: string,
  prompts: string[],
  options: Partial<RlooOptions>,
): Command => ({
  command,
  policy,
  reward: rewardModel,
  reward_ensemble: [],
  prompts,
  options: options as GrpoOptions,
});

/** The methods without a reward model, with the options that they share. */
export const preference = (
  command: 'dpo' | 'kto' | 'orpo',
  policy: string,
  comparisons: string,
  options: Partial<OrpoOptions>,
): Command => ({ command, policy, comparisons, options: options as DpoOptions & KtoOptions });

/** With `bestOfReward`, the first model draws `options.best_of` answers and that reward model picks one. */
export const compare = (
  a: string,
  b: string,
  prompts: string[],
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
  options: options as CompareOptions,
});

export const score = (rewardModel: string, records: string): Command => ({
  command: 'score',
  reward: rewardModel,
  records,
});
