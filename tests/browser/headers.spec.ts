// The page under the headers of `_headers`: isolated from other origins, framed by nobody, and a worker whose policy is
// that of its own response.

// What the policy refuses is told on the console, so complaints are no failure here.
import { expect, test } from '@playwright/test';
import { open } from './nudge';

test('page and worker are isolated, and the worker reaches nobody else', async ({ page }) => {
  test.setTimeout(120_000);
  const response = await page.goto('/?device=cpu&model=test');
  for (const [name, value] of [
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-embedder-policy', 'require-corp'],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
  ]) {
    expect(response!.headers()[name!]).toBe(value);
  }
  expect(response!.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await open(page, '?device=cpu&model=test');
  const tried = await page.workers()[0]!.evaluate(async () => {
    const blocked = new Set<string>();
    self.addEventListener('securitypolicyviolation', (event) => blocked.add(event.effectiveDirective));
    const fetched = await fetch('http://127.0.0.1:9/').then(() => 'answered', () => 'refused');
    const imported = await import(/* @vite-ignore */ 'data:text/javascript,export default 1').then(() => 'ran', () => 'refused');
    return { isolated: self.crossOriginIsolated, fetched, imported, blocked: [...blocked] };
  });
  expect(tried).toMatchObject({ isolated: true, fetched: 'refused', imported: 'refused' });
  // The worker itself refuses to fetch (www/src/worker/guard.ts), before its policy is asked; imports are the policy's.
  expect(tried.blocked).toContain('script-src-elem');
  const blocked = await page.evaluate(async () => {
    const told = new Promise((resolve) => addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective)));
    await fetch('http://127.0.0.1:9/').catch(() => undefined);
    return told;
  });
  expect(blocked).toBe('connect-src');
});

test('no other page may frame it', async ({ page, baseURL }) => {
  await page.setContent(`<iframe src="${baseURL}/?device=cpu"></iframe>`);
  await expect.poll(() => page.frames()[1]?.url()).toContain('chrome-error');
});
