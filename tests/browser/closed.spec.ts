// A tab that is closed in the middle of a training run, without a pause: the next visit goes on from the last
// checkpoint, in each of the three stages that train.

import type { BrowserContext, Page } from '@playwright/test';
import { button, expect, number, open, test } from './nudge';

const MINUTE = 60_000;
const ADDRESS = '?device=cpu&test=1&seed=1';

/** Closes the tab once a checkpoint is stored, and opens the page again. Returns the page and the step stored. */
async function closeInMidTraining(page: Page, context: BrowserContext, stage: string): Promise<[Page, number]> {
  const run = page.getByTestId(`${stage}-run`);
  await expect(run).toContainText(/checkpoint at step \d+/, { timeout: MINUTE });
  await page.close();
  const next = await context.newPage();
  await open(next, ADDRESS);
  const paused = next.getByTestId(`${stage}-run`);
  await expect(paused).toHaveAttribute('data-status', 'paused');
  const step = Number(/Paused at step (\d+)/.exec((await paused.textContent())!)![1]);
  expect(step).toBeGreaterThan(0);
  return [next, step];
}

/** The step that the run bar shows. */
async function stepOf(page: Page, stage: string): Promise<number> {
  const text = (await page.getByTestId(`${stage}-run`).textContent())!;
  return Number(/Step (\d+) of/.exec(text)?.[1] ?? 0);
}

test('a closed tab loses no training', async ({ page, context }) => {
  test.setTimeout(6 * MINUTE);
  await open(page, ADDRESS);

  await test.step('instruction tuning', async () => {
    await button(page, 'Train it here on the built-in examples').click();
    [page] = await closeInMidTraining(page, context, 'sft');
    await button(page, 'Continue training').click();
    await expect(page.getByTestId('sft-run')).toHaveCount(0, { timeout: MINUTE });
    await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: MINUTE });
    await expect(button(page, 'Ask both')).toBeEnabled({ timeout: MINUTE });
  });

  await test.step('the reward model', async () => {
    await button(page, 'Load this pack').click();
    await expect(number(page, 'rank')).toHaveText('30');
    await button(page, 'Train the reward model').click();
    [page] = await closeInMidTraining(page, context, 'reward');
    await expect(number(page, 'rank')).toHaveText('30');
    await button(page, 'Continue training').click();
    await expect(page.getByTestId('scores').locator('tbody tr')).toHaveCount(4, { timeout: MINUTE });
  });

  await test.step('PPO', async () => {
    await page.getByTestId('effort').selectOption('normal');
    await button(page, 'Start PPO').click();
    let stored = 0;
    [page, stored] = await closeInMidTraining(page, context, 'tune');
    await button(page, 'Continue training').click();
    await expect.poll(() => stepOf(page, 'tune'), { timeout: MINUTE }).toBeGreaterThan(stored);
    await button(page, 'Stop').click();
    await expect(page.locator('#tune')).toContainText('Stopped');
  });
});
