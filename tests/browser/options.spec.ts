// The options of a method in step 5: each control by hand, what is sent, what a reload keeps, and on a phone.

import type { Locator, Page } from '@playwright/test';
import { button, choose, expect, listen, loadPack, open, ready, stored, takeInstructModel, test, WHOLE } from './nudge';

const MINUTE = 60_000;
const SMALL = '?device=cpu&model=test&test=1&seed=1';

async function unfold(page: Page): Promise<void> {
  await page.getByTestId('options').locator('summary').click();
  await expect(page.getByTestId('option-seed')).toBeVisible();
}

const option = (page: Page, name: string): Locator => page.getByTestId(`option-${name}`);
/** The field of an option, which bears its name. */
const field = (page: Page, name: string): Locator => page.getByLabel(name, { exact: true });
const restore = (page: Page, name: string): Locator => option(page, name).getByRole('button', { name: /^Restore/ });

test('changed options are sent, restored and remembered, each method its own', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  const sent = await listen(page);
  await open(page, `${SMALL}&method=dpo`);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await unfold(page);

  await test.step('a slider and its number are one', async () => {
    await expect(field(page, 'beta')).toHaveValue('0.1');
    await expect(option(page, 'beta')).toContainText('default: 0.1');
    await page.getByLabel('beta, slider').focus();
    await page.keyboard.press('ArrowRight');
    const more = Number(await field(page, 'beta').inputValue());
    expect(more).toBeGreaterThan(0.1);
    expect(more).toBeLessThan(0.12);
    await page.keyboard.press('ArrowLeft');
    await expect(field(page, 'beta')).toHaveValue('0.1');
    await expect(restore(page, 'beta')).toHaveCount(0);
    await field(page, 'beta').fill('0.25');
    await page.keyboard.press('Enter');
    await expect(restore(page, 'beta')).toBeVisible();
    await expect(page.getByTestId('options').locator('summary')).toContainText('1 changed');
  });

  await test.step('what is not allowed is refused in words', async () => {
    await field(page, 'batch_size').fill('1.5');
    await page.keyboard.press('Enter');
    await expect(option(page, 'batch_size').getByRole('alert')).toHaveText('It must be a whole number.');
    await field(page, 'batch_size').fill('0');
    await page.keyboard.press('Enter');
    await expect(option(page, 'batch_size').getByRole('alert')).toContainText('1 or more');
    await field(page, 'batch_size').fill('3');
    await page.keyboard.press('Enter');
    await expect(option(page, 'batch_size').getByRole('alert')).toHaveCount(0);
  });

  await test.step('the trainer gets what was changed and nothing else', async () => {
    await field(page, 'loss').selectOption('ipo');
    await button(page, 'Start DPO').click();
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: MINUTE });
    const { options } = (await sent()).at(-1)!;
    expect(options).toEqual({ batch_size: 3, beta: 0.25, epochs: 2, loss: 'ipo', seed: 1 });
  });

  await test.step('a reload keeps the choices of the method, and of no other', async () => {
    await expect.poll(() => stored(page, 'options/dpo')).toMatchObject({ changed: { loss: 'ipo' } });
    await page.reload();
    await ready(page);
    await unfold(page);
    await expect(field(page, 'beta')).toHaveValue('0.25');
    await expect(field(page, 'loss')).toHaveValue('ipo');
    await choose(page, 'orpo');
    await expect(page.getByTestId('options').locator('summary')).not.toContainText('changed');
    await choose(page, 'dpo');
    await restore(page, 'beta').click();
    await expect(field(page, 'beta')).toHaveValue('0.1');
    await button(page, 'Restore all').click();
    await expect(field(page, 'loss')).toHaveValue('sigmoid');
    await expect(page.getByTestId('options').locator('summary')).not.toContainText('changed');
  });
});

test('rules are written as words, and how long and the leash are options too', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, SMALL);
  await unfold(page);
  await expect(option(page, 'adaptive_kl')).toContainText('“Leash”: 3.5:64');
  await page.getByTestId('leash').selectOption('tight');
  await expect(field(page, 'adaptive_kl')).toHaveValue('1.5:64');
  await page.getByTestId('effort').selectOption('long');
  await expect(field(page, 'episodes')).toHaveValue('1920');
  await expect(option(page, 'batch_size')).toContainText('“How long”: 64');

  await field(page, 'lr_decay').fill('cosine');
  await page.keyboard.press('Enter');
  await expect(option(page, 'lr_decay').getByRole('alert')).toContainText('is not constant, linear or cosine:FLOOR');
  await field(page, 'lr_decay').fill('cosine:0.1');
  await page.keyboard.press('Enter');
  await expect(option(page, 'lr_decay').getByRole('alert')).toHaveCount(0);
  await field(page, 'adaptive_kl').fill('off');
  await page.keyboard.press('Enter');
  await field(page, 'normalize_scores').click();
  await expect(option(page, 'normalize_scores').getByRole('button', { name: /^Restore/ })).toBeVisible();
  await expect.poll(() => stored(page, 'options/ppo')).toMatchObject({ changed: { normalize_scores: false } });
  await page.reload();
  await ready(page);
  await unfold(page);
  await expect(field(page, 'lr_decay')).toHaveValue('cosine:0.1');
  await expect(field(page, 'adaptive_kl')).toHaveValue('off');
  await expect(option(page, 'normalize_scores').getByRole('button', { name: /^Restore/ })).toBeVisible();
});

test('a published recipe brings its options and its leash', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, SMALL);
  await unfold(page);
  await page.getByTestId('preset').selectOption('instructgpt');
  await expect(page.getByTestId('options').locator('summary')).toContainText('instructgpt');
  await expect(page.getByTestId('options')).toContainText('Ouyang et al. 2022');
  await expect(field(page, 'kl_coef')).toHaveValue('0.02');
  await expect(option(page, 'kl_coef')).toContainText('recipe: 0.02');
  await expect(field(page, 'adaptive_kl')).toHaveValue('off');
  await expect(page.getByTestId('leash')).toHaveCount(0);
  await expect(page.getByTestId('effort')).toBeVisible();
  await page.getByTestId('preset').selectOption('');
  await expect(page.getByTestId('leash')).toBeVisible();
  await expect(field(page, 'adaptive_kl')).toHaveValue('3.5:64');
});

for (const width of [360, 390, 1280]) {
  test(`the options fit into ${width} px, each with a name and its help`, async ({ page }) => {
    test.setTimeout(2 * MINUTE);
    await page.setViewportSize({ width, height: 844 });
    await open(page, SMALL);
    await unfold(page);
    const rows = await page.getByTestId(/^option-/).all();
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const box = (await row.boundingBox())!;
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      await expect(row.getByRole('button', { name: /^What “/ })).toHaveCount(1);
      expect(await row.locator('input, select').evaluateAll((all) => all.every((one) => (one as HTMLInputElement).labels!.length > 0 || one.ariaLabel))).toBe(true);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await option(page, 'kl_coef').getByRole('button', { name: /^What “kl_coef”/ }).click();
    await expect(page.getByRole('dialog')).toBeInViewport({ ratio: WHOLE });
  });
}
