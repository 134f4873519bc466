// What once went wrong on the page, each so that it shows where it comes back.

import { button, expect, listen, loadPack, number, open, ready, stored, takeInstructModel, test } from './nudge';

const MINUTE = 60_000;
const SMALL = '?device=cpu&model=test&test=1&seed=1';

test.beforeEach(() => test.setTimeout(4 * MINUTE));

/** A tuned model as fast as it can be had. */
async function tuned(page: import('@playwright/test').Page, method = 'dpo') {
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await page.getByTestId('method').selectOption(method);
  await button(page, /^Start DPO/).click();
  await expect(button(page, 'Start the blind test')).toBeEnabled({ timeout: 2 * MINUTE });
}

/** The ways to rankings without ranking, which close once there are some. */
async function openWays(page: import('@playwright/test').Page) {
  await page.getByText('No time to rank?').locator('..').evaluate((details) => details.setAttribute('open', ''));
}

async function judgeAll(page: import('@playwright/test').Page): Promise<string[]> {
  const prompts: string[] = [];
  const blind = page.getByTestId('blind');
  for (let pair = 1; pair <= 10; pair++) {
    await expect(blind).toContainText(`Pair ${pair} of 10`, { timeout: MINUTE });
    prompts.push((await blind.locator('.prompt').textContent())!);
    await button(blind, 'Equally good').click();
  }
  await expect(page.getByTestId('revealed')).toBeVisible();
  return prompts;
}

test('a second blind test asks other prompts, and what a press made comes into view', async ({ page }) => {
  const commands = await listen(page);
  await tuned(page);
  await button(page, 'Start the blind test').click();
  await expect(page.getByTestId('blind')).toBeInViewport();
  const first = await judgeAll(page);
  await button(page, 'Start a new blind test').click();
  const second = await judgeAll(page);
  expect(first.filter((prompt) => second.includes(prompt))).toEqual([]);
  const seeds = (await commands()).filter(({ command }) => command === 'compare').map(({ options }) => options.seed);
  expect(new Set(seeds).size).toBe(2);
  await button(page, /^Let the simulated labeler judge/).click();
  await expect(page.getByTestId('verdict-simulated')).toBeInViewport({ timeout: MINUTE });

  await test.step('a verdict does not outlive the model that it is about', async () => {
    await expect(number(page, 'compare')).toHaveText('50%');
    await button(page, 'Start DPO again').click();
    await expect(number(page, 'compare')).toHaveText('–', { timeout: MINUTE });
    await expect(page.locator('nav a[href="#compare"] .hidden')).toHaveText('ready');
    await page.reload();
    await ready(page);
    await expect(number(page, 'compare')).toHaveText('–');
  });
});

test('a run that is cut short before its first checkpoint is offered again, and how long is remembered', async ({ page }) => {
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await button(page, 'Train the reward model').click();
  await expect(button(page, 'Start PPO')).toBeEnabled({ timeout: 2 * MINUTE });
  await page.getByTestId('method').selectOption('grpo');
  await page.getByTestId('effort').selectOption('long');
  await expect.poll(() => stored(page, 'pace')).toMatchObject({ effort: 'long' });
  await button(page, 'Start GRPO').click();
  await expect(page.getByTestId('tune-run')).toBeVisible();
  await page.reload();
  await ready(page);
  await expect(page.getByTestId('effort')).toHaveValue('long');
  const run = page.getByTestId('tune-run');
  await expect(run).toHaveAttribute('data-status', 'paused');
  await expect(page.locator('nav a[href="#tune"] .hidden')).toHaveText('ready');
  await button(page, 'Continue training').click();
  await expect(run).toContainText(/Step [1-9]/, { timeout: MINUTE });
  await button(run, 'Stop').click();
  await expect(page.locator('#tune')).toContainText('Stopped. Nothing was changed.');
});

test('rankings beyond the target are counted, not set against it', async ({ page }) => {
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await openWays(page);
  await button(page, 'Load this pack').click();
  await expect(number(page, 'rank')).toHaveText('60');
  await expect(page.locator('#rank')).not.toContainText('60 of 30');
  await expect(page.locator('#rank')).not.toContainText('of 30 rankings');
  await expect(page.locator('nav a[href="#rank"]')).not.toContainText('/');
});

test('a simulated labeler ranks what is missing', async ({ page }) => {
  await open(page, SMALL);
  await takeInstructModel(page, MINUTE);
  const board = page.locator('#rank').getByTestId('board');
  await button(page, 'Show me four answers').click();
  for (const count of ['1', '2']) {
    await expect(board.locator('..').getByRole('button', { name: 'Store this ranking' })).toBeEnabled({ timeout: MINUTE });
    await board.locator('..').getByRole('button', { name: 'Store this ranking' }).click();
    await expect(number(page, 'rank')).toHaveText(count);
  }
  await expect(page.getByTestId('rank-said')).toHaveText('Stored. 2 rankings.');
  await openWays(page);
  await page.locator('#rank').getByTestId('labeler').selectOption('shorter');
  await button(page, 'Let a simulated labeler rank 28 for me').click();
  await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
  await expect(page.getByTestId('rank-said')).toHaveText('');
});

test('a file that misses its place opens nothing, one on a button is taken', async ({ page }) => {
  await open(page, SMALL);
  const drop = (selector: string, name: string, text: string) =>
    page.locator(selector).first().evaluate(
      (target, [name, text]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text!], name!));
        const event = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer });
        target.dispatchEvent(event);
        return event.defaultPrevented;
      },
      [name, text],
    );
  expect(await drop('h1', 'rankings.jsonl', '{}')).toBe(true);
  await expect(page.getByTestId('notices')).toContainText('Nothing was opened');
  const pair = JSON.stringify({ prompt: 'Hi.', chosen: 'A dog ran.', rejected: 'No.' });
  expect(await drop('#rank label.button:has-text("Import rankings")', 'pairs.jsonl', `${pair}\n`)).toBe(true);
  await expect(number(page, 'rank')).toHaveText('1');
});

test('a problem is told in one sentence, leaves by a key, and leaves by itself', async ({ page }) => {
  await page.clock.install();
  await open(page, SMALL);
  const wrong = () =>
    page.getByLabel('Import rankings').setInputFiles({ name: 'empty.jsonl', mimeType: 'text/plain', buffer: Buffer.from('') });
  const notice = page.getByTestId('notices').locator('p');
  await wrong();
  await expect(notice).toContainText('holds no ranking. Nothing was imported.');
  await page.keyboard.press('Escape');
  await expect(notice).toHaveCount(0);
  await wrong();
  await expect(notice).toHaveCount(1);
  await page.clock.fastForward(26_000);
  await expect(notice).toHaveCount(0);
});

test('every wait has an end in sight', async ({ page }) => {
  const said: string[] = [];
  await page.exposeFunction('say', (text: string) => said.push(text));
  await page.addInitScript(() =>
    new MutationObserver(() => {
      const line = document.querySelector('[data-testid="device"]')?.textContent;
      if (line) (window as unknown as { say(text: string): void }).say(line.trim());
    }).observe(document, { subtree: true, childList: true, characterData: true }),
  );
  await open(page, SMALL);
  const loading = said.filter((line) => line.startsWith('Loading the trainer'));
  for (const line of loading) expect(line).toMatch(/: [\d.]+ MB of [\d.]+ MB/);
});

test('a second taste learns from its own rankings, not from those of the first', async ({ page }) => {
  const commands = await listen(page);
  await open(page, SMALL);
  const quick = page.locator('#quick');
  const learnt: { of: string[]; count: number }[] = [];
  for (const taste of [/cheerful/, /short/]) {
    await quick.getByRole('button', { name: taste }).click();
    await expect(page.locator('#rank').getByTestId('board')).toBeVisible({ timeout: MINUTE });
    await button(quick, 'Let the rule rank all of them').click();
    await expect(quick).toHaveAttribute('data-stage', 'seen', { timeout: 4 * MINUTE });
    const { preferences } = (await commands()).findLast(({ command }) => command === 'tune')! as unknown as { preferences: { labeler: string }[] };
    learnt.push({ of: [...new Set(preferences.map(({ labeler }) => labeler))], count: preferences.length });
    await button(quick, 'Pick another taste').click();
  }
  await expect(number(page, 'rank')).toHaveText('60');
  expect(learnt.map(({ count }) => count)).toEqual([30, 30]);
  expect(learnt[0]!.of).toHaveLength(1);
  expect(learnt[1]!.of).toHaveLength(1);
  expect(learnt[1]!.of).not.toEqual(learnt[0]!.of);
});
