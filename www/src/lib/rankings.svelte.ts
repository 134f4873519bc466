// The reader's rankings: checked by the trainer, stored, then shown as stored.

import { engine } from './engine.svelte';
import { numberedLines } from './files';
import { promptText } from './prompts';
import type { Answer, Prompt } from './protocol';
import * as store from './store';
import type { RankingSource, StoredRanking } from './store';
import { t } from './strings';

export type RankingRecord = {
  id: string;
  prompt: Prompt;
  completions: Answer[];
  ranking: number[][];
  labeler?: string;
  seconds?: number;
};

/** What became of a file of rankings, with the reason why the first one was left out. */
export type Imported = { added: number; leftOut: number; reason: string };

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

  /** Whether the reader made all of them. */
  get onlyPerson(): boolean {
    return this.list.every(({ source }) => source === 'person');
  }

  async restore(): Promise<void> {
    this.list = await store.rankings.all();
  }

  async add(record: string, source: RankingSource, labeler = ''): Promise<void> {
    const [reason] = await engine.request('check_rankings', { name: t.rank.thisRanking, jsonl: record });
    if (reason) throw new Error(t.rank.unusable(reason));
    await this.#store(record, source, labeler);
  }

  async #store(record: string, source: RankingSource, labeler: string): Promise<void> {
    const prompt = promptText((JSON.parse(record) as RankingRecord).prompt);
    const stored = await store.rankings.add({ record, source, prompt, labeler });
    this.list = [...this.list, stored];
    store.keepStorage();
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

  /** Adds the rankings of a JSONL file, none where a line is wrong; leaves out those without anything to learn. */
  async importJsonl(name: string, text: string, source: RankingSource): Promise<Imported> {
    const reasons = await engine.request('check_rankings', { name, jsonl: text });
    if (reasons.length === 0) throw new Error(t.rank.emptyFile(name));
    const lines = numberedLines(text);
    for (const [index, { line }] of lines.entries()) {
      if (reasons[index] === null) await this.#store(line, source, '');
    }
    const why = reasons.filter((reason) => reason !== null);
    return { added: reasons.length - why.length, leftOut: why.length, reason: why[0] ?? '' };
  }

  /** Adds the rankings of a file of any format. What is no ranking of our own loses only the records that are bad. */
  async importFile(file: File): Promise<Imported> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { format, jsonl, records, dropped, reason } = await engine.request('read_rankings', { name: file.name, bytes });
    if (format === '' || format === 'ranking') return this.importJsonl(file.name, await file.text(), 'import');
    if (records === 0) throw new Error(reason);
    const { added, leftOut, reason: why } = await this.importJsonl(file.name, jsonl, 'import');
    return { added, leftOut: leftOut + dropped, reason: reason || why };
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
