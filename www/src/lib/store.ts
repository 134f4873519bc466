// What outlives a reload: rankings, models, checkpoints and notes, in IndexedDB.
//
// A promise resolves when the transaction is complete, so "stored" on the page means stored on the disk.
// Deliberately absent: what the page shows of it.

import type { Command, Stage } from './protocol';
import type { Files, ModelInfo } from './messages';
import { t } from './strings';

/** Who made a ranking. Only `person` is the reader; the rest is marked on the page. */
export type RankingSource = 'person' | 'simulated' | 'pack' | 'import';

export type StoredRanking = { key: number; record: string; source: RankingSource; prompt: string; labeler: string };

/** `by` is the stage that trained the model, where this page saw it. */
export type StoredModel = { name: string; files: Files; info: ModelInfo; origin: string; by?: Stage; made: number };

/** `stage` names the training run of the page that it belongs to; the command says what was trained. */
export type StoredCheckpoint = {
  stage: string;
  command: Command;
  files: Files;
  step: number;
  total_steps: number;
  made: number;
};

const STORES = { rankings: 'key', models: 'name', checkpoints: 'stage', notes: 'name' } as const;
type StoreName = keyof typeof STORES;

let opening: Promise<IDBDatabase> | undefined;
/** Set when the reader deletes everything: what still runs must not write behind that. */
let sealed = false;

function database(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('nudge', 1);
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

/** Deletes everything this page has stored in the browser. */
export async function deleteEverything(): Promise<void> {
  sealed = true;
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
