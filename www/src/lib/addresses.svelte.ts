// Models from any address: looked at first, fetched after a click, kept on this device as they come, gone on with where
// they were cut off.

import { AskFailed, fetchFrom, look, type Found } from './ask';
import { ARRIVING } from './bases';
import { megabytes } from './format';
import { MOST_BYTES, type Picked } from './opening';
import { t } from './strings';

/** A file somewhere: as the reader is told of it before it is fetched. */
export type Offer = { url: string; host: string; file: string; size: number; tag: string | null; have: number };

/** What a tab that is closed loses of a download, at most. */
const STORED_EVERY = 32 << 20;

class Addresses {
  /** What there is at the address that was looked at. */
  offer = $state.raw<Offer | null>(null);
  loaded = $state<number | null>(null);
  problem = $state('');
  looking = $state(false);
  /** Whom this page asked, in this visit. */
  asked = $state.raw<{ host: string; file: string }[]>([]);
  #stop = new AbortController();

  /** Asks a server what there is, without fetching it. */
  async look(words: string): Promise<void> {
    this.problem = '';
    this.offer = null;
    this.looking = true;
    try {
      const url = addressOf(words);
      const found = await look(url.href);
      this.asked = [...this.asked, { host: url.host, file: fileOf(url) }];
      const size = checked(found, url);
      const { have, tag } = await arrived(url.href);
      const goesOn = have > 0 && tag === found.tag && have < size;
      this.offer = { url: url.href, host: url.host, file: fileOf(url), size, tag: found.tag, have: goesOn ? have : 0 };
    } catch (error) {
      this.problem = inWords(error);
    } finally {
      this.looking = false;
    }
  }

  /** Fetches what was offered; what has come stays where it is cut off. Resolves to the file, once it is whole. */
  async fetch(): Promise<Picked[] | null> {
    const { offer } = this;
    if (!offer) return null;
    this.problem = '';
    this.#stop = new AbortController();
    try {
      await this.#receive(offer);
      const file = await (await handleFor(offer.url)).getFile();
      if (file.size !== offer.size) throw new Error(t.address.otherSize(megabytes(file.size), megabytes(offer.size)));
      return [{ path: offer.file, blob: file }];
    } catch (error) {
      this.problem = inWords(error);
      const { have } = await arrived(offer.url);
      this.offer = { ...offer, have: error instanceof AskFailed ? have : 0 };
      if (!(error instanceof AskFailed)) await this.forget(offer.url);
      return null;
    } finally {
      this.loaded = null;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Lets go of what has come from an address: it is kept elsewhere now, or of no use. */
  async forget(url: string): Promise<void> {
    const folder = await arriving();
    const name = await nameFor(url);
    for (const entry of [name, `${name}.json`]) await folder.removeEntry(entry).catch(() => undefined);
  }

  async #receive({ url, tag, have, size }: Offer): Promise<void> {
    const handle = await handleFor(url);
    await note(url, tag);
    if (!('createWritable' in handle)) throw new Error(t.address.noStorage);
    let at = have;
    let stored = have;
    let file: FileSystemWritableFileStream | null = null;
    this.loaded = at;
    try {
      await fetchFrom(url, have, this.#stop.signal, {
        begun: async (found) => {
          if (found.status >= 400 || found.type.startsWith('text/html')) throw new Error(t.address.page);
          at = stored = found.from;
          file = await handle.createWritable({ keepExistingData: true });
        },
        piece: async (bytes) => {
          if (at + bytes.byteLength > size) throw new Error(t.address.otherSize(megabytes(at + bytes.byteLength), megabytes(size)));
          await file!.write({ type: 'write', position: at, data: bytes as BufferSource });
          at += bytes.byteLength;
          this.loaded = at;
          if (at - stored < STORED_EVERY) return;
          // Only what is closed outlives the tab.
          await file!.close();
          file = await handle.createWritable({ keepExistingData: true });
          stored = at;
        },
      });
    } finally {
      // What has come is stored by this, too.
      await (file as FileSystemWritableFileStream | null)?.close();
    }
  }
}

function addressOf(words: string): URL {
  let url: URL;
  try {
    url = new URL(words.trim());
  } catch {
    throw new Error(t.address.none);
  }
  const home = ['localhost', '127.0.0.1'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(home && url.protocol === 'http:')) throw new Error(t.address.insecure);
  // A hub's page about a file, instead of the file.
  url.pathname = url.pathname.replace('/blob/', '/resolve/');
  return url;
}

const fileOf = (url: URL): string => decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)) || url.host;

/** The size of the file, if it can be one of a model. */
function checked({ status, type, size }: Found, url: URL): number {
  if (status >= 400) throw new Error(t.address.missing(url.host, status));
  if (type.startsWith('text/html')) throw new Error(t.address.page);
  if (!/\.(gguf|zip)$/i.test(url.pathname)) throw new Error(t.address.kind);
  if (size === null) throw new Error(t.address.noSize);
  if (size > MOST_BYTES) throw new Error(`${fileOf(url)}: ${t.opening.tooLarge(size, MOST_BYTES)}.`);
  return size;
}

function inWords(error: unknown): string {
  if (error instanceof AskFailed) return t.address.failed[error.why];
  return error instanceof Error ? error.message : String(error);
}

async function arriving(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(ARRIVING, { create: true });
}

async function nameFor(url: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(url));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function handleFor(url: string): Promise<FileSystemFileHandle> {
  return (await arriving()).getFileHandle(await nameFor(url), { create: true });
}

/** Writes down of which version what arrives is. */
async function note(url: string, tag: string | null): Promise<void> {
  const about = await (await arriving()).getFileHandle(`${await nameFor(url)}.json`, { create: true });
  const file = await about.createWritable();
  await file.write(JSON.stringify({ url, tag }));
  await file.close();
}

/** How much has come of a file, and of which version. */
async function arrived(url: string): Promise<{ have: number; tag: string | null }> {
  try {
    const folder = await arriving();
    const name = await nameFor(url);
    const about = await (await folder.getFileHandle(`${name}.json`)).getFile();
    const { tag } = JSON.parse(await about.text()) as { tag: string | null };
    return { have: (await (await folder.getFileHandle(name)).getFile()).size, tag };
  } catch {
    return { have: 0, tag: null };
  }
}

export const addresses = new Addresses();
