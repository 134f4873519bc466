// The tab computes on several threads where its memory can be shared, to the same bits on any number of them.

import type { Page } from '@playwright/test';
import { button, expect, open, runAllChecks, test, tuneByDpo } from './nudge';

const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;

/** Keeps the page's workers, and the SHA-256 of each file of every model that one of them hands over. */
async function watch(page: Page): Promise<() => Promise<[string, string][]>> {
  await page.addInitScript(() => {
    const [workers, models] = [[] as Worker[], [] as [string, string][]];
    Object.assign(window, { workers, models });
    const hash = async (bytes: Uint8Array<ArrayBuffer>) =>
      [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16)).join(' ');
    window.Worker = class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given);
        workers.push(this);
        this.addEventListener('message', async ({ data }) => {
          const files = Object.entries(Object(data.value)).filter((file) => file[1] instanceof Uint8Array);
          for (const [name, bytes] of files) models.push([name, await hash(bytes as Uint8Array<ArrayBuffer>)]);
        });
      }
    };
  });
  return () => page.evaluate(() => (window as unknown as { models: [string, string][] }).models);
}

test('what is learnt has the same bits on one thread and on several', async ({ page }) => {
  test.setTimeout(8 * MINUTE);
  const models = await watch(page);
  const learnt: [string, string][][] = [];
  for (const threads of [1, 2, 3]) {
    await open(page, `${QUERY}&threads=${threads}`);
    if (threads > 1) await expect(page.getByTestId('device')).toContainText(`${threads} threads`);
    await tuneByDpo(page, 2 * MINUTE);
    const weights = async () => (await models()).filter(([name]) => name.endsWith('.safetensors'));
    await expect.poll(async () => (await weights()).length).toBeGreaterThan(1);
    learnt.push(await weights());
    await page.evaluate(async () => {
      for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name!);
    });
  }
  expect(learnt[1]).toEqual(learnt[0]);
  expect(learnt[2]).toEqual(learnt[0]);
});

for (const [asked, started] of [['0', /2 threads|[3-8] threads/], ['many', /\d threads/], ['1000', /32 threads/]] as const) {
  test(`?threads=${asked} is no reason to fail`, async ({ page }) => {
    test.setTimeout(2 * MINUTE);
    await open(page, `${QUERY}&threads=${asked}`);
    await expect(page.getByTestId('device')).toContainText(started);
  });
}

test('a thread that cannot be started is done without', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await page.addInitScript(() => {
    const post = Worker.prototype.postMessage;
    let joined = 0;
    Worker.prototype.postMessage = function (this: Worker, ...given: unknown[]) {
      if ((given[0] as { kind?: string }).kind === 'join' && joined++ === 0) throw new DOMException('made up', 'DataCloneError');
      return Reflect.apply(post, this, given);
    };
  });
  await open(page, `${QUERY}&threads=3`);
  await expect(page.getByTestId('device')).toContainText('2 threads');
});

test('a thread that dies takes the trainer with it, and a new one starts', async ({ page }) => {
  test.setTimeout(2 * MINUTE);
  await watch(page);
  await open(page, `${QUERY}&threads=2`);
  await page.evaluate(() => {
    const [, thread] = (window as unknown as { workers: Worker[] }).workers;
    thread!.dispatchEvent(new ErrorEvent('error', { message: 'a made-up end', cancelable: true }));
  });
  await expect(page.getByTestId('notices')).toContainText('a made-up end');
  await expect(page.getByTestId('device')).toContainText('stopped working');
  await expect(page.getByTestId('device')).toContainText('2 threads');
  await button(page, 'Continue my text').click();
  await expect(page.getByTestId('base-output')).toContainText(/found a key\..{10,}/s, { timeout: MINUTE });
});

test('a browser without relaxed SIMD takes the module without it', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  const modules: string[] = [];
  page.on('request', (request) => {
    const module = /nudge_web_\w+/.exec(request.url());
    if (module) modules.push(module[0]);
  });
  await page.route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `WebAssembly.validate = () => false;\n${await response.text()}` });
  });
  await open(page, QUERY);
  await runAllChecks(page, 'CPU', MINUTE);
  await tuneByDpo(page, 2 * MINUTE);
  expect(modules).toContain('nudge_web_unfused');
});
