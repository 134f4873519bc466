// The prompts of the reader: out of a file or a pasted text, a part held out for the comparison.

import { engine } from './engine.svelte';
import type { PromptsFound } from './messages';
import type { Prompt } from './protocol';
import * as store from './store';

/** As they are stored. */
export type OwnPrompts = { name: string; train: Prompt[]; heldout: Prompt[] };

const NOTE = 'prompts';
/** One of so many is held out. */
const HELD_OUT = 4;

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

export async function keepOwn(name: string, prompts: Prompt[]): Promise<OwnPrompts> {
  const isHeldOut = (index: number) => index % HELD_OUT === HELD_OUT - 1;
  return keepSplit(
    name,
    prompts.filter((_, index) => !isHeldOut(index)),
    prompts.filter((_, index) => isHeldOut(index)),
  );
}

export async function keepSplit(name: string, train: Prompt[], heldout: Prompt[]): Promise<OwnPrompts> {
  const own = { name, train, heldout };
  await store.notes.put(NOTE, own);
  return own;
}

export const ownPrompts = async (): Promise<OwnPrompts | null> => (await store.notes.get<OwnPrompts | null>(NOTE)) ?? null;

export const forgetOwn = (): Promise<unknown> => store.notes.put(NOTE, null);
