// The methods of step 5 as the trainer declares them, and best-of-n beside them.

import { methodInWords } from '../languages/trainer';
import { engine } from './engine.svelte';
import type { MethodInfo } from './protocol';
import { t } from './strings';

/** The one entry of the picker that tunes nothing: the comparison asks for it. */
export const BEST_OF = 'best_of';

/** What a method learns from: scores of its own completions, or rankings; best-of-n learns nothing. */
export type Kind = 'rewards' | 'rankings' | 'best_of';

/** A method's name and one sentence on it. */
export type Words = { name: string; does: string };

class Methods {
  #all = $state.raw<MethodInfo[]>([]);

  async load(): Promise<void> {
    this.#all = (await engine.request('methods', {})).map(methodInWords);
  }

  /** In the order in which they are shown; nothing but best-of-n until the trainer runs. */
  get names(): string[] {
    return [...this.#all.map(({ name }) => name), BEST_OF];
  }

  find(name: string): MethodInfo | undefined {
    return this.#all.find((method) => method.name === name);
  }

  /** The entry of this name, for names that come from an address, a checkpoint or the browser's storage. */
  named(name: unknown): string | null {
    return this.names.find((known) => known === name) ?? null;
  }

  kindOf(name: string): Kind {
    if (name === BEST_OF) return 'best_of';
    return (this.find(name)?.learns_from ?? 'rewards') === 'rewards' ? 'rewards' : 'rankings';
  }

  /** The page's own words, or the trainer's for a method that the page has none for. */
  words(name: string): Words {
    const info = this.find(name);
    return t.methods[name] ?? { name: info?.title ?? name, does: info ? `${info.about}.` : '' };
  }
}

export const methods = new Methods();
