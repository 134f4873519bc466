// What goes wrong, one thing at a time: two tabs, no space, no storage, a trap, a hung call, a tab closed at a bad moment,
// a page of another version, a worker that asks abroad. Nothing made is lost, and the reader is told. The table of all
// faults is tests/faults-page.md.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test as plain, type Page, type Worker } from '@playwright/test';
import { button, choose, expect, loadPack, number, open, ready, takeInstructModel, test, tuneByDpo } from './nudge';

const MINUTE = 60_000;
const QUERY = '?device=cpu&model=test&test=1&seed=1';
/** The built-in model: its runs last long enough to be disturbed. */
const SLOW = '?device=cpu&test=1&seed=1';

const notices = (page: Page) => page.getByTestId('notices');
const following = (page: Page) => page.getByTestId('following');
const runOf = (page: Page, stage: string) => page.getByTestId(`${stage}-run`);

/** The trainer's; its threads come after it, and hear nothing. */
async function worker(page: Page): Promise<Worker> {
  await expect.poll(() => page.workers().length).toBeGreaterThan(0);
  return page.workers()[0]!;
}

/** Overwrites the trainer's memory, so that what it does next is a real trap. */
async function spoilMemory(page: Page): Promise<void> {
  await (await worker(page)).evaluate(() => {
    const slice = Uint8Array.prototype.slice;
    Uint8Array.prototype.slice = function (this: Uint8Array, ...range: [number?, number?]) {
      // The trainer's texts are copied out of its memory, which its threads share.
      if (this.buffer instanceof SharedArrayBuffer) new Uint8Array(this.buffer).fill(255);
      return slice.apply(this, range) as Uint8Array<ArrayBuffer>;
    };
  });
}

/** Lets every write fail as it does without space. (Chromium's override of the quota reaches no IndexedDB here.) */
async function fillDisk(page: Page, full: boolean): Promise<void> {
  await page.evaluate((full) => {
    const rows = IDBObjectStore.prototype as IDBObjectStore & { room?: IDBObjectStore['put'] };
    rows.room ??= rows.put;
    rows.put = full
      ? function () {
          throw new DOMException('The disk is full.', 'QuotaExceededError');
        }
      : rows.room;
  }, full);
}

test.describe('two tabs', () => {
  test('the second shows what the first does, takes over on request, and what is deleted is gone for both', async ({ page, context }) => {
    test.setTimeout(5 * MINUTE);
    await open(page, SLOW);
    await takeInstructModel(page, MINUTE);
    await loadPack(page);

    const second = await context.newPage();
    await second.goto(`/${SLOW}`);
    await expect(following(second)).toContainText('Another tab works on this workflow');
    await expect(number(second, 'rank')).toHaveText('30', { timeout: MINUTE });
    await expect(following(page)).toHaveCount(0);

    await test.step('rankings and training are seen live, and nothing can be started', async () => {
      await button(page, 'Remove all rankings').click();
      await button(page, 'Really remove all rankings').click();
      await expect(number(second, 'rank')).toHaveText('0');
      await loadPack(page);
      await expect(number(second, 'rank')).toHaveText('30');
      await choose(page, 'dpo');
      await button(page, 'Start DPO').click();
      await expect(runOf(second, 'tune')).toContainText(/Step [1-9]\d* of/, { timeout: MINUTE });
      await expect(runOf(second, 'tune').getByRole('button', { name: 'Stop' })).toBeDisabled();
      await expect(button(second, 'Train the reward model')).toBeDisabled();
      await expect(button(second, 'Take the built-in instruct model')).toBeDisabled();
    });

    await test.step('the first one pauses and stores; the second goes on from there', async () => {
      await button(following(second), 'Work here instead').click();
      await expect(runOf(second, 'tune')).toHaveAttribute('data-status', 'paused', { timeout: MINUTE });
      await expect(following(page)).toBeVisible();
      await ready(second);
      await button(second, 'Continue training').click();
      await expect(button(second, 'Start DPO again')).toBeEnabled({ timeout: 2 * MINUTE });
      await expect(page.getByTestId('run-1')).toContainText('Tuned with DPO', { timeout: MINUTE });
      await expect(runOf(page, 'tune')).toHaveCount(0);
    });

    await test.step('a closed tab leaves the workflow to the one that looks on', async () => {
      await second.close();
      await expect(following(page)).toHaveCount(0, { timeout: MINUTE });
      await ready(page);
      await expect(page.getByTestId('run-1')).toContainText('in use');
    });

    await test.step('deleting everything reaches all', async () => {
      const third = await context.newPage();
      await third.goto(`/${SLOW}`);
      await expect(number(third, 'rank')).toHaveText('30', { timeout: MINUTE });
      await button(page, 'Delete all data').click();
      await button(page, 'Really delete everything').click();
      await expect(number(third, 'rank')).toHaveText('0', { timeout: MINUTE });
      await expect(number(page, 'rank')).toHaveText('0', { timeout: MINUTE });
      await expect(third.getByTestId('run-1')).toHaveCount(0);
    });
  });
});

test('a tab that does not answer can be taken over, and writes nothing any more', async ({ page, context }) => {
  test.setTimeout(3 * MINUTE);
  // It hears nothing of what others ask.
  await page.addInitScript(() => Object.defineProperty(BroadcastChannel.prototype, 'onmessage', { set() {} }));
  await open(page, QUERY);
  await takeInstructModel(page, MINUTE);
  await loadPack(page);
  const second = await context.newPage();
  await second.goto(`/${QUERY}`);
  await button(following(second), 'Work here instead').click();
  await expect(following(second)).toContainText('The other tab does not answer', { timeout: MINUTE });
  await button(following(second), 'Take it anyway').click();
  await ready(second);
  await expect(following(page)).toBeVisible();
  await expect(number(second, 'rank')).toHaveText('30');
  await button(page, 'Remove all rankings').click();
  await button(page, 'Really remove all rankings').click();
  await expect(notices(page)).toContainText('Another tab works on this workflow; nothing was changed here.');
  await second.reload();
  await expect(number(second, 'rank')).toHaveText('30');
});

test('a blind test that is cut short keeps every judgement', async ({ page }) => {
  test.setTimeout(4 * MINUTE);
  await open(page, QUERY);
  await tuneByDpo(page, MINUTE);
  await button(page, 'Start the blind test').click();
  await expect(page.getByTestId('blind')).toContainText('Pair 1 of', { timeout: MINUTE });
  await expect(button(page, 'Start the blind test')).toBeEnabled({ timeout: MINUTE });
  for (const pair of [1, 2]) {
    await expect(page.getByTestId('blind')).toContainText(`Pair ${pair} of`);
    await button(page, /The first is better/).click();
  }
  await expect(page.getByTestId('blind')).toContainText('Pair 3 of');
  await page.reload();
  await expect(page.getByTestId('blind')).toContainText('Pair 3 of', { timeout: MINUTE });
  await button(page, 'Reveal now').click();
  await expect(page.getByTestId('revealed').locator('li')).toHaveCount(2);
});

test.describe('storage', () => {
  test('without space, work goes on in memory, is offered as a download, and is stored once there is space', async ({ page }) => {
    test.setTimeout(4 * MINUTE);
    await open(page, QUERY);
    await takeInstructModel(page, MINUTE);
    await fillDisk(page, true);
    await loadPack(page);
    const unstored = page.getByTestId('unstored');
    await expect(unstored).toContainText(/30 things are not stored: the browser has no space left/);
    await choose(page, 'dpo');
    await button(page, 'Start DPO').click();
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: MINUTE });
    const downloading = page.waitForEvent('download');
    await button(unstored, 'Download the workflow (zip)').click();
    expect((await downloading).suggestedFilename()).toMatch(/\.zip$/);

    await fillDisk(page, false);
    await button(unstored, 'Try to store it again').click();
    await expect(unstored).toHaveCount(0);
    await page.reload();
    await expect(number(page, 'rank')).toHaveText('30', { timeout: MINUTE });
    await expect(page.getByTestId('run-1')).toContainText('Tuned with DPO');
  });

  test('a pause whose checkpoint could not be stored says so, and continues', async ({ page }) => {
    test.setTimeout(4 * MINUTE);
    await open(page, SLOW);
    await takeInstructModel(page, MINUTE);
    await loadPack(page);
    await fillDisk(page, true);
    await choose(page, 'dpo');
    await button(page, 'Start DPO').click();
    await expect(runOf(page, 'tune')).toContainText(/Step [1-9]/, { timeout: MINUTE });
    await button(page, 'Pause').click();
    await expect(runOf(page, 'tune')).toContainText(/The checkpoint could not be stored: it is in this tab’s memory/, { timeout: MINUTE });
    await button(page, 'Continue training').click();
    await expect(button(page, 'Start DPO again')).toBeEnabled({ timeout: 2 * MINUTE });
  });

  test('where storage is blocked the page starts, works, and says what is not kept', async ({ page }) => {
    test.setTimeout(3 * MINUTE);
    await page.addInitScript(() => {
      const denied = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
      IDBFactory.prototype.open = denied;
      IDBFactory.prototype.databases = denied;
      Object.defineProperty(window, 'localStorage', { get: denied });
      StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));
    });
    await open(page, QUERY);
    await expect(page.getByTestId('unstored')).toContainText('Nothing can be stored: the browser lets this page store nothing');
    await takeInstructModel(page, MINUTE);
    await loadPack(page);
    await expect(page.getByTestId('unstored')).toContainText(/things are not stored/);
    await choose(page, 'dpo');
    await button(page, 'Start DPO').click();
    await expect(page.getByTestId('run-1')).toContainText('in use', { timeout: MINUTE });
  });

  test('a tab closed while a ranking is stored leaves it whole or not at all', async ({ page, context }) => {
    test.setTimeout(4 * MINUTE);
    let expected = 0;
    for (const wait of [0, 1, 2, 4, 8, 16]) {
      const tab = wait === 0 ? page : await context.newPage();
      await open(tab, QUERY);
      const before = Number(await number(tab, 'rank').textContent());
      expect([expected - 1, expected]).toContain(before);
      const record = { id: `r${wait}`, prompt: 'Hi.', completions: [{ text: 'a' }, { text: 'b' }], ranking: [[0], [1]] };
      const file = { name: 'r.jsonl', mimeType: 'text/plain', buffer: Buffer.from(JSON.stringify(record)) };
      await tab.getByLabel('Import rankings').setInputFiles(file);
      await tab.waitForTimeout(wait);
      await tab.close();
      expected = before + 1;
    }
  });

  test('a page of another version is told of, in both', async ({ page, context }) => {
    await open(page, QUERY);
    const other = await context.newPage();
    await other.route('**/nothing.html', (route) => route.fulfill({ contentType: 'text/html', body: '<link rel="icon" href="data:,">' }));
    await other.goto('/nothing.html');
    // A later page's database.
    await other.evaluate(() => void indexedDB.open('nudge', 99));
    await expect(page.getByTestId('version')).toContainText('renewed in another tab');
  });

  test('an earlier page that holds the database is named', async ({ page, context }) => {
    const other = await context.newPage();
    await other.route('**/nothing.html', (route) => route.fulfill({ contentType: 'text/html', body: '<link rel="icon" href="data:,">' }));
    await other.goto('/nothing.html');
    await other.evaluate(() => new Promise((resolve) => {
      const request = indexedDB.open('nudge', 1);
      request.onupgradeneeded = () => {
        for (const [name, keyPath] of Object.entries({ rankings: 'key', models: 'name', checkpoints: 'stage', notes: 'name' })) {
          request.result.createObjectStore(name, { keyPath, autoIncrement: name === 'rankings' });
        }
      };
      request.onsuccess = () => resolve(null);
    }));
    await page.goto(`/${QUERY}`);
    await expect(page.getByTestId('version')).toContainText('an earlier version of this page stands in the way');
    await other.close();
    // What it stored was of another built-in model.
    await expect(page.getByTestId('replaced')).toBeVisible({ timeout: MINUTE });
    await button(page, 'Go to the new story model').click();
    await ready(page);
  });
});

test.describe('the trainer', () => {
  test('a trap in the middle of training is told, and training goes on from its checkpoint', async ({ page }) => {
    test.setTimeout(12 * MINUTE);
    await open(page, SLOW);
    await takeInstructModel(page, MINUTE);
    await loadPack(page);
    for (const [stage, start] of [['reward', 'Train the reward model'], ['tune', 'Start PPO']] as const) {
      await test.step(stage, async () => {
        if (stage === 'tune') await page.getByTestId('effort').selectOption('normal');
        await button(page, start).click();
        await expect(runOf(page, stage)).toContainText(/checkpoint at step \d+/, { timeout: 3 * MINUTE });
        await spoilMemory(page);
        await expect(notices(page)).toContainText('broke off in the middle of a computation', { timeout: 3 * MINUTE });
        await expect(runOf(page, stage)).toHaveAttribute('data-status', 'paused');
        await expect(button(page, 'Continue training')).toBeEnabled({ timeout: 3 * MINUTE });
        await button(page, 'Continue training').click();
        await expect(runOf(page, stage)).toHaveAttribute('data-status', 'running');
        if (stage === 'reward') await expect(page.getByTestId('scores').locator('tbody tr')).toHaveCount(4, { timeout: 3 * MINUTE });
        else await button(page, 'Stop').click();
      });
    }
  });

  test('a worker that dies while everything is brought back is followed by one that gets it all', async ({ page }) => {
    test.setTimeout(2 * MINUTE);
    await page.addInitScript(() => {
      const post = Worker.prototype.postMessage;
      let died = false;
      Worker.prototype.postMessage = function (this: Worker, ...given: unknown[]) {
        const message = given[0] as { kind?: string };
        if (message.kind === 'put_model' && !died) {
          died = true;
          return void this.dispatchEvent(new ErrorEvent('error', { message: 'gone', cancelable: true }));
        }
        return Reflect.apply(post, this, given);
      };
    });
    await open(page, QUERY);
    await expect(notices(page)).toContainText('The trainer stopped');
    await takeInstructModel(page, MINUTE);
  });

  test('a call that never ends is noticed, and the trainer can be started anew', async ({ page }) => {
    test.setTimeout(2 * MINUTE);
    await page.clock.install();
    await open(page, QUERY);
    await takeInstructModel(page, MINUTE);
    await (await worker(page)).evaluate(() => {
      self.postMessage = () => {};
    });
    await button(page, 'Ask both').click();
    await page.clock.fastForward(5 * MINUTE);
    await expect(page.getByText('The trainer has not answered for four minutes.')).toBeVisible();
    await button(page, 'Start it anew on the CPU').click();
    await expect(notices(page)).toContainText('the device did not answer');
    await expect(button(page, 'Ask both')).toBeEnabled({ timeout: MINUTE });
    await button(page, 'Ask both').click();
    await expect(page.getByTestId('instruct-sft')).not.toHaveText(/Waits|Not asked/, { timeout: MINUTE });
  });

  test('a checkpoint that cannot be read gives way to the one before it', async ({ page }) => {
    test.setTimeout(4 * MINUTE);
    await open(page, SLOW);
    await takeInstructModel(page, MINUTE);
    await loadPack(page);
    await page.getByTestId('effort').selectOption('normal');
    await button(page, 'Train the reward model').click();
    await expect(page.getByTestId('scores').locator('tbody tr')).toHaveCount(4, { timeout: MINUTE });
    await button(page, 'Start PPO').click();
    const said = runOf(page, 'tune');
    await expect(said).toContainText(/checkpoint at step \d+/, { timeout: MINUTE });
    const first = /checkpoint at step (\d+)/.exec((await said.textContent())!)![1]!;
    await expect(said).not.toContainText(`checkpoint at step ${first}`, { timeout: MINUTE });
    await button(page, 'Pause').click();
    await expect(said).toHaveAttribute('data-status', 'paused', { timeout: MINUTE });
    const paused = Number(/Paused at step (\d+)/.exec((await said.textContent())!)![1]);
    // The newest of the two generations is cut short.
    await page.evaluate(() => new Promise<void>((resolve) => {
      const opening = indexedDB.open('nudge');
      opening.onsuccess = () => {
        const transaction = opening.result.transaction('checkpoints', 'readwrite');
        const rows = transaction.objectStore('checkpoints');
        const all = rows.getAll();
        all.onsuccess = () => {
          const newest = all.result.sort((a, b) => b.made - a.made)[0];
          newest.files = Object.fromEntries(Object.entries(newest.files as Record<string, Uint8Array>).slice(1));
          rows.put(newest);
        };
        transaction.oncomplete = () => {
          opening.result.close();
          resolve();
        };
      };
    }));
    await button(page, 'Continue training').click();
    await expect(notices(page)).toContainText('The last checkpoint cannot be used');
    await expect(said).toContainText(/Step \d+ of/, { timeout: MINUTE });
    await expect.poll(async () => Number(/Step (\d+) of/.exec((await said.textContent()) ?? '')?.[1] ?? 0), { timeout: MINUTE }).toBeGreaterThan(paused);
    await button(page, 'Stop').click();
  });
});

// A request that the policy stops is announced all the same, which the other tests take for one that was made.
plain('nothing in the worker reaches another server', async ({ page }) => {
  const asked: string[] = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('access-control-allow-origin', '*').end('export default 1');
  });
  elsewhere.on('upgrade', (request, socket) => {
    asked.push(`socket ${request.url}`);
    socket.destroy();
  });
  await new Promise<void>((listening) => elsewhere.listen(0, '127.0.0.1', listening));
  const { port } = elsewhere.address() as AddressInfo;
  await open(page, QUERY);
  const outcomes = await (await worker(page)).evaluate(async (address) => {
    const attempt = async (work: () => unknown) => {
      try {
        await work();
        return 'reached';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const scope = globalThis as unknown as Record<string, new (address: string) => unknown>;
    return [
      await attempt(() => fetch(`${address}/fetch`)),
      await attempt(() => fetch(new Request(`${address}/request`), { mode: 'no-cors' })),
      await attempt(() => new scope.WebSocket!(`${address.replace('http', 'ws')}/socket`)),
      await attempt(() => new scope.EventSource!(`${address}/events`)),
      await attempt(() => new scope.XMLHttpRequest!(`${address}/xhr`)),
      await attempt(() => (navigator as unknown as { sendBeacon(address: string): unknown }).sendBeacon(`${address}/beacon`)),
      await attempt(() => new scope.Worker!(`${address}/worker.js`)),
    ];
  }, `http://127.0.0.1:${port}`);
  expect(outcomes).not.toContain('reached');
  // As a text: a test's own imports are rewritten.
  const imported = await (await worker(page)).evaluate(`import('http://127.0.0.1:${port}/module.js').then(() => 'reached', () => 'refused')`);
  expect(imported).toBe('refused');
  await page.waitForTimeout(500);
  expect(asked).toEqual([]);
  elsewhere.close();
});
