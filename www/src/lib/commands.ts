// Builds commands. An option that is left out takes the trainer's default, so the defaults live in one place.

import type {
  Command,
  CompareOptions,
  Judge,
  PpoStageOptions,
  RewardOptions,
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
  options: options as RewardOptions,
});

export const ppo = (
  policy: string,
  rewardModel: string,
  prompts: string[],
  options: Partial<PpoStageOptions>,
): Command => ({ command: 'ppo', policy, reward: rewardModel, prompts, options: options as PpoStageOptions });

export const compare = (
  a: string,
  b: string,
  prompts: string[],
  judge: Judge,
  options: Partial<CompareOptions>,
): Command => ({ command: 'compare', a, b, prompts, judge, options: options as CompareOptions });

export const score = (rewardModel: string, records: string): Command => ({
  command: 'score',
  reward: rewardModel,
  records,
});
