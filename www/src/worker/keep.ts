// Files of a base on their way into the origin's private file system, piece by piece.

import { BASES, folderFor, type Base } from '../lib/bases';
import { baseName, type Picked } from '../lib/opening';

interface SyncHandle {
  write(piece: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

const PIECE = 4 << 20;

/** Keeps the files of a base. What was cut short lacks its description, and is no base. */
export async function keepBase(base: Base, files: Picked[]): Promise<void> {
  const folder = await folderFor(base.id, true);
  for (const { path, blob } of files) await write(folder, baseName(path), blob);
  await write(folder, BASES.about, new Blob([JSON.stringify(base)]));
}

async function write(folder: FileSystemDirectoryHandle, name: string, blob: Blob): Promise<void> {
  const file = await folder.getFileHandle(name, { create: true });
  // Every browser has this form in a worker; the asynchronous one came later.
  const handle = await (file as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }).createSyncAccessHandle();
  try {
    handle.truncate(0);
    for (let at = 0; at < blob.size; at += PIECE) {
      handle.write(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()), { at });
    }
    handle.flush();
  } finally {
    handle.close();
  }
}
