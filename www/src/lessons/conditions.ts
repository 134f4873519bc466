// What a step of a lesson can wait for, read from the page's state.

import { comparison } from '../lib/comparison.svelte';
import { doings } from '../lib/doings.svelte';
import { PRICES } from '../lib/leash-lab.svelte';
import { models } from '../lib/models.svelte';
import { quick } from '../lib/quick.svelte';
import { rankings } from '../lib/rankings.svelte';
import { reviews } from '../lib/reviews.svelte';
import { app } from '../lib/state.svelte';

/** Below and above these a temperature is low, or high, on a slider from 0.1 to 2. */
const COLD = 0.3;
const HOT = 1.5;

/** How often it was done. Counted `step` is what was done since the step began; the rest holds whenever it was done. */
type Counted = { count: () => number; since: 'step' | 'ever' };

const inStep = (count: () => number): Counted => ({ count, since: 'step' });
const ever = (count: () => number | boolean): Counted => ({ count: () => Number(count()), since: 'ever' });
const wrote = (with_: (how: { prompt: string; temperature: number }) => boolean) =>
  inStep(() => doings.of('wrote').filter(with_).length);

export const conditions = {
  wrote: wrote(() => true),
  wroteOnQuestion: wrote(({ prompt }) => prompt.includes('?')),
  wroteCold: wrote(({ temperature }) => temperature <= COLD),
  wroteHot: wrote(({ temperature }) => temperature >= HOT),
  pointed: inStep(() => doings.of('pointed').length),

  /** Taking the instruct model asks both at once. */
  bothAnswered: ever(() => models.held.sft !== undefined && doings.of('asked').length > 0),
  askedBoth: inStep(() => doings.of('asked').length),
  trainedSteps: ever(() => app.sft.step),

  taste: ever(() => quick.stage !== 'taste' || rankings.count > 0),
  ranked: ever(() => rankings.bySource.person),
  taught: ever(() => comparison.simulated !== null),
  judged: ever(() => comparison.revealed),

  rewardModel: ever(() => models.held.reward !== undefined),
  scored: inStep(() => doings.of('scored').length),
  /** An answer other than the first that was scored, and scored above it. */
  outscored: ever(() => {
    const [first, ...others] = doings.of('scored');
    return others.some(({ answer, score }) => first && answer !== first.answer && score > first.score);
  }),
  reviewed: ever(() => reviews.current !== null),

  ranWithoutLeash: inStep(() => doings.of('lab').filter(({ price }) => price === PRICES.none).length),
  ranOnShortLeash: inStep(() => doings.of('lab').filter(({ price }) => price >= PRICES.tight).length),
  ranBetween: inStep(() => doings.of('lab').filter(({ price }) => price > PRICES.none && price < PRICES.tight).length),
} satisfies Record<string, Counted>;

export type Condition = keyof typeof conditions;
