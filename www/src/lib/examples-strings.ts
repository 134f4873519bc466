// What the reader reads while writing examples, in step 2; fetched with it.

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const ofExamples = {
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
  own: 'Open a file of examples',
  ownHint: 'Requests with answers: JSON, JSONL, CSV or TSV in the formats of Alpaca, Dolly, ShareGPT or TRL.',
  read: (count: number) => `${plural(count, 'example was', 'examples were')} added.`,
  leftOut: (count: number, reason: string) => ` ${count} left out (${reason}).`,
};
