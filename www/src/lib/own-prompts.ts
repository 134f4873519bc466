// The prompts of the reader: out of a file or a pasted text, a part held out for the comparison.

import { isOwnPrompts } from './checks';
import { engine } from './engine.svelte';
import type { PromptsFound } from './messages';
import { promptText } from './prompts';
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

/** Splits prompts and keeps them. Those that have an example (`shown`, as text) are learnt from: nothing is judged on them. */
export async function keepOwn(name: string, prompts: Prompt[], shown: Set<string>): Promise<OwnPrompts> {
  const free = prompts.filter((prompt) => !shown.has(promptText(prompt).trim()));
  const every = Math.max(1, Math.floor((HELD_OUT * free.length) / prompts.length));
  const heldOut = new Set(free.filter((_, index) => index % every === every - 1).slice(0, Math.floor(prompts.length / HELD_OUT)));
  return keepSplit(
    name,
    prompts.filter((prompt) => !heldOut.has(prompt)),
    prompts.filter((prompt) => heldOut.has(prompt)),
  );
}

export async function keepSplit(name: string, train: Prompt[], heldout: Prompt[]): Promise<OwnPrompts> {
  const own = { name, train, heldout };
  await store.notes.put(NOTE, own);
  return own;
}

export const ownPrompts = async (): Promise<OwnPrompts | null> => (await store.notes.read(NOTE, isOwnPrompts)) ?? null;

export const forgetOwn = (): Promise<unknown> => store.notes.put(NOTE, null);
