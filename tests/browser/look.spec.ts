// Verdicts and what can be looked into: each step's view with numbers of the trainer, and what a verdict leads to.

import { button, expect, loadPack, number, open, takeInstructModel, test } from './nudge';

const MINUTE = 60_000;
const SMALL = '?device=cpu&model=test&test=1&seed=1';

test('what could come next follows the sliders', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, SMALL);
  const choices = page.getByTestId('choices').locator('li');
  await expect(choices).toHaveCount(12);
  const out = page.getByTestId('choices').locator('li.out');
  await expect(out).toHaveCount(0);
  await page.getByTestId('top-p').fill('0.05');
  await expect(out).not.toHaveCount(0);
  const share = async () => Number((await choices.first().locator('.share').textContent())!.split('→')[1]!.replace('%', ''));
  await page.getByTestId('top-p').fill('1');
  await expect(out).toHaveCount(0);
  const warm = await share();
  await page.getByTestId('temperature').fill('0.1');
  await expect.poll(share).toBeGreaterThan(warm);
});

test('verdicts, from rankings to the comparison', async ({ page }) => {
  test.setTimeout(6 * MINUTE);
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await expect(page.getByTestId('rank-verdict')).toContainText('30 rankings');

  await button(page, 'Train the reward model').click();
  const reward = page.getByTestId('reward-verdict');
  await expect(reward).toContainText(/Good|Note|Suspicious|Spoiled/, { timeout: 2 * MINUTE });
  await reward.locator('summary').first().click();
  await expect(reward.locator('code').first()).toHaveText(/^[a-z_]+$/);

  await test.step('a score, word by word', async () => {
    await page.getByTestId('score-answer').fill('The dog was happy and kind.');
    await button(page, 'Score it').click();
    await expect(page.getByTestId('score')).toHaveText(/^Score [+−]?\d/, { timeout: MINUTE });
    await expect(page.getByTestId('words').locator('span')).toHaveCount(6);
  });
  await test.step('where it errs', async () => {
    await button(page, 'See where it errs').click();
    await expect(page.getByTestId('review')).toContainText('held out', { timeout: MINUTE });
    await expect(page.getByTestId('review')).toContainText('expected calibration error');
  });

  await button(page, 'Start PPO').click();
  await expect(page.getByTestId('tune-verdict')).toBeVisible({ timeout: 2 * MINUTE });
  await test.step('one answer under the lens', async () => {
    const lens = page.getByTestId('lens');
    await expect(lens.locator('math')).toHaveCount(10);
    await lens.getByRole('option').first().focus();
    await page.keyboard.press('End');
    await expect(lens.getByTestId('lens-choices').locator('tbody tr')).toHaveCount(5);
    await expect(lens.locator('li').nth(3).locator('math').last()).toContainText('s');
  });

  await button(page, /^Let the simulated labeler judge/).click();
  await expect(page.getByTestId('compare-verdict')).toBeVisible({ timeout: 2 * MINUTE });
  await expect(page.getByTestId('changed')).toContainText(/shorter|longer|As long/);
  await expect(page.getByTestId('changed-examples').locator('li')).toHaveCount(3);
  await button(page.getByTestId('compare-verdict'), 'Try another method').click();
  await expect(page.locator('#tune h2')).toBeInViewport();
});

test('five rankings are few: the verdict says so before the next step, which can be taken all the same', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  const store = page.locator('#rank').getByRole('button', { name: 'Store this ranking' });
  for (let count = 1; count <= 5; count++) {
    await expect(store).toBeEnabled({ timeout: MINUTE });
    await store.click();
    await expect(number(page, 'rank')).toHaveText(`${count}`);
  }
  await expect(page.getByTestId('rank-verdict')).toContainText('5 rankings');
  const notYet = page.getByTestId('reward-not-yet');
  await expect(notYet).toContainText('Not yet');
  await expect(notYet).toContainText('You can do it all the same');
  await button(notYet, 'Rank more').click();
  await expect(page.locator('#rank h2')).toBeInViewport();
  await button(page, 'Train the reward model').click();
  await expect(page.getByTestId('reward-verdict')).toBeVisible({ timeout: 2 * MINUTE });
  await expect(page.locator('nav a[href="#reward"] .hidden')).toHaveText('done, with a doubt');
});

test('ninety seconds: a taste, the rule’s rankings, before and after', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  await open(page, SMALL);
  const quick = page.locator('#quick');
  await expect(quick.locator('.tastes button')).toHaveCount(5);
  await quick.getByRole('button', { name: /short/ }).click();
  await expect(page.locator('#rank').getByTestId('board')).toBeVisible({ timeout: MINUTE });
  await button(quick, 'Let the rule rank all of them').click();
  await expect(quick.getByRole('progressbar')).toBeVisible();
  await expect(page.getByTestId('quick-headline')).toHaveText(/^\d+% (shorter|longer): see$/, { timeout: 4 * MINUTE });
  await expect(page.getByTestId('quick-pairs').locator('li')).toHaveCount(3);
  await expect(number(page, 'compare')).toHaveText(/%$/);
});

test('the leash: a lab that leaves the reader’s own models alone', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  const lab = page.getByTestId('leash-lab');
  await lab.locator('summary').click();
  await button(lab, 'No leash').click();
  await button(lab, 'Let it run').click();
  const chart = page.getByTestId('leash-chart');
  await expect(chart.locator('circle')).toHaveCount(3, { timeout: 3 * MINUTE });
  await expect(chart.locator('rect')).toHaveCount(3);
  await expect(button(lab, 'Let it run')).toBeEnabled({ timeout: MINUTE });
  await expect(page.getByTestId('tune-need')).toBeVisible();
});
