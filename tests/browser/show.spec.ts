// Step 2 and what follows from it: examples of one's own, edits while ranking, answers that differ, and which of them
// somebody would use.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { unzipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, listen, number, open, stored, takeInstructModel, test } from './nudge';

const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;
const TINY = fileURLToPath(new URL('./fixtures/tiny.gguf', import.meta.url));
/** One in four of them is held out. */
const REQUESTS = Array.from({ length: 16 }, (_, index) => `My lamp number ${index} is broken.`);

const answer = (page: Page) => page.getByTestId('example-answer');
const said = (page: Page) => page.getByTestId('example-said');
const notices = (page: Page) => page.getByTestId('notices');
const board = (page: Page) => page.locator('#rank').getByTestId('board');

async function openTiny(page: Page): Promise<void> {
  await page.locator('#model').getByRole('button', { name: 'Bring a real assistant' }).click();
  await page.getByLabel('Choose a file').first().setInputFiles(TINY);
  await expect(page.getByTestId('model-name')).toHaveText('tiny', { timeout: MINUTE });
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
}

async function bringRequests(page: Page): Promise<void> {
  const prompts = page.getByTestId('prompts');
  await prompts.locator('summary').click();
  await prompts.getByLabel('Paste prompts').fill(REQUESTS.join('\n'));
  await button(prompts, `Use these ${REQUESTS.length} prompts`).click();
  await expect(notices(page)).toContainText('are held out for step 6');
}

async function save(page: Page, text: string): Promise<void> {
  await answer(page).fill(text);
  await button(page, 'Save this example').click();
}

/** A screen of answers that can be ranked. */
async function screen(page: Page): Promise<void> {
  await expect(button(page, 'Store this ranking')).toBeEnabled({ timeout: MINUTE });
}

test('examples are written, learnt from, ranked with an edit, and judged by what one would use', async ({ page }) => {
  test.setTimeout(6 * MINUTE);
  const commands = await listen(page);
  await open(page, QUERY);
  await openTiny(page);
  await bringRequests(page);
  const { heldout: heldOut } = (await stored(page, 'prompts', await databaseOf(page))) as { heldout: string[] };
  expect(heldOut).toHaveLength(4);
  const show = page.locator('#show');

  await test.step('one after the other, with a draft that outlives a reload', async () => {
    await expect(show).toContainText('Request 1 of 12');
    await expect(show).toContainText('You can skip this step, at a price');
    await button(page, 'Save this example').click();
    await expect(said(page)).toContainText('has no answer yet');
    for (let index = 0; index < 3; index += 1) await save(page, `Sorry! We send you lamp ${index} today.`);
    await expect(number(page, 'show')).toHaveText('3');
    const request = await page.getByTestId('example-prompt').textContent();
    await answer(page).fill('Sorry! We se');
    await page.reload();
    await expect(page.getByTestId('example-prompt')).toHaveText(request!, { timeout: MINUTE });
    await expect(answer(page)).toHaveValue('Sorry! We se');
    await expect(number(page, 'show')).toHaveText('3');
  });

  await test.step('what is held out, said twice, or answered in two ways', async () => {
    await expect(button(page, 'Learn my 3 examples')).toBeEnabled({ timeout: MINUTE });
    await button(page, 'Use a request of my own').click();
    const request = page.getByTestId('example-request');
    await request.fill(heldOut[0]!);
    await save(page, 'This must not be learnt.');
    await expect(said(page)).toContainText('held out for step 6');
    await request.fill('Do you sell lamps?');
    await save(page, 'Yes, we do.');
    await expect(number(page, 'show')).toHaveText('4');
    await request.fill('Do you sell lamps?');
    await save(page, 'Yes, we do.');
    await expect(said(page)).toContainText('already in your list');
    await save(page, 'No, never.');
    await expect(page.getByTestId('contradictions')).toContainText('1 request has different answers');
    await page.getByTestId('examples').locator('summary').click();
    await button(page, 'Delete example 5').click();
    await expect(page.getByTestId('contradictions')).toHaveCount(0);
  });

  await test.step('many at once: two columns of a spreadsheet, without what is held out', async () => {
    await page.getByTestId('many-examples').locator('summary').click();
    const paste = page.getByTestId('many-examples').getByRole('textbox');
    await paste.fill('no columns here');
    await button(page, 'Add these examples').click();
    await expect(notices(page)).toContainText('a tab between them');
    await paste.fill(`Is it red?\tYes, it is red.\n${heldOut[1]}\tThis must not be learnt.`);
    await button(page, 'Add these examples').click();
    await expect(notices(page)).toContainText('1 example was added. 1 left out (its request is held out for step 6)');
    await expect(number(page, 'show')).toHaveText('5');
  });

  await test.step('the model learns them from its untouched start', async () => {
    await expect(page.getByTestId('forecast')).toContainText(/Learning takes about \d+ (s|min) here/, { timeout: MINUTE });
    await button(page, 'Learn my 5 examples').click();
    await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: 3 * MINUTE });
    const sft = (await commands()).findLast(({ command }) => command === 'sft')!;
    expect(sft).toMatchObject({ model: 'base', options: { finetuning: 'lora' } });
    expect(sft.demonstrations).toHaveLength(5);
    await expect(show).not.toContainText('You can skip this step');
  });

  await test.step('an edit stands above a tied screen, and its draft outlives a reload', async () => {
    await button(page, 'Show me four answers').click();
    await screen(page);
    const sampled = (await commands()).findLast(({ command }) => command === 'sample')!;
    expect(sampled.model).toBe('sft');
    await button(board(page), 'Fix answer A').click();
    const edit = page.getByTestId('edit');
    await button(page, 'Store this ranking').click();
    await expect(page.getByTestId('rank-problem')).toContainText('the same as the answer');
    await edit.fill(' ');
    await button(page, 'Store this ranking').click();
    await expect(page.getByTestId('rank-problem')).toContainText('is empty');
    await edit.fill('Sorry! We send you a new lamp.');
    await expect(page.getByTestId('difference').locator('ins')).not.toHaveCount(0);
    const request = await page.getByTestId('rank-prompt').textContent();
    await expect.poll(() => draftOf(page)).toBe('Sorry! We send you a new lamp.');
    await page.reload();
    await expect(edit).toHaveValue('Sorry! We send you a new lamp.', { timeout: MINUTE });
    await expect(page.getByTestId('rank-prompt')).toHaveText(request!);
    await screen(page);
    for (const tie of await board(page).getByRole('button', { name: /as good as the one above/ }).all()) if (await tie.isEnabled()) await tie.click();
    await button(page, 'Store this ranking').click();
    await expect(page.getByTestId('rank-said')).toContainText('Stored with your version', { timeout: MINUTE });
    await expect(number(page, 'rank')).toHaveText('1');
  });

  await test.step('none is good twice: examples are advised', async () => {
    await expect(page.getByTestId('show-instead')).toHaveCount(0);
    for (let index = 0; index < 2; index += 1) {
      await screen(page);
      await button(page, 'None is good: write it').click();
      await page.getByTestId('written').fill(`We are sorry, and we send number ${index}.`);
      await button(page, 'Store this ranking').click();
      await expect(number(page, 'rank')).toHaveText(`${2 + index}`, { timeout: MINUTE });
    }
    await expect(page.getByTestId('show-instead')).toContainText('Writing two examples in step 2');
    await expect(button(page, 'Learn my 5 examples and 3 edits')).toBeVisible();
    const downloading = page.waitForEvent('download');
    await button(page, 'Export rankings (JSONL)').click();
    const [first, second] = readFileSync(await (await downloading).path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    expect(first.edit).toEqual({ of: 0, text: 'Sorry! We send you a new lamp.' });
    expect(second.edit).toEqual({ text: 'We are sorry, and we send number 0.' });
    expect(second.flags).toContain('all_bad');
  });

  await test.step('what one would use is asked, and stands above the win rate', async () => {
    await button(page, 'Start the blind test').click();
    const blind = page.getByTestId('blind');
    for (let pair = 1; pair <= 4; pair += 1) {
      await expect(blind).toContainText(`Pair ${pair} of 4`, { timeout: MINUTE });
      await page.getByTestId('usable-left').check();
      await button(blind, /The first is better/).click();
    }
    const usable = page.getByTestId('usable');
    await expect(usable).toContainText('As it came', { timeout: MINUTE });
    await expect(usable).toContainText('After your examples');
    const judged = (await stored(page, 'comparison', await databaseOf(page))) as { pairs: { left: 'a' | 'b'; usable: [boolean, boolean] }[] };
    expect(judged.pairs.map(({ left, usable }) => usable[left === 'a' ? 0 : 1])).toEqual([true, true, true, true]);
    expect(judged.pairs.map(({ left, usable }) => usable[left === 'a' ? 1 : 0])).toEqual([false, false, false, false]);
    const yes = judged.pairs.filter(({ usable }) => usable[0]).length;
    await expect(usable).toContainText(`${yes} of 4`);
    const compared = (await commands()).findLast(({ command }) => command === 'compare')!;
    expect(compared).toMatchObject({ a: 'sft', b: 'base' });
  });

  await test.step('the zip carries examples, edits and drafts', async () => {
    await page.getByTestId('example-request').fill('What does it cost?');
    await answer(page).fill('A draft of mine');
    await button(page, 'Manage').click();
    const downloading = page.waitForEvent('download');
    await button(page, 'Take it along (zip)').click();
    const files = unzipSync(readFileSync(await (await downloading).path()));
    const text = (name: string) => Buffer.from(files[`tiny/${name}`] ?? []).toString();
    expect(text('demonstrations.jsonl').trim().split('\n')).toHaveLength(5);
    expect(text('rankings.jsonl')).toContain('"edit":{"of":0');
    expect(text('workflow.json')).toContain('A draft of mine');
    await page.getByLabel('Open a workflow (zip)').setInputFiles({ name: 'again.zip', mimeType: 'application/zip', buffer: readFileSync(await (await downloading).path()) });
    await expect(notices(page)).toContainText('was opened, with 3 rankings', { timeout: MINUTE });
    await expect(number(page, 'show')).toHaveText('5');
    await expect(answer(page)).toHaveValue('A draft of mine');
    await expect(page.getByTestId('usable')).toBeVisible();
  });
});

/** The database of the workflow in use. */
const databaseOf = (page: Page) => page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!).find((name) => name.startsWith('nudge-'))!);

async function draftOf(page: Page): Promise<string | undefined> {
  return ((await stored(page, 'draft/rank', await databaseOf(page))) as { text: string } | null)?.text;
}

test('the built-in model learns examples of one’s own from the ready-made instruct model', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  const commands = await listen(page);
  await open(page, `${QUERY}#instruct`);
  await expect(page).toHaveURL(/#show$/);
  await takeInstructModel(page, MINUTE);
  await page.getByText('Your examples', { exact: true }).click();
  await save(page, 'Once there was a bunny who said thank you.');
  await expect(page.locator('#show')).toContainText('One example works, but it is few');
  await button(page, 'Learn my 1 example').click();
  await expect(page.getByTestId('instruct-sft').locator('xpath=..')).toContainText('After your examples', { timeout: 2 * MINUTE });
  expect((await commands()).findLast(({ command }) => command === 'sft')).toMatchObject({ model: 'sft@0' });
  await expect(page.getByTestId('versus').locator('option:checked')).toHaveText('Built-in instruct model');
});

test('ten thousand pasted examples are taken, and shown as many', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await page.getByText('Your examples', { exact: true }).click();
  await page.getByTestId('many-examples').locator('summary').click();
  const rows = Array.from({ length: 10_000 }, (_, index) => `Tell me about number ${index}.\tNumber ${index} was a happy number.`);
  await page.getByTestId('many-examples').getByRole('textbox').evaluate((field, text) => {
    // As a paste: typing it would take a minute.
    (field as HTMLTextAreaElement).value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, rows.join('\n'));
  await button(page, 'Add these examples').click();
  await expect(notices(page)).toContainText('10000 examples were added', { timeout: MINUTE });
  await expect(number(page, 'show')).toHaveText('10,000');
  await page.getByTestId('examples').locator('summary').click();
  await expect(page.getByTestId('examples')).toContainText('and 9970 more');
  await expect(page.getByTestId('examples').locator('li')).toHaveCount(30);
  await page.reload();
  await expect(number(page, 'show')).toHaveText('10,000', { timeout: MINUTE });
});

/** Puts words into the model's mouth: what it draws of each prompt becomes these answers, the last of them over and over. */
async function say(page: Page, answers: string[]): Promise<void> {
  await page.addInitScript((answers) => {
    const { set } = Object.getOwnPropertyDescriptor(Worker.prototype, 'onmessage')!;
    Object.defineProperty(Worker.prototype, 'onmessage', {
      set(this: Worker, hear: (event: MessageEvent) => void) {
        set!.call(this, (event: MessageEvent) => {
          const told = event.data.event;
          if (told?.event === 'candidates' && told.completions.length > 1) {
            for (const [index, completion] of told.completions.entries()) completion.text = answers[Math.min(index, answers.length - 1)];
          }
          hear(event);
        });
      },
    });
  }, answers);
}

test('equal answers never stand on a screen together: others are drawn, hotter, and then there are fewer', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await say(page, ['One answer.', ' The same. ']);
  const commands = await listen(page);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  await screen(page);
  await expect(board(page).locator('[data-item]')).toHaveCount(2);
  await expect(page.getByTestId('fewer')).toBeVisible();
  const again = (await commands()).find(({ command, options }) => command === 'sample' && Number(options.temperature) > 1)!;
  expect(again.prompts).toHaveLength(1);
  await button(page, 'Store this ranking').click();
  await expect(number(page, 'rank')).toHaveText('1');
});

test('an answer with bytes that are no text is drawn again, and what the limit cut in two is left out', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await say(page, ['A broken \uFFFD word.', 'A whole answer.', 'Cut in two\uFFFD', 'Another one.']);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  await screen(page);
  await expect(board(page).locator('[data-item]')).toHaveCount(3);
  await expect(board(page)).toContainText('Cut in two');
  await expect(board(page)).not.toContainText('\uFFFD');
});

test('screens behind the first are chosen among more answers than are shown', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  const commands = await listen(page);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  await screen(page);
  const sampled = async () => (await commands()).filter(({ command, prompts }) => command === 'sample' && (prompts as unknown[]).length > 0).map(({ options }) => options.draws);
  await expect.poll(sampled, { timeout: MINUTE }).toContain(8);
  for (let ranked = 1; ranked <= 3; ranked += 1) {
    await screen(page);
    const texts = await board(page).locator('[data-item] .prose').allInnerTexts();
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.length).toBeLessThanOrEqual(4);
    await button(page, 'Store this ranking').click();
    await expect(number(page, 'rank')).toHaveText(`${ranked}`);
  }
});

test('the reward model so far is told of an edit as of any other answer', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  for (let ranked = 1; ranked <= 5; ranked += 1) {
    await screen(page);
    await button(board(page), 'Fix answer A').click();
    await page.getByTestId('edit').fill(`A better one, number ${ranked}.`);
    await button(page, 'Store this ranking').click();
    await expect(number(page, 'rank')).toHaveText(`${ranked}`);
    // Each is foretold before the next is made.
    await expect(page.getByTestId('foretold')).not.toContainText('reading', { timeout: MINUTE });
  }
  await expect(page.getByTestId('foretold-share')).toBeVisible({ timeout: MINUTE });
  await button(page, 'Train the reward model').click();
  const scores = page.getByTestId('scores').locator('tbody tr');
  await expect(scores).toHaveCount(5, { timeout: MINUTE });
  await expect(scores.filter({ hasText: 'A better one, number 5.' })).toContainText('1');
});

test('a tie of everything is not stored: the page says what can be done', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await button(page, 'Show me four answers').click();
  await screen(page);
  for (const letter of ['B', 'C', 'D']) await button(board(page), `Answer ${letter}: as good as the one above`).click();
  await button(page, 'Store this ranking').click();
  await expect(page.getByTestId('rank-problem')).toContainText('Say that all are good or all are bad');
  await button(page, 'All are bad').click();
  await expect(page.getByTestId('rank-said')).toContainText('all are bad');
  await expect(page.getByTestId('show-instead')).toBeVisible();
  await button(page, 'Write two examples').click();
  await expect(answer(page)).toBeVisible();
});
