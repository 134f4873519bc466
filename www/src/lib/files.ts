// Files in and out: downloads from this origin, what goes out, JSONL.

import { bytesOf, filesUnder } from './file-sizes';
import type { Files } from './messages';
import { t } from './strings';

/** Fetches a built-in model of this origin, one trained beside a base with that. `onBytes` gets the bytes so far and in all. */
export async function fetchModel(
  root: string,
  name: string,
  onBytes: (loaded: number, total: number | null) => void = () => {},
): Promise<Files> {
  const own = filesUnder(`${root}/${name}`);
  const all = own.some(({ path }) => path.endsWith('adapter_config.json')) ? [...filesUnder(`${root}/base`), ...own] : own;
  if (all.length === 0) throw new Error(t.files.missing(`${root}/${name}`));
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  const files: Files = {};
  let before = 0;
  for (const { path } of all) {
    const bytes = await fetchBytes(path, (loaded) => onBytes(before + loaded, total));
    before += bytes.byteLength;
    files[path.split('/').at(-1)!] = bytes;
  }
  return files;
}

export async function fetchBytes(
  url: string,
  onBytes: (loaded: number, total: number | null) => void = () => {},
): Promise<Uint8Array> {
  return new Uint8Array(await (await fetchBlob(url, onBytes)).arrayBuffer());
}

/** A large file, which the browser may keep on its disk. */
export async function fetchBlob(
  url: string,
  onBytes: (loaded: number, total: number | null) => void = () => {},
): Promise<Blob> {
  const response = await fetchOk(url);
  const total = bytesOf(response);
  let loaded = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      onBytes(loaded, total);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body!.pipeThrough(counter)).blob();
}

async function fetchOk(url: string): Promise<Response> {
  const response = await fetch(url);
  // A server that answers every path with its index page has not got the file either.
  const page = response.headers.get('content-type')?.startsWith('text/html');
  if (!response.ok || !response.body || page) throw new Error(t.files.missing(url));
  return response;
}

export async function fetchText(url: string): Promise<string> {
  return (await fetchOk(url)).text();
}

/** The objects of a JSONL text. Empty lines are skipped; a bad line is named by its number. */
export function parseJsonl<T>(text: string): T[] {
  return numberedLines(text).map(({ line, number }) => {
    try {
      return JSON.parse(line) as T;
    } catch {
      throw new Error(t.files.notJson(number));
    }
  });
}

function numberedLines(text: string): { line: string; number: number }[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '');
}

/** Offers bytes or a text as a download. */
export function download(name: string, content: Uint8Array | string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
