// A model of the reader's own, from the disk to an adapter: the whole loop of an assistant, on a tiny GGUF.
//
// fixtures/tiny.gguf is `nudge export --to gguf --precision f16` of www/public/model/test-size/sft.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { unzipSync, zipSync } from '../../www/node_modules/fflate/esm/index.mjs';
import { button, expect, listen, number, open, test } from './nudge';

const TINY = fileURLToPath(new URL('./fixtures/tiny.gguf', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../www/public/model/test-size/sft/', import.meta.url));
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;

const chooser = (page: Page) => page.locator('#model');
const modelName = (page: Page) => page.getByTestId('model-name');

async function openChooser(page: Page): Promise<void> {
  await chooser(page).getByRole('button', { name: /Bring a real assistant|Change the model/ }).click();
  await expect(chooser(page).getByText('in use')).toBeVisible();
}

async function openTiny(page: Page): Promise<void> {
  await openChooser(page);
  await page.getByLabel('Choose a file').first().setInputFiles(TINY);
  await expect(modelName(page)).toHaveText('tiny', { timeout: MINUTE });
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
}

/** 24 letters in a table of somebody's, not in the first column. */
const TABLE = [
  'ticket,letter,tag',
  ...Array.from({ length: 24 }, (_, index) => `${1000 + index},"My lamp number ${index} is broken, what now?",lamps`),
].join('\n');

async function bringPrompts(page: Page): Promise<void> {
  const prompts = page.getByTestId('prompts');
  await prompts.locator('summary').click();
  await prompts.getByLabel('Choose a file').setInputFiles({ name: 'letters.csv', mimeType: 'text/csv', buffer: Buffer.from(TABLE) });
  await expect(prompts).toContainText('24 prompts found');
  await page.getByTestId('prompt-column').selectOption('tag');
  await expect(prompts).toContainText('1 prompt found. 23 left out');
  await expect(button(prompts, /^Use these/)).toBeDisabled();
  await page.getByTestId('prompt-column').selectOption('letter');
  await prompts.getByLabel('Asked behind each (optional)').fill('Write our reply.');
  await prompts.getByLabel('Asked behind each (optional)').blur();
  await expect(page.getByTestId('first-prompt')).toHaveText('My lamp number 0 is broken, what now?\n\nWrite our reply.');
  await button(prompts, 'Use these 24 prompts').click();
  await expect(prompts).toContainText('letters.csv, 18 to learn from and 6 held out');
}

async function downloadOf(page: Page, name: string | RegExp): Promise<Buffer> {
  const downloading = page.waitForEvent('download');
  await button(page, name).click();
  return readFileSync(await (await downloading).path());
}

test('a model in several GGUF files opens with all of them', async ({ page }) => {
  const parts = [1, 2, 3].map((part) =>
    fileURLToPath(new URL(`../reference/split/tiny-0000${part}-of-00003.gguf`, import.meta.url)),
  );
  await open(page, QUERY);
  await openChooser(page);
  const choose = page.getByLabel('Choose a file').first();
  await choose.setInputFiles([parts[0]!, parts[2]!]);
  await expect(chooser(page)).toContainText('tiny-00002-of-00003.gguf is not there', { timeout: MINUTE });
  await choose.setInputFiles(parts);
  await expect(modelName(page)).toHaveText('tiny', { timeout: MINUTE });
  await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
});

test('an assistant from the disk, the reader’s prompts, and an adapter to take home', async ({ page }, info) => {
  test.setTimeout(6 * MINUTE);
  const commands = await listen(page);
  await open(page, QUERY);
  await openTiny(page);

  await test.step('the page is about this model', async () => {
    await expect(page.getByTestId('outlook')).toContainText(/About \d+\.\d MB of memory to answer.*An answer takes about \d+ s here/);
    await expect(page.locator('#base')).toContainText('An assistant, as it came');
    await expect(page.locator('#show')).toContainText('Show it answers you would send');
    await expect(button(page, 'Take the built-in instruct model')).toHaveCount(0);
    await expect(page.getByTestId('method')).toHaveValue('dpo');
    await expect(page.locator('#rank').getByTestId('labeler')).toHaveValue('customer_reply');
  });

  await test.step('prompts come out of a table', () => bringPrompts(page));

  await test.step('a simulated labeler ranks answers to them', async () => {
    await page.locator('#rank').getByTestId('labeler').selectOption('no_repetition');
    await button(page, 'Let a simulated labeler rank 8 for me').click();
    await expect(number(page, 'rank')).toHaveText('8', { timeout: MINUTE });
    const sampled = (await commands()).findLast(({ command }) => command === 'sample')!;
    expect(sampled.model).toBe('base');
    for (const prompt of sampled.prompts as string[]) expect(prompt).toMatch(/^My lamp number \d+ is broken.*\n\nWrite our reply\.$/);
  });

  await test.step('a person ranks one more', async () => {
    await button(page, 'Show me four answers').click();
    await expect(button(page, 'Store this ranking')).toBeEnabled({ timeout: MINUTE });
    await expect(page.getByTestId('rank-prompt')).toContainText('My lamp number');
    await button(page, 'Store this ranking').click();
    await expect(number(page, 'rank')).toHaveText('9');
  });

  await test.step('the reward model is an adapter', async () => {
    await button(page, 'Train the reward model').click();
    await expect(page.getByTestId('scores').locator('tbody tr')).toHaveCount(4, { timeout: MINUTE });
  });

  await test.step('DPO trains an adapter', async () => {
    await button(page, 'Start DPO').click();
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: 2 * MINUTE });
    const tuned = (await commands()).findLast(({ command }) => command === 'tune')!;
    expect(tuned).toMatchObject({ method: 'dpo', policy: 'base', options: { finetuning: 'lora' } });
  });

  await test.step('held-out prompts judge it', async () => {
    await button(page, /^Let the simulated labeler judge/).click();
    await expect(page.getByTestId('verdict-simulated')).toBeVisible({ timeout: MINUTE });
    const compared = (await commands()).findLast(({ command }) => command === 'compare')!;
    expect(compared).toMatchObject({ a: 'policy', b: 'base' });
    const trained = (await commands()).filter(({ command }) => command === 'sample').flatMap(({ prompts }) => prompts);
    expect((compared.prompts as string[]).filter((prompt) => (trained as string[]).includes(prompt))).toEqual([]);
  });

  await test.step('one can talk to both', async () => {
    await button(page, 'Talk to it').click();
    const talk = page.getByTestId('talk');
    await talk.getByLabel('Your message').fill('Tell me about a cat.');
    await button(talk, 'Ask').click();
    await expect(talk.getByTestId('talk-policy').locator('.soft')).toHaveCount(0, { timeout: MINUTE });
    await expect(talk.getByTestId('talk-base')).not.toBeEmpty();
    await expect(button(talk, 'Ask')).toBeEnabled({ timeout: MINUTE });

    // Without its strength an adapter is its base, word for word.
    await talk.getByTestId('strength').fill('0');
    await expect(talk).toContainText('Strength of the adapter: none');
    await button(talk, 'Ask').click();
    await expect(button(talk, 'Ask')).toBeEnabled({ timeout: MINUTE });
    expect((await commands()).at(-1)).toMatchObject({ command: 'sample', model: 'scaled' });
    await expect(talk.getByTestId('talk-policy')).toHaveText((await talk.getByTestId('talk-base').textContent())!.trim());

    await button(talk, 'Ask 3 held-out prompts').click();
    await expect(talk.getByTestId('talk-policy')).toHaveCount(3);
    await expect(button(talk, 'Ask')).toBeEnabled({ timeout: MINUTE });
    for (const answer of await talk.getByTestId('talk-policy').all()) await expect(answer.locator('.soft')).toHaveCount(0);
    await talk.getByTestId('talk-model-1').selectOption({ label: 'As it came' });
    await expect(talk.getByTestId('strength')).toHaveCount(0);
    await button(talk, 'Close').click();
  });

  await test.step('a reload brings everything back', async () => {
    await page.reload();
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: MINUTE });
    await expect(modelName(page)).toHaveText('tiny');
    await expect(number(page, 'rank')).toHaveText('9');
    await expect(page.getByTestId('prompts')).toContainText('letters.csv');
  });

  const whole = info.outputPath('merged.gguf');
  await test.step('the adapter goes out in three forms', async () => {
    const peft = unzipSync(await downloadOf(page, 'Tuned: PEFT adapter (zip)'));
    const config = JSON.parse(Buffer.from(peft['adapter_config.json']!).toString());
    expect(config).toMatchObject({ peft_type: 'LORA', base_model_name_or_path: 'tiny.gguf' });
    expect(peft['adapter_model.safetensors']!.length).toBeGreaterThan(1000);
    expect((await downloadOf(page, 'Tuned: GGUF adapter')).subarray(0, 4).toString()).toBe('GGUF');
    const merged = await downloadOf(page, 'Tuned: Whole model (GGUF, 8 bits)');
    expect(merged.subarray(0, 4).toString()).toBe('GGUF');
    writeFileSync(whole, merged);
    await expect(page.getByTestId('out-reward').getByRole('button')).toHaveCount(1);

    await page.getByLabel('Open an adapter (zip, or its files)').setInputFiles({
      name: 'adapter.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from(zipSync(peft, { level: 0 })),
    });
    await expect(page.getByTestId('notices')).toContainText('opened as the Tuned model');
  });

  await test.step('each model has a workflow of its own', async () => {
    await openChooser(page);
    await page.getByLabel('Choose a file').first().setInputFiles(whole);
    await expect(modelName(page)).toHaveText('merged', { timeout: MINUTE });
    await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
    await expect(number(page, 'rank')).toHaveText('0');
    await openChooser(page);
    await button(page, 'Go back to it: Built-in story model').click();
    await expect(button(page, 'Take the built-in instruct model')).toBeEnabled({ timeout: MINUTE });
    await expect(number(page, 'rank')).toHaveText('0');
    await openChooser(page);
    await button(page, 'Go back to it: tiny').click();
    await expect(button(page, 'Tuned: PEFT adapter (zip)')).toBeEnabled({ timeout: MINUTE });
    await expect(number(page, 'rank')).toHaveText('9');
  });

  await test.step('a model that is not in use can be deleted, and everything can', async () => {
    const kept = page.getByTestId('kept');
    await expect(kept).toContainText('tiny');
    await button(kept.locator('p', { hasText: 'merged' }), 'Delete').click();
    await button(kept, 'Really delete it, with its rankings and adapters').click();
    await expect(kept).not.toContainText('merged');
    await button(page, 'Delete all data').click();
    await button(page, 'Really delete everything').click();
    await expect(modelName(page)).toHaveText('Built-in story model', { timeout: MINUTE });
    await openChooser(page);
    await expect(button(page, 'Go back to it: tiny')).toHaveCount(0);
  });
});

test('what is no model is refused in place, and nothing changes', async ({ page }, info) => {
  test.setTimeout(3 * MINUTE);
  await open(page, QUERY);
  await openChooser(page);
  const bytes = readFileSync(TINY);
  const refusal = page.getByTestId('refusal');
  const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer });
  const inFolder = (folder: string) => Object.fromEntries(FILES.map((name) => [`${folder}/${name}`, new Uint8Array(readFileSync(FOLDER + name))]));
  const two = Buffer.from(zipSync({ ...inFolder('one'), ...inFolder('two') }, { level: 6 }));
  const spoilt = Buffer.from(bytes);
  spoilt.write('nope', 0);
  const adapter = Buffer.from(zipSync({ 'adapter_config.json': Buffer.from('{"peft_type":"LORA","r":4}'), 'adapter_model.safetensors': new Uint8Array(8) }));

  const refused: [ReturnType<typeof file>[], RegExp][] = [
    [[file('holiday.jpg', Buffer.from('not a model'))], /holiday\.jpg could not be opened: it is no model.*Nothing has changed/],
    [[file('cut.gguf', bytes.subarray(0, 60_000))], /cut\.gguf could not be opened: .*(cut|end|bytes|short)/],
    [[file('spoilt.gguf', spoilt)], /spoilt\.gguf could not be opened/],
    [[file('a.gguf', bytes), file('b.gguf', bytes)], /there is more than one model: a\.gguf, b\.gguf/],
    [[file('two.zip', two)], /two\.zip could not be opened: there is more than one model/],
    [[file('half.zip', two.subarray(0, 9000))], /not a zip/],
    [[file('adapter.zip', adapter)], /adapter\.zip could not be opened/],
    [[file('config.json', readFileSync(`${FOLDER}config.json`))], /no model\.safetensors, no tokenizer\.json/],
  ];
  for (const [files, reason] of refused) {
    await page.getByLabel('Choose a file').first().setInputFiles(files);
    await expect(refusal).toHaveText(reason);
    await expect(modelName(page)).toHaveText('Built-in story model');
  }
  await expect(button(page, 'Take the built-in instruct model')).toBeEnabled();

  const folder = info.outputPath('a model');
  mkdirSync(folder, { recursive: true });
  for (const name of FILES) writeFileSync(`${folder}/${name}`, readFileSync(FOLDER + name));
  await page.getByLabel('Choose a folder').setInputFiles(folder);
  await expect(modelName(page)).toHaveText('a model', { timeout: MINUTE });
  await expect(page.locator('#show')).toContainText('Show it answers you would send');
});

test('a model that the device seems too small for is asked about, and left or taken', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'deviceMemory', { get: () => 0.25 }));
  await open(page, QUERY);
  await openChooser(page);
  const choose = () => page.getByLabel('Choose a file').first().setInputFiles(TINY);
  await choose();
  const question = page.getByTestId('question');
  await expect(question).toContainText('more memory than this device seems to have', { timeout: MINUTE });
  await expect(question).toContainText('This device seems to have 201.3 MB for it.');
  await button(question, 'Leave it').click();
  await expect(page.getByTestId('refusal')).toContainText('you left it');
  await expect(modelName(page)).toHaveText('Built-in story model');
  await choose();
  await button(question, 'Take it anyway').click();
  await expect(modelName(page)).toHaveText('tiny', { timeout: MINUTE });
});
