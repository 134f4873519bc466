// What every browser test shares: a page that must stay quiet and at home, and the steps a person clicks through.

import { test as base, expect, type Locator, type Page } from '@playwright/test';

/** A browser context whose console errors, exceptions and requests to other origins fail the test. */
export const test = base.extend({
  context: async ({ context, baseURL }, use) => {
    const complaints: string[] = [];
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => complaints.push(`exception: ${error.error().message}`));
    context.on('request', (request) => {
      const home = request.url().startsWith(baseURL!) || /^(blob|data):/.test(request.url());
      if (!home) complaints.push(`request to another origin: ${request.url()}`);
    });
    await use(context);
    expect(complaints).toEqual([]);
  },
});

export { expect };

/** As a share of an element in view: all of it, but for the fraction of a pixel that a browser cuts off. */
export const WHOLE = 0.99;

export const button = (page: Page | Locator, name: string | RegExp) => page.getByRole('button', { name, exact: true });
export const number = (page: Page, step: string) => page.getByTestId(`${step}-number`);

/** Opens the page and waits until the trainer runs and the base model is in. */
export async function open(page: Page, query: string): Promise<void> {
  await page.goto(`/${query}`);
  await ready(page);
}

export async function ready(page: Page): Promise<void> {
  await expect(page.getByTestId('device')).toHaveAttribute('data-kind', /cpu|webgpu/, { timeout: 240_000 });
  await expect(button(page, 'Take the built-in instruct model')).toBeEnabled({ timeout: 60_000 });
}

/** Step 2 at a click; the page then asks both models the same. */
export async function takeInstructModel(page: Page, timeout: number): Promise<void> {
  await button(page, 'Take the built-in instruct model').click();
  await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout });
  await idle(page, timeout);
}

/** Step 3 by a simulated labeler. */
export async function simulateRankings(page: Page, timeout: number): Promise<void> {
  await page.locator('#rank').getByTestId('labeler').selectOption('happier');
  await button(page, /^Let a simulated labeler rank/).click();
  await expect(number(page, 'rank')).toHaveText('30', { timeout });
  await expect(page.getByTestId('ranking-sources')).toContainText('30 SIMULATED');
}

/** Step 4. Returns the accuracy that the page shows, in percent. */
export async function trainReward(page: Page, timeout: number): Promise<number> {
  await button(page, 'Train the reward model').click();
  await expect(page.getByTestId('scores').locator('tbody tr')).toHaveCount(4, { timeout });
  return Number.parseFloat((await number(page, 'reward').textContent())!);
}

/** Presses the button behind the device's line. Returns the checks, all of them passed. */
export async function runAllChecks(page: Page, device: 'CPU' | 'GPU', timeout: number): Promise<Locator> {
  await page.getByText(`${device} check`, { exact: true }).click();
  await button(page, 'Run all checks').click();
  const checks = page.getByTestId('self-check').locator('tbody tr');
  await expect(checks).toHaveCount(35, { timeout });
  for (const check of await checks.all()) await expect(check).toHaveAttribute('data-ok', 'true');
  await expect(page.getByTestId('device')).toContainText('35 checks passed');
  return checks;
}

/** Whether a step's chart has numbers: its description names a first and a last one. */
export async function expectFiniteCurve(page: Page, step: string, title: string): Promise<void> {
  const chart = page.locator(`#${step}`).getByRole('img', { name: new RegExp(`^${title}\\.`) });
  await expect(chart).toHaveAccessibleName(/: −?\d+(\.\d+)? → −?\d+(\.\d+)?/);
}

export async function idle(page: Page, timeout: number): Promise<void> {
  await expect(button(page, 'Ask both')).toBeEnabled({ timeout });
}

/** The numbers of a verdict: rate and interval, in percent. */
export async function verdict(page: Page, who: 'person' | 'simulated', timeout: number): Promise<number[]> {
  const line = page.getByTestId(`verdict-${who}`);
  await expect(line).toBeVisible({ timeout });
  const numbers = (await line.textContent())!.match(/^(\d+)%, 95% interval (\d+)% to (\d+)%$/m);
  expect(numbers).not.toBeNull();
  return numbers!.slice(1).map(Number);
}

export type Command = Record<string, unknown> & { command: string; method?: string; options: Record<string, unknown> };

/** Writes down every command that the page sends to its worker. */
export async function listen(page: Page): Promise<() => Promise<Command[]>> {
  await page.addInitScript(() => {
    const sent: unknown[] = [];
    Object.assign(window, { sentCommands: sent });
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (this: Worker, ...given: unknown[]) {
      const message = given[0] as { kind?: string; command?: unknown };
      if (message.kind === 'run') sent.push(message.command);
      return Reflect.apply(post, this, given);
    };
  });
  return () => page.evaluate(() => (window as unknown as { sentCommands: Command[] }).sentCommands);
}

/** The method of step 5. */
export async function choose(page: Page, method: string): Promise<void> {
  await page.getByTestId('method').selectOption(method);
}

/** What the page has stored under a name. A reload may come before something that is still on its way. */
export async function stored(page: Page, name: string, database = 'nudge'): Promise<unknown> {
  return page.evaluate(
    ({ name, database }) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(database);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const asked = opening.result.transaction('notes').objectStore('notes').get(name);
          asked.onerror = () => reject(asked.error);
          asked.onsuccess = () => {
            opening.result.close();
            resolve(asked.result?.value);
          };
        };
      }),
    { name, database },
  );
}

/** Step 3 by a pack of rankings. */
export async function loadPack(page: Page): Promise<void> {
  await page.locator('#rank details').first().evaluate((details) => details.setAttribute('open', ''));
  await button(page, 'Load this pack').click();
  await expect(number(page, 'rank')).toHaveText('30');
}

/** From nothing to a model tuned by DPO on a pack of rankings. */
export async function tuneByDpo(page: Page, timeout: number): Promise<void> {
  await takeInstructModel(page, timeout);
  await loadPack(page);
  await choose(page, 'dpo');
  await button(page, 'Start DPO').click();
  await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout });
}
