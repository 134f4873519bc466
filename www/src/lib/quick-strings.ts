// The words of the first ninety seconds.

import { byName } from './by-name';

export const quick = {
  title: 'Ninety seconds: teach it a taste',
  about: 'Pick what you like, rank five screens of answers by it, let a rule rank the rest, and see the same requests answered before and after.',
  tastes: byName({
    happier: 'I like it cheerful: more happy words, fewer sad ones.',
    shorter: 'I like it short: say it in as few words as you can.',
    mentions_an_animal: 'I like animals: there should be one in every story.',
    more_dialogue: 'I like people talking: more of “…”, she said.',
    no_repetition: 'I like variety: never say the same thing twice.',
  }),
  steps: ['Pick a taste', 'Rank five', 'It learns', 'See'],
  rank: (done: number, target: number) => `Rank by that taste, in step 3 below: ${done} of ${target}.`,
  toRank: 'Go to ranking',
  skip: 'Let the rule rank all of them',
  fill: (count: number) => `Let the rule rank the other ${count}, and learn`,
  simulated: 'SIMULATED: a fixed rule ranks, not a person.',
  sampling: (done: number, count: number) => `The rule ranks: ${done} of ${count}`,
  learning: (step: number, total: number) => `It learns: step ${step} of ${total}`,
  starting: 'It learns: the first step is being made',
  judging: (done: number, count: number) => `Both models answer what neither has seen: ${done} of ${count}`,
  stop: 'Stop',
  again: 'Pick another taste',
  shorter: (share: string) => `${share} shorter: see`,
  longer: (share: string) => `${share} longer: see`,
  prefers: (wins: number, losses: number, pairs: number) =>
    `The rule prefers the new answer in ${wins} of ${pairs} requests, the old one in ${losses}: see`,
  measured: (rate: string, low: string, high: string) => `Measured: a win rate of ${rate}, 95% interval ${low} to ${high}. SIMULATED labeler.`,
  blind: 'Now judge it yourself, blind',
  looks: 'Look at what it did',
  failed: 'It did not get to the end. Nothing was lost; go on in the steps below.',
};
