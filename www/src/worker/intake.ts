// A model of the reader on its way into the trainer: piece by piece, so that it is in memory once, and never here.

import { Unzip, UnzipInflate } from 'fflate';
import { baseName, isPart, modelAmong, MOST_BYTES, type Picked } from '../lib/opening';
import { files as words, opening } from '../lib/opening-strings';
import type { IncomingFiles } from './nudge';

const ZIP = [0x50, 0x4b];
const PIECE = 4 << 20;

/** Puts the one model among what was picked into `incoming`; gives the names of its files. */
export async function takeIn(picked: Picked[], incoming: IncomingFiles): Promise<string[]> {
  const [only] = picked;
  if (picked.length === 1 && only && (await isZip(only))) return unzip(only, incoming);
  const names = modelAmong(picked.map(({ path }) => path));
  const files = picked.filter(({ path }) => names.has(path));
  checkSize(files.reduce((sum, { blob }) => sum + blob.size, 0));
  for (const { path, blob } of files) {
    const name = names.get(path)!;
    incoming.begin(name, blob.size);
    for (let at = 0; at < blob.size; at += PIECE) {
      incoming.append(name, new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()));
    }
  }
  return [...names.values()];
}

function checkSize(bytes: number): void {
  if (bytes > MOST_BYTES) throw new Error(opening.tooLarge(bytes, MOST_BYTES));
}

async function isZip({ path, blob }: Picked): Promise<boolean> {
  const head = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const zip = ZIP.every((byte, index) => head[index] === byte);
  if (!zip && path.toLowerCase().endsWith('.zip')) throw new Error(words.notZip);
  return zip;
}

/** Reads a zip from its beginning to its end. What it unpacks to is counted, whatever it says of itself. */
async function unzip({ blob }: Picked, incoming: IncomingFiles): Promise<string[]> {
  const paths: string[] = [];
  let open = 0;
  let bytes = 0;
  let broken: unknown;
  const zip = new Unzip((file) => {
    if (!isPart(file.name)) return;
    const name = baseName(file.name);
    if (paths.some((other) => baseName(other) === name)) broken ??= new Error(opening.several([...paths, file.name]));
    paths.push(file.name);
    open += 1;
    file.ondata = (error, piece, final) => {
      if (error) broken ??= error;
      if (broken) return;
      bytes += piece.byteLength;
      try {
        checkSize(bytes);
        incoming.append(name, piece);
      } catch (refused) {
        broken = refused;
      }
      if (final) open -= 1;
    };
    try {
      checkSize(file.originalSize ?? 0);
      incoming.begin(name, file.originalSize ?? 0);
      file.start();
    } catch (refused) {
      broken ??= refused;
    }
  });
  zip.register(UnzipInflate);
  try {
    for (let at = 0; at < blob.size && !broken; at += PIECE) {
      zip.push(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()), at + PIECE >= blob.size);
    }
  } catch {
    throw new Error(words.notZip);
  }
  if (broken) throw broken instanceof Error ? broken : new Error(words.notZip);
  if (open > 0) throw new Error(words.notZip);
  const names = modelAmong(paths);
  return [...names.values()];
}
