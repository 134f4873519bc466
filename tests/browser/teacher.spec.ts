// The teacher's page: links and their QR codes, links that are not as they were made, the presenter's layout, a class.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { button, expect, number, test } from './nudge';

const MINUTE = 60_000;
const RUNS = '&device=cpu&model=test&test=1';

const problems = (page: Page) => page.getByTestId('link-problems');
const link = async (page: Page) => new URL(await page.getByTestId('link').inputValue());

/** The link that the page makes of these choices. */
async function make(page: Page, choices: Record<string, string>): Promise<URL> {
  await page.goto('/?teacher');
  for (const [name, value] of Object.entries(choices)) await page.getByTestId(`choose-${name}`).selectOption(value);
  return link(page);
}

test('a link says what was chosen, as text and as a QR code, and opens as such', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await make(page, { lesson: 'reward', labeler: 'shorter', pack: 'dialogue', method: 'grpo' });
  const before = await page.getByTestId('qr').locator('path').getAttribute('d');
  await page.getByLabel('Seed').fill('x');
  await expect(page.getByText('A seed is a whole number from 0.')).toBeVisible();
  await expect(page.getByTestId('link')).toHaveCount(0);
  await page.getByLabel('Seed').fill('7');
  for (const part of ['3 Rank', '4 Reward', '5 Tune']) await page.getByLabel(part).check();
  const made = await link(page);
  expect(Object.fromEntries(made.searchParams)).toMatchObject({
    lesson: 'reward', labeler: 'shorter', pack: 'dialogue', method: 'grpo', seed: '7', show: 'rank.reward.tune', v: '1',
  });
  expect(await page.getByTestId('qr').locator('path').getAttribute('d')).not.toBe(before);

  await page.goto(`${made.href}${RUNS}`);
  await expect(page.locator('main > section')).toHaveCount(3);
  await expect(problems(page)).toHaveCount(0);
  await expect(page.getByTestId('method')).toHaveValue('grpo', { timeout: MINUTE });
  await expect(page.locator('#rank').getByTestId('labeler')).toHaveValue('shorter', { timeout: MINUTE });
  // The lesson needs rankings: they are those of the pack.
  await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
  await expect(page.getByTestId('lesson')).toContainText('Reward models and their faults');
});

test('a link that was changed, is newer, or asks for what is gone says so and opens the rest', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  const made = await make(page, { lesson: 'base', labeler: 'shorter', pack: 'dialogue' });
  const opened = async (change: (said: URLSearchParams) => void) => {
    const changed = new URL(made);
    change(changed.searchParams);
    await page.goto(`${changed.href}${RUNS}`);
    await expect(page.locator('main > section').first()).toBeVisible();
  };
  await opened(() => {});
  await expect(problems(page)).toHaveCount(0);

  await opened((said) => said.set('seed', '2'));
  await expect(problems(page)).toContainText('not as it was made');
  await expect(page.getByTestId('lesson')).toContainText('Lesson 1');
  await button(page, 'All right').click();
  await expect(problems(page)).toHaveCount(0);

  await opened((said) => said.delete('sum'));
  await expect(problems(page)).toContainText('not as it was made');

  await opened((said) => said.set('v', '2'));
  await expect(problems(page)).toContainText('made by a newer version');
  await expect(problems(page)).not.toContainText('not as it was made');
  await expect(page.getByTestId('lesson')).toContainText('Lesson 1');

  await opened((said) => said.set('pack', 'politeness'));
  await expect(problems(page)).toContainText('“dialogue” has taken its place');

  await opened((said) => said.set('pack', 'pirates'));
  await expect(problems(page)).toContainText('The pack of rankings “pirates” is not here any more.');

  await opened((said) => {
    for (const [name, value] of Object.entries({ lesson: 'latin', method: 'magic', labeler: 'grim', seed: '-1', show: 'rank.attic' })) said.set(name, value);
  });
  for (const what of ['lesson “latin”', 'method “magic”', 'taste “grim”', '“-1” is not a seed', 'called “attic”']) {
    await expect(problems(page)).toContainText(what);
  }
  await expect(page.getByTestId('lesson')).toHaveCount(0);
  await expect(page.locator('main > section')).toHaveCount(1);
  // Step 2 is not on the page, and nothing waits for it.
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
});

test('a presenter’s page is large and has fewer controls', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.goto(`/?lesson=rankings&present${RUNS}`);
  await expect(page.getByTestId('lesson')).toBeVisible();
  const size = (selector: string) => page.locator(selector).first().evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
  // The lesson hides steps while the page comes up: what is measured may be gone a moment later.
  await expect.poll(() => size('[data-testid="lesson"] legend')).toBeGreaterThanOrEqual(28);
  await expect.poll(() => size('main h2')).toBeGreaterThanOrEqual(40);
  await expect(button(page, 'Export rankings (JSONL)')).toBeHidden();
  await expect(page.locator('footer')).toBeHidden();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1920);
});

const VERDICT = { wins: 6, ties: 1, losses: 3, win_rate: 0.65, low: 0.4, high: 0.84, simulated: false };
const RESULT = {
  nudge: 'lesson-result', version: 1, lesson: 'rankings', id: 'a1', before: 'facts', after: 'easier', taste: 'shorter', method: 'dpo', seed: 7,
  verdict: VERDICT,
};
const file = (name: string, content: unknown) => ({
  name,
  mimeType: 'application/json',
  buffer: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
});

/** A class of three, and everything that does not belong to it. */
const FILES = [
  file('one.json', RESULT),
  file('two.json', { ...RESULT, id: 'a2', before: 'agreement', after: 'facts', verdict: null, method: null }),
  file('three.json', { ...RESULT, id: 'a3', before: 'easier', verdict: { ...VERDICT, simulated: true } }),
  file('copy of one.json', RESULT),
  file('base.json', { ...RESULT, id: 'a4', lesson: 'base', before: 'answers', after: 'continues' }),
  file('half.json', JSON.stringify(RESULT).slice(0, 40)),
  file('list.json', []),
  file('null.json', 'null'),
  file('no answer.json', { ...RESULT, id: 'a5', after: 'banana' }),
  file('wild.json', { ...RESULT, id: 'a6', verdict: { ...VERDICT, win_rate: 7 } }),
  file('later.json', { ...RESULT, id: 'a7', version: 2 }),
];

test('a class’s files become one picture and a table; the others are named', async ({ page }) => {
  await page.goto('/?teacher');
  await page.getByLabel('Choose result files').setInputFiles(FILES);
  await expect(page.getByRole('heading', { name: 'Why rankings: 3 results' })).toBeVisible();
  const left = page.getByTestId('left-out').locator('li');
  await expect(left).toHaveText([
    'copy of one.json: the same result as in one.json',
    'base.json: of another lesson: What a base model is',
    'half.json: not a result file of a lesson, or not whole',
    'list.json: not a result file of a lesson, or not whole',
    'null.json: not a result file of a lesson, or not whole',
    'no answer.json: not a result file of a lesson, or not whole',
    'wild.json: not a result file of a lesson, or not whole',
    'later.json: made by a newer version of this page',
  ]);
  const bars = (answer: string) => page.getByTestId('class-picture').locator(`[data-answer=${answer}]`);
  await expect(bars('easier')).toHaveAccessibleName('1 of 3 before, 2 of 3 after');
  await expect(bars('facts')).toHaveAccessibleName('1 of 3 before, 1 of 3 after');
  await expect(bars('reading')).toHaveAccessibleName('0 of 3 before, 0 of 3 after');
  const rows = page.getByTestId('class-table').locator('tbody tr');
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(0)).toContainText('65%');
  await expect(rows.nth(0)).toContainText('DPO');
  await expect(rows.nth(2)).toContainText('SIMULATED');

  await test.step('a file that is dropped joins them', async () => {
    const dropped = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'four.json', { type: 'application/json' }));
      return transfer;
    }, JSON.stringify({ ...RESULT, id: 'a8' }));
    await page.getByTestId('drop').dispatchEvent('drop', { dataTransfer: dropped });
    await expect(rows).toHaveCount(4);
  });
  await button(page, 'Start anew').click();
  await expect(page.getByTestId('class-table')).toHaveCount(0);
  await page.getByLabel('Choose result files').setInputFiles(FILES.slice(4, 5));
  await expect(page.getByRole('heading', { name: 'What a base model is: 1 result' })).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on the teacher’s page, ${colorScheme}, and it fits 320 px`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/?teacher');
    await page.getByLabel('Choose result files').setInputFiles(FILES);
    await expect(page.getByTestId('class-table')).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
}
