// A new version of the page: fetched beside the one in use, offered, and taken when the reader says so.

import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as plain } from '@playwright/test';
import { expect, ready } from './nudge';

const MINUTE = 60_000;
const DIST = process.env.NUDGE_DIST ?? fileURLToPath(new URL('../../www/dist', import.meta.url));
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', html: 'text/html', wasm: 'application/wasm', json: 'application/json' };

plain('a new version is offered, never forced', async ({ browser }) => {
  plain.setTimeout(4 * MINUTE);
  let newer = false;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = join(DIST, path.endsWith('/') ? `${path}index.html` : path);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[file.split('.').at(-1)!] ?? 'application/octet-stream', 'cache-control': 'no-cache' });
    if (path !== '/sw.js' || !newer) return void createReadStream(file).pipe(response);
    response.end(readFileSync(file, 'utf8').replace(/VERSION = "\w+"/, 'VERSION = "another"'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const context = await browser.newContext({ serviceWorkers: 'allow' });
  try {
    const page = await context.newPage();
    const home = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?device=cpu&threads=2&model=test&test=1`;
    await page.goto(home);
    await ready(page);
    await expect(page.getByTestId('kept-offline')).toHaveAttribute('data-kept', 'true', { timeout: 2 * MINUTE });
    await expect(page.getByTestId('new-version')).toHaveCount(0);
    // This server sends no headers: memory is shared from the next visit on, which the service worker answers.
    expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(false);
    await expect(page.getByTestId('device')).not.toContainText('threads');

    newer = true;
    await page.reload();
    await ready(page);
    expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(true);
    await expect(page.getByTestId('device')).toContainText('2 threads');
    const offer = page.getByTestId('new-version');
    await expect(offer).toContainText('A new version', { timeout: 2 * MINUTE });
    const caches = () => page.evaluate(async () => (await window.caches.keys()).filter((name) => name.startsWith('nudge-')));
    expect(await caches()).toHaveLength(2);
    await Promise.all([page.waitForEvent('load'), offer.getByRole('button', { name: 'Use it now' }).click()]);
    await ready(page);
    await expect.poll(caches).toEqual(['nudge-another']);
    await expect(offer).toHaveCount(0);
  } finally {
    await context.close();
    server.close();
  }
});
