// The first ninety seconds: a taste, five rankings, the rest by its rule, tuning, before and after.
//
// It presses the buttons of the steps below, so that everything it makes stands there too.

import { choices } from './choices.svelte';
import { comparison } from './comparison.svelte';
import { engine } from './engine.svelte';
import type { Changes, JudgedPair, Verdict } from './protocol';
import { models } from './models.svelte';
import { rankings } from './rankings.svelte';
import { runs } from './runs.svelte';
import { screens } from './sampling.svelte';
import { sizes } from './settings';
import { rankSimulated } from './simulated';
import { app } from './state.svelte';

export type QuickStage = 'taste' | 'rank' | 'sampling' | 'learning' | 'judging' | 'seen';

/** What it learns by: the one that shows most in the least time (`www/README.md` has the measurement). */
const METHOD = 'dpo';
/** Rankings by the reader; the rule makes the rest. */
export const OWN = 5;
/** Requests shown before and after. */
const SHOWN = 3;

type Seen = { verdict: Verdict; changes: Changes; pairs: JudgedPair[] };

class Quick {
  stage = $state<QuickStage>('taste');
  /** The simulated labeler whose rule is the taste. */
  taste = $state('');
  /** Rankings that were there before: of another taste, or of none. Nothing is learnt from them. */
  #before = $state(0);
  done = $state({ count: 0, total: 0 });
  seen = $state.raw<Seen | null>(null);

  /** Rankings by the reader since the taste was picked. */
  get own(): number {
    return rankings.count - this.#before;
  }

  get missing(): number {
    return Math.max(sizes.rankingTarget - this.own, 0);
  }

  async pick(taste: string): Promise<void> {
    this.taste = app.labeler = taste;
    this.#before = rankings.count;
    this.stage = 'rank';
    if (!models.held[models.start]) await models.takeBuiltIn('sft');
    await screens.begin(rankings.count);
  }

  /** The rest by the rule, then tuning, then the comparison. Resolves to whether it came to its end. */
  async teach(): Promise<boolean> {
    try {
      this.stage = 'sampling';
      await this.#rankTheRest();
      this.stage = 'learning';
      await choices.choose(METHOD);
      if (!(await app.tune(this.#before))) return this.#back();
      this.stage = 'judging';
      return await this.#see();
    } catch (error) {
      this.#back();
      throw error;
    }
  }

  async #rankTheRest(): Promise<void> {
    const total = this.missing;
    this.done = { count: 0, total };
    if (total > 0) await rankSimulated(this.taste, total, (count) => (this.done = { count, total }));
  }

  async #see(): Promise<boolean> {
    this.done = { count: 0, total: sizes.comparedPrompts };
    const heard = (count: number) => (this.done = { ...this.done, count });
    await comparison.judgeSimulated(this.taste, { method: app.tunedBy, versus: models.start, run: runs.currentId }, 1, heard);
    const { simulated } = comparison;
    if (!simulated) return this.#back();
    const { verdict, pairs } = simulated;
    const changes = await engine.request('changes', { pairs });
    if (!changes) return this.#back();
    const shown = changes.order.slice(0, SHOWN).flatMap((place) => pairs[place] ?? []);
    this.seen = { verdict, changes, pairs: shown };
    this.stage = 'seen';
    return true;
  }

  #back(): false {
    this.stage = 'rank';
    return false;
  }

  restart(): void {
    this.stage = 'taste';
    this.seen = null;
  }
}

export const quick = new Quick();
