// A lab on the leash: a proxy of a known rule is tuned against at a price of one's choice. Nothing of it is kept.

import * as commands from './commands';
import { doings } from './doings.svelte';
import { engine } from './engine.svelte';
import { models } from './models.svelte';
import { promptsOf } from './prompts';
import type { Event, Frontier, Metrics, RankingRecord } from './protocol';
import { hasPreference } from './rankings.svelte';
import { rankCandidates, sampleCandidates } from './sampling.svelte';
import { settings, sizes } from './settings';

export type Phase = 'sampling' | 'reward' | 'tune';

/** The price of a nat of each preset. */
export const PRICES = { tight: 3, loose: 0.3, none: 0 } as const;
/** Few, so that the proxy has holes to be found. */
const RANKINGS = 12;
/** A policy that has let go repeats itself, which this rule minds and a proxy of twelve rankings does not see coming. */
const RULE = 'no_repetition';
const METHOD = 'rloo';
/** Eight times the trainer's own rate, so that a leash is felt within two minutes. */
const OPTIONS = { learning_rate: 2e-4, max_new_tokens: 48, adaptive_kl: null, gold_labeler: RULE };

class LeashLab {
  price = $state<number>(PRICES.none);
  phase = $state<Phase | null>(null);
  done = $state({ count: 0, total: 0 });
  frontier = $state.raw<Frontier | null>(null);
  readonly rule = RULE;

  async run(): Promise<void> {
    this.frontier = null;
    try {
      const records = await this.#rank();
      if (records.length === 0 || !(await this.#trainProxy(records))) return;
      if (await this.#tune()) doings.note('lab', { price: this.price });
    } finally {
      this.phase = null;
      await models.putBack(['reward', 'policy']);
    }
  }

  async stop(): Promise<void> {
    await engine.halt('cancel');
  }

  #enter(phase: Phase, total: number): void {
    this.phase = phase;
    this.done = { count: 0, total };
  }

  async #rank(): Promise<RankingRecord[]> {
    this.#enter('sampling', RANKINGS);
    const candidates = await sampleCandidates(RANKINGS, 0, (count) => (this.done = { count, total: RANKINGS }));
    return (await rankCandidates(candidates, RULE)).filter(hasPreference);
  }

  async #trainProxy(records: RankingRecord[]): Promise<boolean> {
    this.#enter('reward', 0);
    const options = { ...sizes.reward, held_out: 0, seed: settings.seed };
    return this.#pull(commands.reward(models.start, records, options), () => {});
  }

  async #tune(): Promise<boolean> {
    this.#enter('tune', 0);
    const steps: Metrics[] = [];
    const lessons = { rewards: ['reward'], prompts: await promptsOf('train'), preferences: [] };
    const options = { ...sizes.lab, ...OPTIONS, kl_coef: this.price, seed: settings.seed };
    return this.#pull(commands.tune(METHOD, models.start, lessons, options), (metrics) => {
      steps.push(metrics);
      void engine.request('frontier', { steps: [...steps] }).then((found) => (this.frontier = found));
    });
  }

  async #pull(command: Parameters<typeof engine.run>[0], measured: (metrics: Metrics) => void): Promise<boolean> {
    const end = await engine.run(command, {
      event: (event: Event) => {
        if (event.event === 'started') this.done = { count: event.step, total: event.total_steps };
        if (event.event !== 'progress') return;
        this.done = { count: event.step, total: event.total_steps };
        measured(event.metrics);
      },
    });
    return end === 'finished';
  }
}

export const leashLab = new LeashLab();
