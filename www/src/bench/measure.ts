// One measurement of the bench: a fresh worker, one phase, its rows.
//
// A fresh worker makes the first step the first: nothing is compiled or cached from the phase before.

import type { BenchRequest, BenchRow, DeviceKind } from '../lib/messages';
import { WorkerClient } from '../lib/worker-client';

export const SIZES = ['test', 'tiny', 'builtin', 'small'] as const;
export const PHASES = ['sft', 'reward', 'rollout', 'ppo'] as const;

/** What a page shows: a few completions at a time. */
const DEFAULTS = { size: 'tiny', repeats: 5, warm_up: 2, prompts: 8 };

export async function measure(
  request: Partial<BenchRequest> & Pick<BenchRequest, 'device' | 'phase'>,
): Promise<BenchRow[]> {
  let crash: (error: Error) => void = () => {};
  const crashed = new Promise<never>((_, reject) => (crash = reject));
  const worker = new WorkerClient({
    crashed: (_, message) => crash(new Error(message)),
    silent: () => {},
    loading: () => {},
    preparing: () => {},
  });
  try {
    return await Promise.race([worker.request('bench', { request: { ...DEFAULTS, ...request } }), crashed]);
  } finally {
    worker.close('measured');
  }
}

/** For programs that drive the page: the row that is named after the phase. */
export async function nudgeBench(request: {
  device: DeviceKind;
  phase: string;
  size?: string;
  repeats?: number;
  warmUp?: number;
  prompts?: number;
}): Promise<BenchRow | undefined> {
  const { device, phase, size, repeats, warmUp, prompts } = request;
  const given = Object.entries({ size, repeats, warm_up: warmUp, prompts }).filter(([, value]) => value !== undefined);
  const rows = await measure({ device, phase, ...Object.fromEntries(given) });
  return rows.find((row) => row.phase === phase);
}
