// The shape of a pupil's result: one small file without a name.

import type { Verdict } from '../lib/protocol';
import type { LessonName } from '../lib/settings';

/** What the file says it is, and the version of its shape. */
export const KIND = 'lesson-result';
export const VERSION = 1;

export type Result = {
  nudge: typeof KIND;
  version: number;
  lesson: LessonName;
  /** Tells one time through a lesson from another, and nobody from anybody. */
  id: string;
  before: string;
  after: string;
  /** The simulated labeler whose taste was learnt, and the method, by the trainer's names. */
  taste: string;
  method: string | null;
  seed: number;
  /** Of the last comparison, by the trainer; nothing where there was none. */
  verdict: Pick<Verdict, 'wins' | 'ties' | 'losses' | 'win_rate' | 'low' | 'high' | 'simulated'> | null;
};
