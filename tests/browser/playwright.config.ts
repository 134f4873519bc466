// Browser tests of the built page in `www/dist`, served from the loopback.
//
// NUDGE_CHROMIUM names the browser's program; without it Playwright's own Chromium is used. One worker: training
// takes all of a small machine. The WebGPU project runs on Chromium's emulated GPU, which proves that the GPU path
// computes right and says nothing about its speed.

import { defineConfig } from '@playwright/test';

const port = process.env.NUDGE_PORT ?? '4717';
const executablePath = process.env.NUDGE_CHROMIUM || undefined;
const quiet = [
  '--headless=new',
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

const chromium = (args: string[]) => ({
  browserName: 'chromium' as const,
  // The full browser: Playwright's headless shell has no WebGPU.
  ...(executablePath ? {} : { channel: 'chromium' }),
  launchOptions: { executablePath, args: [...quiet, ...args] },
});

export default defineConfig({
  testDir: '.',
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: { baseURL: `http://127.0.0.1:${port}`, viewport: { width: 1280, height: 800 }, actionTimeout: 30_000, serviceWorkers: 'block' },
  webServer: { command: 'node server.mjs', url: `http://127.0.0.1:${port}/`, env: { NUDGE_PORT: port } },
  projects: [
    {
      name: 'page',
      testMatch: [
        'page.spec.ts', 'headers.spec.ts', 'ranking.spec.ts', 'methods.spec.ts', 'options.spec.ts', 'stored.spec.ts',
        'input.spec.ts', 'real.spec.ts', 'runs.spec.ts', 'workflows.spec.ts', 'faults.spec.ts', 'addresses.spec.ts',
        'mended.spec.ts', 'offline.spec.ts', 'open-to-all.spec.ts', 'look.spec.ts', 'lessons.spec.ts',
        'teacher.spec.ts', 'threads.spec.ts', 'languages.spec.ts', 'foretold.spec.ts', 'states.spec.ts', 'show.spec.ts', 'hostile.spec.ts',
      ],
      use: chromium([]),
    },
    { name: 'cpu', testMatch: ['loop.spec.ts', 'closed.spec.ts'], use: chromium([]) },
    { name: 'webgpu', testMatch: 'webgpu.spec.ts', use: chromium(['--enable-unsafe-webgpu']) },
    { name: 'firefox', testMatch: 'firefox.spec.ts' },
  ],
});
