// The page as such: what stands there at once, widths, colours, the device's reason, what steps need.

import { button, expect, open, test } from './nudge';

test('an example to rank stands there before any model is loaded', async ({ page }) => {
  await page.route(/\.(wasm|safetensors)$/, () => {}); // never answered
  await page.goto('/');
  const example = page.getByTestId('example');
  await expect(example).toBeInViewport({ timeout: 2000 });
  await expect(example).toContainText('Written for this page');
  await expect(example.getByTestId('board').locator('[data-item]')).toHaveCount(4);
  await expect(page.getByRole('navigation').getByRole('link')).toHaveCount(6);
});

test('steps that are not reached say what they need', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu');
  await expect(page.getByTestId('rank-need')).toContainText('step 2');
  for (const name of ['Show me four answers', 'Train the reward model', 'Start PPO', 'Start the blind test']) {
    await expect(button(page, name)).toBeDisabled();
  }
});

test('without a GPU the page says so and uses the CPU', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=webgpu');
  const device = page.getByTestId('device');
  await expect(device).toHaveAttribute('data-kind', 'cpu');
  await expect(device).toContainText(/no GPU|no WebGPU/);
});

test('a worker that dies is replaced, with its models', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?test=1');
  await page.workers()[0]!.evaluate(() => setTimeout(() => { throw new Error('a made-up crash'); }));
  await expect(page.getByTestId('notices')).toContainText('a made-up crash');
  const device = page.getByTestId('device');
  await expect(device).toContainText('stopped working');
  await expect(device).not.toContainText('GPU');
  await button(page, 'Continue my text').click();
  await expect(page.getByTestId('base-output')).toContainText(/found a key\..{10,}/s, { timeout: 60_000 });
});

test('a teacher’s address chooses the labeler', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '?device=cpu&labeler=shorter');
  await expect(page.locator('#rank').getByTestId('labeler')).toHaveValue('shorter');
});

for (const width of [320, 360, 390, 768, 1280]) {
  test(`nothing is wider than the window at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.goto('/?device=cpu');
    await expect(page.getByTestId('example')).toBeVisible();
    await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
    const widest = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(widest).toBeLessThanOrEqual(width);
  });
}

test('dark follows the system, and the reader can overrule it', async ({ page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/?device=cpu');
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.getByTestId('theme').selectOption('light');
  expect(await background()).toBe(light);
  await page.reload();
  expect(await background()).toBe(light);
});

test('every control has a name', async ({ page }) => {
  await page.goto('/?device=cpu');
  await expect(page.getByTestId('example')).toBeVisible();
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, select, textarea, input')]
      .filter((control) => {
        const labels = (control as HTMLInputElement).labels;
        const named = control.getAttribute('aria-label') || control.textContent?.trim() || labels?.length;
        return !named;
      })
      .map((control) => control.outerHTML),
  );
  expect(nameless).toEqual([]);
});
