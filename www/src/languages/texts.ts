// What a language has to say: the types follow from the English texts, so that a missing one does not check.

import type { base } from '../lessons/base';
import type { demonstrations } from '../lessons/demonstrations';
import type { leash } from '../lessons/leash';
import type { rankings } from '../lessons/rankings';
import type { reward } from '../lessons/reward';
import type { lessons } from './english-lessons';
import type { page } from './english';

/** The same names, with texts of another language. */
export type Translation<T> = T extends (...given: infer Given) => unknown
  ? (...given: Given) => string
  : T extends string
    ? string
    : { [Name in keyof T]: Translation<T[Name]> };

export type PageTexts = Translation<typeof page>;

/** Of a lesson the texts alone: its targets and conditions are the same everywhere. */
export type LessonText<L extends { question: { answers: object } }> = {
  title: string;
  about: string;
  question: { text: string; answers: Record<keyof L['question']['answers'], string> };
  steps: { title: string; text: string; task: string; notice: string }[];
  learnt: string[];
};

export type LessonTexts = {
  lessons: {
    base: LessonText<typeof base>;
    demonstrations: LessonText<typeof demonstrations>;
    rankings: LessonText<typeof rankings>;
    reward: LessonText<typeof reward>;
    leash: LessonText<typeof leash>;
  };
} & Translation<Omit<typeof lessons, 'lessons'>>;
