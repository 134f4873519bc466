// Which of the files that a reader picked are a model: one GGUF or its parts, one folder of weights, or one adapter.
//
// Paths alone decide here; what is in the files is the trainer's business.

import { files, opening } from './opening-strings';

/** A file of the reader, by its path inside what was picked. */
export type Picked = { path: string; blob: Blob };

const SMALL = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'adapter_config.json',
  'model.safetensors.index.json',
];

/** A WebAssembly memory has four gigabytes, and a model is in it more than once. */
export const MOST_BYTES = 1.5e9;

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const isGguf = (path: string): boolean => path.toLowerCase().endsWith('.gguf');
/** The name without what tells parts of one model apart: NAME-00001-of-00003.gguf. Which are missing says the trainer. */
const wholeOf = (path: string): string => path.replace(/-\d{5}-of-\d{5}(\.gguf)$/i, '$1');

/** Whether a file can be a part of a model; archives of a Mac hold shadows of every file. */
export function isPart(path: string): boolean {
  const name = baseName(path);
  if (path.startsWith('__MACOSX/') || name.startsWith('.')) return false;
  return SMALL.includes(name) || name.endsWith('.safetensors') || isGguf(name);
}

/** The paths that make up the one model among `paths`, by the names that it has in a folder. Throws for none or several. */
export function modelAmong(paths: string[]): Map<string, string> {
  const parts = paths.filter(isPart);
  const ggufs = parts.filter(isGguf);
  const heads = parts.filter((path) => ['config.json', 'adapter_config.json'].includes(baseName(path)));
  const folders = [...new Set(heads.map(folderOf))].filter((folder) => !ggufs.some((gguf) => folderOf(gguf) === folder));
  const models = ggufs.filter((gguf, place) => ggufs.findIndex((other) => wholeOf(other) === wholeOf(gguf)) === place);
  const found = [...models, ...folders];
  if (found.length > 1) throw new Error(opening.several(found.map((path) => path || './')));
  if (models.length === 1) return new Map(ggufs.map((gguf) => [gguf, baseName(gguf)]));
  const folder = folders[0];
  if (folder === undefined) {
    const weights = parts.some((path) => path.endsWith('.safetensors'));
    throw new Error(weights ? files.noModel(['config.json']) : opening.nothing);
  }
  const inside = parts.filter((path) => folderOf(path) === folder);
  const names = inside.map(baseName);
  const adapts = names.includes('adapter_config.json');
  const missing = [
    names.some((name) => name.endsWith('.safetensors')) ? null : adapts ? 'adapter_model.safetensors' : 'model.safetensors',
    adapts || names.includes('tokenizer.json') ? null : 'tokenizer.json',
  ].filter((name) => name !== null);
  if (missing.length > 0) throw new Error(files.noModel(missing));
  return new Map(inside.map((path) => [path, baseName(path)]));
}

/** What was picked, in a word or two. */
export function nameOf(picked: Picked[]): string {
  const first = picked[0]?.path ?? '';
  if (isGguf(first) && picked.every(({ path }) => wholeOf(path) === wholeOf(first))) return baseName(wholeOf(first));
  const top = first.split('/')[0] ?? '';
  return picked.length === 1 ? baseName(first) : first.includes('/') ? top : opening.files(picked.length);
}

/** Everything below what was dropped, folders walked through. */
export async function droppedFiles(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (await Promise.all(entries.map((entry) => filesBelow(entry, '')))).flat();
}

async function filesBelow(entry: FileSystemEntry, folder: string): Promise<Picked[]> {
  const path = `${folder}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, blob: file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const all: Picked[] = [];
  // A reader gives a hundred entries at a time, and none when it is through.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...(await Promise.all(some.map((inner) => filesBelow(inner, `${path}/`)))).flat());
  }
}

/** The files of an input, with their paths where a folder was picked. */
export function inputFiles(input: HTMLInputElement): Picked[] {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}
