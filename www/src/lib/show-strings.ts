// Words of step 2, where the reader shows what to answer: a part of `strings.ts`.

import { sizes } from './settings';

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const ofShow = {
  show: {
    title: 'Show',
    heading: 'Show it answers you would send',
    text:
      `Nothing teaches faster than examples. Answer a few requests yourself, ${sizes.fewestExamples} to ${sizes.enoughExamples} of them, and the model ` +
      'learns to answer like you (supervised fine-tuning, SFT). Later steps build on what it learnt here.',
    /** For the built-in model, which cannot answer at all before this step. */
    builtIn: {
      heading: 'The same model learns to answer',
      text:
        'Examples of a request with a good reply turn a model that continues into one that answers (supervised fine-tuning, SFT). ' +
        'Take the built-in instruct model, which has learnt from ready-made examples. Then add answers of your own, if you like.',
    },
    take: 'Take the built-in instruct model',
    train: 'Train it here on the built-in examples',
    again: 'Train again here',
    learn: (examples: number, edits: number) =>
      edits > 0 ? `Learn my ${plural(examples, 'example', 'examples')} and ${plural(edits, 'edit', 'edits')}` : `Learn my ${plural(examples, 'example', 'examples')}`,
    forecast: (time: string) => `Learning takes about ${time} here.`,
    skip: 'Skip: rank its own answers',
    skipCost:
      'You can skip this step, at a price. Ranking teaches little while the model cannot do the task: where it was measured, 12 examples ' +
      'took the answers that pass a rule from 0% to 55% (replies to customers) and to 43% (notes of meetings).',
    metricExamples: (count: number) =>
      count >= sizes.fewestExamples ? 'of your own examples' : `of ${sizes.fewestExamples} to ${sizes.enoughExamples} examples of your own`,
    short: (count: number) => plural(count, 'example', 'examples'),
    metric: 'loss: how surprised it still is by a good reply',
    chart: 'Loss on the examples',
    noChart: 'The curve appears while it trains.',

    write: 'Your examples',
    noRequest: 'Write the request first.',
    emptyAnswer: 'This example has no answer yet. Write what you would send.',
    heldOut: 'This request is held out for step 6. The model would be judged on what it was shown, so it cannot be an example.',
    tooLong: (reason: string) => `This example cannot be used: ${reason}.`,
    twice: 'This example is already in your list.',
    pasted: 'pasted text',
    notTwo: 'Each line needs a request and an answer with a tab between them, as a spreadsheet copies them. JSON and JSONL work too.',
    emptyFile: (name: string) => `${name} holds no examples.`,
    isHeldOut: 'its request is held out for step 6',
    isTwice: 'it is in your list already',

    promptLabel: 'Ask both models the same',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Ask both',
    empty: 'Not asked yet.',
    waits: 'Waits for this step’s model.',
  },
};
