// What outlives a reload: rankings, models, checkpoints and notes, in IndexedDB.
//
// A promise resolves when the transaction is complete, so "stored" on the page means stored on the disk.

import type { Command, RankingRecord } from './protocol';
import type { Files, ModelInfo } from './messages';
import { removeAllBases } from './bases';
import { t } from './strings';

/** Who made a ranking. Only `person` is the reader; the rest is marked on the page. */
export type RankingSource = 'person' | 'simulated' | 'pack' | 'import';

export type StoredRanking = { key: number; record: RankingRecord; source: RankingSource; prompt: string; labeler: string };

/** `by` is the stage or method that trained the model, where this page saw it. */
export type StoredModel = { name: string; files: Files; info: ModelInfo; origin: string; by?: string; made: number };

/** The protocol that the commands of stored checkpoints are written in; earlier pages stored no number, or a smaller one. */
export const PROTOCOL = 2;

/**
 * `stage` names the training run of the page that it belongs to; the command says what was trained. Before its first
 * checkpoint a run has no files: it begins again.
 */
export type StoredCheckpoint = {
  stage: string;
  protocol?: number;
  command: Command;
  files: Files | null;
  step: number;
  total_steps: number;
  made: number;
};

const STORES = { rankings: 'key', models: 'name', checkpoints: 'stage', notes: 'name' } as const;
type StoreName = keyof typeof STORES;

/** The database of the built-in model's workflow; that of another has its model's name behind it. */
const DATABASE = 'nudge';
const nameFor = (base: string | null) => (base === null ? DATABASE : `${DATABASE}-${base}`);

let name = DATABASE;
let opening: Promise<IDBDatabase> | undefined;
/** Set when the reader deletes everything: what still runs must not write behind that. */
let sealed = false;

/** Goes over to the workflow of another model; nothing stands for the built-in one. */
export function use(base: string | null): void {
  if (nameFor(base) === name) return;
  void opening?.then((database) => database.close());
  opening = undefined;
  name = nameFor(base);
}

/** Deletes the workflow of a model that is not the one in use. */
export function removeDatabase(base: string): Promise<void> {
  return dropped(nameFor(base));
}

function dropped(database: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(database);
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

function database(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) {
        request.result.createObjectStore(name, { keyPath, autoIncrement: name === 'rankings' });
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

async function transact<T>(
  name: StoreName,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  if (sealed && mode === 'readwrite') throw new Error(t.files.deleted);
  const transaction = (await database()).transaction(name, mode);
  const request = work(transaction.objectStore(name));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? new Error(t.files.refused));
  });
}

export const rankings = {
  all: () => transact<StoredRanking[]>('rankings', 'readonly', (store) => store.getAll()),
  add: async (ranking: Omit<StoredRanking, 'key'>): Promise<StoredRanking> => {
    const key = await transact('rankings', 'readwrite', (store) => store.add(ranking));
    return { ...ranking, key: key as number };
  },
  remove: (key: number) => transact('rankings', 'readwrite', (store) => store.delete(key)),
  clear: () => transact('rankings', 'readwrite', (store) => store.clear()),
};

export const models = {
  get: (name: string) => transact<StoredModel | undefined>('models', 'readonly', (store) => store.get(name)),
  all: () => transact<StoredModel[]>('models', 'readonly', (store) => store.getAll()),
  put: (model: StoredModel) => transact('models', 'readwrite', (store) => store.put(model)),
  remove: (name: string) => transact('models', 'readwrite', (store) => store.delete(name)),
};

export const checkpoints = {
  get: (stage: string) =>
    transact<StoredCheckpoint | undefined>('checkpoints', 'readonly', (store) => store.get(stage)),
  put: (checkpoint: StoredCheckpoint) => transact('checkpoints', 'readwrite', (store) => store.put(checkpoint)),
  remove: (stage: string) => transact('checkpoints', 'readwrite', (store) => store.delete(stage)),
};

/** Small things to remember by name: curves, the labeler, what a reward model was trained on. */
export const notes = {
  get: async <T>(name: string): Promise<T | undefined> => {
    const row = await transact<{ value: T } | undefined>('notes', 'readonly', (store) => store.get(name));
    return row?.value;
  },
  put: (name: string, value: unknown) =>
    transact('notes', 'readwrite', (store) => store.put({ name, value: structuredClone(value) })),
};

/**
 * Takes over what an earlier page left under other names: step 5 was called `ppo`, whatever the method, and a ranking
 * was stored as its JSON.
 */
export async function adoptOldNames(): Promise<void> {
  for (const [old, name] of [['curve/ppo', 'curve/tune'], ['stage/ppo', 'method/tune']] as const) {
    const value = await notes.get(old);
    if (value === undefined) continue;
    if ((await notes.get(name)) === undefined) await notes.put(name, value);
    await transact('notes', 'readwrite', (store) => store.delete(old));
  }
  const checkpoint = await checkpoints.get('ppo');
  if (checkpoint) {
    await checkpoints.put({ ...checkpoint, stage: 'tune' });
    await checkpoints.remove('ppo');
  }
  for (const ranking of await rankings.all()) {
    const { record } = ranking as { record: unknown };
    if (typeof record !== 'string') continue;
    await transact('rankings', 'readwrite', (store) => store.put({ ...ranking, record: JSON.parse(record) }));
  }
}

/** Deletes everything this page has stored in the browser: every workflow, every model. */
export async function deleteEverything(): Promise<void> {
  sealed = true;
  localStorage.clear();
  await removeAllBases();
  for (const { name: other } of await indexedDB.databases()) {
    if (other?.startsWith(`${DATABASE}-`) && other !== name) await dropped(other);
  }
  const names = Object.keys(STORES) as StoreName[];
  const transaction = (await database()).transaction(names, 'readwrite');
  for (const name of names) transaction.objectStore(name).clear();
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Asks the browser not to clear the data when space gets short. It may decline; nothing depends on it. */
export function keepStorage(): void {
  void navigator.storage?.persist?.().catch(() => false);
}
