// Step 5 by each method: what it needs, what the trainer is asked for, what the page says of it; and the help on metrics.

import type { Locator, Page } from '@playwright/test';
import {
  button,
  choose,
  expect,
  listen,
  loadPack,
  number,
  open,
  ready,
  stored,
  takeInstructModel,
  test,
  trainReward,
  type Command,
  WHOLE,
} from './nudge';

const MINUTE = 60_000;
const SMALL = '?device=cpu&model=test&test=1&seed=1';
/** Known of old; what the trainer declares besides is held to the same. */
const REWARDS = ['ppo', 'grpo', 'rloo', 'reinforce', 'raft'];
const RANKINGS = ['dpo', 'kto', 'orpo'];

type Offered = { method: string; name: string };

/** The methods of the picker by what they say they need; best-of-n, which tunes nothing, left out. */
async function offered(page: Page): Promise<{ rewards: Offered[]; rankings: Offered[] }> {
  const options = page.getByTestId('method').locator('option');
  const all = await options.evaluateAll((all) =>
    all.map((one) => ({ method: (one as HTMLOptionElement).value, name: one.textContent!.trim() })),
  );
  const found: Awaited<ReturnType<typeof offered>> = { rewards: [], rankings: [] };
  for (const one of all.filter(({ method }) => method !== 'best_of')) {
    await choose(page, one.method);
    const does = await page.getByTestId('method-does').textContent();
    if (does!.includes('Needs a reward model')) found.rewards.push(one);
    else if (does!.includes('Needs rankings only')) found.rankings.push(one);
    else throw new Error(`${one.name} does not say what it needs: ${does}`);
  }
  expect(found.rewards.map(({ method }) => method)).toEqual(expect.arrayContaining(REWARDS));
  expect(found.rankings.map(({ method }) => method)).toEqual(expect.arrayContaining(RANKINGS));
  return found;
}

test('a method says what it needs, and no more', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  const need = page.getByTestId('tune-need');
  const { rewards, rankings } = await offered(page);

  for (const { method, name } of rewards) {
    await choose(page, method);
    await expect(need).toContainText('reward model');
    await expect(button(page, `Start ${name}`)).toBeDisabled();
    // Only what the trainer steers by the KL has the page's leash.
    if (REWARDS.includes(method)) await expect(page.getByTestId('leash')).toBeVisible();
    if (method === 'online_dpo') await expect(page.getByTestId('leash')).toHaveCount(0);
    await expect(page.getByTestId('effort')).toBeVisible();
  }
  for (const { method, name } of rankings) {
    await choose(page, method);
    await expect(need).toContainText('at least 5 rankings');
    await expect(button(page, `Start ${name}`)).toBeDisabled();
    await expect(page.getByTestId('leash')).toHaveCount(0);
    await expect(page.getByTestId('effort')).toHaveCount(0);
  }
  await choose(page, 'best_of');
  await expect(need).toContainText('reward model');
  await expect(page.getByTestId('compare-need')).toContainText('reward model');
  await expect(button(page, 'Go to the comparison')).toBeDisabled();

  await loadPack(page);
  for (const { method, name } of rankings) {
    await choose(page, method);
    await expect(need).toHaveCount(0);
    await expect(button(page, `Start ${name}`)).toBeEnabled();
    await expect(page.getByTestId('compare-need')).toContainText('tuned model');
  }
  await choose(page, 'rloo');
  await expect(need).toContainText('reward model');
});

test('each method asks the trainer for itself, with its own options', async ({ page }) => {
  test.setTimeout(8 * MINUTE);
  const sent = await listen(page);
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await trainReward(page, 2 * MINUTE);
  const { rewards, rankings } = await offered(page);
  await choose(page, 'ppo');
  // Long enough to be stopped; learning from rankings is short and goes to its end.
  await page.getByTestId('effort').selectOption('long');
  await page.getByTestId('leash').selectOption('tight');

  const started = async ({ method, name }: Offered): Promise<Command> => {
    await choose(page, method);
    await button(page, `Start ${name}`).click();
    await expect.poll(async () => (await sent()).at(-1)!.method).toBe(method);
    const command = (await sent()).at(-1)!;
    expect(command.command).toBe('tune');
    expect(command.policy).toBe('sft');
    expect(command.options.seed).toBe(1);
    return command;
  };

  const leash = { adaptive_kl: { target: 1.5, horizon: 64 } };
  for (const one of rewards) {
    const command = await started(one);
    const run = page.getByTestId('tune-run');
    await expect(run).toContainText(one.name);
    await expect(page.getByTestId('method')).toBeDisabled();
    await button(run, 'Stop').click();
    await expect(page.locator('#tune')).toContainText('Stopped', { timeout: MINUTE });
    expect(command.rewards).toEqual(['reward']);
    expect((command.prompts as string[]).length).toBeGreaterThan(10);
    expect(command.preferences).toEqual([]);
    expect(command.options).toEqual({
      seed: 1,
      episodes: 1920,
      batch_size: 64,
      lens: true,
      max_new_tokens: 16,
      gold_labeler: null,
      ...(REWARDS.includes(one.method) ? leash : {}),
      num_iterations: 1,
      num_mini_batches: 2,
    });
  }
  for (const one of rankings) {
    const command = await started(one);
    await expect(button(page, `Start ${one.name} again`)).toBeEnabled({ timeout: MINUTE });
    expect(command.preferences).toHaveLength(30);
    expect(command.preferences).toContainEqual(expect.objectContaining({ completions: expect.any(Array) }));
    expect(command.rewards).toEqual([]);
    expect(command.prompts).toEqual([]);
    expect(Object.keys(command.options).sort()).toEqual(['epochs', 'seed']);
  }
});

test('DPO pauses, outlives a reload, and its model keeps its name', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  const sent = await listen(page);
  await open(page, '?device=cpu&test=1&seed=1&method=dpo');
  await expect(page.getByTestId('method')).toHaveValue('dpo');
  await takeInstructModel(page, MINUTE);
  await loadPack(page);

  await button(page, 'Start DPO').click();
  const run = page.getByTestId('tune-run');
  await expect(run).toContainText(/Step [1-9]/, { timeout: MINUTE });
  await button(run, 'Pause').click();
  await expect(run).toHaveAttribute('data-status', 'paused', { timeout: MINUTE });
  await page.goto('/?device=cpu&test=1&seed=1');
  await ready(page);
  await expect(page.getByTestId('method')).toHaveValue('ppo');
  await expect(run).toContainText('DPO · Paused at step');
  await button(page, 'Continue training').click();
  await expect(run).toHaveCount(0, { timeout: 3 * MINUTE });
  expect((await sent()).map(({ command, method }) => [command, method])).toEqual([['tune', 'dpo']]);

  const step = page.locator('#tune');
  await expect(number(page, 'tune')).toHaveText(/^\d+%$/);
  await expect(step).toContainText('held-out pairs ordered');
  await expect(step.getByRole('img', { name: /^Loss and accuracy\. loss: \S+ → \S+; held-out accuracy: / })).toBeVisible();
  await expect(step.getByRole('img', { name: /^Margin/ })).toBeVisible();
  await expect(page.getByTestId('completions')).toHaveCount(0);
  await expect(page.getByTestId('tuned-by')).toContainText('trained with DPO');
  await expect(page.getByTestId('curves-of')).toContainText('with DPO');
  await expect(page.locator('#compare')).toContainText('Tuned with DPO, against');
  await expect(button(page, 'Start the blind test')).toBeEnabled();

  // The choice of a method is remembered; what was trained stays what it is.
  await choose(page, 'kto');
  await expect.poll(() => stored(page, 'method')).toBe('kto');
  await page.reload();
  await ready(page);
  await expect(page.getByTestId('method')).toHaveValue('kto');
  await expect(button(page, 'Start KTO')).toBeEnabled();
  await expect(page.getByTestId('tuned-by')).toContainText('trained with DPO');
  await expect(page.locator('#compare')).toContainText('Tuned with DPO, against');
  await choose(page, 'dpo');
  await expect(button(page, 'Start DPO again')).toBeEnabled();
  await expect(page.getByTestId('tuned-by')).toHaveCount(0);
});

test('the best of eight is judged blind without any training', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  const sent = await listen(page);
  await open(page, `${SMALL}&method=best_of`);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await trainReward(page, 2 * MINUTE);
  await expect(number(page, 'tune')).toHaveText('8');
  await expect(page.locator('#tune')).toContainText('No training, no curve');
  await button(page, 'Go to the comparison').click();
  await expect(page.locator('#compare-heading')).toBeInViewport();

  await button(page, 'Start the blind test').click();
  const blind = page.getByTestId('blind');
  await expect(blind).not.toContainText(/Tuned|Instruct|best of/i);
  for (let pair = 1; pair <= 10; pair++) {
    await expect(blind).toContainText(`Pair ${pair} of 10`, { timeout: MINUTE });
    await page.keyboard.press(pair === 1 ? 'ArrowLeft' : 'ArrowDown');
  }
  await expect(page.getByTestId('revealed').locator('li')).toHaveCount(10);
  await expect(page.getByTestId('revealed')).toContainText('Instruct, best of 8');
  await expect(page.locator('#compare').getByRole('figure', { name: /^Win rate/ })).toContainText('Instruct, best of 8, against Instruct');
  const asked = { command: 'compare', a: 'sft', b: 'sft', best_of_reward: 'reward' };
  expect((await sent()).at(-1)).toMatchObject({ ...asked, judge: { judge: 'person' }, options: { best_of: 8, seed: 1 } });

  await page.getByTestId('versus').selectOption('base');
  await button(page, /^Let the simulated labeler judge/).click();
  await expect(page.getByTestId('verdict-simulated')).toBeVisible({ timeout: 2 * MINUTE });
  await expect(page.locator('#compare').getByRole('figure', { name: /^Win rate/ })).toContainText('Instruct, best of 8, against Base');
  expect((await sent()).at(-1)).toMatchObject({ ...asked, b: 'base', judge: { judge: 'labeler' }, options: { best_of: 8 } });
  await page.reload();
  await ready(page);
  await expect(page.getByTestId('revealed')).toContainText('Instruct, best of 8');
});

/** Opens the help on a metric by keys and returns it. */
async function help(page: Page, step: Locator, label: RegExp): Promise<Locator> {
  const about = step.getByRole('button', { name: label });
  await about.focus();
  await page.keyboard.press('Enter');
  return page.getByRole('dialog');
}

test('the help on a metric opens and closes by keys', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, SMALL);
  const step = page.locator('#tune');
  const dialog = await help(page, step, /^What “KL”/);
  await expect(dialog).toBeVisible();
  await expect(dialog).toBeFocused();
  await expect(dialog).toHaveAccessibleName(/^KL objective\/kl$/);
  await expect(dialog).toContainText('KL of a whole completion in nats');
  await expect(dialog).toContainText('Healthy');
  await expect(dialog).toContainText('Otherwise');
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(step.getByRole('button', { name: /^What “KL”/ })).toBeFocused();
});

test('every help fits into a phone', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, SMALL);
  for (const method of ['reinforce', 'orpo']) {
    await choose(page, method);
    const abouts = page.getByRole('button', { name: /^What “/ });
    // One for each number and each curve that training measures: 1 in step 1, 2 in step 2, 3 in step 4, 4 in step 5.
    await expect(abouts).toHaveCount(10);
    for (const about of await abouts.all()) {
      await about.click();
      const dialog = page.getByRole('dialog');
      await expect(dialog).toContainText('Healthy');
      await expect(dialog).toBeInViewport({ ratio: WHOLE });
      const box = (await dialog.boundingBox())!;
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(390);
      await about.click();
      await expect(dialog).toHaveCount(0);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  }
});
