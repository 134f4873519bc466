// Folders as zips, in the worker: packing and unpacking must not hold up the page.

import { unzipSync, zipSync } from 'fflate';
import type { Files } from '../lib/messages';
import { MOST_BYTES } from '../lib/opening';
import { files as words, opening } from '../lib/opening-strings';

const WANTED = /\.(json|jsonl|jinja|safetensors|md)$/;

/** Weights hardly compress, so everything is stored as it is. */
export function pack(files: Files): Uint8Array {
  return zipSync(files, { level: 0 });
}

/** The files of a folder that holds a `workflow.json`, by their paths in it. What they say of their size is checked first. */
export async function unpack(blob: Blob): Promise<Files> {
  if (blob.size > MOST_BYTES) throw new Error(opening.tooLarge(blob.size, MOST_BYTES));
  let bytes = 0;
  const wanted = ({ name, originalSize }: { name: string; originalSize: number }) => {
    if (!WANTED.test(name) || name.startsWith('__MACOSX/')) return false;
    bytes += originalSize;
    if (bytes > MOST_BYTES) throw new RangeError(opening.tooLarge(bytes, MOST_BYTES));
    return true;
  };
  const files = unzipped(new Uint8Array(await blob.arrayBuffer()), wanted);
  const root = Object.keys(files).find((path) => /(^|\/)workflow\.json$/.test(path))?.slice(0, -'workflow.json'.length);
  if (root === undefined) return {};
  return Object.fromEntries(Object.entries(files).flatMap(([path, file]) => (path.startsWith(root) ? [[path.slice(root.length), file]] : [])));
}

function unzipped(bytes: Uint8Array, filter: (file: { name: string; originalSize: number }) => boolean): Files {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    throw new Error(error instanceof RangeError ? error.message : words.notZip);
  }
}
