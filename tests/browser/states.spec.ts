// The page of states, `?states`: every component draws in each, fits a phone, and axe finds nothing.

import AxeBuilder from '@axe-core/playwright';
import { button, expect, test } from './nudge';

for (const colorScheme of ['light', 'dark'] as const) {
  test(`components draw in all their states, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/?states');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('States');
    const states = page.locator('main > section');
    for (const state of await states.all()) expect((await state.locator('.frame').boundingBox())!.height).toBeGreaterThan(40);
    expect(await states.count()).toBeGreaterThan(25);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    // An equation that is wider than its card would be cut off.
    for (const card of await page.getByTestId('lens').locator('li').all()) {
      expect(await card.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
    }
  });
}

test('a step of training is walked through phase by phase: by hand, by keys, and in slow motion', async ({ page }) => {
  await page.goto('/?states');
  const lens = page.getByTestId('lens').first();
  const phases = lens.locator('li');
  const current = lens.locator('[aria-current=step]');
  await expect(phases).toHaveCount(7);
  await expect(current).toContainText('Leash');
  const slider = lens.getByRole('slider', { name: 'Through the seven phases of the step' });
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(current).toContainText('Sample');
  await expect(phases.nth(1)).toBeHidden();
  await expect(slider).toHaveAttribute('aria-valuetext', '1: Sample');
  await expect(lens.locator('.share').first()).toHaveText('–');
  const choice = lens.getByTestId('lens-choices').locator('tbody tr').first();
  await expect(choice).toHaveText(/–\s*–/);
  await page.keyboard.press('ArrowRight');
  await expect(current).toContainText('Read');
  await expect(choice).toHaveText(/30%\s*–/);
  await expect(lens.locator('.share').first()).toHaveText('30%');
  await button(lens, 'Next phase').click();
  await expect(current).toContainText('Score');
  await button(lens, 'Previous phase').click();
  await expect(current).toContainText('Read');
  // The numbers are those of the token that is pointed at.
  await page.keyboard.press('End');
  await lens.getByRole('option').nth(2).hover();
  await expect(current).toContainText('Read');
  const value = await phases.nth(1).locator('math').last().textContent();
  await lens.getByRole('option').nth(5).hover();
  await expect(phases.nth(1).locator('math').last()).not.toHaveText(value!);

  await button(lens, 'Slow motion').click();
  await expect(current).toContainText('Score', { timeout: 5_000 });
  await button(lens, 'Pause').click();
  await page.waitForTimeout(2_600);
  await expect(current).toContainText('Score');
  await slider.fill('7');
  await button(lens, 'Slow motion').click();
  await expect(current).toContainText('Sample');
  await expect(current).toContainText('Leash', { timeout: 20_000 });
  await expect(button(lens, 'Slow motion')).toBeVisible();
});
