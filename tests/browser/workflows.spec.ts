// Several workflows side by side, and one as a zip: out, into another browser, and in from the command line's folder.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { unzipSync, zipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, number, open, ready, takeInstructModel, test, tuneByDpo, verdict } from './nudge';

const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;

const current = (page: Page) => page.getByTestId('workflow');
const selected = (page: Page) => current(page).locator('option:checked');

async function manage(page: Page): Promise<void> {
  if ((await page.getByTestId('workflows').count()) === 0) await button(page, 'Manage').click();
}

async function zipOf(page: Page): Promise<Buffer> {
  await manage(page);
  const downloading = page.waitForEvent('download');
  await button(page, 'Take it along (zip)').click();
  return readFileSync(await (await downloading).path());
}

const asFile = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/zip', buffer });

async function openZip(page: Page, name: string, bytes: Buffer): Promise<void> {
  await manage(page);
  await page.getByLabel('Open a workflow (zip)').setInputFiles(asFile(name, bytes));
}

const lines = (bytes: Uint8Array | undefined) =>
  Buffer.from(bytes ?? []).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);

test('workflows stand side by side, and one goes out and comes in as a zip', async ({ page, browser }) => {
  test.setTimeout(6 * MINUTE);
  await open(page, QUERY);
  await tuneByDpo(page, MINUTE);
  await button(page, 'Start the blind test').click();
  for (let judged = 0; judged < 3; judged += 1) {
    await expect(page.getByTestId('blind')).toContainText(`Pair ${judged + 1} of`, { timeout: MINUTE });
    await button(page, /The first is better/).click();
  }
  await button(page, 'Reveal now').click();
  await verdict(page, 'person', MINUTE);

  await test.step('a name, a new one beside it, and back', async () => {
    await manage(page);
    await page.getByTestId('workflows').getByLabel('Name').fill('Kinder stories');
    await button(page, 'Rename').click();
    await expect(selected(page)).toHaveText('Kinder stories');
    await button(page, 'New').click();
    await expect(selected(page)).toHaveText('Workflow 2', { timeout: MINUTE });
    await ready(page);
    await expect(number(page, 'rank')).toHaveText('0');
    await current(page).selectOption({ label: 'Kinder stories' });
    await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
    await ready(page);
    await expect(page.getByTestId('run-1')).toContainText('in use');
  });

  await test.step('a copy holds all, and is one of its own', async () => {
    await manage(page);
    await button(page, 'Duplicate').click();
    await expect(selected(page)).toHaveText('Kinder stories, copy', { timeout: MINUTE });
    await ready(page);
    await expect(number(page, 'rank')).toHaveText('30');
    await expect(page.getByTestId('run-1')).toContainText('in use');
    await button(page, 'Remove all rankings').click();
    await button(page, 'Really remove all rankings').click();
    await expect(number(page, 'rank')).toHaveText('0');
    await manage(page);
    await button(page.getByTestId('workflows'), 'Delete').click();
    await button(page.getByTestId('workflows'), 'Really delete it, with its rankings and runs').click();
    await expect(current(page).locator('option', { hasText: 'copy' })).toHaveCount(0, { timeout: MINUTE });
    await ready(page);
    await current(page).selectOption({ label: 'Kinder stories' });
    await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
    await ready(page);
  });

  const zip = await zipOf(page);
  const files = unzipSync(zip);
  await test.step('the zip is the folder of `nudge teach`', () => {
    const names = Object.keys(files).map((path) => path.replace('Kinder stories/', ''));
    for (const name of ['workflow.json', 'prompts.jsonl', 'prompts.to_rank.jsonl', 'held_out.jsonl', 'candidates.jsonl', 'rankings.jsonl']) {
      expect(names).toContain(name);
    }
    for (const name of ['model.safetensors', 'run.json', 'log.jsonl']) expect(names).toContain(`runs/dpo/${name}`);
    expect(lines(files['Kinder stories/rankings.jsonl'])).toHaveLength(30);
    expect(new Set(lines(files['Kinder stories/candidates.jsonl']).map(({ id }) => id)).size).toBe(30);
    expect(lines(files['Kinder stories/judgements.jsonl'])).toHaveLength(3);
    const heldOut = lines(files['Kinder stories/held_out.jsonl']).map(({ prompt }) => prompt);
    expect(lines(files['Kinder stories/prompts.jsonl']).filter(({ prompt }) => heldOut.includes(prompt))).toEqual([]);
  });

  await test.step('another browser opens it', async () => {
    const other = await browser.newContext();
    const there = await other.newPage();
    await open(there, QUERY);
    await takeInstructModel(there, MINUTE);
    await openZip(there, 'kinder.zip', zip);
    await expect(there.getByTestId('notices')).toContainText('“Kinder stories” was opened, with 30 rankings and 1 run.', { timeout: MINUTE });
    await expect(number(there, 'rank')).toHaveText('30');
    await expect(there.getByTestId('run-1')).toContainText('Run 1: Tuned with DPO');
    await expect(there.getByTestId('verdict-person')).toBeVisible();
    await expect(there.getByTestId('method')).toHaveValue('dpo');
    const again = unzipSync(await zipOf(there));
    for (const name of ['rankings.jsonl', 'prompts.jsonl', 'held_out.jsonl', 'runs/dpo/log.jsonl', 'runs/dpo/model.safetensors']) {
      expect(Buffer.from(again[`Kinder stories/${name}`]!).equals(Buffer.from(files[`Kinder stories/${name}`]!)), name).toBe(true);
    }
    await other.close();
  });

  await test.step('what is no workflow, or another model’s, changes nothing', async () => {
    const about = JSON.parse(Buffer.from(files['Kinder stories/workflow.json']!).toString());
    about.page.base = { name: 'SomethingElse', sha256: 'f'.repeat(64) };
    const foreign = zipSync({ 'workflow.json': Buffer.from(JSON.stringify(about)) });
    const refused: [Buffer, RegExp][] = [
      [Buffer.from(zipSync({ 'notes.json': Buffer.from('{}') })), /is no workflow/],
      [Buffer.from('PK no zip'), /not a zip/],
      [Buffer.from(foreign), /is a workflow on SomethingElse\. Open that model first/],
    ];
    for (const [bytes, reason] of refused) {
      await openZip(page, 'x.zip', bytes);
      await expect(page.getByTestId('notices')).toContainText(reason);
      await expect(selected(page)).toHaveText('Kinder stories');
    }
  });
});

/** What a model of the page says greedily: its worker is asked beside it. */
async function greedy(page: Page, model: string, prompts: string[]): Promise<string[]> {
  return page.evaluate(
    ({ model, prompts }) =>
      new Promise<string[]>((resolve) => {
        const { trainer } = window as unknown as { trainer: Worker };
        const id = 1e9 + Math.floor(Math.random() * 1e6);
        const texts: string[] = [];
        trainer.addEventListener('message', ({ data }) => {
          if (data.id !== id) return;
          if (data.event?.event === 'candidates') texts.push(data.event.completions[0].text);
          if (data.notice === 'reply') resolve(texts);
        });
        const options = { k: 1, temperature: 0, max_new_tokens: 16 };
        trainer.postMessage({ id, kind: 'run', command: { command: 'sample', model, prompts, options }, resume: null, save_every: 0 });
      }),
    { model, prompts },
  );
}

function filesBelow(folder: string, inside = ''): [string, Uint8Array][] {
  return readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = inside ? `${inside}/${entry.name}` : entry.name;
    return entry.isDirectory() ? filesBelow(folder, path) : [[path, new Uint8Array(readFileSync(join(folder, path)))]];
  });
}

// The same fixture is opened by the command line (crates/nudge-cli/tests/cli/from_page.rs), with the same answers.
test('a workflow with an adapter is opened, the page’s own and one of the command line', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await page.addInitScript(() => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (this: Worker, ...given: unknown[]) {
      Object.assign(window, { trainer: this });
      return Reflect.apply(post, this, given);
    };
  });
  const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
  const files = Object.fromEntries(filesBelow(`${fixtures}workflow`));
  const said = JSON.parse(readFileSync(`${fixtures}greedy.json`).toString()) as { prompts: string[]; before: string[]; after: string[] };
  await open(page, QUERY);
  await openZip(page, 'tiny.zip', Buffer.from(zipSync(files)));
  await expect(page.getByTestId('notices')).toContainText('is a workflow on tiny. Open that model first');

  await page.locator('#model').getByRole('button', { name: 'Bring a real assistant' }).click();
  await page.getByLabel('Choose a file').first().setInputFiles(`${fixtures}tiny.gguf`);
  await expect(page.getByTestId('model-name')).toHaveText('tiny', { timeout: MINUTE });
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });

  // `nudge teach` asks for things, and knows nothing of the page.
  const theirs = { ...files, 'workflow.json': Buffer.from('{"version":1,"asked":{"model":"tiny.gguf","method":"dpo"}}') };
  for (const [name, zip] of [['tiny', files], ['theirs', theirs]] as const) {
    await openZip(page, `${name}.zip`, Buffer.from(zipSync(zip)));
    await expect(page.getByTestId('notices')).toContainText(`“${name}” was opened, with 8 rankings and 1 run.`, { timeout: MINUTE });
    await expect(page.getByTestId('run-1')).toContainText('Tuned with DPO');
    await expect(page.getByTestId('prompts')).toContainText(`${name}, `);
    expect(await greedy(page, 'base', said.prompts)).toEqual(said.before);
    expect(await greedy(page, 'policy', said.prompts)).toEqual(said.after);
  }
});
