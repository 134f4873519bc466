// The reader's examples: requests with the answer that they would send. Step 2 trains on them.
//
// Whatever is refused says why; whatever is being written is stored as a draft with every key.

import { areDrafts, areExamples } from './checks';
import { engine } from './engine.svelte';
import { promptsOf, promptText } from './prompts';
import type { DemonstrationRecord, ExampleNotes, Prompt } from './protocol';
import * as store from './store';
import { t } from './strings';

/** Answers that are not saved yet, by their request as text, and a request of the reader's own. */
export type Drafts = { own: boolean; request: string; answers: Record<string, string> };
/** What became of examples that came together. */
export type Added = { added: number; leftOut: number; reason: string };

export const EXAMPLES = 'examples';
export const DRAFTS = 'draft/examples';
const NOTHING: Drafts = { own: false, request: '', answers: {} };
/** Names the columns of what is copied from a spreadsheet without its head. */
const HEAD = 'prompt\tcompletion\n';

const keyOf = (prompt: Prompt) => promptText(prompt).trim();
const sameExample = (a: DemonstrationRecord, b: DemonstrationRecord) =>
  keyOf(a.prompt) === keyOf(b.prompt) && a.completion.trim() === b.completion.trim();

class Examples {
  list = $state.raw<DemonstrationRecord[]>([]);
  drafts = $state.raw<Drafts>(NOTHING);
  /** How many requests have answers that differ. */
  contradictions = $state(0);

  get count(): number {
    return this.list.length;
  }

  has(prompt: Prompt): boolean {
    return this.list.some((example) => keyOf(example.prompt) === keyOf(prompt));
  }

  async restore(): Promise<void> {
    this.list = (await store.notes.read(EXAMPLES, areExamples)) ?? [];
    this.drafts = (await store.notes.read(DRAFTS, areDrafts)) ?? NOTHING;
    await this.#lookOver();
  }

  /** Saves one example, or says why it cannot be one. */
  async add(prompt: Prompt, completion: string): Promise<void> {
    const example = { prompt, completion: completion.trim() };
    if (this.list.some((other) => sameExample(other, example))) throw new Error(t.show.twice);
    await this.#check(example);
    await this.#keep([...this.list, example]);
    await this.draft(prompt, '');
  }

  async replace(index: number, completion: string): Promise<void> {
    const example = { ...this.list[index]!, completion: completion.trim() };
    await this.#check(example);
    await this.#keep(this.list.with(index, example));
  }

  async remove(index: number): Promise<void> {
    await this.#keep(this.list.toSpliced(index, 1));
  }

  async clear(): Promise<void> {
    await this.#keep([]);
  }

  /** Adds the examples of a file of any format. */
  async addFile(name: string, bytes: Uint8Array): Promise<Added> {
    const { records, dropped, reason } = await engine.request('read_demonstrations', { name, bytes, model: 'base' });
    if (records.length === 0) throw new Error(reason || t.show.emptyFile(name));
    const heldOut = new Set((await lookOver(records)).held_out);
    const known = new Set(this.list.map(exampleKey));
    const added: DemonstrationRecord[] = [];
    const reasons: string[] = dropped > 0 ? [reason] : [];
    let leftOut = dropped;
    for (const [place, record] of records.entries()) {
      const why = heldOut.has(place) ? t.show.isHeldOut : known.has(exampleKey(record)) ? t.show.isTwice : null;
      known.add(exampleKey(record));
      if (why) reasons.push(why);
      if (why) leftOut += 1;
      else added.push({ prompt: record.prompt, completion: record.completion });
    }
    if (added.length > 0) await this.#keep([...this.list, ...added]);
    return { added: added.length, leftOut, reason: reasons[0] ?? '' };
  }

  /** Adds what was pasted: JSON, JSONL, or two columns of a spreadsheet. */
  async addPasted(text: string): Promise<Added> {
    const table = !/^\s*[[{]/.test(text);
    if (table && !text.includes('\t')) throw new Error(t.show.notTwo);
    const [head = ''] = text.trim().split('\n');
    const named = /\b(prompt|instruction|question|input)\b.*\t/i.test(head);
    const file = `${t.show.pasted}.${table ? 'tsv' : /^\s*\[/.test(text) ? 'json' : 'jsonl'}`;
    return this.addFile(file, new TextEncoder().encode(table && !named ? HEAD + text.trim() : text));
  }

  /** Keeps an answer that is being written. */
  async draft(prompt: Prompt, answer: string): Promise<void> {
    const { [keyOf(prompt)]: _, ...answers } = this.drafts.answers;
    await this.#keepDrafts({ ...this.drafts, answers: answer ? { ...answers, [keyOf(prompt)]: answer } : answers });
  }

  /** Keeps a request of the reader's own that is being written; `own` says whether it is on show. */
  async draftRequest(own: boolean, request = this.drafts.request): Promise<void> {
    await this.#keepDrafts({ ...this.drafts, own, request });
  }

  draftOf(prompt: Prompt): string {
    return this.drafts.answers[keyOf(prompt)] ?? '';
  }

  jsonl(): string {
    return this.list.map((example) => `${JSON.stringify(example)}\n`).join('');
  }

  async #check({ prompt, completion }: DemonstrationRecord): Promise<void> {
    if (!keyOf(prompt)) throw new Error(t.show.noRequest);
    if (!completion) throw new Error(t.show.emptyAnswer);
    if ((await lookOver([{ prompt, completion }])).held_out.length > 0) throw new Error(t.show.heldOut);
    await checkRoom(prompt, completion);
  }

  async #keep(list: DemonstrationRecord[]): Promise<void> {
    await store.notes.put(EXAMPLES, list);
    this.list = list;
    store.keepStorage();
    await this.#lookOver();
  }

  async #lookOver(): Promise<void> {
    this.contradictions = this.count > 1 ? (await lookOver(this.list)).contradicted : 0;
  }

  async #keepDrafts(drafts: Drafts): Promise<void> {
    // Shown before it is stored: who types must not wait for the disk.
    this.drafts = drafts;
    await store.notes.put(DRAFTS, drafts);
  }
}

const exampleKey = ({ prompt, completion }: DemonstrationRecord) => JSON.stringify([keyOf(prompt), completion.trim()]);

/** What the trainer says of examples, none of which may ask for what is held out. */
async function lookOver(examples: DemonstrationRecord[]): Promise<ExampleNotes> {
  return engine.request('look_over_examples', { examples, held_out: await promptsOf('heldout') });
}

/** Throws where the model cannot read a request with this answer. */
export async function checkRoom(prompt: Prompt, completion: string): Promise<void> {
  const name = 'example.jsonl';
  const bytes = new TextEncoder().encode(JSON.stringify({ prompt, completion }));
  const { records, reason } = await engine.request('read_demonstrations', { name, bytes, model: 'base' });
  if (records.length === 0) throw new Error(t.show.tooLong(reason.replace(`${name}, line 1: `, '')));
}

export const examples = new Examples();
