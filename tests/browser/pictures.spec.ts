// Pictures of the page at work: the first ninety seconds as frames of a film, then each of the six steps, wide and on a
// phone, light and dark. What is ranked by hand here is ranked by the rule of the taste that was picked.
//
// Writes PNG files into the folder that NUDGE_PICTURES names: `film/PLACE-MILLISECONDS.png` and `stills/STEP-SIZE-SCHEME.png`.

import { mkdirSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { button, expect, number, open, test } from './nudge';

const MINUTE = 60_000;
const FOLDER = process.env.NUDGE_PICTURES ?? 'pictures';
const STEPS = ['base', 'show', 'rank', 'reward', 'tune', 'compare'];
/** What is looked into in a step, further down. */
const LOOKS = { lens: '[data-testid=lens]' };
const SIZES = { wide: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
const FILM = { width: 960, height: 640 };
/** How long a frame is shown: one of a motion, one to see, one to read; in milliseconds. */
const MOTION = 220;
const SEEN = 900;
const READ = 3_500;
/** While the page works a frame is taken so often, in milliseconds, and shown for less. */
const WORKING = 4_000;

const storeButton = (page: Page) => button(page.locator('#rank'), 'Store this ranking');

/** Writes down what is on the screen. */
function camera(page: Page) {
  let place = 0;
  mkdirSync(`${FOLDER}/film`, { recursive: true });
  return async (shown: number) => {
    place += 1;
    await page.screenshot({ path: `${FOLDER}/film/${String(place).padStart(3, '0')}-${shown}.png` });
  };
}

/** Puts the answer on top in which most is said aloud, card by card. */
async function rankByDialogue(page: Page, frame: (shown: number) => Promise<void>): Promise<void> {
  await expect(storeButton(page)).toBeEnabled({ timeout: MINUTE });
  const answers = await page.locator('#rank [data-item]').evaluateAll((items) =>
    items.map((item) => ({ item: item.getAttribute('data-item')!, said: item.querySelector('.prose')!.textContent!.split(/["“”]/).length })),
  );
  await frame(SEEN);
  for (const { item } of answers.sort((a, b) => a.said - b.said)) {
    const card = page.locator(`#rank [data-item="${item}"]`);
    await card.focus();
    await page.keyboard.press('1');
    await page.waitForTimeout(250);
    await frame(MOTION);
  }
  const before = Number(await number(page, 'rank').textContent());
  await storeButton(page).click();
  await expect(number(page, 'rank')).toHaveText(`${before + 1}`);
}

async function film(page: Page): Promise<void> {
  const frame = camera(page);
  await page.setViewportSize(FILM);
  await frame(READ / 2);
  await page.locator('#quick').scrollIntoViewIfNeeded();
  await frame(SEEN);
  const taste = button(page, 'I like people talking: more of “…”, she said.');
  await taste.hover();
  await frame(SEEN);
  await taste.click();
  for (let ranked = 0; ranked < 5; ranked += 1) await rankByDialogue(page, frame);
  await page.waitForTimeout(500);
  await frame(SEEN);
  await page.getByTestId('quick-beside').getByRole('button').click();
  const headline = page.getByTestId('quick-headline');
  while (!(await headline.isVisible())) {
    await frame(MOTION);
    await page.waitForTimeout(WORKING);
  }
  await page.waitForTimeout(800);
  await frame(READ);
  await page.mouse.wheel(0, 420);
  await page.waitForTimeout(500);
  await frame(READ);
}

/** What the film has left undone: both models asked, a reward model, PPO, a test that is judged. */
async function rest(page: Page): Promise<void> {
  await button(page, 'Continue my text').click();
  await expect(button(page, 'Continue my text')).toBeEnabled({ timeout: MINUTE });
  await button(page, 'Ask both').click();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Not asked/, { timeout: MINUTE });
  await expect(button(page, 'Ask both')).toBeEnabled({ timeout: MINUTE });
  await button(page, 'Show me four answers').or(storeButton(page)).first().click();
  for (let ranked = 0; ranked < 3; ranked += 1) await rankByDialogue(page, async () => {});
  await expect(page.getByTestId('foretold-last')).toContainText('Your last ranking', { timeout: MINUTE });
  await button(page, 'Train the reward model').click();
  await expect(page.getByTestId('reward-verdict')).toBeVisible({ timeout: 5 * MINUTE });
  await button(page, 'See where it errs').click();
  await expect(page.getByTestId('review')).toBeVisible({ timeout: 2 * MINUTE });
  await page.getByTestId('method').selectOption('ppo');
  await page.getByTestId('effort').selectOption('quick');
  await button(page, /^Start PPO/).click();
  await expect(button(page, 'Start PPO again')).toBeEnabled({ timeout: 10 * MINUTE });
  await button(page, /^Let the simulated labeler judge/).click();
  await expect(page.getByTestId('verdict-simulated')).toBeVisible({ timeout: 5 * MINUTE });
}

test('the first ninety seconds, and each step', async ({ page }) => {
  test.setTimeout(30 * MINUTE);
  await page.emulateMedia({ colorScheme: 'light' });
  await open(page, '?device=cpu&seed=1&language=en');
  await film(page);
  await rest(page);
  mkdirSync(`${FOLDER}/stills`, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // A phone is filled by the story of a step; what there is to see is on its card.
      const places = STEPS.map((step) => [step, size === 'phone' ? `#${step} .card` : `#${step}`] as const);
      for (const [name, place] of [...places, ...Object.entries(LOOKS)]) {
        await page.locator(place).first().evaluate((element) => {
          window.scrollTo({ top: element.getBoundingClientRect().top + scrollY - 100, behavior: 'instant' });
        });
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${FOLDER}/stills/${name}-${size}-${colorScheme}.png` });
      }
    }
  }
});
