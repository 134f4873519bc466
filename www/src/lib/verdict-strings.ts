// The words around verdicts: what findings are called, and what can be pressed next. The findings themselves are the
// trainer's sentences, in the terminal as here.

import type { Level, Next } from './protocol';

export const verdictWords = {
  title: 'Verdict',
  levels: { good: 'Good', note: 'Note', warning: 'Suspicious', bad: 'Spoiled' } satisfies Record<Level, string>,
  nothing: 'Nothing suspicious was found.',
  enough: (count: number) => `${count} rankings, no contradiction among them: enough to begin with.`,
  numbers: 'The numbers behind it',
  notYet: 'Not yet, says the rule:',
  allTheSame: 'You can do it all the same.',
  next: {
    again: (options: string) => `Again with ${options}`,
    rank_more: 'Rank more',
    agreement: 'Look at the rankings',
    compare: 'Compare before and after',
    judge_yourself: 'Judge it yourself, blind',
    calibrate: 'See where it errs',
    tune: 'Go on to tuning',
    more_pairs: { person: 'Judge ten more', simulated: (pairs: number) => `Judge ${pairs} answers to each prompt` },
  } satisfies Record<Next['next'], unknown>,
  /** After a comparison: three ways to go on. */
  what: {
    keep: 'Keep it: take it home',
    goOn: 'Go on: rank more',
    another: 'Try another method',
  },
};
