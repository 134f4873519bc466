// Models of the reader that are kept on this device, in the origin's private file system: a folder each.

import type { ModelInfo, Outlook } from './messages';
import type { Picked } from './opening';

/** A kept model. `id` is the SHA-256 of its weights; `outlook` what it will take of the device that it was opened on. */
export type Base = { id: string; name: string; bytes: number; info: ModelInfo; outlook?: Outlook; made: number };

export const BASES = { folder: 'bases', about: 'about.json' };

/** Files from addresses lie here until they are whole. */
export const ARRIVING = 'arriving';

async function root(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(BASES.folder, { create: true });
}

export async function folderFor(id: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await root()).getDirectoryHandle(id, { create });
}

async function filesOf(id: string): Promise<File[]> {
  const folder = await folderFor(id, false);
  const files: File[] = [];
  for await (const entry of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
    if (entry.kind === 'file') files.push(await (entry as FileSystemFileHandle).getFile());
  }
  return files;
}

/** Those that are whole, the latest first; none where the browser refuses such storage. */
export async function keptBases(): Promise<Base[]> {
  const bases: Base[] = [];
  try {
    for await (const { name: id } of ((await root()) as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
      const about = (await filesOf(id)).find(({ name }) => name === BASES.about);
      if (about) bases.push(JSON.parse(await about.text()) as Base);
    }
  } catch {
    return bases;
  }
  return bases.sort((a, b) => b.made - a.made);
}

/** The files of a kept model, on the disk until somebody reads them. */
export async function filesOfBase(id: string): Promise<Picked[]> {
  const files = await filesOf(id);
  return files.filter(({ name }) => name !== BASES.about).map((file) => ({ path: file.name, blob: file }));
}

export async function removeBase(id: string): Promise<void> {
  await (await root()).removeEntry(id, { recursive: true });
}

export async function removeAllBases(): Promise<void> {
  const storage = await navigator.storage?.getDirectory?.().catch(() => null);
  for (const folder of [BASES.folder, ARRIVING]) {
    await storage?.removeEntry(folder, { recursive: true }).catch(() => undefined);
  }
}
