// Which model the page is about: the built-in story model, or one of the reader's. Each has a workflow of its own:
// rankings, adapters, runs and judgements of one are never mixed with those of another.

import { filesOfBase, keptBases, removeBase, type Base } from './bases';
import { engine } from './engine.svelte';
import { fetchBlob, fetchText } from './files';
import type { MemoryNeeded, ModelInfo } from './messages';
import { baseName, isPart, modelAmong, MOST_BYTES, nameOf, type Picked } from './opening';
import { useSizes } from './settings';
import * as store from './store';
import { t } from './strings';

/** A model that this site serves beside the page. */
export type Served = { file: string; name: string; bytes: number; sha256: string; about: string };

/** What is going on with a model that is being opened. */
export type Opening = {
  name: string;
  what: 'fetching' | 'reading' | 'keeping';
  loaded: number;
  total: number | null;
  memory: MemoryNeeded | null;
};

/** Under which the last choice is remembered, beside the databases. */
const LAST = 'nudge.base';
/** The name of a model that is looked at before it takes a place. */
const CANDIDATE = 'candidate';
const SERVED = 'model/served.json';

class Workflow {
  /** Nothing stands for the built-in story model. */
  base = $state.raw<Base | null>(null);
  /** Those that this browser keeps. */
  kept = $state.raw<Base[]>([]);
  served = $state.raw<Served[]>([]);
  opening = $state.raw<Opening | null>(null);
  /** Why the last model could not be opened. */
  refusal = $state<string | null>(null);
  /** Whether the model lies in this browser; else a reload asks for it again. */
  isKept = $state(true);
  #files: Picked[] = [];
  #memory: MemoryNeeded | null = null;

  /** Tells one workflow's page from another's. */
  get key(): string {
    return this.base?.id ?? '';
  }

  /** What a model of the reader's is called outside of this page. */
  get baseName(): string {
    return this.base?.name ?? '';
  }

  get files(): Picked[] {
    return this.#files;
  }

  /** Brings back the model of the last visit, if it is still there. */
  async restore(): Promise<void> {
    const last = localStorage.getItem(LAST);
    if (!last) return;
    this.kept = await keptBases();
    const base = this.kept.find(({ id }) => id === last);
    if (base) this.take(base, await filesOfBase(base.id));
    else localStorage.removeItem(LAST);
  }

  async lookHere(): Promise<void> {
    this.kept = await keptBases();
  }

  /** What there is to choose from, here and on this site. */
  async look(): Promise<void> {
    await this.lookHere();
    this.served = await fetchText(SERVED).then((text) => JSON.parse(text) as Served[]).catch(() => []);
  }

  /** Makes a model the one that the page is about; the trainer gets it when it starts. */
  take(base: Base | null, files: Picked[]): void {
    this.base = base;
    this.#files = files;
    store.use(base?.id ?? null);
    useSizes(base !== null);
    if (base && this.isKept) localStorage.setItem(LAST, base.id);
    else localStorage.removeItem(LAST);
  }

  /** Fetches a model of this site and looks at it, as at one of the reader's. */
  async fetchServed(served: Served): Promise<{ base: Base; files: Picked[] } | null> {
    return this.#attempt(served.name, async () => {
      this.#memory = await engine.request('memory_needed', { bytes: served.bytes });
      const blob = await fetchBlob(`model/${served.file}`, (loaded, total) => this.#say('fetching', served.name, loaded, total ?? served.bytes));
      const path = served.file.endsWith('.gguf') ? `${served.name}.gguf` : served.file;
      const opened = await this.#read([{ path, blob }], served.name);
      if (opened.base.id !== served.sha256) throw new Error(t.opening.otherBytes(served.name));
      return opened;
    });
  }

  /** Reads what the reader picked, and keeps it. The models that are there stay where they are. */
  open(picked: Picked[]): Promise<{ base: Base; files: Picked[] } | null> {
    return this.#attempt(nameOf(picked), () => this.#read(picked, nameOf(picked)));
  }

  async openKept(base: Base): Promise<{ base: Base; files: Picked[] } | null> {
    return this.#attempt(base.name, async () => ({ base, files: await filesOfBase(base.id) }));
  }

  async remove(base: Base): Promise<void> {
    await removeBase(base.id);
    await store.removeDatabase(base.id);
    this.kept = await keptBases();
  }

  async #attempt<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    this.refusal = this.#memory = null;
    this.#say('reading', name, 0, null);
    try {
      return await work();
    } catch (error) {
      this.refusal = t.opening.refused(name, error instanceof Error ? error.message : String(error));
      return null;
    } finally {
      this.opening = null;
    }
  }

  async #read(picked: Picked[], name: string): Promise<{ base: Base; files: Picked[] }> {
    const files = partsOf(picked);
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    if (bytes > MOST_BYTES) throw new Error(t.opening.tooLarge(bytes, MOST_BYTES));
    this.#memory = await engine.request('memory_needed', { bytes });
    this.#say('reading', name, 0, bytes);
    const { info, names } = await engine.request('open_model', { name: CANDIDATE, picked: files });
    const id = await engine.request('sha256', { name: CANDIDATE });
    await engine.request('forget', { name: CANDIDATE });
    refuseOthers(info, names);
    const base: Base = { id, name: name.replace(/\.(gguf|zip)$/i, ''), bytes, info, made: Date.now() };
    this.#say('keeping', name, 0, bytes);
    this.isKept = await engine.request('keep_base', { base, files }).then(
      () => true,
      // A private window, or a full disk: the model works until the tab is closed.
      () => false,
    );
    if (this.isKept) store.keepStorage();
    return { base, files: this.isKept ? await filesOfBase(id) : files };
  }

  #say(what: Opening['what'], name: string, loaded: number, total: number | null): void {
    this.opening = { what, name, loaded, total, memory: this.#memory };
  }
}

/** The files of the model alone; a zip stays as it is. */
function partsOf(picked: Picked[]): Picked[] {
  const [only] = picked;
  if (picked.length === 1 && only && !isPart(only.path)) return picked;
  const names = modelAmong(picked.map(({ path }) => path));
  return picked.filter(({ path }) => names.has(path)).map(({ path, blob }) => ({ path: baseName(path), blob }));
}

function refuseOthers(info: ModelInfo, names: string[]): void {
  if (names.includes('adapter_config.json')) throw new Error(t.opening.adapter);
  if (info.kind === 'reward') throw new Error(t.opening.reward);
}

export const workflow = new Workflow();
