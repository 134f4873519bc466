// The page in Firefox as Mozilla and Debian ship it. Playwright drives only a Firefox of its own; Puppeteer drives this
// one, over WebDriver BiDi.
//
// NUDGE_FIREFOX names the browser's program; without it nothing here runs. What browsers do differently is looked at:
// isolation, threads, WebAssembly, storage, a missing WebGPU. The rest is tested in Chromium.

import { expect, test as base } from '@playwright/test';
import { launch, type Browser, type Page } from 'puppeteer-core';

const MINUTE = 60_000;
const QUERY = '?language=en&threads=2&model=test&test=1&seed=1';
const executablePath = process.env.NUDGE_FIREFOX;

/**
 * A tab with storage of its own. An exception, an error on the console, a notice of a problem or a request to another
 * origin fails the test.
 */
const test = base.extend<{ tab: Page }, { firefox: Browser }>({
  firefox: [
    async ({}, use) => {
      // Which Firefox has WebGPU depends on its version and system.
      const extraPrefsFirefox = { 'dom.webgpu.enabled': false };
      const firefox = await launch({ browser: 'firefox', executablePath, extraPrefsFirefox, timeout: 2 * MINUTE });
      await use(firefox);
      await firefox.close();
    },
    { scope: 'worker', timeout: 3 * MINUTE },
  ],
  tab: async ({ firefox, baseURL }, use) => {
    const context = await firefox.createBrowserContext();
    const tab = await context.newPage();
    tab.setDefaultTimeout(2 * MINUTE);
    await tab.setViewport({ width: 1280, height: 800 });
    const complaints: string[] = [];
    tab.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
    });
    tab.on('pageerror', (error) => complaints.push(`exception: ${error}`));
    tab.on('request', (request) => {
      const home = request.url().startsWith(baseURL!) || /^(blob|data):/.test(request.url());
      if (!home) complaints.push(`request to another origin: ${request.url()}`);
    });
    // A notice leaves by itself, perhaps before the test ends.
    await tab.evaluateOnNewDocument(() => {
      new MutationObserver(() => {
        for (const notice of document.querySelectorAll('[data-testid=notices] .problem')) console.error(notice.textContent);
      }).observe(document, { childList: true, subtree: true });
    });
    await use(tab);
    expect(complaints).toEqual([]);
    await context.close();
  },
});

test.skip(!executablePath, 'NUDGE_FIREFOX names no Firefox');

const at = (testId: string) => `[data-testid=${testId}]`;
const text = (tab: Page, testId: string) => tab.$eval(at(testId), (element) => element.textContent!.trim());
/** A button that can be pressed. */
const button = (name: string) => `::-p-xpath(//button[contains(., "${name}")][not(@disabled)])`;

const ready = (tab: Page) => tab.waitForSelector(`${at('device')}[data-kind=cpu]`);

test('ninety seconds on two threads, kept over a reload', async ({ tab, baseURL }) => {
  test.setTimeout(8 * MINUTE);

  await test.step('the page is isolated and computes on two threads', async () => {
    await tab.goto(`${baseURL}/${QUERY}`);
    await ready(tab);
    expect(await tab.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await text(tab, 'device')).toMatch(/CPU.*, 2 threads/);
  });

  await test.step('a rule ranks, the model learns, before and after are shown', async () => {
    await tab.locator(button('I like it short')).click();
    await tab.waitForSelector(`#rank ${at('board')}`);
    await tab.locator(button('Let the rule rank all of them')).click();
    await tab.waitForSelector(at('quick-headline'), { timeout: 5 * MINUTE });
    expect(await text(tab, 'quick-headline')).toMatch(/^\d+% (shorter|longer): see$/);
    expect(await tab.$$(`${at('quick-pairs')} li`)).toHaveLength(3);
  });

  await test.step('rankings and the tuned model outlive a reload', async () => {
    const numbers = () => Promise.all([text(tab, 'rank-number'), text(tab, 'tune-number')]);
    const before = await numbers();
    expect(before).toEqual([expect.stringMatching(/^\d\d$/), expect.stringMatching(/^\d+%$/)]);
    await tab.reload();
    await ready(tab);
    await expect.poll(numbers, { timeout: MINUTE }).toEqual(before);
    await tab.waitForSelector(button('Start the blind test'));
  });
});

test('without WebGPU the page says so and computes on the CPU', async ({ tab, baseURL }) => {
  test.setTimeout(4 * MINUTE);
  await tab.goto(`${baseURL}/${QUERY}&device=webgpu`);
  await ready(tab);
  expect(await text(tab, 'device')).toContain('this browser has no WebGPU');
});
