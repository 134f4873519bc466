// Measures a real model in the page, by hand: node measure-real.mjs MODEL.gguf [cpu|webgpu [THREADS]]
//
// What is timed are the messages of the worker, so that drawing is in and clicking is not. Prints one JSON object a line.

import { giveFile, measured, round, taken, tell } from './measuring.mjs';

const [model, device = 'cpu', threads = ''] = process.argv.slice(2);
const ANSWER = 48;
const PAIRS = 4;

/** Runs in the page: writes down when each run began and what it said, and sets the sizes that are measured. */
function watch({ answer, pairs }) {
  const runs = [];
  Object.assign(window, { runs });
  const post = Worker.prototype.postMessage;
  const seen = new WeakSet();
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.kind === 'run') {
      const { command } = message;
      if (command.command === 'sample') Object.assign(command.options, { max_new_tokens: answer });
      if (command.command === 'sample') command.prompts = command.prompts.slice(0, 1);
      if (command.command === 'tune') Object.assign(command.options, { batch_size: pairs, epochs: 1 });
      runs.push({ id: message.id, command: command.command, options: command.options, began: performance.now(), events: [] });
    }
    if (!seen.has(this)) {
      seen.add(this);
      this.addEventListener('message', ({ data }) => {
        const run = runs.findLast(({ id }) => id === data.id);
        if (data.notice === 'event') run?.events.push({ at: performance.now(), event: data.event });
        if (data.notice === 'reply' || data.notice === 'error') if (run && !run.ended) run.ended = performance.now();
      });
    }
    return Reflect.apply(post, this, [message, ...rest]);
  };
}

/** Twelve pairs of answers of about ninety tokens each. */
function rankings() {
  const sentence = (word) => `Thank you for your letter about the ${word}, we are looking into it and will write again on Friday.`;
  const text = (words) => words.map(sentence).join(' ');
  const words = ['kettle', 'boots', 'room', 'cake', 'card', 'train', 'garden', 'bicycle', 'lamp', 'coat', 'phone', 'chair'];
  return words.map((word, index) => {
    const orders = [0, 3].map((shift) => Array.from({ length: 4 }, (_, at) => words[(index + shift + at) % 12]));
    return { id: `m-${index}`, prompt: `A customer writes about the ${word}. Write our reply.`, completions: orders.map((order) => ({ text: text(order) })), ranking: [[0], [1]] };
  });
}

await measured(async (page, address) => {
  await page.addInitScript(watch, { answer: ANSWER, pairs: PAIRS });
  await page.goto(`${address}?device=${device}&threads=${threads}&seed=1`);
  const button = (name) => page.getByRole('button', { name, exact: true });
  const run = async (command) => {
    const done = (wanted) => window.runs.findLast((one) => one.command === wanted)?.ended !== undefined;
    await page.waitForFunction(done, command, { timeout: 900_000 });
    return page.evaluate((wanted) => window.runs.findLast((one) => one.command === wanted), command);
  };

  taken();
  await button('Bring a real assistant').click();
  const chooser = page.getByLabel('Choose a file').first();
  await chooser.waitFor({ state: 'attached' });
  let began = performance.now();
  await giveFile(chooser, model);
  await button('Change the model').waitFor({ timeout: 300_000 });
  await button('Talk to it').waitFor({ timeout: 300_000 });
  tell('open from disk', { seconds: round((performance.now() - began) / 1000), ...taken() });
  began = performance.now();
  await page.reload();
  await button('Talk to it').waitFor({ timeout: 300_000 });
  tell('open again after a reload', { seconds: round((performance.now() - began) / 1000), ...taken() });

  const speed = ({ began, ended, events }) => {
    const partials = events.filter(({ event }) => event.event === 'partial');
    const { metrics } = events.findLast(({ event }) => event.event === 'progress').event;
    return {
      seconds: round((ended - began) / 1000),
      until_first_text: round((partials[0].at - began) / 1000),
      mean_tokens: metrics['completions/mean_length'],
      metrics,
    };
  };
  await button('Talk to it').click();
  const letter = 'A customer writes: the kettle I ordered arrived with a crack. Write our reply.';
  const long = 'The customer wrote about a kettle that arrived with a crack in the handle and asks for another one before Friday. '.repeat(70);
  for (const [what, message] of [['one answer', letter], ['one answer', letter], ['after a prompt of about 1,600 tokens, one answer', long]]) {
    await page.getByTestId('talk').getByLabel('Your message').fill(message);
    const count = await page.evaluate(() => window.runs.length);
    await page.getByTestId('talk').getByRole('button', { name: 'Ask', exact: true }).click();
    await page.waitForFunction((before) => window.runs.length > before, count);
    tell(`${what} of ${ANSWER} tokens`, { ...speed(await run('sample')), ...taken() });
    await page.waitForTimeout(500);
  }
  await page.getByTestId('talk').getByRole('button', { name: 'Close' }).click();

  taken();
  await button('Show me four answers').click();
  await page.waitForFunction(() => window.runs.some((one) => one.options.k === 4 && one.ended), null, { timeout: 600_000 });
  const four = await page.evaluate(() => window.runs.find((one) => one.options.k === 4));
  tell(`four answers of ${ANSWER} tokens`, { ...speed(four), ...taken() });

  await page.getByLabel('Import rankings').setInputFiles({ name: 'mine.jsonl', mimeType: 'text/plain', buffer: Buffer.from(rankings().map((one) => JSON.stringify(one)).join('\n')) });
  await page.getByTestId('rank-number').getByText('12').waitFor();
  await page.waitForTimeout(1000);
  taken();
  await button('Start DPO').click();
  const { began: start, events, ended } = await run('tune');
  const steps = events.filter(({ event }) => event.event === 'progress');
  const seconds = steps.slice(1).map(({ at }, index) => (at - steps[index].at) / 1000).sort((a, b) => a - b);
  tell(`DPO, ${PAIRS} pairs a step, answers of about 90 tokens`, {
    steps: steps.length,
    until_first_step: round((steps[0].at - start) / 1000),
    seconds_a_step: round(seconds[Math.floor(seconds.length / 2)]),
    slowest: round(seconds.at(-1)),
    seconds: round((ended - start) / 1000),
    ...taken(),
  });
  await button('Start DPO again').waitFor({ timeout: 60_000 });
  tell('after it', { ...taken() });
});
