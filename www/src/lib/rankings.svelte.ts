// The reader's rankings: checked by the trainer, stored, then shown as stored.

import { isStoredRanking } from './checks';
import { engine } from './engine.svelte';
import { fetchBytes } from './files';
import { notices } from './notices.svelte';
import { promptText } from './prompts';
import type { DemonstrationRecord, RankingRecord as Ranking, UnpairedRecord } from './protocol';
import * as store from './store';
import type { RankingSource, StoredRanking } from './store';
import { t } from './strings';

/** A ranking with what the person said of the screen beside it; the trainer keeps such fields and reads past them. */
export type RankingRecord = Ranking & { flags?: string[]; why?: string };

/** What became of a file of rankings, with the reason why the first one was left out. */
export type Imported = { added: number; leftOut: number; reason: string };

/** Whether some answer is better than another, an edit included; the reward model can learn nothing from the rest. */
export function hasPreference({ ranking, edit }: RankingRecord): boolean {
  return ranking.length > 1 || edit !== undefined;
}

/** The same with the edit as the last of the answers, above all others, as the trainer reads it. */
export function withEdit(record: Ranking): Ranking {
  const { edit, ...rest } = record;
  if (!edit) return record;
  const completions = [...record.completions, { text: edit.text }];
  return { ...rest, completions, ranking: [[record.completions.length], ...record.ranking] };
}

/** What `flags` say of a screen whose answers are all as good as each other. */
export const ALL_BAD = 'all_bad';
export const ALL_GOOD = 'all_good';
/** What a screen can be flagged for, as `nudge rank` calls it. */
export const FLAGS: string[] = ['nonsense', 'harmful', 'off_topic', 'other'];

/** Whether all answers of a screen are wanted, or none; nothing where they are told apart. */
export function labelOf(record: RankingRecord): boolean | null {
  const flags = record.flags ?? [];
  if (hasPreference(record)) return null;
  return flags.includes(ALL_GOOD) ? true : flags.includes(ALL_BAD) ? false : null;
}

class Rankings {
  list = $state.raw<StoredRanking[]>([]);

  /** Those that prefer something; what was judged all good or all bad is for methods that learn from single answers. */
  get count(): number {
    return this.list.filter(({ record }) => hasPreference(record)).length;
  }

  /** Answers that are wanted or not by themselves: those of screens that were all good, or all bad. */
  get labelled(): UnpairedRecord[] {
    return this.list.flatMap(({ record }) => {
      const label = labelOf(record);
      return label === null ? [] : record.completions.map(({ text }) => ({ prompt: record.prompt, completion: text, label }));
    });
  }

  /** What the reader made of an answer, or wrote where none was good: each is an example too. */
  get edits(): DemonstrationRecord[] {
    return this.list.flatMap(({ record: { prompt, edit } }) => (edit ? [{ prompt, completion: edit.text }] : []));
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
    const all = await store.rankings.all();
    this.list = all.filter(isStoredRanking);
    const damaged = all.length - this.list.length;
    if (damaged > 0) notices.say(t.storage.badRow(t.rank.damaged(damaged)), 'problem');
  }

  async add(record: RankingRecord, source: RankingSource, labeler = ''): Promise<void> {
    if (labelOf(record) !== null) return this.#store(record, source, labeler);
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
  async importFile(
    name: string,
    bytes: Uint8Array,
    source: RankingSource,
    told?: (stored: number, total: number) => void,
  ): Promise<Imported> {
    const { records, dropped, reason } = await engine.request('read_rankings', { name, bytes });
    if (records.length === 0) throw new Error(reason || t.rank.emptyFile(name));
    await this.addAll(records, source, told);
    return { added: records.length, leftOut: dropped, reason };
  }

  /** Adds rankings that were checked: all of them at once, so that a tab closed meanwhile has kept none or all. */
  async addAll(records: RankingRecord[], source: RankingSource, told: (stored: number, total: number) => void = () => {}): Promise<void> {
    const rows = records.map((record) => ({ record, source, prompt: promptText(record.prompt), labeler: '' }));
    const stored = await store.rankings.addAll(rows, (count) => told(count, rows.length));
    this.list = [...this.list, ...stored];
    store.keepStorage();
  }

  /** Adds ready-made rankings of this site. */
  async loadPack(pack: string): Promise<Imported> {
    const file = `${pack}.jsonl`;
    return this.importFile(file, await fetchBytes(`examples/packs/${file}`), 'pack');
  }

  /** Puts the answers of a prompt that are all wanted, or all not, back on one screen. */
  async adoptLabels(rows: UnpairedRecord[]): Promise<void> {
    const screens = new Map<string, UnpairedRecord[]>();
    for (const row of rows) {
      const id = JSON.stringify([row.prompt, row.label]);
      screens.set(id, [...(screens.get(id) ?? []), row]);
    }
    const records = [...screens].map(([id, answers]): RankingRecord => {
      const completions = answers.map(({ completion }) => ({ text: completion }));
      const { prompt, label } = answers[0]!;
      const ranking = [completions.map((_, index) => index)];
      return { id, prompt, completions, ranking, flags: [label ? ALL_GOOD : ALL_BAD] };
    });
    if (records.length > 0) await this.addAll(records, 'import');
  }

  get records(): RankingRecord[] {
    return this.list.map(({ record }) => record).filter(hasPreference);
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
