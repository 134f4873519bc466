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
    request: (number: number, total: number) => `Request ${number} of ${total}`,
    ownRequest: 'Your own request',
    requestLabel: 'Request',
    answerLabel: 'The answer you would send',
    save: 'Save this example',
    saved: (count: number) => `Saved. ${plural(count, 'example', 'examples')}.`,
    another: 'Another request',
    ownInstead: 'Use a request of my own',
    listInstead: 'Back to the prepared requests',
    askModel: 'What does the model say today?',
    asking: 'The model is writing…',
    draft: 'Your draft is kept.',
    noRequest: 'Write the request first.',
    emptyAnswer: 'This example has no answer yet. Write what you would send.',
    heldOut: 'This request is held out for step 6. The model would be judged on what it was shown, so it cannot be an example.',
    tooLong: (reason: string) => `This example cannot be used: ${reason}.`,
    twice: 'This example is already in your list.',
    one: 'One example works, but it is few. Five or more show what your answers have in common.',
    contradict: (requests: number) =>
      `${plural(requests, 'request has', 'requests have')} different answers among your examples. The model learns a mixture of them. Keep the one you would send.`,

    howMany: 'How many do I need?',
    measuredAs: 'Replies to customers by SmolLM2-135M, 30 requests that it had not seen: answers that pass a rule, with their 95% interval. One run each.',
    given: {
      examples: (count: number) => (count === 0 ? 'nothing' : `${count} examples`),
      prompt: (count: number) => `${count} examples in the prompt, no training`,
      rankings: (count: number) => `${count} rankings, no examples`,
      edits: (count: number) => `12 examples, then ${count} answers ranked and edited`,
    },
    guess: (count: number, share: string) =>
      count < 4
        ? `A guess for yours: the first four bring the most. ${4 - count} to go.`
        : `A guess for yours, of ${count}: about ${share} if your task is like this one. Another example like those you have adds little; one of another kind, or an edit in step 3, adds more.`,

    list: (count: number) => `Saved examples (${count})`,
    more: (count: number) => `and ${count} more`,
    remove: (number: number) => `Delete example ${number}`,
    clear: 'Delete all examples',
    clearSure: 'Really delete all examples',
    export: 'Export examples (JSONL)',

    paste: 'Paste or open many at once',
    pasteLabel: 'Two columns copied from a spreadsheet (request, answer), JSON or JSONL',
    pasteAdd: 'Add these examples',
    pasted: 'pasted text',
    notTwo: 'Each line needs a request and an answer with a tab between them, as a spreadsheet copies them. JSON and JSONL work too.',
    own: 'Open a file of examples',
    ownHint: 'Requests with answers: JSON, JSONL, CSV or TSV in the formats of Alpaca, Dolly, ShareGPT or TRL.',
    emptyFile: (name: string) => `${name} holds no examples.`,
    read: (count: number) => `${plural(count, 'example was', 'examples were')} added.`,
    leftOut: (count: number, reason: string) => ` ${count} left out (${reason}).`,
    isHeldOut: 'its request is held out for step 6',
    isTwice: 'it is in your list already',

    promptLabel: 'Ask both models the same',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Ask both',
    empty: 'Not asked yet.',
    waits: 'Waits for this step’s model.',
  },
};
