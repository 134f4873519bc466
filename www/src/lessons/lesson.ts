// What a lesson is: a question, steps that each wait for the reader to do something, the question again, what was learnt.
//
// A lesson is one file of data beside this one; `Player.svelte` plays it, `Handout.svelte` prints it.

import type { Part } from '../lib/parts';
import type { LessonName } from '../lib/settings';
import { base } from './base';
import type { Condition } from './conditions';
import { demonstrations } from './demonstrations';
import { leash } from './leash';
import { rankings } from './rankings';
import type { Needed } from './ready';
import { reward } from './reward';

export type Question = { text: string; answers: Record<string, string>; right: string };

export type LessonStep = {
  title: string;
  /** What it is about. */
  text: string;
  /** What the reader is to do. */
  task: string;
  /** The part of the page that it speaks of, as a selector. */
  target: string;
  /** What has to be so, or how often it has to be done. */
  waits: { for: Condition; least?: number };
  /** What there is to see once it is done. */
  notice: string;
};

export type Lesson = {
  title: string;
  /** One sentence for the list. */
  about: string;
  /** Minutes to plan for it, the question and talking about it included: a guess, since devices differ. */
  minutes: number;
  /** What the page shows meanwhile. */
  parts: Part[];
  /** What has to be there before the first step; the player sees to it. */
  ready: Needed[];
  question: Question;
  steps: LessonStep[];
  learnt: string[];
};

export const lessons: Record<LessonName, Lesson> = { base, demonstrations, rankings, reward, leash };
