// What strangers and accidents leave: zips that are wrong in one place, damaged rows, a file of rankings that takes long.

import type { Page } from '@playwright/test';
import { zipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, number, open, ready, takeInstructModel, test } from './nudge';

const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;

type Parts = Record<string, string>;

const ranking = (id: string) =>
  JSON.stringify({ id, prompt: 'Say hello.', completions: [{ text: 'Hello.' }, { text: 'Go away.' }], ranking: [[0], [1]] });
const says = (page: object = {}, version: unknown = 1) =>
  JSON.stringify({ version, asked: {}, page: { name: 'Strange', base: null, notes: [], contest: null, ...page } });

/** A workflow with nothing wrong in it. */
const WHOLE: Parts = {
  'workflow.json': says(),
  'prompts.jsonl': '{"prompt":"Say hello."}\n{"prompt":"Say more."}\n',
  'held_out.jsonl': '{"prompt":"Say goodbye."}\n',
  'demonstrations.jsonl': '{"prompt":"Say hello.","completion":"Hello, you."}\n',
  'rankings.jsonl': `${ranking('a')}\n${ranking('b')}\n`,
};

async function openZip(page: Page, parts: Parts): Promise<void> {
  if ((await page.getByTestId('workflows').count()) === 0) await button(page, 'Manage').click();
  const files = Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new Uint8Array(Buffer.from(text))]));
  await page.getByLabel('Open a workflow (zip)').setInputFiles({ name: 'strange.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync(files)) });
}

const notices = (page: Page) => page.getByTestId('notices');
const workflows = (page: Page) => page.getByTestId('workflow').locator('option');

test('a zip that is wrong in one place is refused as a whole, with the file and the line', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await open(page, QUERY);
  const note = (name: string, value: unknown) => ({ 'workflow.json': says({ notes: [{ name, value }] }) });
  const refused: [Parts, RegExp][] = [
    [note('options/dpo', { preset: null, changed: null }), /workflow\.json: “options\/dpo” is of a wrong type/],
    [note('method', 7), /workflow\.json: “method” is of a wrong type/],
    [note('answer/tokens', 'many'), /“answer\/tokens” is of a wrong type/],
    [note('comparison', { pairs: 1 }), /“comparison” is of a wrong type/],
    [note('draft/rank', { screen: null }), /“draft\/rank” is of a wrong type/],
    [{ 'workflow.json': says({ contest: { method: null, versus: 'the moon' } }) }, /“page\.contest” is of a wrong type/],
    [{ 'workflow.json': says({}, 999) }, /of version 999, and this page reads version 1/],
    [{ 'workflow.json': '{"version":' }, /workflow\.json: it is not JSON/],
    [{ 'rankings.jsonl': `${ranking('a')}\n{"id":"b","prompt":"Say hello."}\n` }, /rankings\.jsonl, line 2/],
    [{ 'rankings.jsonl': `${ranking('a')}\n${ranking('b').replace('}]', '}],"edit":{"of":9,"text":"x"}').replace(',"ranking"', ',"ranking"')}\n` }, /rankings\.jsonl, line 2/],
    [{ 'prompts.jsonl': '{"prompt":"Say hello."}\n\n{"prompt":3}\n' }, /prompts\.jsonl, line 3/],
    [{ 'demonstrations.jsonl': '{"prompt":"Say hello.","completion":" "}\n' }, /demonstrations\.jsonl, line 1/],
    [{ 'demonstrations.jsonl': '{"prompt":"Say goodbye.","completion":"Bye."}\n' }, /demonstrations\.jsonl, line 1: its request is held out/],
    [{ 'judgements.jsonl': '{"prompt":"p","a":"x","b":"y","preference":"c"}\n', 'judgements.verdict.json': '{}' }, /judgements\.jsonl, line 1/],
    [{ 'judgements.verdict.json': '{"wins":"all"}' }, /judgements\.verdict\.json/],
    [{ 'runs/dpo/model.safetensors': 'x', 'runs/dpo/run.json': '{"command":5}' }, /runs\/dpo\/run\.json/],
  ];
  for (const [parts, reason] of refused) {
    await openZip(page, { ...WHOLE, ...parts });
    await expect(notices(page)).toContainText(reason);
    await page.keyboard.press('Escape');
    await expect(workflows(page)).toHaveCount(1);
  }
  await page.reload();
  await ready(page);
  await expect(workflows(page)).toHaveCount(1);
  await openZip(page, WHOLE);
  await expect(notices(page)).toContainText('“Strange” was opened, with 2 rankings', { timeout: MINUTE });
  await expect(number(page, 'rank')).toContainText('2');
  await expect(page.getByTestId('show-number')).toHaveText('1');
});

/** Writes rows into the page's database, past the page. */
async function damage(page: Page, rows: { store: string; row: object }[]): Promise<void> {
  await page.evaluate(async (rows) => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const opening = indexedDB.open('nudge');
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const writing = database.transaction([...new Set(rows.map(({ store }) => store))], 'readwrite');
    for (const { store, row } of rows) writing.objectStore(store).put(row);
    await new Promise<void>((resolve) => (writing.oncomplete = () => resolve()));
    database.close();
  }, rows);
}

test('damaged rows are named and left out; everything else works, and the workflow can be deleted', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  const note = (name: string, value: unknown) => ({ store: 'notes', row: { name, value } });
  await damage(page, [
    note('options/dpo', { preset: null, changed: null }),
    note('comparison', { pairs: 'none', verdict: 3 }),
    note('comparison/simulated', [1]),
    note('curve/sft', { step: 1 }),
    note('lens/tune', 'x'),
    note('prompts', { name: 1 }),
    note('examples', [{ prompt: 1 }]),
    note('draft/rank', { screen: {} }),
    note('foretold', 'x'),
    note('reward/scored', {}),
    { store: 'rankings', row: { key: 1, source: 'person', record: { id: 'x' } } },
    { store: 'rankings', row: { key: 2, source: 'person', prompt: 'Say hello.', labeler: '', record: JSON.parse(ranking('good')) } },
    { store: 'runs', row: { id: 1, curve: null } },
  ]);
  await page.reload();
  await expect(notices(page)).toContainText('is damaged and was left out', { timeout: MINUTE });
  await ready(page);
  await expect(number(page, 'rank')).toHaveText('1');
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
  await button(page, 'Manage').click();
  await button(page.getByTestId('workflows'), 'Delete').click();
  await button(page.getByTestId('workflows'), 'Really delete it, with its rankings and runs').click();
  await expect(number(page, 'rank')).toHaveText('0', { timeout: MINUTE });
});

test('a file of many rankings is stored as one: with progress, and whole after a reload', async ({ page }) => {
  test.setTimeout(5 * MINUTE);
  await open(page, QUERY);
  const MANY = 20_000;
  const filler = 'a word or two '.repeat(12);
  const lines = Array.from({ length: MANY }, (_, index) =>
    JSON.stringify({ id: `${index}`, prompt: `Say ${index}.`, completions: [{ text: `${filler}${index}` }, { text: 'No.' }], ranking: [[0], [1]] }),
  );
  const file = { name: 'many.jsonl', mimeType: 'text/plain', buffer: Buffer.from(lines.join('\n')) };
  const input = page.getByLabel('Import rankings');

  await test.step('a tab closed meanwhile has kept none of them', async () => {
    await page.evaluate(() => {
      // The transaction never ends, as if it took for ever.
      const put = IDBObjectStore.prototype.put;
      let rows = 0;
      IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...row: Parameters<typeof put>) {
        if (this.name === 'rankings' && (rows += 1) === 5001) location.reload();
        return Reflect.apply(put, this, row);
      };
    });
    await input.setInputFiles(file);
    await page.waitForEvent('load');
    await ready(page);
    await expect(number(page, 'rank')).toHaveText('0');
  });

  await test.step('all are there, and one more does not take long', async () => {
    const begun = Date.now();
    await input.setInputFiles(file);
    await expect(page.getByTestId('storing')).toBeVisible();
    await expect(notices(page)).toContainText('20000 rankings were imported', { timeout: 2 * MINUTE });
    expect(Date.now() - begun).toBeLessThan(60_000);
    await expect(number(page, 'rank')).toHaveText('20,000');
    await page.reload();
    await expect(number(page, 'rank')).toHaveText('20,000', { timeout: MINUTE });
  });
});
