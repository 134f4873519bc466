// What outlives a reload: rankings, models, runs, checkpoints, judgements and notes, in a database for each workflow.
//
// A promise resolves when the transaction is complete, so "stored" on the page means stored on the disk; what the
// browser refused is in memory, and `storage.svelte.ts` says so.

import { removeAllBases } from './bases';
import { Database, dropDatabase, type Stores } from './database';
import type { Files, ModelInfo } from './messages';
import { notices } from './notices.svelte';
import type { Command, RankingRecord } from './protocol';
import type { StoredRun } from './runs.svelte';
import { storage } from './storage.svelte';
import { tabs } from './tabs.svelte';
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

/**
 * A workflow as it is listed. `base` is the SHA-256 of its model's weights; nothing stands for the built-in one, which
 * `builtIn` tells from those before it. Pages that had only one did not say so.
 */
export type StoredWorkflow = { id: string; name: string; base: string | null; builtIn?: string; made: number };

/** 1: rankings, models, checkpoints, notes. 2: runs. */
const VERSION = 2;
const STORES: Stores = {
  rankings: { keyPath: 'key', autoIncrement: true },
  models: { keyPath: 'name' },
  checkpoints: { keyPath: 'stage' },
  notes: { keyPath: 'name' },
  runs: { keyPath: 'id', autoIncrement: true },
};

/** The database of the first workflow, of the built-in model; that of another has the workflow's id behind it. */
const DATABASE = 'nudge';
/** Lists the workflows. */
const INDEX = 'nudge.index';
const nameFor = (workflow: string) => (workflow === '' ? DATABASE : `${DATABASE}-${workflow}`);

/** Set when the reader deletes everything: what still runs must not write behind that. */
let sealed = false;

const openDatabase = (workflow: string) =>
  new Database(nameFor(workflow), VERSION, STORES, {
    trouble: (rows, reason) => storage.trouble(rows, reason),
    outdated: (by) => storage.outdated(by),
    refuse: () => (sealed ? t.files.deleted : tabs.onlyReads ? t.tabs.replaced : tabs.following ? t.tabs.refused : null),
    changed: (store) => tabs.tell({ kind: 'stored', store }),
  });

let database = openDatabase('');

const index = new Database(INDEX, 1, { workflows: { keyPath: 'id' } }, {
  trouble: () => undefined,
  outdated: (by) => storage.outdated(by),
  refuse: () => (sealed ? t.files.deleted : null),
  changed: () => tabs.tell({ kind: 'workflows' }),
});

/** Goes over to another workflow. */
export function use(workflow: string): void {
  if (nameFor(workflow) === database.name) return;
  database.close();
  database = openDatabase(workflow);
}

/** Stores once more what the browser refused. */
export const retry = () => database.retry();

/** Deletes a workflow that is not the one in use. */
export async function removeWorkflow(workflow: string): Promise<void> {
  await index.remove('workflows', workflow);
  await dropDatabase(nameFor(workflow));
}

/** Deletes all that the workflow in use holds. The page has to be loaded anew then. */
export async function emptyWorkflow(): Promise<void> {
  const { name } = database;
  seal();
  await dropDatabase(name);
}

export const workflows = {
  all: () => index.all<StoredWorkflow>('workflows'),
  put: (workflow: StoredWorkflow) => index.put('workflows', workflow),
};

export const rankings = {
  all: () => database.all<StoredRanking>('rankings'),
  add: async (ranking: Omit<StoredRanking, 'key'>): Promise<StoredRanking> => {
    const key = await database.put('rankings', ranking);
    return { ...ranking, key: key as number };
  },
  /** All in one transaction; `told` hears how many are written. */
  addAll: async (rows: Omit<StoredRanking, 'key'>[], told: (written: number) => void): Promise<StoredRanking[]> => {
    const keys = await database.putAll('rankings', rows, told);
    return rows.map((row, index) => ({ ...row, key: keys[index] as number }));
  },
  put: (ranking: StoredRanking) => database.put('rankings', ranking),
  remove: (key: number) => database.remove('rankings', key),
  clear: () => database.clear('rankings'),
};

export const models = {
  get: (name: string) => database.get<StoredModel>('models', name),
  names: async () => (await database.keys('models')) as string[],
  put: (model: StoredModel) => database.put('models', model),
  remove: (name: string) => database.remove('models', name),
};

export const runs = {
  all: () => database.all<StoredRun>('runs'),
  add: async (run: Omit<StoredRun, 'id'>): Promise<StoredRun> => {
    const id = await database.put('runs', run);
    return { ...run, id: id as number };
  },
  put: (run: StoredRun) => database.put('runs', run),
  remove: (id: number) => database.remove('runs', id),
};

/** Two generations of each: the older is overwritten, so that one is whole whatever happens meanwhile. */
const generations = (stage: string) => [stage, `${stage}/other`];

async function generationsOf(stage: string): Promise<StoredCheckpoint[]> {
  const both = await Promise.all(generations(stage).map((key) => database.get<StoredCheckpoint>('checkpoints', key)));
  return both.filter((checkpoint) => checkpoint !== undefined).sort((a, b) => b.made - a.made);
}

/** Where the newest checkpoint of a stage lies. */
const newest = new Map<string, string>();

export const checkpoints = {
  /** The newest first. */
  all: generationsOf,
  get: async (stage: string) => (await generationsOf(stage))[0],
  put: async (checkpoint: StoredCheckpoint) => {
    const { stage } = checkpoint;
    const [one, other] = generations(stage) as [string, string];
    const key = `${database.name}/${stage}`;
    const last = newest.get(key) ?? (await generationsOf(stage))[0]?.stage;
    const place = last === one ? other : one;
    await database.put('checkpoints', { ...checkpoint, stage: place });
    newest.set(key, place);
  },
  remove: async (stage: string) => {
    for (const key of generations(stage)) await database.remove('checkpoints', key);
    newest.delete(`${database.name}/${stage}`);
  },
  /** Lets go of one that cannot be used. */
  drop: async ({ stage }: StoredCheckpoint) => {
    await database.remove('checkpoints', stage);
    newest.clear();
  },
};

/** Small things to remember by name: curves, the labeler, what a reward model was trained on. */
export const notes = {
  get: async <T>(name: string): Promise<T | undefined> =>
    (await database.get<{ value: T }>('notes', name))?.value,
  /** A note whose shape is checked: one that is damaged is named to the reader, and as good as absent. */
  read: async <T>(name: string, check: (value: unknown) => value is T): Promise<T | undefined> => {
    const value = await notes.get<unknown>(name).catch(() => undefined);
    if (value === undefined || value === null) return undefined;
    if (check(value)) return value;
    notices.say(t.storage.badRow(name), 'problem');
    return undefined;
  },
  put: (name: string, value: unknown) => database.put('notes', { name, value: structuredClone(value) }),
  all: () => database.all<{ name: string; value: unknown }>('notes'),
  remove: (name: string) => database.remove('notes', name),
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
    await notes.remove(old);
  }
  const checkpoint = await checkpoints.get('ppo');
  if (checkpoint) {
    await checkpoints.put({ ...checkpoint, stage: 'tune' });
    await checkpoints.remove('ppo');
  }
  for (const ranking of await rankings.all()) {
    const { record } = ranking as { record: unknown };
    if (typeof record !== 'string') continue;
    await rankings.put({ ...ranking, record: JSON.parse(record) as RankingRecord });
  }
}

/** Workflows whose databases are there, by id; where the browser does not list them, those that are registered. */
export async function workflowsFound(): Promise<string[]> {
  const found = (await indexedDB.databases?.()) ?? [];
  return found.flatMap(({ name }) => (name === DATABASE ? [''] : name?.startsWith(`${DATABASE}-`) ? [name.slice(DATABASE.length + 1)] : []));
}

/** A copy of everything that a workflow holds, in a database of its own. */
export async function copyTo(workflow: string): Promise<void> {
  const copy = openDatabase(workflow);
  for (const store of Object.keys(STORES).filter((store) => store !== 'checkpoints')) {
    for (const row of await database.all<object>(store)) await copy.put(store, row);
  }
  copy.close();
}

/** Lets nothing be written any more: somebody has deleted everything. */
export function seal(): void {
  sealed = true;
  database.close();
  index.close();
}

/** Deletes everything this page has stored in the browser: every workflow, every model. */
export async function deleteEverything(): Promise<void> {
  seal();
  try {
    localStorage.clear();
  } catch {
    // Where storage is blocked there is nothing to clear.
  }
  await removeAllBases();
  const others = await workflowsFound().catch((): string[] => []);
  await Promise.all([DATABASE, INDEX, ...others.map(nameFor)].map(dropDatabase));
}

/** Asks the browser not to clear the data when space gets short. It may decline; nothing depends on it. */
export function keepStorage(): void {
  void navigator.storage?.persist?.().then(
    () => storage.look(),
    () => undefined,
  );
}
