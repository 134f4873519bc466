// Whether a model fits this device, by what the trainer measured and what the browser tells.

import type { Outlook } from './messages';

/** What there is too little of. */
export type Lack = 'memory' | 'time';

/** A WebAssembly memory holds no more, and a tab gets about so much of a device's memory. */
const MOST = 4e9;
const SHARE = 0.75;
/** A step that takes longer makes nobody happy. */
const SLOW_STEP = 180;

/** Bytes that a tab seems to have; browsers tell at most 8 GB, and some tell nothing. */
export function room(): number | null {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return deviceMemory === undefined ? null : Math.min(MOST, SHARE * deviceMemory * 2 ** 30);
}

export function lackOf({ training, step }: Outlook): Lack | null {
  if (training > (room() ?? MOST)) return 'memory';
  return step > SLOW_STEP ? 'time' : null;
}
