// Lessons: each from its question to its end by doing what it asks; the reader's own work beside them; the handouts.

import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { button, expect, loadPack, number, open, takeInstructModel, test } from './nudge';

const MINUTE = 60_000;
const RUNS = '&device=cpu&model=test&test=1&seed=1';

const lesson = (page: Page): Locator => page.getByTestId('lesson');
const status = (page: Page): Locator => page.getByTestId('lesson-status');

/** Opens a lesson that was not begun and answers its question. */
async function begin(page: Page, name: string, guess: RegExp): Promise<void> {
  await page.goto(`/?lesson=${name}${RUNS}`);
  await expect(page.getByTestId('device')).toHaveCount(0);
  await answer(page, guess);
}

async function answer(page: Page, choice: RegExp): Promise<void> {
  const press = button(lesson(page), 'That is my answer');
  await expect(press).toBeDisabled();
  await lesson(page).getByRole('radio', { name: choice }).check();
  await expect(press).toBeEnabled({ timeout: MINUTE });
  await press.click();
}

/** A step: it waits, the reader does it, it says what there is to see, and goes on when told. */
async function step(page: Page, title: string, act: () => Promise<void>, timeout = MINUTE): Promise<void> {
  await test.step(title, async () => {
    await expect(lesson(page).getByRole('heading', { name: title })).toBeFocused();
    await expect(status(page)).toContainText('Waits until you have done it', { timeout: MINUTE });
    await expect(button(lesson(page), 'Go on')).toBeDisabled();
    await act();
    await expect(status(page)).toContainText('Done.', { timeout });
    await button(lesson(page), 'Go on').click();
  });
}

async function finish(page: Page, choice: RegExp): Promise<void> {
  await expect(lesson(page)).toHaveAttribute('data-place', 'after');
  await answer(page, choice);
  await expect(lesson(page)).toHaveAttribute('data-place', 'end');
  await expect(page.getByTestId('learnt').locator('li')).toHaveCount(3);
}

async function result(page: Page): Promise<Record<string, unknown>> {
  const downloading = page.waitForEvent('download');
  await button(lesson(page), 'Save my result (a small file)').click();
  return JSON.parse(readFileSync(await (await downloading).path(), 'utf8')) as Record<string, unknown>;
}

async function write(page: Page): Promise<void> {
  const press = button(page, 'Continue my text');
  await expect(press).toBeEnabled({ timeout: MINUTE });
  await press.click();
  await expect(press).toBeEnabled({ timeout: MINUTE });
}

test('what a base model is', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await begin(page, 'base', /looks the answer up/);
  await expect(page.locator('main > section')).toHaveCount(1);
  await step(page, 'Let it write', () => write(page));
  await step(page, 'Ask it something', async () => {
    await write(page);
    await expect(status(page)).toContainText('Waits');
    await page.getByLabel('A beginning').fill('What is your name?');
    await write(page);
  });
  await step(page, 'Look at its guesses', async () => {
    const tokens = page.getByTestId('next-tokens').getByRole('option');
    await tokens.first().focus();
    await page.keyboard.press('ArrowRight');
    await expect(status(page)).toContainText('2 of 3');
    await page.keyboard.press('ArrowRight');
  });
  await step(page, 'Turn the temperature down', async () => {
    await page.getByTestId('temperature').fill('0.2');
    await write(page);
    await expect(status(page)).toContainText('1 of 2');
    await write(page);
  });
  await step(page, 'Turn it up', async () => {
    await page.getByTestId('temperature').fill('1.6');
    await write(page);
  });
  await finish(page, /goes on writing/);
  await expect(page.getByTestId('lesson-verdict')).toHaveText('You changed your mind, and it fits.');
  const { id, ...said } = await result(page);
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(said).toMatchObject({
    nudge: 'lesson-result', version: 1, lesson: 'base', before: 'searches', after: 'continues', seed: 1, method: null, verdict: null,
  });

  await button(lesson(page), 'Start this lesson over').click();
  await button(lesson(page), 'Really start over: what you made in it is deleted').click();
  await expect(lesson(page)).toHaveAttribute('data-place', 'before', { timeout: MINUTE });
  await answer(page, /goes on writing/);
  await expect(lesson(page).getByRole('heading', { name: 'Let it write' })).toBeVisible();
});

test('demonstrations', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await begin(page, 'demonstrations', /manner of the examples/);
  await step(page, 'A request to the base model', () => write(page));
  await step(page, 'The same model, with examples', () => button(page, 'Take the built-in instruct model').click());
  for (const title of ['Ask both yourself', 'Ask for something else']) {
    await step(page, title, async () => {
      await expect(button(page, 'Ask both')).toBeEnabled({ timeout: MINUTE });
      await page.getByLabel('Ask both models the same').fill('What is seven times eight?');
      await button(page, 'Ask both').click();
    });
  }
  await step(page, 'Watch it being trained', async () => {
    await expect(button(page, 'Train again here')).toBeEnabled({ timeout: MINUTE });
    await button(page, 'Train again here').click();
  });
  await finish(page, /manner of the examples/);
  await expect(page.getByTestId('lesson-verdict')).toHaveText('You said the same before and after, and it fits.');
});

test('why rankings', async ({ page }) => {
  test.setTimeout(6 * MINUTE);
  await begin(page, 'rankings', /easier to say/);
  const quick = page.locator('#quick');
  await step(page, 'Choose a taste', () => quick.getByRole('button', { name: /short/ }).click());
  await step(page, 'Rank five', async () => {
    const store = page.locator('#rank').getByRole('button', { name: 'Store this ranking' });
    for (let count = 1; count <= 5; count++) {
      await expect(store).toBeEnabled({ timeout: MINUTE });
      await store.click();
      await expect(number(page, 'rank')).toHaveText(`${count}`);
    }
  });
  await step(page, 'Let it learn', () => button(quick, /^Let the rule rank the other 25/).click(), 4 * MINUTE);
  await step(page, 'Judge it blind', async () => {
    await button(page, 'Start the blind test').click();
    await button(page.getByTestId('blind'), 'Equally good').click({ timeout: MINUTE });
    await button(page, 'Reveal now').click();
  });
  await finish(page, /ranks the same way/);
  await expect(page.getByTestId('lesson-verdict')).toHaveText(/You changed your mind. Read on/);
  const said = await result(page);
  expect(said).toMatchObject({ lesson: 'rankings', taste: 'shorter', method: 'dpo', verdict: { win_rate: 0.5, ties: 1, simulated: false } });
});

test('reward models and their faults', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  await begin(page, 'reward', /What it says is true/);
  await step(page, 'Train one', async () => {
    await expect(button(page, 'Train the reward model')).toBeEnabled({ timeout: MINUTE });
    await button(page, 'Train the reward model').click();
  }, 2 * MINUTE);
  const score = async (answer: string): Promise<number> => {
    await page.getByTestId('score-answer').fill(answer);
    await expect(button(page, 'Score it')).toBeEnabled({ timeout: MINUTE });
    await button(page, 'Score it').click();
    await expect(page.getByTestId('words').locator('span')).toHaveCount(answer.split(' ').length, { timeout: MINUTE });
    await expect(button(page, 'Score it')).toBeEnabled({ timeout: MINUTE });
    return Number((await page.getByTestId('score').textContent())!.replace('Score ', '').replace('−', '-'));
  };
  let first = 0;
  await step(page, 'Score an answer of yours', async () => void (first = await score('A dog found a ball.')));
  await step(page, 'Fool it', async () => {
    for (let tries = 1; tries < 12; tries += 1) {
      const found = await score(`dog ${'ball happy '.repeat(tries)}.`);
      if (found > first) return;
      await expect(status(page)).toContainText('Waits');
      if ((await score(Array(tries + 1).fill('the').join(' '))) > first) return;
    }
  });
  await step(page, 'See where it errs', () => button(page, 'See where it errs').click());
  await finish(page, /ranked high also had/);
});

test('the leash', async ({ page }) => {
  test.setTimeout(8 * MINUTE);
  await begin(page, 'leash', /The score goes on rising/);
  const lab = page.getByTestId('leash-lab');
  const run = async (set: () => Promise<void>) => {
    await expect(button(lab, 'Let it run')).toBeEnabled({ timeout: MINUTE });
    await set();
    await button(lab, 'Let it run').click();
  };
  await step(page, 'Without a leash', () => run(() => button(lab, 'No leash').click()), 2 * MINUTE);
  await step(page, 'On a short leash', () => run(() => button(lab, 'Short leash').click()), 2 * MINUTE);
  await step(page, 'Your own length', () => run(() => lab.getByRole('slider').fill('1.5')), 2 * MINUTE);
  await finish(page, /The score goes on rising/);
});

test('a lesson leaves the reader’s own work alone, and is gone on with after a reload', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  await open(page, `?${RUNS.slice(1)}`);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  await page.getByRole('link', { name: 'Lessons' }).click();
  await page.getByRole('link', { name: 'Open the lesson: Reward models and their faults' }).click();
  await answer(page, /The answer is good/);
  await expect(status(page)).toContainText('Waits', { timeout: MINUTE });
  await page.reload();
  await expect(lesson(page).getByRole('heading', { name: 'Train one' })).toBeVisible({ timeout: MINUTE });
  await expect(status(page)).toContainText('Waits', { timeout: MINUTE });
  await button(page, 'Train the reward model').click();
  await expect(status(page)).toContainText('Done.', { timeout: 2 * MINUTE });

  await page.getByRole('link', { name: 'Leave' }).click();
  await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
  await expect(button(page, 'Train the reward model')).toBeEnabled({ timeout: MINUTE });
  await expect(page.getByTestId('workflow').locator('option')).toHaveCount(1);

  await page.goto(`/?lesson=reward${RUNS}`);
  await expect(status(page)).toContainText('Done.', { timeout: MINUTE });
  await button(lesson(page), 'Back').click();
  await expect(lesson(page)).toHaveAttribute('data-place', 'before');
});

test('a handout is printed from the same data', async ({ page }) => {
  await page.goto(`/?lessons${RUNS}`);
  await expect(page.locator('main li')).toHaveCount(5);
  await page.getByRole('link', { name: 'Handout to print: The leash' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Lesson 5: The leash');
  await expect(page.getByText('without a leash', { exact: false }).first()).toBeVisible();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(button(page, 'Print it')).toBeHidden();
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing in lessons, ${colorScheme}, and nothing is wider than the window`, async ({ page }) => {
    test.setTimeout(3 * MINUTE);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const clean = async () => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 700 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      await page.setViewportSize({ width: 1280, height: 800 });
    };
    for (const address of ['lessons', 'handout=base']) {
      await page.goto(`/?${address}${RUNS}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await clean();
    }
    await begin(page, 'base', /goes on writing/);
    await expect(status(page)).toContainText('Waits', { timeout: MINUTE });
    await clean();
    await write(page);
    await expect(status(page)).toContainText('Done.');
    await clean();
  });
}

test('a first visit fetches at most 150 kB of scripts, and none of the lessons', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  const scripts = new Set<string>();
  page.context().on('response', (response) => {
    if (response.url().endsWith('.js')) scripts.add(response.url());
  });
  await open(page, '?device=cpu');
  await expect.poll(() => scripts.size).toBeGreaterThan(3);
  const { gzipSync } = await import('node:zlib');
  let bytes = 0;
  for (const url of scripts) bytes += gzipSync(await (await page.request.get(url)).body()).length;
  expect(bytes).toBeLessThan(150_000);
  expect([...scripts].filter((url) => /Guided|LessonPages/.test(url))).toEqual([]);
});
