// The words of the lab on the leash.

export const leash = {
  title: 'The leash: a lab',
  about:
    'What happens without it? A reward model is trained on twelve rankings by a rule that we know, so that we can watch both: ' +
    'the proxy, which is that reward model, and the true rule, which training never sees. Turn the price of a nat (the KL ' +
    'coefficient) down and let go.',
  presets: { tight: 'Short leash', loose: 'Long leash', none: 'No leash' },
  price: 'Price of a nat of KL',
  rule: (title: string) => `The true rule: ${title}. SIMULATED.`,
  start: 'Let it run',
  stop: 'Stop',
  phases: {
    sampling: (done: number, total: number) => `Twelve requests are answered and ranked: ${done} of ${total}`,
    reward: (done: number, total: number) => `The proxy learns the rankings: step ${done} of ${total}`,
    tune: (done: number, total: number) => `The model is tuned: step ${done} of ${total}`,
  },
  chart: 'Reward above the start, over the distance covered',
  distance: '√KL: distance from the start, in √nats',
  proxy: 'proxy: the reward model',
  gold: 'true rule',
  fit: (name: string, alpha: string, beta: string, quality: string) => `${name}: d (${alpha} − ${beta} ln d), R² ${quality}`,
  peak: (distance: string, farthest: string) => `By this curve the true rule is highest at √KL ${distance}; the run went to ${farthest}.`,
  noPeak: 'By this curve the true rule has no highest point.',
  none: 'A point a step appears here.',
  source: 'Curves R = d (α − β ln d), Gao et al. 2022, fitted to the points by the trainer.',
  yours: 'Your own models are not touched by this.',
};
