// Made-up numbers for the page of states: of every kind that a component has to draw, and of nothing that was measured.

import type { CurvePoint } from '../lib/models.svelte';
import type { Frontier, JudgedPair, Lens, LensToken, Prequential, RankingRecord, Reviewed, Verdict } from '../lib/protocol';

export const answers = [
  'The fox put the key into the old door, and behind it there was a garden.',
  'There was a fox. It was a fox. The fox was a fox.',
  '“Come in,” said the owl. “We have been waiting for you.”',
  'No.',
];

export const ranking: RankingRecord = {
  id: 'made-up', prompt: 'Tell me a story about a fox.', completions: answers.map((text) => ({ text })), ranking: [[2], [0], [1], [3]],
};

export function told(last: Prequential['last'], accuracy: number, pairs: number): Prequential {
  return { last, agreement: { name: 'foretold pairs', pairs, accuracy, low: accuracy - 0.12, high: accuracy + 0.1 }, unread: 0 };
}

export const curve: CurvePoint[] = Array.from({ length: 40 }, (_, index) => ({
  step: index + 1,
  metrics: {
    loss: 0.3 + 0.4 * Math.exp(-index / 12), accuracy: 1 - 0.5 * Math.exp(-index / 10), 'objective/scores': 1.5 - 2 * Math.exp(-index / 12),
    ...(index % 10 === 9 ? { eval_accuracy: 0.8 - 0.3 * Math.exp(-index / 12) } : {}),
  },
}));

export function verdict(wins: number, ties: number, losses: number, simulated: boolean): Verdict {
  const win_rate = (wins + ties / 2) / (wins + ties + losses);
  return {
    wins, ties, losses, win_rate, low: Math.max(0, win_rate - 0.14), high: Math.min(1, win_rate + 0.14), kl: null, a: null, b: null,
    judge: simulated ? 'shorter' : 'person', simulated,
    usable: simulated ? null : { a: { yes: 9, of: 10, low: 0.6, high: 0.98 }, b: { yes: 0, of: 10, low: 0, high: 0.28 } },
  };
}

export const pairs: JudgedPair[] = [
  { prompt: 'Tell me a story about a cat.', a: 'The cat slept in the sun.', b: 'There was a cat who had a very long way to go, and she went, and she went.', preference: 'a' },
  { prompt: 'What is your name?', a: 'I have none.', b: '', preference: 'tie' },
];

const token = (text: string, index: number, value: boolean): LensToken => {
  const ratio = 1 + 0.3 * Math.sin(index);
  const advantage = value ? Math.cos(2 * index) : 0.7;
  const clipped = value && Math.abs(ratio - 1) > 0.2;
  return {
    text, probability: 0.4, ref_probability: 0.3, new_probability: 0.4 * ratio, kl: 0.288, reward: value ? -0.058 : null,
    value: value ? 0.3 * Math.cos(index) : null, advantage, ratio, clipped, objective: value ? ratio * advantage : null,
    choices: [text, ' a', ' the', '', ' garden'].map((text, rank) => ({ text, ref_probability: 0.3 / (rank + 1), new_probability: (0.4 * ratio) / (rank + 1) ** 2 })),
  };
};

/** Of PPO, or of a method that gives a whole answer one advantage. */
export function lens(value: boolean): Lens {
  const tokens = answers[0]!.split(/(?= )/).map((text, index) => token(text, index, value));
  return {
    step: 3, prompt: ranking.prompt, score: 0.5, kl: 4.6, kl_coef: 0.2, new_kl_coef: 0.21, cliprange: value ? 0.2 : null,
    tokens: [...tokens, token('', tokens.length, value)],
  };
}

export function review(wrong: boolean): Reviewed {
  const overall = { name: 'all pairs', pairs: 12, accuracy: 0.7, low: 0.5, high: 0.9 };
  const bins = [0.55, 0.65, 0.85].map((confidence, index) => ({ low: 0.5 + index / 6, high: 0.5 + (index + 1) / 6, pairs: 3 + 2 * index, confidence, accuracy: confidence - 0.05 }));
  return {
    pairs: 40, held_out: 12, wrong: wrong ? 1 : 0,
    margins: Array.from({ length: 12 }, (_, index) => ({ low: index / 2 - 3, high: index / 2 - 2.5, trained: index, held_out: (index * 5) % 4 })),
    calibration: { overall, expected_calibration_error: 0.12, bins, by_margin: [], by_length: [] },
    disagreements: wrong ? [{ prompt: ranking.prompt, better: answers[0]!, worse: answers[1]!, margin: -0.8, held_out: true }] : [],
  };
}

const fit = { alpha: 1.2, beta: 0.6, peak_distance: 1.9, peak_reward: 0.9, r_squared: 0.8 };
const points = Array.from({ length: 14 }, (_, index) => ({ distance: index / 3, score: index / 6, gold_score: 1 - (index / 6 - 1) ** 2 }));

/** Of a run whose true rule has a peak, or of one without a true rule. */
export function frontier(gold: boolean): Frontier {
  const curve = points.map(({ distance }): [number, number] => [distance, distance * (1.2 - 0.6 * Math.log(distance || 1))]);
  return {
    points: points.map((point) => ({ ...point, gold_score: gold ? point.gold_score : null })), proxy: { fit, curve }, gold: gold ? { fit, curve } : null,
  };
}
