// The reader's rankings: checked by the trainer, stored, then shown as stored.

import { engine } from './engine.svelte';
import { numberedLines } from './files';
import type { Answer } from './protocol';
import * as store from './store';
import type { RankingSource, StoredRanking } from './store';
import { t } from './strings';

export type RankingRecord = {
  id: string;
  prompt: string;
  completions: Answer[];
  ranking: number[][];
  labeler?: string;
  seconds?: number;
};

/** Whether some answer is ranked above another; the reward model can learn nothing from the rest. */
export function hasPreference(record: string): boolean {
  return (JSON.parse(record) as RankingRecord).ranking.length > 1;
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

  async restore(): Promise<void> {
    this.list = await store.rankings.all();
  }

  async add(record: string, source: RankingSource, labeler = ''): Promise<void> {
    await this.#check(record);
    const { prompt } = JSON.parse(record) as RankingRecord;
    const stored = await store.rankings.add({ record, source, prompt, labeler });
    this.list = [...this.list, stored];
    store.keepStorage();
  }

  async #check(record: string): Promise<void> {
    await engine.request('validate_ranking', { record });
    if (!hasPreference(record)) throw new Error(t.rank.allTied);
  }

  /** Takes back the reader's own last ranking and returns it. */
  async undo(): Promise<RankingRecord | null> {
    const last = this.list.findLast(({ source }) => source === 'person');
    if (!last) return null;
    await store.rankings.remove(last.key);
    this.list = this.list.filter(({ key }) => key !== last.key);
    return JSON.parse(last.record) as RankingRecord;
  }

  async clear(): Promise<void> {
    await store.rankings.clear();
    this.list = [];
  }

  /** Adds the rankings of a JSONL text; none where a line is wrong. Returns how many. */
  async importJsonl(text: string, source: RankingSource): Promise<number> {
    const lines = numberedLines(text);
    for (const { line, number } of lines) {
      await this.#check(line).catch((error: Error) => {
        throw new Error(t.rank.badLine(number, error.message));
      });
    }
    for (const { line } of lines) await this.add(line, source);
    return lines.length;
  }

  jsonl(): string {
    return this.list.map(({ record }) => `${record}\n`).join('');
  }

  /** The last ranking that has been stored, for looking at how the reward model sees it. */
  get lastRecord(): RankingRecord | null {
    const last = this.list.at(-1);
    return last ? (JSON.parse(last.record) as RankingRecord) : null;
  }
}

export const rankings = new Rankings();
