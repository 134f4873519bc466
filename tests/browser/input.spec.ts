// Bad input gets a message that says what was wrong, and loses nothing that was there before.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { zipSync, type Zippable } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, number, open, takeInstructModel, test } from './nudge';

const MODEL = fileURLToPath(new URL('../../www/public/model/test-size/sft/', import.meta.url));
const NAMES = ['config.json', 'tokenizer_config.json', 'generation_config.json', 'tokenizer.json', 'model.safetensors'];
const notices = (page: Page) => page.getByTestId('notices');

/** The zip of a model folder, with some of its files replaced; `null` leaves one out. */
function modelZip(changes: Record<string, Uint8Array | null> = {}): Buffer {
  const files: Zippable = {};
  for (const name of NAMES) {
    const bytes = changes[name] === undefined ? readFileSync(`${MODEL}${name}`) : changes[name];
    if (bytes) files[`nudge/${name}`] = bytes;
  }
  return Buffer.from(zipSync(files, { level: 0 }));
}

async function openZip(page: Page, buffer: Buffer): Promise<void> {
  await page.getByLabel('Open a model (zip)').setInputFiles({ name: 'model.zip', mimeType: 'application/zip', buffer });
}

test('a zip that is no model is refused, and says why', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&model=test&test=1');
  const weights = readFileSync(`${MODEL}model.safetensors`);
  const spoilt = Buffer.from(weights);
  spoilt.writeFloatLE(NaN, spoilt.length - 4);
  const config = JSON.parse(readFileSync(`${MODEL}config.json`, 'utf8'));
  const narrower = Buffer.from(JSON.stringify({ ...config, hidden_size: 16 }));
  const shortTable = Buffer.from(JSON.stringify({ ...config, vocab_size: 100 }));

  const refused: [Buffer, RegExp][] = [
    [Buffer.from('not a zip at all'), /not a zip/],
    [modelZip().subarray(0, 9000), /not a zip/],
    [modelZip({ 'config.json': null }), /no config\.json/],
    [modelZip({ 'config.json': Buffer.from('{') }), /config\.json cannot be read/],
    [modelZip({ 'model.safetensors': weights.subarray(0, 5000) }), /model\.safetensors cannot be read/],
    [modelZip({ 'model.safetensors': spoilt }), /holds NaN or infinite numbers/],
    [modelZip({ 'config.json': narrower }), /has shape \[512, 32\] but config\.json asks for \[512, 16\]/],
    [modelZip({ 'config.json': shortTable }), /the tokenizer has 512 tokens but the weights know 100/],
  ];
  for (const [zip, reason] of refused) {
    await openZip(page, zip);
    await expect(notices(page)).toContainText(reason);
    await notices(page).getByRole('button').first().click();
    await expect(notices(page).locator('p')).toHaveCount(0);
  }
  await expect(button(page, 'Export Tuned (zip)')).toHaveCount(0);

  await openZip(page, modelZip());
  await expect(notices(page)).toContainText('opened as the Tuned model');
  await expect(button(page, 'Export Tuned (zip)')).toBeVisible();
  await page.getByLabel('Open a language model as').selectOption('Instruct');
  await openZip(page, modelZip());
  await expect(notices(page)).toContainText('opened as the Instruct model');
});

test('a broken file of rankings is refused with the number of its line', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&model=test&test=1');
  const input = page.getByLabel('Import rankings');
  const give = (...lines: unknown[]) =>
    input.setInputFiles({
      name: 'mine.jsonl',
      mimeType: 'text/plain',
      buffer: Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')),
    });
  const completions = [{ text: 'Hello.' }, { text: 'Go away.' }];
  const good = { id: 'a', prompt: 'Say hello.', completions, ranking: [[0], [1]] };

  const refused: [unknown, RegExp][] = [
    ['{"id":', /mine\.jsonl, line 2: not valid JSON/],
    [{ id: 'b', prompt: 'Say hello.' }, /mine\.jsonl, line 2: missing field/],
    [{ ...good, ranking: [[0], [0]] }, /mine\.jsonl, line 2: .* twice/],
    [{ ...good, ranking: [[0]] }, /mine\.jsonl, line 2: .* leaves out/],
    [{ ...good, ranking: [[0], [2]] }, /mine\.jsonl, line 2: .* completion 2/],
  ];
  for (const [line, reason] of refused) {
    await give(good, line);
    await expect(notices(page)).toContainText(reason);
    await expect(notices(page)).toContainText('Nothing was imported');
  }
  await give('');
  await expect(notices(page)).toContainText('holds no ranking');
  await expect(number(page, 'rank')).toHaveText('0');

  await give(good, { ...good, ranking: [[0, 1]] });
  await expect(notices(page)).toContainText('1 ranking was imported. 1 ranking was left out');
  await expect(number(page, 'rank')).toHaveText('1');
});

test('a bad file ends nothing, whatever it is called', async ({ page }) => {
  test.setTimeout(240_000);
  await open(page, '?device=cpu&test=1');
  await button(page, 'Train it here on the built-in examples').click();
  const run = page.getByTestId('sft-run');
  const step = async () => Number(/Step (\d+) of/.exec((await run.textContent())!)![1]);
  await expect(run).toContainText(/Step [1-9]/, { timeout: 60_000 });
  const before = await step();
  // What errors of a lost GPU speak of must not be mistaken for one.
  for (const name of ['poison.jsonl', 'wgpu-device-lost.jsonl']) {
    const good = { id: 'a', prompt: 'Say hello.', completions: [{ text: 'Hello.' }, { text: 'Go away.' }], ranking: [[0], [1]] };
    const lines = [good, { id: 'b', prompt: 'Say hello.' }].map((line) => JSON.stringify(line));
    const file = { name, mimeType: 'text/plain', buffer: Buffer.from(lines.join('\n')) };
    await page.getByLabel('Import rankings').setInputFiles(file);
    await expect(notices(page)).toContainText(`${name}, line 2: missing field`);
    await expect(notices(page)).toContainText('Nothing was imported');
  }
  await expect(notices(page)).not.toContainText('started again');
  await expect(run).toHaveAttribute('data-status', 'running');
  await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(before);
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: 180_000 });
  await expect(page.getByTestId('device')).not.toContainText('stopped');
});

test('files of other tools are understood: preferences to import, examples to train on', async ({ page }) => {
  test.setTimeout(180_000);
  await open(page, '?device=cpu&model=test&test=1');
  const file = (name: string, content: unknown) => ({
    name,
    mimeType: 'application/json',
    buffer: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content, null, 2)),
  });
  const pair = { instruction: 'Say hello.', input: '', output: 'Hello.', chosen: 'Hello.', rejected: 'Go away.' };
  await page.getByLabel('Import rankings').setInputFiles(
    file('pairs.json', [pair, { ...pair, instruction: 'Say bye.', rejected: 'Hello.' }]),
  );
  await expect(notices(page)).toContainText('1 ranking was imported. 1 ranking was left out');
  await expect(notices(page)).toContainText('pairs.json, line');
  await expect(number(page, 'rank')).toHaveText('1');

  await page.locator('summary', { hasText: 'Your examples' }).click();
  const own = page.getByLabel('Open a file of examples');
  await own.setInputFiles(file('mine.json', { nothing: 'of use' }));
  await expect(notices(page)).toContainText('mine.json');
  const rows = Array.from({ length: 24 }, (_, index) => `"Tell me about cat ${index}.","The cat has ${index} hats."`);
  await own.setInputFiles(file('mine.csv', ['prompt,completion', ...rows, '"Too long","'.concat('word '.repeat(900), '"')].join('\n')));
  await expect(notices(page)).toContainText('24 examples were added. 1 left out (mine.csv, line 26');
  await button(page, 'Learn my 24 examples').click();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: 120_000 });
});

test('a prompt that is empty or too long is not asked', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&model=test&test=1');
  await takeInstructModel(page, 60_000);
  const prompt = page.getByLabel('Ask both models the same');
  await prompt.fill('   ');
  await expect(button(page, 'Ask both')).toBeDisabled();
  await prompt.fill('Tell me about a cat. '.repeat(200));
  await button(page, 'Ask both').click();
  await expect(notices(page)).toContainText(/it has \d+ tokens, but a context of 256 leaves \d+/);
  await prompt.fill('Tell me about a cat.');
  await button(page, 'Ask both').click();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/);
});
