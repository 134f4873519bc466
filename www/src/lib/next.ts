// What a finding advises to do next, as something to press.

import { choices } from './choices.svelte';
import { comparison } from './comparison.svelte';
import { BUILT_IN_START } from './models.svelte';
import type { Next } from './protocol';
import { reviews } from './reviews.svelte';
import { app, type StepName } from './state.svelte';
import { verdictWords as words } from './verdict-strings';
import { workflow } from './workflow.svelte';

export type Press = { label: string; act: () => Promise<unknown> | void };

/** Brings a step into view, its main button ready to be pressed. */
export function goTo(step: StepName): void {
  const section = document.getElementById(step);
  // What one writes oneself is folded up where there is a ready-made model.
  for (const folded of section?.querySelectorAll<HTMLDetailsElement>('details.mine') ?? []) folded.open = true;
  section?.scrollIntoView();
  section?.querySelector<HTMLElement>('.actions button:not(:disabled)')?.focus({ preventScroll: true });
}

/** What to press for `next`, found in the verdict on `step`. */
export function press(next: Next, step: StepName): Press {
  switch (next.next) {
    case 'again': {
      const options = next.options.map(([name, value]) => `${name} ${value}`).join(', ');
      return { label: words.next.again(options), act: () => again(step, Object.fromEntries(next.options)) };
    }
    case 'rank_more':
    case 'agreement':
      return { label: words.next[next.next], act: () => goTo('rank') };
    case 'compare':
    case 'judge_yourself':
      return { label: words.next[next.next], act: () => goTo('compare') };
    case 'calibrate':
      return { label: words.next.calibrate, act: () => reviews.make() };
    case 'tune':
      return { label: words.next.tune, act: () => goTo('tune') };
    case 'more_pairs':
      return morePairs(next.pairs_per_prompt);
  }
}

function again(step: StepName, options: Record<string, unknown>): Promise<unknown> {
  if (step === 'show') return learntFromReader() ? app.learn(options) : app.trainSft(options);
  if (step === 'reward') return app.trainReward(options);
  return tuneAgain(options);
}

/** Whether the last training of step 2 was on the reader's examples. */
function learntFromReader(): boolean {
  const { asked } = app.sft;
  return workflow.base !== null || (asked?.command === 'sft' && asked.model === BUILT_IN_START);
}

async function tuneAgain(options: Record<string, unknown>): Promise<void> {
  if (app.tuning.method) await choices.choose(app.tuning.method);
  for (const [name, value] of Object.entries(options)) await choices.change(name, value);
  await app.tune();
}

function morePairs(pairs: number): Press {
  const { simulated, counting } = comparison;
  if (!counting?.verdict.simulated || !simulated) return { label: words.next.more_pairs.person, act: () => comparison.more() };
  const { labeler, contest } = simulated;
  return { label: words.next.more_pairs.simulated(pairs), act: () => comparison.judgeSimulated(labeler, contest, pairs) };
}
