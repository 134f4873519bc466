// The words of the reward model so far, in step 3.

export const foretold = {
  title: 'The reward model so far',
  help:
    'After each of your rankings, a small reward model that has seen only the ones before it says how it would have ranked the ' +
    'same answers: an honest test, told only once you have ranked. A coin gets half of the pairs right.',
  waits: 'It needs a few rankings first.',
  reading: (left: string) => `It is reading your rankings: ${left} to go.`,
  agreed: (pairs: string) => `of ${pairs} pairs in your order so far`,
  interval: (low: string, high: string) => `95% interval ${low} to ${high}`,
  last: (agreed: string, pairs: string) => `Your last ranking: ${agreed} of ${pairs} pairs in your order.`,
  first: (rank: number, all: number) =>
    rank === 1 ? 'It would have put on top, as you did:' : `It would have put on top what you ranked ${rank} of ${all}:`,
};
