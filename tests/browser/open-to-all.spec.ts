// For everyone: no violation that axe finds on any step and in any colours, everything at hand from the keyboard, texts
// that run from the right, little motion, a narrow window.

import AxeBuilder from '@axe-core/playwright';
import { button, expect, loadPack, open, takeInstructModel, test } from './nudge';

const MINUTE = 60_000;
const SMALL = '?device=cpu&model=test&test=1&seed=1';

async function violations(page: import('@playwright/test').Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing, ${colorScheme}`, async ({ page }) => {
    test.setTimeout(6 * MINUTE);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await open(page, SMALL);
    expect(await violations(page)).toEqual([]);
    await takeInstructModel(page, MINUTE);
    await loadPack(page);
    await button(page, 'Show me four answers').click();
    await expect(page.locator('#rank').getByTestId('board')).toBeVisible();
    await button(page, 'Train the reward model').click();
    await expect(page.getByTestId('reward-verdict')).toBeVisible({ timeout: 2 * MINUTE });
    await button(page, 'Score it').click();
    await expect(page.getByTestId('score')).toBeVisible({ timeout: MINUTE });
    await button(page, 'See where it errs').click();
    await expect(page.getByTestId('review')).toBeVisible({ timeout: MINUTE });
    await button(page, 'Start PPO').click();
    await expect(page.getByTestId('tune-verdict')).toBeVisible({ timeout: 2 * MINUTE });
    await page.getByTestId('leash-lab').evaluate((details) => details.setAttribute('open', ''));
    await button(page, /^Let the simulated labeler judge/).click();
    await expect(page.getByTestId('changed')).toBeVisible({ timeout: 2 * MINUTE });
    await button(page, 'Start the blind test').click();
    await button(page.getByTestId('blind'), 'Equally good').click({ timeout: MINUTE });
    await button(page, 'Reveal now').click();
    await expect(page.getByTestId('revealed')).toBeVisible();
    expect(await violations(page)).toEqual([]);
  });
}

test('what opens a note is large enough to be hit', async ({ page }) => {
  await page.goto(`/${SMALL}`);
  const notes = page.getByRole('button', { name: /^What .* means$/ });
  await expect(notes.first()).toBeVisible({ timeout: MINUTE });
  for (const note of await notes.all()) {
    if (!(await note.isVisible())) continue;
    const { width, height } = (await note.boundingBox())!;
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
  }
});

test('the next token is walked through by keys', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, SMALL);
  const strip = page.getByTestId('next-tokens').getByRole('listbox');
  await strip.getByRole('option').last().focus();
  await expect(page.getByTestId('next-tokens')).toContainText('Behind the text');
  await page.keyboard.press('Home');
  await expect(strip.getByRole('option').first()).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(strip.getByRole('option').nth(1)).toBeFocused();
  await expect(page.getByTestId('next-tokens')).toContainText('In the place of');
  await expect(page.getByTestId('choices').locator('li')).toHaveCount(12);
});

test('a text from the right stands at the right', async ({ page }) => {
  await page.goto(`/${SMALL}`);
  const text = page.getByLabel('A beginning');
  await text.fill('كان يا ما كان');
  expect(await text.evaluate((field) => getComputedStyle(field).direction)).toBe('rtl');
});

test('the page is kept, and works without a network', async ({ browser, baseURL }) => {
  test.setTimeout(3 * MINUTE);
  const context = await browser.newContext({ baseURL, serviceWorkers: 'allow' });
  const page = await context.newPage();
  await open(page, SMALL);
  await expect(page.getByTestId('kept-offline')).toHaveAttribute('data-kept', 'true', { timeout: 2 * MINUTE });
  await context.setOffline(true);
  await page.goto('/?device=cpu&seed=1');
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu', { timeout: MINUTE });
  await takeInstructModel(page, MINUTE);
  await context.close();
});
