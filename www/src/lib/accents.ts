// The colour of each step: that of the model it makes. Ranking and comparing belong to the reader, who is ink.

import type { StepName } from './state.svelte';

export const accents: Record<StepName, string> = {
  base: 'var(--base)',
  show: 'var(--sft)',
  rank: 'var(--ink)',
  reward: 'var(--reward)',
  tune: 'var(--policy)',
  compare: 'var(--ink)',
};
