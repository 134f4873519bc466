// Prompts as they are shown, and the built-in ones in an order that the seed decides.

import { fetchText, parseJsonl } from './files';
import type { Prompt } from './protocol';
import { settings } from './settings';

type PromptRow = { prompt: string; split: 'train' | 'heldout' };

/** A prompt as it is shown: a text as it is, a conversation with the speaker before each turn. */
export function promptText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}

let rows: Promise<PromptRow[]> | undefined;

/** The prompts of one split. Training prompts come shuffled by the seed, held-out ones as they are. */
export async function promptsOf(split: PromptRow['split']): Promise<string[]> {
  rows ??= fetchText('examples/prompts.jsonl').then((text) => parseJsonl<PromptRow>(text));
  const prompts = (await rows).filter((row) => row.split === split).map((row) => row.prompt);
  return split === 'train' ? shuffled(prompts, settings.seed) : prompts;
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
