// How many threads the trainer computes on, and how they come about.
//
// The page makes the workers, since it hears of one that dies even while the trainer waits for it.

import type { Library } from './nudge';
import type { Notice } from '../lib/messages';

/** More are slower: they meet around every product. */
const MOST = 8;

/** Where the reader asks for no number: a core is left to the page, and two cores are two threads. */
function wanted(asked: number | null): number {
  const cores = navigator.hardwareConcurrency || 1;
  return asked ?? (cores < 2 ? 1 : Math.min(Math.max(cores - 1, 2), MOST));
}

let joined: (count: number) => void = () => {};

/** The page says how many workers wait. */
export function haveJoined(count: number): void {
  joined(count);
}

/**
 * Starts as many threads as are asked for, or can be had, and returns how many. Other workers see this one's memory only
 * where the page is isolated from other sites (`www/public/_headers`); elsewhere there is one thread.
 */
export async function startThreads(library: Library, asked: number | null, post: (notice: Notice) => void): Promise<number> {
  const more = wanted(asked) - 1;
  const shared = self.crossOriginIsolated && library.memory.buffer instanceof SharedArrayBuffer;
  const waiting = more > 0 && shared ? await askFor(more, library, post) : 0;
  library.start_threads(waiting + 1);
  return waiting + 1;
}

function askFor(more: number, { module, memory }: Library, post: (notice: Notice) => void): Promise<number> {
  return new Promise((resolve) => {
    joined = resolve;
    post({ notice: 'threads', more, module, memory });
  });
}
