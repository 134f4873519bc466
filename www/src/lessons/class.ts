// A class's results put together: files that are one, and why the others are not.

import { LESSONS, type LessonName } from '../lib/settings';
import { teacher as words } from './class-strings';
import { lessons } from './lesson';
import { KIND, VERSION, type Result } from './result-file';

export type Class = {
  lesson: LessonName | null;
  results: { file: string; result: Result }[];
  leftOut: { file: string; reason: string }[];
};

export const nobody: Class = { lesson: null, results: [], leftOut: [] };

/** A class with one more file. The first result says which lesson it is about. */
export function withFile(before: Class, file: string, text: string): Class {
  const without = (reason: string): Class => ({ ...before, leftOut: [...before.leftOut, { file, reason }] });
  const result = read(text);
  if (typeof result === 'string') return without(result);
  const lesson = before.lesson ?? result.lesson;
  if (result.lesson !== lesson) return without(words.reasons.otherLesson(lessons[result.lesson].title));
  const same = before.results.find((other) => other.result.id === result.id);
  if (same) return without(words.reasons.twice(same.file));
  return { ...before, lesson, results: [...before.results, { file, result }] };
}

/** How often an answer was given. */
export function counts({ results }: Class, answer: string): { before: number; after: number } {
  const given = (when: 'before' | 'after') => results.filter(({ result }) => result[when] === answer).length;
  return { before: given('before'), after: given('after') };
}

/** The result, or why there is none. */
function read(text: string): Result | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return words.reasons.broken;
  }
  const { nudge, version } = (value ?? {}) as Partial<Result>;
  if (nudge === KIND && typeof version === 'number' && version > VERSION) return words.reasons.newer;
  return isResult(value) ? value : words.reasons.broken;
}

function isResult(value: unknown): value is Result {
  const { nudge, version, lesson, id, before, after, taste, method, seed, verdict } = (value ?? {}) as Record<string, unknown>;
  const about = LESSONS.find((name) => name === lesson);
  if (nudge !== KIND || version !== VERSION || !about || typeof id !== 'string' || id === '') return false;
  const answers = Object.keys(lessons[about].question.answers);
  const known = (answer: unknown) => answers.some((key) => key === answer);
  const named = typeof taste === 'string' && (method === null || typeof method === 'string') && Number.isSafeInteger(seed);
  return known(before) && known(after) && named && isVerdict(verdict);
}

function isVerdict(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { wins, ties, losses, win_rate, low, high, simulated } = value as Record<string, unknown>;
  const whole = [wins, ties, losses].every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  const shares = [low, win_rate, high].every((share) => typeof share === 'number' && share >= 0 && share <= 1);
  return whole && shares && typeof simulated === 'boolean' && (low as number) <= (high as number);
}
