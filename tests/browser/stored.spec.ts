// What an earlier version of the page stored, in its database of version 1: it is taken over under its new names, or
// refused in words.

import type { Page } from '@playwright/test';
import { expect, number, open, test } from './nudge';

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

test('rankings, curve and choice of an earlier page stay; its unfinished run is refused in words', async ({ page }) => {
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

  await open(page, '?device=cpu&model=test&test=1');
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(page.getByTestId('ranking-sources')).toContainText('1 by you');
  await expect(page.getByTestId('method')).toHaveValue('dpo');
  await expect(page.getByTestId('run-1')).toContainText('Tuned with DPO');
  await expect(page.getByTestId('run-1')).toContainText('in use');
  await expect(page.locator('#tune').getByRole('img', { name: /^Loss and accuracy\. loss: 1\.00 → 0\.33/ })).toBeVisible();
  const notices = page.getByTestId('notices');
  await expect(notices).toContainText('unfinished run of tuning (step 3 of 9) is by an earlier version');
  await expect(page.getByTestId('tune-run')).toHaveCount(0);

  // Once said, it is gone; what was taken over is there again.
  await open(page, '?device=cpu&model=test&test=1');
  await expect(page.locator('#tune').getByRole('img', { name: /^Loss and accuracy/ })).toBeVisible();
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(notices).not.toContainText('unfinished run');
});
