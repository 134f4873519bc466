// Prompts as they are shown, and those to work with: the reader's own, or the starter set of the model, in an order that
// the seed decides.

import replies from '../../../tests/workflows/customer_reply/prompts.jsonl?url';
import heldOutReplies from '../../../tests/workflows/customer_reply/held_out.jsonl?url';
import { fetchText, parseJsonl } from './files';
import { ownPrompts } from './own-prompts';
import type { Prompt } from './protocol';
import { settings } from './settings';
import { workflow } from './workflow.svelte';

export type Split = 'train' | 'heldout';

/** A prompt as it is shown: a text as it is, a conversation with the speaker before each turn. */
export function promptText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}

/** The prompts of one split. Training prompts come shuffled by the seed, held-out ones as they are. */
export async function promptsOf(split: Split): Promise<Prompt[]> {
  const prompts = await promptsInOrder(split);
  return split === 'train' ? shuffled(prompts, settings.seed) : prompts;
}

/** The prompts of one split as they came. */
export async function promptsInOrder(split: Split): Promise<Prompt[]> {
  const own = await ownPrompts();
  return own?.[split] ?? (workflow.base ? repliesOf(split) : storiesOf(split));
}

/** Prompts for the built-in model. */
async function storiesOf(split: Split): Promise<Prompt[]> {
  const rows = parseJsonl<{ prompt: string; split: Split }>(await fetchText('examples/prompts.jsonl'));
  return rows.filter((row) => row.split === split).map((row) => row.prompt);
}

/** Prompts for an assistant: letters of customers to answer. */
async function repliesOf(split: Split): Promise<Prompt[]> {
  const text = await fetchText(split === 'train' ? replies : heldOutReplies);
  return parseJsonl<{ prompt: string }>(text).map(({ prompt }) => prompt);
}

/** Fisher and Yates' shuffle with a small generator (mulberry32), so that a seed gives one order everywhere. */
export function shuffled<T>(items: T[], seed: number): T[] {
  const result = [...items];
  const random = mulberry32(seed);
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
