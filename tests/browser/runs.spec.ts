// Every tuned model is a run: kept with what made it, chosen, compared with any other, deleted.

import type { Page } from '@playwright/test';
import { button, choose, expect, listen, loadPack, number, open, ready, takeInstructModel, test, verdict, type Command } from './nudge';

const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;

const run = (page: Page, id: number) => page.getByTestId(`run-${id}`);

async function tuneBy(page: Page, method: string, name: string): Promise<void> {
  await choose(page, method);
  await button(page, `Start ${name}`).click();
  await expect(button(page, `Start ${name} again`)).toBeEnabled({ timeout: MINUTE });
}

/** A small comparison may be over before anybody could see that the last verdict was gone: the command tells. */
async function judge(page: Page, commands: () => Promise<Command[]>): Promise<void> {
  const compared = async () => (await commands()).filter(({ command }) => command === 'compare').length;
  const before = await compared();
  await button(page, /^Let the simulated labeler judge/).click();
  await expect.poll(compared).toBe(before + 1);
  await expect(button(page, /^Let the simulated labeler judge/)).toBeEnabled({ timeout: MINUTE });
  await verdict(page, 'simulated', MINUTE);
}

test('two methods leave two runs, and any two models can be compared', async ({ page }) => {
  test.setTimeout(6 * MINUTE);
  const commands = await listen(page);
  const compared = async () => {
    const { a, b } = (await commands()).findLast(({ command }) => command === 'compare')!;
    return [a, b];
  };
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);

  await test.step('the first run is judged', async () => {
    await tuneBy(page, 'dpo', 'DPO');
    await judge(page, commands);
    expect(await compared()).toEqual(['policy', 'sft']);
    await expect(number(page, 'compare')).toHaveText(/%$/);
  });

  await test.step('the second one does not inherit its number', async () => {
    await tuneBy(page, 'simpo', 'SimPO');
    await expect(number(page, 'compare')).toHaveText('–');
    await expect(run(page, 1)).toContainText(/Win rate\s*\d+%/);
    await expect(run(page, 1)).toContainText(/Rankings\s*30/);
    await expect(run(page, 1)).toContainText(/KL\s*−?\d/);
    await expect(run(page, 2)).toContainText('not compared');
    await expect(run(page, 2)).toContainText('in use');
  });

  await test.step('they are compared with each other', async () => {
    await page.getByTestId('versus').selectOption({ label: 'Run 1: Tuned with DPO' });
    await judge(page, commands);
    expect(await compared()).toEqual(['policy', 'run-1']);
    await page.getByTestId('which-run').selectOption({ label: 'Run 1: Tuned with DPO' });
    await page.getByTestId('versus').selectOption({ label: 'Base (before everything)' });
    await judge(page, commands);
    expect(await compared()).toEqual(['run-1', 'base']);
  });

  await test.step('a new instruct model takes no run’s start away', async () => {
    await button(page, 'Train again here').click();
    await expect(button(page, 'Ask both')).toBeEnabled({ timeout: 2 * MINUTE });
    await expect(run(page, 2)).toContainText('Built-in instruct model');
    await page.getByTestId('which-run').selectOption({ label: 'Run 2: Tuned with SimPO' });
    await page.getByTestId('versus').selectOption({ label: 'Built-in instruct model' });
    await judge(page, commands);
    expect(await compared()).toEqual(['policy', 'sft@0']);
  });

  await test.step('a trained start stays, too', async () => {
    await tuneBy(page, 'dpo', 'DPO');
    await button(page, /^Train (it|again) here$|^Train again here$/).click();
    await expect(run(page, 3)).toContainText('Instruct, as it was when the run began', { timeout: 2 * MINUTE });
    await expect(button(page, 'Ask both')).toBeEnabled({ timeout: 2 * MINUTE });
    await page.getByTestId('which-run').selectOption({ label: 'Run 3: Tuned with DPO' });
    await page.getByTestId('versus').selectOption({ label: 'Instruct, as it was when the run began' });
    await judge(page, commands);
    expect((await compared())[1]).toMatch(/^sft@\d{13}$/);
  });

  await test.step('a reload brings all of them back; one is chosen, one deleted', async () => {
    await page.reload();
    await ready(page);
    await expect(run(page, 3)).toContainText('in use');
    await button(page, 'Use: Run 1: Tuned with DPO').click();
    await expect(run(page, 1)).toContainText('in use');
    await button(run(page, 2), 'Delete').click();
    await button(run(page, 2), 'Really delete this run').click();
    await expect(run(page, 2)).toHaveCount(0);
    await page.reload();
    await ready(page);
    await expect(run(page, 1)).toContainText('in use');
    await expect(page.getByTestId('runs').locator('li')).toHaveCount(2);
  });
});
