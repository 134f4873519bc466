// One database of the browser: rows by key, stored for good when a promise resolves.
//
// What the browser refuses, or has no database for at all, stays in this tab's memory, and `trouble` says so: work goes
// on, and the page offers it as a download. Deliberately absent: what the rows mean.

import { t } from './strings';

/** The key of each store's rows. */
export type Stores = Record<string, { keyPath: string; autoIncrement?: boolean }>;
type Row = Record<string, unknown>;
type Key = string | number;

/** What a database tells the page. */
export interface Hooks {
  /** Rows that lie in memory alone, and why the last of them does; nothing once all are stored. */
  trouble(rows: number, reason: string): void;
  /** A page of another version waits for this one to let go, or stands in this one's way. */
  outdated(by: 'other' | 'this'): void;
  /** Why nothing may be written, if so. */
  refuse(): string | null;
  /** A row of a store was written or removed. */
  changed(store: string): void;
}

export class Database {
  #opening: Promise<IDBDatabase | null> | undefined;
  #memory = new Map<string, Map<Key, Row>>();
  #reason = '';

  constructor(
    readonly name: string,
    private version: number,
    private stores: Stores,
    private hooks: Hooks,
  ) {}

  async get<T>(store: string, key: Key): Promise<T | undefined> {
    const held = this.#memory.get(store)?.get(key);
    if (held) return structuredClone(held) as T;
    return this.#read<T | undefined>(store, undefined, (rows) => rows.get(key) as IDBRequest<T | undefined>);
  }

  async all<T>(store: string): Promise<T[]> {
    const rows = await this.#read<T[]>(store, [], (rows) => rows.getAll() as IDBRequest<T[]>);
    const { keyPath } = this.stores[store]!;
    const held = [...(this.#memory.get(store)?.values() ?? [])] as T[];
    const keyOf = (row: T) => (row as Row)[keyPath] as Key;
    const inMemory = new Set(held.map(keyOf));
    const both = [...rows.filter((row) => !inMemory.has(keyOf(row))), ...held.map((row) => structuredClone(row))];
    return both.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  async keys(store: string): Promise<Key[]> {
    const keys = await this.#read<IDBValidKey[]>(store, [], (rows) => rows.getAllKeys());
    return [...new Set([...(keys as Key[]), ...(this.#memory.get(store)?.keys() ?? [])])];
  }

  /** Gives the row's key; a store that counts makes one. */
  async put(store: string, row: object): Promise<Key> {
    const key = await this.#write(store, row as Row);
    this.hooks.changed(store);
    return key;
  }

  /**
   * Writes new rows of a store that counts, all in one transaction: a tab that is closed meanwhile has stored none of them.
   * What the browser refuses is in memory as a whole. Gives their keys; `told` hears how many were written.
   */
  async putAll(store: string, rows: object[], told: (written: number) => void): Promise<Key[]> {
    this.#mayWrite();
    const { keyPath } = this.stores[store]!;
    let keys: Key[] | undefined;
    let given = rows as Row[];
    if (this.#memory.get(store)?.size) given = await this.#numbered(store, given);
    try {
      const database = await this.#opened();
      if (database) keys = await writtenAll(database.transaction(store, 'readwrite', { durability: 'strict' }), store, given, told);
    } catch (error) {
      this.#reason = reasonOf(error);
    }
    if (!keys) {
      given = await this.#numbered(store, given);
      keys = given.map((row) => row[keyPath] as Key);
      const held = this.#memory.get(store) ?? new Map<Key, Row>();
      for (const row of given) held.set(row[keyPath] as Key, structuredClone(row));
      this.#memory.set(store, held);
      this.#told();
    }
    this.hooks.changed(store);
    return keys;
  }

  async #numbered(store: string, rows: Row[]): Promise<Row[]> {
    const { keyPath } = this.stores[store]!;
    const first = await this.#nextKey(store);
    return rows.map((row, index) => ({ ...row, [keyPath]: first + index }));
  }

  async remove(store: string, key: Key): Promise<void> {
    this.#memory.get(store)?.delete(key);
    await this.#change(store, (rows) => rows.delete(key));
    this.#told();
    this.hooks.changed(store);
  }

  async clear(store: string): Promise<void> {
    this.#memory.delete(store);
    await this.#change(store, (rows) => rows.clear());
    this.#told();
    this.hooks.changed(store);
  }

  /** Stores once more what lies in memory alone. */
  async retry(): Promise<void> {
    for (const [store, rows] of [...this.#memory]) {
      for (const [key, row] of [...rows]) {
        await this.#change(store, (to) => to.put(row));
        if (await this.#opened()) rows.delete(key);
      }
    }
    this.#told();
  }

  close(): void {
    void this.#opening?.then((database) => database?.close());
    this.#opening = undefined;
  }

  async #write(store: string, row: Row): Promise<Key> {
    this.#mayWrite();
    const { keyPath, autoIncrement } = this.stores[store]!;
    // What lies in memory has keys that the database does not know of.
    if (autoIncrement && this.#memory.get(store)?.size && row[keyPath] === undefined) {
      return this.#write(store, { ...row, [keyPath]: await this.#nextKey(store) });
    }
    try {
      const key = await this.#change(store, (rows) => rows.put(row));
      if (key !== undefined) {
        this.#memory.get(store)?.delete(key as Key);
        this.#told();
        return key as Key;
      }
    } catch (error) {
      this.#reason = reasonOf(error);
    }
    const key = (row[keyPath] as Key | undefined) ?? (await this.#nextKey(store));
    const held = this.#memory.get(store) ?? new Map<Key, Row>();
    this.#memory.set(store, held.set(key, structuredClone({ ...row, [keyPath]: key })));
    this.#told();
    return key;
  }

  async #nextKey(store: string): Promise<number> {
    return 1 + (await this.keys(store)).reduce<number>((largest, key) => Math.max(largest, Number(key)), 0);
  }

  #mayWrite(): void {
    const refusal = this.hooks.refuse();
    if (refusal) throw new Error(refusal);
  }

  #told(): void {
    const rows = [...this.#memory.values()].reduce((sum, { size }) => sum + size, 0);
    this.hooks.trouble(rows, rows > 0 ? this.#reason : '');
  }

  async #read<T>(store: string, nothing: T, work: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await this.#opened();
    if (!database) return nothing;
    return finished(database.transaction(store, 'readonly'), store, work);
  }

  /** Resolves when the change is on the disk, as far as the browser can promise that; to nothing without a database. */
  async #change<T>(store: string, work: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
    this.#mayWrite();
    const database = await this.#opened();
    if (!database) return undefined;
    return finished(database.transaction(store, 'readwrite', { durability: 'strict' }), store, work);
  }

  #opened(): Promise<IDBDatabase | null> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#reason = reasonOf(error);
      this.hooks.trouble(0, this.#reason);
      return null;
    });
    return this.#opening;
  }

  #open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, this.version);
      request.onupgradeneeded = () => {
        const database = request.result;
        for (const [store, how] of Object.entries(this.stores)) {
          if (!database.objectStoreNames.contains(store)) database.createObjectStore(store, how);
        }
      };
      request.onblocked = () => this.hooks.outdated('other');
      request.onsuccess = () => {
        const database = request.result;
        database.onversionchange = ({ newVersion }) => {
          database.close();
          // Nothing stands for a deletion, which the tab that deletes tells of.
          if (newVersion !== null) this.hooks.outdated('this');
        };
        // A browser that clears its data, or a disk that is gone: the next call opens anew.
        database.onclose = () => (this.#opening = undefined);
        resolve(database);
      };
      request.onerror = () => reject(request.error);
    });
  }
}

function finished<T>(transaction: IDBTransaction, store: string, work: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    transaction.onabort = () => reject(transaction.error ?? new Error(t.files.refused));
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
  });
}

/** Rows that are on their way to the browser at once. */
const AT_ONCE = 1000;

function writtenAll(transaction: IDBTransaction, store: string, rows: Row[], told: (written: number) => void): Promise<Key[]> {
  return new Promise((resolve, reject) => {
    const keys: Key[] = [];
    const to = transaction.objectStore(store);
    transaction.onabort = () => reject(transaction.error ?? new Error(t.files.refused));
    transaction.oncomplete = () => resolve(keys);
    function next(from: number): void {
      if (from >= rows.length) return;
      const end = Math.min(from + AT_ONCE, rows.length);
      for (let index = from; index < end; index++) {
        const request = to.put(rows[index]!);
        request.onsuccess = () => {
          keys[index] = request.result as Key;
          if (index !== end - 1) return;
          told(end);
          next(end);
        };
      }
    }
    next(0);
  });
}

function reasonOf(error: unknown): string {
  const name = (error as Partial<DOMException> | null)?.name;
  if (name === 'QuotaExceededError') return t.storage.full;
  if (name === 'SecurityError' || name === 'InvalidStateError') return t.storage.blocked;
  return error instanceof Error && error.message ? error.message : t.storage.blocked;
}

/** Deletes a database, once whoever has it open lets go of it. */
export function dropDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
