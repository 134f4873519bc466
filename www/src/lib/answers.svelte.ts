// How long answers may get: the page's size, or what the reader chose for this workflow.

import { isCount } from './checks';
import { sizes } from './settings';
import * as store from './store';

/** Lengths to choose from, in tokens. */
export const ANSWER_TOKENS = [32, 64, 96, 192];
const NOTE = 'answer/tokens';

class Answers {
  #chosen = $state<number | null>(null);
  /** A reload or another workflow may have brought another size. */
  #usual = $state(sizes.completionTokens);

  get tokens(): number {
    return this.#chosen ?? this.#usual;
  }

  async choose(tokens: number): Promise<void> {
    this.#chosen = tokens;
    await store.notes.put(NOTE, tokens);
  }

  async restore(): Promise<void> {
    this.#usual = sizes.completionTokens;
    this.#chosen = (await store.notes.read(NOTE, isCount)) ?? null;
  }
}

export const answers = new Answers();
