// Models from any address: nobody is asked before a click, what is there is named first, a download that is cut off goes
// on, and what is no model is refused in words.

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
// The other tests fail at a request to another origin.
import { expect, test, type Page } from '@playwright/test';
import { button, ready } from './nudge';

const TINY = readFileSync(fileURLToPath(new URL('./fixtures/tiny.gguf', import.meta.url)));
const QUERY = '?device=cpu&model=test&test=1&seed=1';
const MINUTE = 60_000;
const HAVE = `${((TINY.length >> 1) / 1e6).toFixed(1)} MB of it have come already`;
const CUT = TINY.length >> 1;

let server: Server;
let address = '';
let asked: { method: string; path: string; range: string | undefined; cookies: string | undefined; from: string | undefined }[] = [];
let cut = true;

test.beforeAll(async () => {
  server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    asked.push({ method, path: url, range: headers.range, cookies: headers.cookie, from: headers.referer });
    if (!url.startsWith('/closed')) {
      response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', 'range');
      response.setHeader('access-control-expose-headers', 'etag, content-range');
    }
    if (url.startsWith('/page')) return void response.setHeader('content-type', 'text/html').end('<p>About this file</p>');
    if (!url.includes('.gguf')) return void response.writeHead(404).end();
    const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    const garbage = url.startsWith('/garbage') ? Buffer.alloc(TINY.length, 7) : TINY;
    const body = url.startsWith('/other') ? Buffer.alloc(TINY.length + (method === 'GET' ? 9 : 0), 7) : garbage;
    const large = url.startsWith('/large');
    response.setHeader('etag', '"one"').setHeader('content-length', large ? 5e9 : body.length - from);
    response.writeHead(from > 0 ? 206 : 200);
    if (method === 'HEAD') return void response.end();
    if (url.startsWith('/cut') && cut) {
      cut = false;
      response.write(body.subarray(0, CUT), () => setTimeout(() => response.destroy(), 300));
      return;
    }
    response.end(body.subarray(from));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.afterAll(() => void server.close());
test.beforeEach(() => {
  asked = [];
});

async function openChooser(page: Page): Promise<void> {
  await page.goto(`/${QUERY}`);
  await ready(page);
  await button(page, 'Bring a real assistant').click();
}

async function look(page: Page, path: string): Promise<void> {
  await page.getByLabel('Address of the file').fill(path.includes(':') ? path : `${address}${path}`);
  await button(page, 'Look what is there').click();
}

test('a model comes from an address, is cut off, goes on, and is kept', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await openChooser(page);
  const host = address.replace('http://', '');
  await page.getByLabel('Address of the file').fill(`${address}/cut/blob/tiny.gguf`);
  expect(asked).toEqual([]);
  await button(page, 'Look what is there').click();
  await expect(page.getByTestId('offer')).toHaveText(`${host} offers tiny.gguf, ${(TINY.length / 1e6).toFixed(1)} MB.`);
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['HEAD /cut/resolve/tiny.gguf']);
  await expect(page.getByTestId('asked')).toHaveText(`Asked in this visit: ${host} for tiny.gguf.`);

  await button(page, `Fetch it from ${host}`).click();
  await expect(page.getByTestId('address-problem')).toContainText('Nothing came: the network is down', { timeout: MINUTE });
  await expect(page.getByTestId('offer')).toContainText(HAVE);

  await test.step('a reload forgets nothing of it', async () => {
    await openChooser(page);
    await look(page, '/cut/resolve/tiny.gguf');
    await expect(page.getByTestId('offer')).toContainText(HAVE);
    await button(page, `Go on fetching from ${host}`).click();
    await expect(page.getByTestId('model-name')).toHaveText('tiny', { timeout: MINUTE });
  });
  const gets = asked.filter(({ method }) => method === 'GET');
  expect(gets.map(({ range }) => range)).toEqual([undefined, `bytes=${CUT}-`]);
  for (const { cookies, from } of asked) expect([cookies, from]).toEqual([undefined, undefined]);

  await test.step('it is kept: nobody is asked again', async () => {
    const before = asked.length;
    await page.reload();
    await expect(button(page, 'Show me four answers')).toBeEnabled({ timeout: MINUTE });
    await expect(page.getByTestId('model-name')).toHaveText('tiny');
    expect(asked).toHaveLength(before);
  });
});

test('what is no model is refused in place, with what to do', async ({ page }) => {
  test.setTimeout(3 * MINUTE);
  await openChooser(page);
  const problem = page.getByTestId('address-problem');
  const refused: [string, RegExp][] = [
    ['not an address:', /This is no address/],
    ['http://example.com/m.gguf', /Only addresses that begin with https/],
    ['/page/model.gguf', /A page is there instead of a file/],
    ['/nothing.zip', /has no such file \(it answers 404\)/],
    ['/closed/model.gguf', /does not let pages read the file/],
    ['/large/model.gguf', /^model\.gguf: it takes 5\.0 GB/],
  ];
  for (const [path, reason] of refused) {
    await look(page, path);
    await expect(problem).toHaveText(reason);
    await expect(page.getByTestId('offer')).toHaveCount(0);
  }
  expect(asked.filter(({ method }) => method === 'GET')).toEqual([]);
  await look(page, '/other/model.gguf');
  await button(page, /^Fetch it from/).click();
  await expect(problem).toContainText('of another size than announced', { timeout: MINUTE });
  await look(page, '/garbage/model.gguf');
  await button(page, /^Fetch it from/).click();
  await expect(page.getByTestId('refusal')).toContainText('model.gguf could not be opened', { timeout: MINUTE });
  await expect(page.getByTestId('model-name')).toHaveText('Built-in story model');
});
