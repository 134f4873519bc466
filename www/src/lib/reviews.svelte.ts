// How the reward model sees the rankings that it was trained on: asked for once, kept while that model is there.

import { engine } from './engine.svelte';
import { models } from './models.svelte';
import type { Reviewed } from './protocol';
import { rankings } from './rankings.svelte';
import { app } from './state.svelte';

class Reviews {
  #last = $state.raw<{ made: number; review: Reviewed } | null>(null);
  progress = $state.raw<{ step: number; total: number } | null>(null);

  /** Of the model that is there now. */
  get current(): Reviewed | null {
    return this.#last && this.#last.made === models.held.reward?.made ? this.#last.review : null;
  }

  /** Scores all rankings. What was set aside is told apart as long as the rankings are those of the training. */
  async make(): Promise<void> {
    const { asked } = app.reward;
    const made = models.held.reward?.made;
    if (made === undefined) return;
    const same = asked?.command === 'reward' && app.rewardRankings === rankings.count;
    const options = same ? asked.options : { held_out: 0 };
    const preferences = rankings.records;
    this.progress = { step: 0, total: preferences.length };
    try {
      await engine.run(
        { command: 'review', reward: 'reward', preferences, options },
        {
          event: (event) => {
            if (event.event === 'progress') this.progress = { step: event.step, total: event.total_steps };
            if (event.event === 'reviewed') this.#last = { made, review: event.review };
          },
        },
      );
    } finally {
      this.progress = null;
    }
  }
}

export const reviews = new Reviews();
