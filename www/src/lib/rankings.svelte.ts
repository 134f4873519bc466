// The reader's rankings: checked by the trainer, stored, then shown as stored.

import { engine } from './engine.svelte';
import { promptText } from './prompts';
import type { RankingRecord } from './protocol';
import * as store from './store';
import type { RankingSource, StoredRanking } from './store';
import { t } from './strings';

/** What became of a file of rankings, with the reason why the first one was left out. */
export type Imported = { added: number; leftOut: number; reason: string };

/** Whether some completion is ranked above another; the reward model can learn nothing from the rest. */
export function hasPreference({ ranking }: RankingRecord): boolean {
  return ranking.length > 1;
}

class Rankings {
  list = $state.raw<StoredRanking[]>([]);

  get count(): number {
    return this.list.length;
  }

  get bySource(): Record<RankingSource, number> {
    const counts = { person: 0, simulated: 0, pack: 0, import: 0 };
    for (const { source } of this.list) counts[source] += 1;
    return counts;
  }

  /** The simulated labeler that made all of the rankings; none where anybody else had a say. */
  get simulatedLabeler(): string | null {
    const first = this.list[0]?.labeler;
    const same = this.list.every(({ source, labeler }) => source === 'simulated' && labeler === first);
    return first && same ? first : null;
  }

  /** Whether the reader made all of them. */
  get onlyPerson(): boolean {
    return this.list.every(({ source }) => source === 'person');
  }

  async restore(): Promise<void> {
    this.list = await store.rankings.all();
  }

  async add(record: RankingRecord, source: RankingSource, labeler = ''): Promise<void> {
    const reason = await engine.request('check_ranking', { record });
    if (reason) throw new Error(t.rank.unusable(reason));
    await this.#store(record, source, labeler);
  }

  async #store(record: RankingRecord, source: RankingSource, labeler = ''): Promise<void> {
    const stored = await store.rankings.add({ record, source, prompt: promptText(record.prompt), labeler });
    this.list = [...this.list, stored];
    store.keepStorage();
  }

  /** Takes back the reader's own last ranking and returns it. */
  async undo(): Promise<RankingRecord | null> {
    const last = this.list.findLast(({ source }) => source === 'person');
    if (!last) return null;
    await store.rankings.remove(last.key);
    this.list = this.list.filter(({ key }) => key !== last.key);
    return last.record;
  }

  async clear(): Promise<void> {
    await store.rankings.clear();
    this.list = [];
  }

  /**
   * Adds the rankings of a file of any format; leaves out those without anything to learn. A file of our own is taken
   * whole or, where a line is wrong, not at all.
   */
  async importFile(name: string, bytes: Uint8Array, source: RankingSource): Promise<Imported> {
    const { records, dropped, reason } = await engine.request('read_rankings', { name, bytes });
    if (records.length === 0) throw new Error(reason || t.rank.emptyFile(name));
    for (const record of records) await this.#store(record, source);
    return { added: records.length, leftOut: dropped, reason };
  }

  get records(): RankingRecord[] {
    return this.list.map(({ record }) => record);
  }

  jsonl(): string {
    return this.records.map((record) => `${JSON.stringify(record)}\n`).join('');
  }

  /** The last ranking that has been stored, for looking at how the reward model sees it. */
  get lastRecord(): RankingRecord | null {
    return this.list.at(-1)?.record ?? null;
  }
}

export const rankings = new Rankings();
