// How well a model orders pairs, as the one number of a step: which metric it is, and what to call it.

import { percent } from './format';
import type { MetricName } from './metrics.svelte';
import { rankings } from './rankings.svelte';
import { t } from './strings';
import type { Training } from './training.svelte';

/** `metric` is its name in the log, `text` what it counts. */
export type Accuracy = { value: number | undefined; metric: MetricName; text: string };

/**
 * The share of held-out pairs, or, where none were held out, of the pairs of the last batch. It says who ranked them:
 * simulated rankings are never called the reader's.
 */
export function accuracyOf(training: Training, heldOut: MetricName, batch: MetricName): Accuracy {
  const whose = t.reward.whose[rankings.simulatedLabeler ? 'simulated' : rankings.onlyPerson ? 'person' : 'mixed'];
  const value = training.latest(heldOut);
  if (value === undefined) {
    const inBatch = training.latest(batch);
    // Held-out pairs are judged after every pass; until then, and where there are none, a batch has to do.
    const ofBatch = training.status === 'finished' ? t.reward.metricTrain : t.reward.metricSoFar;
    const text = (inBatch === undefined ? t.reward.metric : ofBatch)(whose);
    return { value: inBatch, metric: inBatch === undefined ? heldOut : batch, text };
  }
  const [pairs, low, high] = ['eval_pairs', `${heldOut}_low`, `${heldOut}_high`].map((name) => training.latest(name));
  const counted = pairs !== undefined && low !== undefined && high !== undefined;
  const text = counted ? t.reward.metricCounted(pairs, whose, percent(low), percent(high)) : t.reward.metric(whose);
  return { value, metric: heldOut, text };
}
