// The command of step 5, and what the page itself says of a method's options.

import { answers } from './answers.svelte';
import * as commands from './commands';
import type { Values } from './commands';
import { methods, type Kind } from './methods.svelte';
import { models } from './models.svelte';
import { promptsOf } from './prompts';
import type { Command, PreferenceRecord } from './protocol';
import { rankings } from './rankings.svelte';
import { settings, sizes, type Effort, type Leash } from './settings';

/** The horizon of the adaptive coefficient, in completions. */
const HORIZON = 64;

/** What the page says, by the choice that says it; options that a method does not have are not meant. */
export function pagesOwn(method: string, kind: Kind, effort: Effort, leash: Leash): { page: Values; effort: Values; leash: Values } {
  const page = { ...sizes.tuning, ...sizes.finetuning, seed: settings.seed };
  if (kind !== 'rewards') return { page, effort: {}, leash: {} };
  // PPO's value model needs its time, and its policy has a higher rate anyway.
  const quick = effort === 'quick' && method !== 'ppo' && sizes.quickRate !== null;
  const rate = quick ? { learning_rate: sizes.quickRate } : {};
  return {
    page: { ...page, max_new_tokens: answers.tokens, gold_labeler: rankings.simulatedLabeler, lens: true },
    effort: { episodes: sizes.episodes[effort], batch_size: sizes.rolloutBatch[effort], ...rate },
    leash: { adaptive_kl: { target: sizes.leash[leash], horizon: HORIZON } },
  };
}

/** Rankings; a method that learns from single answers takes those of screens that were all good or all bad, too. */
function preferencesFor(method: string, since: number): PreferenceRecord[] {
  const byLabels = methods.find(method)?.learns_from === 'labels';
  const records = rankings.records.slice(since);
  return byLabels ? [...records, ...rankings.labelled] : records;
}

/**
 * Tunes the instruct model by a method that learns from the reward model, or from the rankings themselves, of which the
 * first `since` are left out.
 */
export async function tuningCommand(method: string, kind: Kind, options: Values, since = 0): Promise<Command> {
  const lessons =
    kind === 'rewards'
      ? { rewards: ['reward'], prompts: await promptsOf('train'), preferences: [] }
      : { rewards: [], prompts: [], preferences: preferencesFor(method, since) };
  return commands.tune(method, models.start, lessons, options);
}
