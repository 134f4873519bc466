// How often the reward model so far would have agreed with the reader: asked for after each ranking, told after it.
//
// One request reads one ranking. It gives way: while the screen on show still grows, or something trains, nothing is asked.

import { isNumber, isTable, isText, listOf } from './checks';
import { engine } from './engine.svelte';
import { models } from './models.svelte';
import { notices } from './notices.svelte';
import type { Prequential, RankingRecord } from './protocol';
import { hasPreference, rankings } from './rankings.svelte';
import { screens } from './sampling.svelte';
import * as store from './store';
import type { StoredRanking } from './store';
import { WorkerCrash } from './worker-client';
import { workflow } from './workflow.svelte';

/** What was told, of which rankings, as which model read them. */
type Kept = { told: Prequential; of: number[]; made: number; workflow: string };

/** All rankings go to the trainer for each that is read: with an imported file of thousands nothing is foretold. */
const MOST = 500;
const NOTE = 'foretold';
/** The ranking of each screen that was foretold first: who takes it back and ranks anew has seen what was foretold. */
const SEEN = 'foretold/seen';
/** Two screens may have come by the same id. */
const screenOf = ({ id, completions: [first] }: RankingRecord) => `${id} ${first?.text}`;

const isKept = (value: unknown): value is Kept =>
  isTable(value) && isTable(value.told) && isTable(value.told.agreement) && listOf(isNumber)(value.of) && isNumber(value.made) && isText(value.workflow);
const isSeen = (value: unknown): value is Record<string, number> => isTable(value) && Object.values(value).every(isNumber);

class Foretelling {
  #kept = $state.raw<Kept | null>(null);
  #seen: Record<string, number> = {};
  #asking = false;
  #failed = false;
  /** Rankings that are still to be read. */
  unread = $state(0);

  /** What was told, as long as nothing was taken back since, and whether it is of all that there are now. */
  get current(): { told: Prequential; whole: boolean } | null {
    const kept = this.#kept;
    if (kept?.workflow !== workflow.id || kept.made !== this.#made) return null;
    const now = this.#rankings;
    if (!kept.of.every((key, place) => now[place]?.key === key)) return null;
    return { told: kept.told, whole: kept.of.length === now.length };
  }

  /** The last ranking that there is to foretell. */
  get last(): StoredRanking | undefined {
    return this.#rankings.at(-1);
  }

  /** Whether asking now would keep nobody waiting. */
  get free(): boolean {
    return engine.idle && Boolean(screens.current?.id) && !this.#failed && this.#rankings.length <= MOST;
  }

  get #rankings(): StoredRanking[] {
    return rankings.list.filter(({ record }) => hasPreference(record));
  }

  get #made(): number {
    return models.held[models.start]?.made ?? 0;
  }

  /** What the last visit was told. */
  async restore(): Promise<void> {
    this.#kept = (await store.notes.read(NOTE, isKept)) ?? null;
    this.#seen = (await store.notes.read(SEEN, isSeen)) ?? {};
  }

  /** Asks until every ranking is read. */
  async catchUp(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.free && !this.current?.whole) await this.#ask();
    } catch (error) {
      if (error instanceof WorkerCrash) return;
      this.#failed = true;
      notices.problem(error);
    } finally {
      this.#asking = false;
    }
  }

  async #ask(): Promise<void> {
    const list = this.#rankings;
    const of = list.map(({ key }) => key);
    const kept = { of, made: this.#made, workflow: workflow.id };
    const foretold = list.map(({ key, source, record }) => source === 'person' && (this.#seen[screenOf(record)] ?? key) === key);
    const asked = { model: models.start, rankings: list.map(({ record }) => record), foretold };
    const told = await engine.request('foretell', { asked });
    this.unread = told.unread;
    if (told.unread > 0 || workflow.id !== kept.workflow) return;
    this.#kept = { ...kept, told };
    await store.notes.put(NOTE, this.#kept);
    const last = list.at(-1);
    if (!told.last || !last) return;
    this.#seen = { ...this.#seen, [screenOf(last.record)]: last.key };
    await store.notes.put(SEEN, this.#seen);
  }
}

export const foretelling = new Foretelling();
