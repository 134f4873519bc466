// How many bytes are to come, for a bar with an end: as the server says, or as the build counted where it compresses.

/** Bytes of the trainer and of the built-in models by the end of their address; filled in by the build. */
declare const __FILE_SIZES__: Record<string, number>;

/** The bytes that a response unpacks to; nothing where nobody knows. */
export function bytesOf({ url, headers }: Response): number | null {
  const length = headers.get('content-encoding') ? null : headers.get('content-length');
  if (length) return Number(length);
  const path = new URL(url).pathname;
  const counted = Object.entries(__FILE_SIZES__).find(([name]) => sameFile(path, name));
  return counted?.[1] ?? null;
}

/** The files of a folder that the build saw, the smallest first. */
export function filesUnder(folder: string): { path: string; bytes: number }[] {
  const all = Object.entries(__FILE_SIZES__).map(([path, bytes]) => ({ path, bytes }));
  return all.filter(({ path }) => path.startsWith(`${folder}/`)).sort((a, b) => a.bytes - b.bytes);
}

/** The build puts a hash between the name of the trainer and its ending. */
function sameFile(path: string, name: string): boolean {
  const [stem, ending] = [name.replace(/\.[^.]+$/, ''), name.replace(/^.*\./, '.')];
  return path.endsWith(`/${name}`) || (path.includes(`/${stem}-`) && path.endsWith(ending));
}
