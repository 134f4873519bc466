// The words of the bench, which no other page needs.

export const bench = {
  title: 'How fast is this browser?',
  intro:
    'The steps of training, on a model with random weights: SFT and reward-model steps, sampling, a whole PPO ' +
    'iteration with its parts. Medians of five steps after two to warm up; launches and readbacks are counted.',
  device: 'Device',
  size: 'Model',
  sizes: {
    test: 'test (32 wide, 2 layers)',
    tiny: 'tiny (128 wide, 4 layers)',
    builtin: 'the built-in model',
    small: 'small (256 wide, 6 layers)',
  },
  start: 'Measure',
  save: 'Save the rows',
  running: (phase: string) => `Measuring ${phase}…`,
  columns: [
    'phase',
    'ms a step',
    'fastest – slowest',
    'first step',
    'tokens/s',
    'GFLOP/s (of the ceiling)',
    'launches',
    'submits',
    'readbacks',
    'memory, MiB',
  ],
};
