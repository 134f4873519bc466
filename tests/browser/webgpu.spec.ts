// The same loop on WebGPU with a model of test size, on Chromium's emulated GPU.

import {
  button,
  expect,
  expectFiniteCurve,
  open,
  runAllChecks,
  simulateRankings,
  takeInstructModel,
  test,
  trainReward,
  verdict,
} from './nudge';

const MINUTE = 60_000;

test('base to comparison on WebGPU', async ({ page }) => {
  test.setTimeout(20 * MINUTE);
  await open(page, '?device=webgpu&model=test&test=1&seed=1');

  await test.step('the GPU computes what the CPU computes', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'webgpu');
    await expect(page.getByTestId('device')).toContainText('7 checks passed');
    const checks = await runAllChecks(page, 'GPU', 3 * MINUTE);
    const name = page.getByRole('cell', { name: '✓ training step: loss', exact: true });
    const loss = await checks.filter({ has: name }).getByRole('cell').nth(1).textContent();
    expect(Math.abs(Number(loss))).toBeLessThanOrEqual(1e-3);
  });

  await test.step('the instruct model answers', () => takeInstructModel(page, 3 * MINUTE));
  await test.step('a simulated labeler ranks', () => simulateRankings(page, 4 * MINUTE));

  await test.step('the reward model trains', async () => {
    const accuracy = await trainReward(page, 6 * MINUTE);
    expect(accuracy).toBeGreaterThan(0);
    await expectFiniteCurve(page, 'reward', 'Loss and accuracy');
  });

  await test.step('PPO trains', async () => {
    await page.getByTestId('effort').selectOption('quick');
    await button(page, 'Start PPO').click();
    await expect(page.getByTestId('tune-run')).toBeVisible();
    await expect(page.getByTestId('tune-run')).toHaveCount(0, { timeout: 8 * MINUTE });
    await expectFiniteCurve(page, 'tune', 'Reward');
    await expectFiniteCurve(page, 'tune', 'KL: distance from step 2');
  });

  await test.step('the simulated labeler judges', async () => {
    await button(page, /^Let the simulated labeler judge/).click();
    await verdict(page, 'simulated', 4 * MINUTE);
  });

  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', 'webgpu');
});

test('a GPU that is lost is said to be lost, and the CPU goes on', async ({ page }) => {
  test.setTimeout(10 * MINUTE);
  // Notes down the devices that the worker opens, to destroy them while it trains.
  page.on('worker', (worker) => {
    const noting = worker.evaluate(() => {
      type Open = (this: unknown, ...given: unknown[]) => Promise<{ destroy(): void }>;
      const scope = globalThis as unknown as { GPUAdapter: { prototype: { requestDevice: Open } }; opened: object[] };
      scope.opened = [];
      const open = scope.GPUAdapter.prototype.requestDevice;
      scope.GPUAdapter.prototype.requestDevice = async function (...given) {
        const device = await open.apply(this, given);
        scope.opened.push(device);
        return device;
      };
    });
    // A thread of the trainer has no time for it.
    noting.catch(() => {});
  });
  await open(page, '?device=webgpu&model=test&test=1&seed=1');
  const device = page.getByTestId('device');
  await expect(device).toHaveAttribute('data-kind', 'webgpu');
  await button(page, 'Train it here on the built-in examples').click();
  await expect(page.getByTestId('sft-run')).toContainText(/checkpoint at step \d+/, { timeout: 3 * MINUTE });
  const destroyed = await page.workers()[0]!.evaluate(() => {
    const { opened } = globalThis as unknown as { opened: { destroy(): void }[] };
    opened.forEach((one) => one.destroy());
    return opened.length;
  });
  expect(destroyed).toBeGreaterThan(0);
  await expect(device).toHaveAttribute('data-kind', 'cpu', { timeout: 2 * MINUTE });
  await expect(device).toContainText('the GPU stopped working');
  await expect(page.getByTestId('notices')).toContainText('the GPU was lost');
  await expect(page.getByTestId('sft-run')).toHaveAttribute('data-status', 'paused');
  await button(page, 'Continue training').click();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: 2 * MINUTE });
});
