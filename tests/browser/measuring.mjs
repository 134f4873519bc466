// What the measurements by hand share: Chromium on the built page, and what its processes took.
//
// Memory is the most that the tab's process ever held (VmHWM); `cpu_s` is the processor's time that it took meanwhile,
// which on a machine that is busy with other things says more than the clock. Linux alone has the files that these are
// read from.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const PORT = '4791';
const here = fileURLToPath(new URL('.', import.meta.url));

export const tell = (what, numbers) => console.log(JSON.stringify({ what, ...numbers }));
export const round = (number, digits = 2) => Number(number.toFixed(digits));

/** Of the tab's processes: the most that the largest ever held, in MB, and the seconds of processor that all have taken. */
function processes() {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!words.includes('--type=renderer') || !words.includes('nudge-measure')) return [];
      const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1000;
      const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13);
      return [{ peak, seconds: (Number(user) + Number(system)) / 100 }];
    } catch {
      return [];
    }
  });
  return { peak_mb: Math.round(Math.max(...all.map(({ peak }) => peak))), seconds: all.reduce((sum, one) => sum + one.seconds, 0) };
}

let spent = 0;
/** Since the last time that it was asked. */
export function taken() {
  const { peak_mb, seconds } = processes();
  const cpu_s = round(seconds - spent);
  spent = seconds;
  return { cpu_s, peak_mb };
}

/** Gives `input` a file as soon as the page takes one. */
export async function giveFile(input, file) {
  const element = await input.elementHandle();
  await input.page().waitForFunction((input) => !input.disabled, element);
  await input.setInputFiles(file);
}

/** Hands `work` a page of a browser of its own (NUDGE_CHROMIUM), and the address of the built page in www/dist. */
export async function measured(work) {
  const server = spawn(process.execPath, [`${here}server.mjs`], { env: { ...process.env, NUDGE_PORT: PORT } });
  const executablePath = process.env.NUDGE_CHROMIUM || undefined;
  const args = ['--headless=new', '--no-sandbox', '--user-agent=nudge-measure', '--enable-unsafe-webgpu'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await work(page, `http://127.0.0.1:${PORT}/`);
  } finally {
    await browser.close();
    server.kill();
  }
}
