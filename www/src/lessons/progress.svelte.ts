// How far the reader is in a lesson and what was answered, kept in the lesson's own workflow.

import * as store from '../lib/store';
import type { Lesson } from './lesson';

/** Where in a lesson: its question, one of its steps, the question again, its end. */
export type Place = { kind: 'before' | 'after' | 'end' } | { kind: 'step'; index: number };

type Kept = { at: number; furthest: number; before: string; after: string; id: string };

const NOTE = 'lesson';

export class Progress {
  #kept = $state<Kept>({ at: 0, furthest: 0, before: '', after: '', id: newId() });

  constructor(readonly lesson: Lesson) {}

  get place(): Place {
    const { steps } = this.lesson;
    const { at } = this.#kept;
    if (at === 0) return { kind: 'before' };
    if (at <= steps.length) return { kind: 'step', index: at - 1 };
    return { kind: at === steps.length + 1 ? 'after' : 'end' };
  }

  /** Whether this place was passed before. */
  get passed(): boolean {
    return this.#kept.at < this.#kept.furthest;
  }

  /** Tells this time through the lesson from every other. */
  get id(): string {
    return this.#kept.id;
  }

  get before(): string {
    return this.#kept.before;
  }

  get after(): string {
    return this.#kept.after;
  }

  async answer(answer: string): Promise<void> {
    const when = this.place.kind === 'before' ? 'before' : 'after';
    this.#kept[when] = answer;
    await this.go(1);
  }

  async go(by: 1 | -1): Promise<void> {
    const at = this.#kept.at + by;
    Object.assign(this.#kept, { at, furthest: Math.max(at, this.#kept.furthest) });
    await store.notes.put(NOTE, $state.snapshot(this.#kept));
  }

  async restore(): Promise<void> {
    const kept = await store.notes.get<Kept>(NOTE);
    if (kept) this.#kept = kept;
  }
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
