// What each step leaves to be judged by the trainer's rules: numbers that were logged, rankings, a comparison.

import { comparison, SHOWN } from './comparison.svelte';
import type { Judgeable } from './findings.svelte';
import { models } from './models.svelte';
import type { Evidence } from './protocol';
import { rankings } from './rankings.svelte';
import { reviews } from './reviews.svelte';
import { app, type StepName } from './state.svelte';
import type { Training } from './training.svelte';

/** Nothing where the step has not been taken, or was taken elsewhere. */
export function judgeable(step: StepName): Judgeable | null {
  switch (step) {
    case 'show':
      return trained(app.sft, { task: 'sft' });
    case 'rank':
      return rankings.count > 0 ? judged({ task: 'rank' }, true) : null;
    case 'reward':
      return trained(app.reward, { task: 'reward', calibration: reviews.current?.calibration ?? null });
    case 'tune':
      return trained(app.tuning, { task: app.tuning.method ?? '' });
    case 'compare':
      return compared();
    case 'base':
      return null;
  }
}

function judged(evidence: Partial<Evidence>, ranked: boolean): Judgeable {
  return { evidence, asked: null, preferences: ranked ? rankings.records : [] };
}

/** Rankings are judged with a model only while they are those that it has learnt from. */
function trained(training: Training, evidence: Partial<Evidence>): Judgeable | null {
  const made = models.held[training.output]?.origin === 'trained';
  if (training.status !== 'finished' || !made || training.curve.length === 0) return null;
  const steps = training.curve.map(({ metrics }) => metrics);
  const ranked = training.name === 'reward' && app.rewardRankings === rankings.count;
  return { ...judged({ ...evidence, steps }, ranked), asked: training.asked };
}

function compared(): Judgeable | null {
  const { counting } = comparison;
  if (!counting) return null;
  const { contest, verdict, pairs } = counting;
  const method = contest.method === SHOWN ? null : contest.method;
  return judged({ task: 'compare', method, comparison: verdict, pairs }, false);
}
