// Ranking by keys, by dragging and by buttons; ties; what is stored stays stored.

import { type Locator } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { button, choose, expect, listen, loadPack, number, open, ready, takeInstructModel, test } from './nudge';

/** The answers' letters from best to worst, tied ones joined by "=": "B,A=C,D". */
async function order(board: Locator): Promise<string> {
  const cards = await board.locator('[data-item]').evaluateAll((items) =>
    items.map((item) => ({
      letter: String.fromCharCode(65 + Number(item.getAttribute('data-item'))),
      tied: item.classList.contains('tied'),
    })),
  );
  return cards.map(({ letter, tied }, index) => (index === 0 ? letter : `${tied ? '=' : ','}${letter}`)).join('');
}

const card = (board: Locator, letter: string) => board.locator(`[data-item="${letter.charCodeAt(0) - 65}"]`);

test.describe('the example', () => {
  test.beforeEach(async ({ page }) => {
    await page.goto('/?device=cpu');
    await expect(page.getByTestId('example')).toContainText('Example');
  });

  test('is ranked by keys', async ({ page }) => {
    const board = page.getByTestId('example').getByTestId('board');
    await card(board, 'C').focus();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => order(board)).toBe('A,C,B,D');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => order(board)).toBe('C,A,B,D');
    await page.keyboard.press('4');
    await expect.poll(() => order(board)).toBe('A,B,D,C');
    await page.keyboard.press('t');
    await expect.poll(() => order(board)).toBe('A,B,D=C');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => order(board)).toBe('A,B,C,D');
    await expect(card(board, 'C')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('example')).toContainText('That is all you do');
  });

  test('is ranked by buttons, with ties', async ({ page }) => {
    const board = page.getByTestId('example').getByTestId('board');
    await button(board, 'Move answer A down').click();
    await expect.poll(() => order(board)).toBe('B,A,C,D');
    await button(board, 'Answer C: as good as the one above').click();
    await expect.poll(() => order(board)).toBe('B,A=C,D');
    await button(board, 'Answer D: as good as the one above').click();
    await expect.poll(() => order(board)).toBe('B,A=C=D');
    await expect(card(board, 'D')).toContainText('2=');
    await button(board, 'Answer C: not as good as the one above').click();
    await expect.poll(() => order(board)).toBe('B,A,C=D');
  });

  test('is ranked by dragging', async ({ page }) => {
    const board = page.getByTestId('example').getByTestId('board');
    const from = (await card(board, 'D').boundingBox())!;
    const to = (await card(board, 'A').boundingBox())!;
    await page.mouse.move(from.x + 20, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(from.x + 20, to.y + to.height + 20, { steps: 8 });
    await page.mouse.move(from.x + 20, to.y + 4, { steps: 8 });
    await page.mouse.up();
    await expect.poll(() => order(board)).toBe('D,A,B,C');
  });
});

test('a person’s ranking is stored, outlives a reload, and can be taken back', async ({ page }) => {
  test.setTimeout(180_000);
  await open(page, '?device=cpu&test=1&seed=3');
  await button(page, 'Start with the built-in model').click();
  const rank = page.locator('#rank');
  const board = rank.getByTestId('board');
  await expect(button(rank, 'Store this ranking')).toBeEnabled({ timeout: 60_000 });
  const prompt = await page.getByTestId('rank-prompt').textContent();
  await card(board, 'D').focus();
  await page.keyboard.press('1');
  await expect.poll(() => order(board)).toBe('D,A,B,C');
  await card(board, 'B').focus();
  await page.keyboard.press('t');
  await page.keyboard.press('Enter');
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(page.getByTestId('rank-said')).toContainText('Stored');

  await page.reload();
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(page.getByTestId('ranking-sources')).toContainText('1 by you');
  await ready(page);
  await button(page, 'Undo last').click();
  await expect(number(page, 'rank')).toHaveText('0');
  await expect(page.getByTestId('rank-prompt')).toHaveText(prompt!);
  await expect.poll(() => order(board)).toBe('D,A=B,C');
});

test('packs and imports add rankings, and a bad line is named', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&test=1');
  await page.getByText('No time to rank?').click();
  await button(page, 'Load this pack').click();
  await expect(number(page, 'rank')).toHaveText('30');
  const rankings = (lines: string) => ({ name: 'r.jsonl', mimeType: 'text/plain', buffer: Buffer.from(lines) });
  const good = JSON.stringify({
    id: 'mine-1',
    prompt: 'Say hello.',
    completions: [{ text: 'Hello.' }, { text: 'Go away.' }],
    ranking: [[0], [1]],
  });
  const input = page.getByLabel('Import rankings');
  await input.setInputFiles(rankings(`${good}\n{"id":"mine-2","prompt":"Say hello."}\n`));
  await expect(page.getByTestId('notices')).toContainText('r.jsonl, line 2');
  await expect(number(page, 'rank')).toHaveText('30');
  await input.setInputFiles(rankings(good));
  await expect(number(page, 'rank')).toHaveText('31');
  await expect(page.getByTestId('ranking-sources')).toContainText('30 from a pack');
});

test('one click and a confirmation delete everything', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&test=1');
  await page.getByText('No time to rank?').click();
  await button(page, 'Load this pack').click();
  await expect(number(page, 'rank')).toHaveText('30');
  await button(page, 'Delete all data').click();
  await button(page, 'Really delete everything').click();
  await expect(number(page, 'rank')).toHaveText('0');
  await page.reload();
  await ready(page);
  await expect(number(page, 'rank')).toHaveText('0');
});

test('answers are stopped while they grow, judged all alike, or only the best counts', async ({ page }) => {
  test.setTimeout(180_000);
  // The built-in model writes faster than a person clicks.
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      const stop = document.querySelector<HTMLElement>('#rank [aria-label^="Stop answer"]:not(:disabled)');
      if (stop === null) return;
      observer.disconnect();
      stop.click();
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true });
  });
  await open(page, '?device=cpu&seed=3');
  await button(page, 'Start with the built-in model').click();
  const rank = page.locator('#rank');
  const board = rank.getByTestId('board');
  const store = button(rank, 'Store this ranking');
  const exported = async () => {
    const downloading = page.waitForEvent('download');
    await button(page, 'Export rankings (JSONL)').click();
    const text = readFileSync(await (await downloading).path()).toString();
    return text.trim().split('\n').map((line) => JSON.parse(line) as { ranking: number[][]; flags?: string[]; completions: { finish?: string }[] });
  };

  await test.step('one is stopped', async () => {
    await expect(store).toBeEnabled({ timeout: 60_000 });
  });

  await test.step('only the best counts', async () => {
    await card(board, 'C').focus();
    await page.keyboard.press('1');
    await page.getByTestId('places').selectOption({ label: 'only the best' });
    await rank.getByText('Something is wrong with it').click();
    await rank.getByLabel('off topic').check();
    await store.click();
    await expect(number(page, 'rank')).toHaveText('1');
    const [first] = await exported();
    expect(first!.ranking).toEqual([[2], [0, 1, 3]]);
    expect(first!.flags).toEqual(['off_topic']);
    expect(first!.completions.filter(({ finish }) => finish === 'stopped')).toHaveLength(1);
  });

  await test.step('all bad is kept apart from all good, and undone like any other', async () => {
    await expect(store).toBeEnabled({ timeout: 60_000 });
    await button(rank, 'All are bad').click();
    await expect(page.getByTestId('rank-said')).toContainText('Stored: all are bad');
    await expect(number(page, 'rank')).toHaveText('1');
    await expect(store).toBeEnabled({ timeout: 60_000 });
    await button(rank, 'All are good').click();
    await expect(page.getByTestId('rank-said')).toContainText('Stored: all are good');
    await expect(page.getByTestId('ranking-sources')).toContainText('3 by you');
    await button(page, 'Undo last').click();
    await expect(page.getByTestId('ranking-sources')).toContainText('2 by you');
    expect(await exported()).toHaveLength(1);
  });
});

test('a method that learns from single answers is given those of screens that were all bad', async ({ page }) => {
  test.setTimeout(180_000);
  const commands = await listen(page);
  await open(page, '?device=cpu&model=test&test=1&seed=3');
  await takeInstructModel(page, 60_000);
  await loadPack(page);
  await button(page, 'Show me four answers').click();
  const bad = button(page.locator('#rank'), 'All are bad');
  await expect(bad).toBeEnabled({ timeout: 60_000 });
  await bad.click();
  await expect(page.getByTestId('rank-said')).toContainText('all are bad');
  for (const [method, name, labels] of [['kto', 'KTO', 4], ['dpo', 'DPO', 0]] as const) {
    await choose(page, method);
    await button(page, `Start ${name}`).click();
    await expect(button(page, `Start ${name} again`)).toBeEnabled({ timeout: 60_000 });
    const { preferences } = (await commands()).findLast(({ command }) => command === 'tune') as unknown as { preferences: { label?: boolean }[] };
    expect(preferences.filter(({ label }) => label === false)).toHaveLength(labels);
    expect(preferences).toHaveLength(30 + labels);
  }
});
