// Measures a whole workflow of a real model in the page, by hand: node measure-workflow.mjs MODEL.gguf [THREADS]
//
// The workflow of tests/workflows/customer_reply as a person goes through it who never hesitates: 12 examples, 10 screens
// of four answers, DPO, and the blind test. Prints one JSON object a line: what the person waited for each, and in all.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { giveFile, measured, round, taken, tell } from './measuring.mjs';

const [model, threads = ''] = process.argv.slice(2);
const SCREENS = 10;
const LONGEST = 900_000;
const ofWorkflow = (name) => fileURLToPath(new URL(`../workflows/customer_reply/${name}`, import.meta.url));
// Of 15 three answer requests that the page holds out, and are left out.
const gold = readFileSync(ofWorkflow('gold.jsonl'), 'utf8').split('\n').slice(0, 15).join('\n');

await measured(async (page, address) => {
  page.setDefaultTimeout(LONGEST);
  await page.goto(`${address}?device=cpu&threads=${threads}&seed=1`);
  const button = (name, within = page) => within.getByRole('button', { name, exact: true });
  const free = (wanted) => wanted.and(page.locator(':enabled'));
  const start = performance.now();
  /** What the person waited for `work`. */
  const waited = async (what, work) => {
    const began = performance.now();
    const more = await work();
    tell(what, { seconds: round((performance.now() - began) / 1000, 1), ...taken(), ...more });
  };

  await waited('open the model', async () => {
    await button('Bring a real assistant').click();
    const chooser = page.getByLabel('Choose a file').first();
    await chooser.waitFor({ state: 'attached' });
    await giveFile(chooser, model);
    await free(button('Show me four answers')).waitFor();
  });
  await waited('bring 60 requests and 12 examples', async () => {
    const prompts = page.getByTestId('prompts');
    await prompts.locator('summary').click();
    await giveFile(prompts.getByLabel('Choose a file'), ofWorkflow('prompts.jsonl'));
    await button(/^Use these/, prompts).click();
    const examples = page.getByTestId('many-examples');
    await examples.locator('summary').click();
    await giveFile(examples.locator('input[type=file]'), { name: 'gold.jsonl', mimeType: 'text/plain', buffer: Buffer.from(gold) });
    await page.getByTestId('show-number').filter({ hasNotText: /^0$/ }).waitFor();
    return { examples: Number(await page.getByTestId('show-number').textContent()) };
  });
  await waited('learn the examples', async () => {
    await page.getByRole('button', { name: /^Learn my/ }).click();
    await page.getByTestId('instruct-sft').filter({ hasNotText: /Waits|Not asked/ }).waitFor();
  });
  await waited(`${SCREENS} screens of four answers`, async () => {
    const first = performance.now();
    await button('Show me four answers').click();
    for (let screen = 0; screen < SCREENS; screen++) {
      await free(button('Store this ranking')).waitFor();
      if (screen === 0) tell('of it until the first', { seconds: round((performance.now() - first) / 1000, 1) });
      await button('Store this ranking').click();
      await page.getByTestId('rank-number').filter({ hasText: String(screen + 1) }).waitFor();
    }
  });
  await waited('DPO', async () => {
    await free(button('Start DPO')).click();
    await free(button('Start DPO again')).waitFor();
  });
  await waited('the blind test', async () => {
    await free(button('Start the blind test')).click();
    const blind = page.getByTestId('blind');
    const better = button(/The first is better/, blind);
    const revealed = page.getByTestId('usable');
    let pairs = 0;
    while (await Promise.race([better.waitFor().then(() => true), revealed.waitFor().then(() => false)])) {
      await better.click();
      pairs++;
      await page.waitForTimeout(100);
    }
    return { pairs };
  });
  tell('in all', { minutes: round((performance.now() - start) / 60_000, 1), ...taken() });
});
