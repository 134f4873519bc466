// The prompts of the reader: out of a file or a pasted text, a part held out for the comparison.

import { isOwnPrompts } from './checks';
import { engine } from './engine.svelte';
import type { PromptsFound } from './messages';
import type { DemonstrationRecord, Prompt } from './protocol';
import { settings } from './settings';
import * as store from './store';

/** As they are stored. */
export type OwnPrompts = { name: string; train: Prompt[]; heldout: Prompt[] };

const NOTE = 'prompts';

/** What is in a file; `by` is a column of it, or a way to cut a text. */
export function findPrompts(
  file: { name: string; bytes: Uint8Array },
  by: string | null,
  task: string,
  model: string,
  answer: number,
): Promise<PromptsFound> {
  return engine.request('read_prompts', { ...file, by, task, model, answer });
}

/** Divides prompts and keeps them. Those that have an example are learnt from: nothing is judged on them. */
export async function keepOwn(name: string, prompts: Prompt[], examples: DemonstrationRecord[]): Promise<OwnPrompts> {
  const { learn, held_out } = await engine.request('divide_prompts', { prompts, examples, seed: settings.seed });
  return keepSplit(name, learn, held_out);
}

export async function keepSplit(name: string, train: Prompt[], heldout: Prompt[]): Promise<OwnPrompts> {
  const own = { name, train, heldout };
  await store.notes.put(NOTE, own);
  return own;
}

export const ownPrompts = async (): Promise<OwnPrompts | null> => (await store.notes.read(NOTE, isOwnPrompts)) ?? null;

export const forgetOwn = (): Promise<unknown> => store.notes.put(NOTE, null);
