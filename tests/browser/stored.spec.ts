// What an earlier version of the page stored: it is taken over under its new names, or refused in words.

import type { Page } from '@playwright/test';
import { expect, number, open, test } from './nudge';

type Rows = Record<'rankings' | 'checkpoints' | 'notes', object[]>;

/** Writes rows into the page's database, as the page that calls itself so stored them. */
async function store(page: Page, rows: Rows): Promise<void> {
  await page.evaluate(async (rows) => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('nudge', 1);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const transaction = database.transaction(Object.keys(rows), 'readwrite');
    for (const [name, values] of Object.entries(rows)) {
      for (const value of values) transaction.objectStore(name).put(value);
    }
    await new Promise<void>((resolve) => (transaction.oncomplete = () => resolve()));
    database.close();
  }, rows);
}

test('rankings, curve and choice of an earlier page stay; its unfinished run is refused in words', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&model=test&test=1');
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
