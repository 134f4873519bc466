// The better answer that the reader writes while ranking: an edit of one on the screen, or their own where none is good.
//
// Each key is stored, together with the screen that it belongs to: after a reload both are there again.

import { isFix } from './checks';
import { checkRoom } from './examples.svelte';
import type { Completion, Edit, Prompt } from './protocol';
import * as store from './store';
import { t } from './strings';

/** `of` is the answer that is edited; nothing stands for a new one. */
export type Fix = { screen: { id: string; prompt: Prompt; completions: Completion[] }; of: number | null; text: string };

export const FIX = 'draft/rank';

class Fixing {
  draft = $state.raw<Fix | null>(null);

  /** What is being written for a screen. */
  for(id: string | null | undefined): Fix | null {
    return id && this.draft?.screen.id === id ? this.draft : null;
  }

  async keep(draft: Fix | null): Promise<void> {
    // Shown before it is stored: who types must not wait for the disk.
    this.draft = draft;
    await store.notes.put(FIX, draft);
  }

  async restore(): Promise<void> {
    this.draft = (await store.notes.read(FIX, isFix)) ?? null;
  }

  /** The edit as a ranking holds it, or why there can be none. */
  async checked({ screen: { prompt, completions }, of, text }: Fix): Promise<Edit> {
    const written = text.trim();
    if (!written) throw new Error(t.rank.editEmpty);
    const same = completions.findIndex((completion) => completion.text.trim() === written);
    if (same >= 0) throw new Error(same === of ? t.rank.editUnchanged : t.rank.editSame(same));
    await checkRoom(prompt, written);
    return { ...(of !== null && { of }), text: written };
  }
}

export const fixing = new Fixing();
