// What an earlier version of the page stored, in its database of version 1 and with an earlier built-in model.

import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { unzipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, number, ready, test } from './nudge';

type Rows = Record<'rankings' | 'checkpoints' | 'notes', object[]>;

/** Makes the database of an earlier page, with its rows and a tuned model, before this page is opened for the first time. */
async function store(page: Page, rows: Rows): Promise<void> {
  await page.route('**/nothing.html', (route) => route.fulfill({ contentType: 'text/html', body: '<link rel="icon" href="data:,">' }));
  await page.goto('/nothing.html');
  await page.evaluate(async (rows) => {
    const files: Record<string, Uint8Array> = {};
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
      files[name] = new Uint8Array(await (await fetch(`/model/test-size/sft/${name}`)).arrayBuffer());
    }
    const info = { kind: 'decoder', parameters: 1, vocab_size: 1, max_position_embeddings: 1, chat: true };
    const models = [{ name: 'policy', files, info, origin: 'trained', by: 'dpo', made: 1 }];
    const all = { ...rows, models };
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('nudge', 1);
      request.onupgradeneeded = () => {
        const keys = { rankings: 'key', models: 'name', checkpoints: 'stage', notes: 'name' };
        for (const [name, keyPath] of Object.entries(keys)) {
          request.result.createObjectStore(name, { keyPath, autoIncrement: name === 'rankings' });
        }
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const transaction = database.transaction(Object.keys(all), 'readwrite');
    for (const [name, values] of Object.entries(all)) {
      for (const value of values) transaction.objectStore(name).put(value);
    }
    await new Promise<void>((resolve) => (transaction.oncomplete = () => resolve()));
    database.close();
  }, rows);
}

test('a workflow of an earlier built-in model is looked at, taken along and taught further, and nothing in it changes', async ({ page }) => {
  test.setTimeout(120_000);
  const completions = [{ text: 'Hello.' }, { text: 'Go away.' }];
  const record = JSON.stringify({ id: 'old', prompt: 'Say hello.', completions, ranking: [[0], [1]] });
  const curve = [1, 2, 3].map((step) => ({ step, metrics: { loss: 1 / step, 'rewards/margins': step / 10 } }));
  await store(page, {
    rankings: [{ record, source: 'person', prompt: 'Say hello.', labeler: '' }],
    checkpoints: [
      { stage: 'ppo', command: { command: 'dpo', comparisons: record }, files: {}, step: 3, total_steps: 9, made: 0 },
    ],
    notes: [
      { name: 'curve/ppo', value: curve },
      { name: 'stage/ppo', value: 'dpo' },
      { name: 'method', value: 'dpo' },
    ],
  });

  await page.goto('/?device=cpu&model=test&test=1');
  const replaced = page.getByTestId('replaced');
  await expect(replaced).toContainText('made with an earlier story model', { timeout: 60_000 });
  await expect(page.getByTestId('method')).toHaveValue('dpo', { timeout: 60_000 });
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(page.getByTestId('ranking-sources')).toContainText('1 by you');
  await expect(page.getByTestId('run-1')).toContainText('Tuned with DPO');
  await expect(page.locator('#tune').getByRole('img', { name: /^Loss and accuracy\. loss: 1\.00 → 0\.33/ })).toBeVisible();
  await expect(button(page, 'Take the built-in instruct model')).toBeDisabled();
  for (const choice of await page.getByTestId('tune-run').getByRole('button').all()) await expect(choice).toBeDisabled();

  // All of it goes along, its tuned model too.
  const zip = page.waitForEvent('download');
  await button(page, 'Download the workflow (zip)').click();
  const paths = Object.keys(unzipSync(readFileSync((await (await zip).path())!)));
  expect(paths.some((path) => path.endsWith('/rankings.jsonl'))).toBe(true);
  expect(paths.some((path) => path.endsWith('/runs/dpo/model.safetensors'))).toBe(true);

  // The new model begins with nothing of it, and it stays where it was.
  await button(page, 'Go to the new story model').click();
  await ready(page);
  await expect(replaced).toHaveCount(0);
  await expect(number(page, 'rank')).toHaveText('0');
  await page.reload();
  await ready(page);
  await expect(number(page, 'rank')).toHaveText('0');
  const chooser = page.getByTestId('workflow');
  await expect(chooser.locator('option')).toHaveText(['Built-in story model (earlier model)', 'Built-in story model']);
  await chooser.selectOption('Built-in story model (earlier model)');
  await expect(replaced).toBeVisible({ timeout: 60_000 });
  await expect(number(page, 'rank')).toHaveText('1');

  // Its tuned model becomes a base.
  await button(page, 'Teach its tuned model further').click();
  await expect(replaced).toHaveCount(0, { timeout: 60_000 });
  await expect(number(page, 'rank')).toHaveText('0');
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: 60_000 });
});
