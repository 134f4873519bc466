// The numbers of all training runs, one JSON object a step.

import { runs } from './runs.svelte';
import type { Training } from './training.svelte';

/** Of the stages before tuning, and of every run. */
export function trainingLog(stages: Training[]): string {
  const before = stages.map(({ name, curve }) => ({ said: { stage: name } as object, curve }));
  const tuned = runs.list.map(({ id, method, curve }) => ({ said: { stage: 'tune', method, run: id }, curve }));
  const rows = [...before, ...tuned].flatMap(({ said, curve }) => curve.map(({ step, metrics }) => ({ ...said, step, ...metrics })));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
