// What each measured number means, in the trainer's own words: its documentation of metrics is the only source.

import { metricInWords } from '../languages/trainer';
import { engine } from './engine.svelte';
import type { MetricDoc } from './messages';
import type { t } from './strings';

/** A metric that the page shows, by its name in the log. */
export type MetricName = keyof typeof t.metrics;

class MetricDocs {
  #all = $state.raw<MetricDoc[]>([]);

  async load(): Promise<void> {
    this.#all = (await engine.request('metrics', {})).map(metricInWords);
  }

  /** Nothing until the trainer runs. */
  find(name: MetricName): MetricDoc | undefined {
    return this.#all.find((metric) => metric.name === name);
  }
}

export const metricDocs = new MetricDocs();
