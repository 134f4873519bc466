// The CPU: its checks at a press, and the whole loop with the built-in model, clicked through as a person would, with a
// reload in the middle of the training. Nothing is smaller than for a reader who chooses the quick PPO.

import { readFileSync } from 'node:fs';
import {
  button,
  expect,
  expectFiniteCurve,
  number,
  open,
  ready,
  runAllChecks,
  simulateRankings,
  takeInstructModel,
  test,
  trainReward,
  verdict,
} from './nudge';

const MINUTE = 60_000;

test('the CPU passes all checks, and goes on', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, '?device=cpu&model=test&test=1&seed=1');
  await runAllChecks(page, 'CPU', MINUTE);
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu');
  await expect(page.getByTestId('notices').locator('p')).toHaveCount(0);
  await takeInstructModel(page, MINUTE);
});

test('instruction tuning in the tab', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, '?device=cpu&model=test&test=1&seed=1');
  await button(page, 'Train it here on the built-in examples').click();
  await expect(page.getByTestId('sft-run')).toBeVisible();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: 2 * MINUTE });
  const loss = Number(await number(page, 'show').textContent());
  expect(loss).toBeGreaterThan(0);
  await expectFiniteCurve(page, 'show', 'Loss on the examples');
  await page.reload();
  await ready(page);
  await expect(number(page, 'show')).toHaveText(loss.toFixed(2));
  await expect(button(page, 'Ask both')).toBeEnabled();
});

test('base to comparison on the CPU', async ({ page }) => {
  test.setTimeout(14 * MINUTE);
  await open(page, '?device=cpu&seed=1');
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'cpu');

  await test.step('the base model continues a text', async () => {
    await button(page, 'Continue my text').click();
    await expect(page.getByTestId('base-output')).toContainText(/Once upon a time, a little fox found a key\..{10,}/s, {
      timeout: MINUTE,
    });
  });

  await test.step('the instruct model answers', () => takeInstructModel(page, MINUTE));
  await test.step('a simulated labeler ranks', () => simulateRankings(page, MINUTE));

  await test.step('rankings outlive a reload and leave as JSONL', async () => {
    await page.reload();
    await expect(number(page, 'rank')).toHaveText('30');
    await ready(page);
    const downloading = page.waitForEvent('download');
    await button(page, 'Export rankings (JSONL)').click();
    const lines = readFileSync(await (await downloading).path(), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(30);
    for (const line of lines) {
      const record = JSON.parse(line);
      expect(record.prompt).toBeTruthy();
      expect(record.completions).toHaveLength(4);
      expect(record.ranking.flat().sort()).toEqual([0, 1, 2, 3]);
      expect(record.labeler).toContain('happier');
    }
  });

  await test.step('the reward model learns the order', async () => {
    const accuracy = await trainReward(page, 4 * MINUTE);
    expect(accuracy).toBeGreaterThan(0);
    expect(accuracy).toBeLessThanOrEqual(100);
    await expectFiniteCurve(page, 'reward', 'Loss and accuracy');
  });

  await test.step('PPO pauses, outlives a reload, and goes on', async () => {
    await page.getByTestId('effort').selectOption('quick');
    await button(page, 'Start PPO').click();
    await expect(page.getByTestId('completions').locator('li').first()).toBeVisible({ timeout: MINUTE });
    await button(page, 'Pause').click();
    await expect(page.getByTestId('tune-run')).toHaveAttribute('data-status', 'paused', { timeout: MINUTE });
    await page.reload();
    await ready(page);
    await expect(page.getByTestId('tune-run')).toContainText('Paused at step');
    await button(page, 'Continue training').click();
    await expect(page.getByTestId('tune-run')).toHaveCount(0, { timeout: 4 * MINUTE });
    const kl = Number((await page.getByTestId('tune-kl').textContent())!.replace('−', '-'));
    expect(Number.isFinite(kl)).toBe(true);
    expect(kl).not.toBe(0);
    await expectFiniteCurve(page, 'tune', 'Reward');
  });

  await test.step('the simulated labeler judges', async () => {
    await button(page, /^Let the simulated labeler judge/).click();
    const [rate, low, high] = await verdict(page, 'simulated', 2 * MINUTE);
    expect(low).toBeLessThanOrEqual(rate!);
    expect(high).toBeGreaterThanOrEqual(rate!);
    expect(high! - low!).toBeGreaterThan(5);
  });

  await test.step('a person judges blind', async () => {
    await button(page, 'Start the blind test').click();
    const blind = page.getByTestId('blind');
    await expect(blind).not.toContainText(/Tuned|Instruct/);
    for (let pair = 1; pair <= 10; pair++) {
      await expect(blind).toContainText(`Pair ${pair} of 10`, { timeout: MINUTE });
      if (pair % 3 === 0) await button(blind, 'Equally good').click();
      else await page.keyboard.press(pair % 2 === 0 ? 'ArrowLeft' : 'ArrowRight');
    }
    const [rate, low, high] = await verdict(page, 'person', MINUTE);
    expect(low! <= rate! && rate! <= high!).toBe(true);
    await expect(page.locator('#compare')).toContainText('3 ties');
    await expect(page.getByTestId('revealed').locator('li')).toHaveCount(10);
  });

  await test.step('the tuned model leaves as a zip and comes back', async () => {
    const downloading = page.waitForEvent('download');
    await button(page, 'Export Tuned (zip)').click();
    const zip = await (await downloading).path();
    expect(readFileSync(zip).subarray(0, 2).toString()).toBe('PK');
    await page.getByLabel('Open a model (zip)').setInputFiles({
      name: 'nudge-policy.zip',
      mimeType: 'application/zip',
      buffer: readFileSync(zip),
    });
    await expect(page.getByTestId('notices')).toContainText('opened as the Tuned model');
  });

  await test.step('DPO learns from the same rankings, without the reward model', async () => {
    await page.getByTestId('method').selectOption('dpo');
    await button(page, 'Start DPO').click();
    await expect(page.getByTestId('tune-run')).toContainText('DPO');
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: 5 * MINUTE });
    await expectFiniteCurve(page, 'tune', 'Loss and accuracy');
    await expectFiniteCurve(page, 'tune', 'Margin: how clearly it prefers the better answer');
    const accuracy = Number.parseFloat((await number(page, 'tune').textContent())!);
    expect(accuracy).toBeGreaterThan(0);
    expect(accuracy).toBeLessThanOrEqual(100);
    await button(page, /^Let the simulated labeler judge/).click();
    await expect(page.locator('#compare').getByRole('figure', { name: /^Win rate/ })).toContainText('Tuned with DPO, against Instruct', { timeout: 2 * MINUTE });
  });
});
