// The reward model so far, told after each ranking; and why somebody ranks so, kept with the ranking.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { unzipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, number, open, ready, stored, test } from './nudge';

const MINUTE = 60_000;

const share = (page: Page) => page.getByTestId('foretold-share');
const last = (page: Page) => page.getByTestId('foretold-last');
const store = (page: Page) => button(page.locator('#rank'), 'Store this ranking');

/** Ranks the screen on show, the shortest answer first, as somebody would who follows that rule. */
async function rankShortest(page: Page): Promise<void> {
  await expect(store(page)).toBeEnabled({ timeout: MINUTE });
  const cards = page.locator('#rank [data-item]');
  const answers = await cards.evaluateAll((items) =>
    items.map((item) => ({ item: item.getAttribute('data-item')!, words: item.querySelector('.prose')!.textContent!.split(/\s+/).length })),
  );
  const before = Number(await number(page, 'rank').textContent());
  // Each is put on top, the shortest last.
  for (const { item } of answers.sort((a, b) => b.words - a.words)) {
    await page.locator(`#rank [data-item="${item}"]`).focus();
    await page.keyboard.press('1');
  }
  await store(page).click();
  await expect(number(page, 'rank')).toHaveText(`${before + 1}`);
}

test('what a reward model so far would have said is told after a ranking, and rises above a coin by a rule', async ({ page }) => {
  test.setTimeout(6 * MINUTE);
  await open(page, '?device=cpu&seed=5');
  await button(page, 'Start with the built-in model').click();
  await expect(store(page)).toBeEnabled({ timeout: MINUTE });
  await expect(page.getByTestId('foretold')).toHaveCount(0);

  await test.step('nothing is told from the first three', async () => {
    for (let count = 0; count < 3; count += 1) await rankShortest(page);
    await expect(page.getByTestId('foretold')).toContainText('It needs a few rankings first.');
    await expect(share(page)).toHaveCount(0);
  });

  await test.step('the fourth is told of once it is stored, and nothing of the next', async () => {
    await rankShortest(page);
    await expect(last(page)).toContainText(/Your last ranking: [0-6] of 6 pairs/, { timeout: MINUTE });
    await expect(share(page)).toHaveText(/^\d+%$/);
    const shown = await page.locator('#rank [data-item] .prose').allTextContents();
    const told = await last(page).locator('q').textContent();
    expect(shown).not.toContain(told);
  });

  await test.step('a rule is learnt', async () => {
    for (let count = 4; count < 16; count += 1) await rankShortest(page);
    await expect(page.getByTestId('foretold')).toContainText('of 78 pairs', { timeout: MINUTE });
    expect(Number.parseInt((await share(page).textContent())!, 10)).toBeGreaterThan(50);
  });

  await test.step('undo takes the number back, and who has seen the answer is not counted again', async () => {
    const whole = await share(page).textContent();
    await button(page, 'Undo last').click();
    await expect(page.getByTestId('foretold')).toContainText('of 72 pairs', { timeout: MINUTE });
    await rankShortest(page);
    await expect(last(page)).toBeEmpty({ timeout: MINUTE });
    await expect(page.getByTestId('foretold')).toContainText('of 72 pairs');
    await rankShortest(page);
    await expect(page.getByTestId('foretold')).toContainText('of 78 pairs', { timeout: MINUTE });
    expect(whole).toMatch(/^\d+%$/);
  });

  await test.step('a reload keeps it', async () => {
    const before = await share(page).textContent();
    await expect.poll(() => stored(page, 'foretold')).toMatchObject({ told: { agreement: { pairs: 78 } } });
    await page.reload();
    await expect(share(page)).toHaveText(before!, { timeout: MINUTE });
    await expect(page.getByTestId('foretold')).toContainText('of 78 pairs');
  });
});

test('why somebody ranks so goes with the ranking: into the file and back, and into the workflow', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, '?device=cpu&model=test&test=1&seed=3');
  await button(page, 'Start with the built-in model').click();
  const why = page.getByLabel('Why? (optional)');
  const exported = async () => {
    const downloading = page.waitForEvent('download');
    await button(page, 'Export rankings (JSONL)').click();
    return readFileSync(await (await downloading).path());
  };
  const reasons = (file: Uint8Array) =>
    Buffer.from(file).toString().trim().split('\n').map((line) => (JSON.parse(line) as { why?: string }).why);

  await expect(store(page)).toBeEnabled({ timeout: MINUTE });
  await why.fill('  The first one ends kindly. ');
  await store(page).click();
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(why).toHaveValue('');
  await expect(store(page)).toBeEnabled({ timeout: MINUTE });
  await store(page).click();
  await expect(number(page, 'rank')).toHaveText('2');
  const file = await exported();
  expect(reasons(file)).toEqual(['The first one ends kindly.', undefined]);

  await test.step('undo brings it back', async () => {
    await button(page, 'Undo last').click();
    await button(page, 'Undo last').click();
    await expect(why).toHaveValue('The first one ends kindly.');
    await expect(number(page, 'rank')).toHaveText('0');
  });

  await test.step('imported, it goes out again', async () => {
    await page.getByLabel('Import rankings').setInputFiles({ name: 'r.jsonl', mimeType: 'text/plain', buffer: file });
    await expect(number(page, 'rank')).toHaveText('2');
    expect(reasons(await exported())).toEqual(['The first one ends kindly.', undefined]);
    await page.reload();
    await ready(page);
    expect(reasons(await exported())).toEqual(['The first one ends kindly.', undefined]);
  });

  await test.step('the workflow has it', async () => {
    await button(page, 'Manage').click();
    const downloading = page.waitForEvent('download');
    await button(page, 'Take it along (zip)').click();
    const files = unzipSync(readFileSync(await (await downloading).path()));
    const rankings = Object.entries(files).find(([path]) => path.endsWith('/rankings.jsonl'))![1];
    expect(reasons(rankings)).toEqual(['The first one ends kindly.', undefined]);
  });
});
