// Makes fixtures/workflow: a workflow of the page on fixtures/tiny.gguf as its zip holds it, and greedy.json, what the
// page answers greedily before and after. `node make-workflow.mjs`, beside `node server.mjs`; NUDGE_CHROMIUM as for the tests.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { unzipSync } from '../../www/node_modules/fflate/esm/index.mjs';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const port = process.env.NUDGE_PORT ?? 4717;
const PROMPTS = ['Tell me about a cat.', 'The little fox', 'Write our reply to this customer.'];

const browser = await chromium.launch({ executablePath: process.env.NUDGE_CHROMIUM, args: ['--headless=new', '--no-sandbox'] });
const page = await browser.newPage();
await page.addInitScript(() => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (...given) {
    window.trainer = this;
    // Enough to change what a tiny model says.
    if (given[0].command?.command === 'tune') Object.assign(given[0].command.options, { learning_rate: 0.004, epochs: 4 });
    return Reflect.apply(post, this, given);
  };
});
await page.goto(`http://127.0.0.1:${port}/?device=cpu&model=test&test=1&seed=1`);
await page.getByRole('button', { name: 'Bring a real assistant' }).click({ timeout: 120_000 });
const file = page.getByLabel('Choose a file').first();
await page.waitForFunction(() => !document.querySelector('#model input')?.disabled, null, { timeout: 120_000 });
await file.setInputFiles(`${fixtures}tiny.gguf`);
await page.locator('#rank').getByTestId('labeler').selectOption('no_repetition', { timeout: 120_000 });
await page.getByRole('button', { name: 'Let a simulated labeler rank 8 for me' }).click({ timeout: 120_000 });
await page.getByRole('button', { name: 'Start DPO' }).click({ timeout: 240_000 });
await page.getByRole('button', { name: 'Start DPO again' }).isEnabled({ timeout: 240_000 });
await page.getByTestId('run-1').waitFor({ state: 'attached', timeout: 240_000 });

/** Asks the page's worker beside the page. */
const greedy = (model) =>
  page.evaluate(
    ({ model, prompts }) =>
      new Promise((resolve) => {
        const id = 1e9 + Math.floor(Math.random() * 1e6);
        const texts = [];
        window.trainer.addEventListener('message', ({ data }) => {
          if (data.id !== id) return;
          if (data.notice === 'event' && data.event.event === 'candidates') texts.push(data.event.completions[0].text);
          if (data.notice === 'reply') resolve(texts);
        });
        const options = { k: 1, temperature: 0, max_new_tokens: 16 };
        window.trainer.postMessage({ id, kind: 'run', command: { command: 'sample', model, prompts, options }, resume: null, save_every: 0 });
      }),
    { model, prompts: PROMPTS },
  );
const said = { prompts: PROMPTS, before: await greedy('base'), after: await greedy('policy') };

await page.getByRole('button', { name: 'Manage' }).click();
const downloading = page.waitForEvent('download');
await page.getByRole('button', { name: 'Take it along (zip)' }).click();
const files = unzipSync(readFileSync(await (await downloading).path()));
rmSync(join(fixtures, 'workflow'), { recursive: true, force: true });
for (const [path, bytes] of Object.entries(files)) {
  const place = join(fixtures, 'workflow', path.slice(path.indexOf('/') + 1));
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
}
writeFileSync(join(fixtures, 'greedy.json'), `${JSON.stringify(said, null, 2)}\n`);
console.log(said);
await browser.close();
