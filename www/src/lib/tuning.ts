// The command of step 5 for each method, with the reader's choices.
//
// Deliberately absent: best-of-n, which trains nothing; the comparison asks for it.

import * as commands from './commands';
import { LEASHES, type Leash, type TrainingMethod } from './methods';
import { promptsOf } from './prompts';
import type { Command } from './protocol';
import { rankings } from './rankings.svelte';
import { settings, sizes, type Effort } from './settings';

/** What the reader chooses; the methods that learn from rankings have neither an effort nor a leash. */
export type Choices = { effort: Effort; leash: Leash };

export async function tuningCommand(method: TrainingMethod, { effort, leash }: Choices): Promise<Command> {
  const { seed } = settings;
  if (method === 'dpo' || method === 'kto' || method === 'orpo') {
    return commands.preference(method, 'sft', rankings.jsonl(), { ...sizes.preference, seed });
  }
  const adaptive_kl = { target: LEASHES[leash], horizon: 64 };
  const common = {
    episodes: sizes.episodes[effort],
    batch_size: sizes.rolloutBatch[effort],
    max_new_tokens: sizes.answerTokens,
    gold_labeler: rankings.simulatedLabeler,
    seed,
  };
  const prompts = await promptsOf('train');
  if (method === 'ppo') {
    return commands.ppo('sft', 'reward', prompts, { ...common, ppo: { ...sizes.ppo, adaptive_kl } });
  }
  return commands.policyGradient(method, 'sft', 'reward', prompts, { ...common, ...sizes.policyGradient, adaptive_kl });
}
