// Which workflow the page is about, and on which model: the built-in story model, or one of the reader's. Several stand
// side by side; rankings, adapters, runs and judgements of one are never mixed with those of another.

import { filesOfBase, keptBases, removeBase, type Base } from './bases';
import { engine } from './engine.svelte';
import { fetchBlob, fetchText } from './files';
import type { MemoryNeeded, ModelInfo, Outlook } from './messages';
import { baseName, isPart, modelAmong, MOST_BYTES, nameOf, type Picked } from './opening';
import { lackOf, type Lack } from './outlook';
import { settings, sizesOf, useSizes } from './settings';
import * as store from './store';
import type { StoredWorkflow } from './store';
import { t } from './strings';
import { tabs } from './tabs.svelte';

/** Which built-in models this page has; filled in by the build. */
declare const __MODEL_RELEASE__: string;
export const RELEASE = __MODEL_RELEASE__;

/** A model that this site serves beside the page. */
export type Served = { file: string; name: string; bytes: number; sha256: string; about: string };

/** What is going on with a model that is being opened. */
export type Opening = {
  name: string;
  what: 'fetching' | 'reading' | 'probing' | 'keeping';
  loaded: number;
  total: number | null;
  memory: MemoryNeeded | null;
};

/** Whether to take a model that this device seems too small for. */
export type Question = { name: string; outlook: Outlook; lacks: Lack; answer: (taken: boolean) => void };

/** Under which the last workflow is remembered, beside the databases. */
const LAST = 'nudge.base';
/** The name of a model that is looked at before it takes a place. */
const CANDIDATE = 'candidate';
const SERVED = 'model/served.json';

/** A workflow to go over to: its model with the files of it. Without a row it is the first one of that model. */
export type Opened = { base: Base | null; files: Picked[]; workflow?: StoredWorkflow };

class Workflow {
  /** Names the workflow's database; that of the built-in model's first one is empty. */
  id = $state('');
  name = $state('');
  /** Counts what came in from outside, for what was drawn before that. */
  filled = $state(0);
  /** Counts changes of what is asked. */
  prompts = $state(0);
  /** All that there are, the oldest first. */
  list = $state.raw<StoredWorkflow[]>([]);
  /** Which built-in model it was made with, where it says so. */
  builtIn: string | undefined;
  /** Whether it was made with a built-in model that this page does not have any more: it can be looked at and taken along. */
  replaced = $state(false);
  /** Nothing stands for the built-in story model. */
  base = $state.raw<Base | null>(null);
  /** Those that this browser keeps. */
  kept = $state.raw<Base[]>([]);
  served = $state.raw<Served[]>([]);
  opening = $state.raw<Opening | null>(null);
  /** Asked before a model is taken that this device seems too small for. */
  question = $state.raw<Question | null>(null);
  /** Why the last model could not be opened. */
  refusal = $state<string | null>(null);
  /** Whether the model lies in this browser; else a reload asks for it again. */
  isKept = $state(true);
  #files: Picked[] = [];
  #memory: MemoryNeeded | null = null;

  /** What the file or folder of the reader's model is called outside of this page. */
  get baseFile(): string {
    const [only] = this.#files;
    return this.#files.length === 1 && only?.path.endsWith('.gguf') ? only.path : (this.base?.name ?? '');
  }

  get files(): Picked[] {
    return this.#files;
  }

  /** Brings back the workflow of the last visit, if its model is still there. */
  async restore(): Promise<void> {
    await this.lookHere();
    if (settings.lesson) return this.take({ base: null, files: [], workflow: ofLesson(settings.lesson) });
    const last = this.list.find(({ id }) => id === (remembered() ?? ''));
    const opened = last && (await this.#opened(last));
    await this.take(opened ?? { base: null, files: [] });
  }

  /** The models and workflows that are here. */
  async lookHere(): Promise<void> {
    this.kept = await keptBases();
    const registered = await store.workflows.all();
    const found = await store.workflowsFound().catch((): string[] => []);
    // Earlier pages had one workflow for each model, and no list of them.
    const unlisted = this.kept.filter(({ id }) => found.includes(id) && !registered.some((other) => other.id === id));
    const old = found.includes('') && !registered.some(({ id }) => id === '') ? [ofEarlier()] : [];
    const known = [...old, ...registered, ...unlisted.map(firstOf)];
    // The first name is taken where an earlier built-in model had it.
    const free = !known.some(({ id }) => id === '');
    const first = known.some(isOfBuiltIn) ? [] : [{ ...ofEarlier(), id: free ? '' : `story-${RELEASE.slice(0, 8)}`, builtIn: RELEASE }];
    this.list = [...first, ...known].sort((a, b) => a.made - b.made);
  }

  /** What there is to choose from, here and on this site. */
  async look(): Promise<void> {
    await this.lookHere();
    this.served = await fetchText(SERVED).then((text) => JSON.parse(text) as Served[]).catch(() => []);
  }

  /** Makes a workflow the one that the page is about; the trainer gets its model when it starts. */
  async take({ base, files, workflow = this.#firstOf(base) }: Opened): Promise<void> {
    this.id = workflow.id;
    this.name = workflow.name;
    this.base = base;
    this.builtIn = workflow.builtIn;
    this.replaced = isReplaced(workflow);
    this.#files = files;
    store.use(workflow.id);
    useSizes(base !== null);
    // A lesson is passed through; the page comes back to what was there before it.
    if (settings.lesson) return;
    remember(base === null || this.isKept ? workflow.id : '');
    await store.workflows.put(workflow).catch(() => undefined);
    await this.lookHere();
  }

  #firstOf(base: Base | null): StoredWorkflow {
    if (base === null) return this.list.find(isOfBuiltIn)!;
    return this.list.find(({ id }) => id === base.id) ?? firstOf(base);
  }

  /** The first workflow of the built-in model. */
  first(): Opened {
    return { base: null, files: [], workflow: this.#firstOf(null) };
  }

  /** Another workflow, on the model of this one; `builtIn` says on which built-in model. */
  another(name: string, builtIn: string | null = RELEASE): Opened {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { base: this.base, files: this.#files, workflow: { id, name, base: this.base?.id ?? null, ...(!this.base && builtIn && { builtIn }), made: Date.now() } };
  }

  /** Says on which built-in model a workflow was made; nothing stands for those of pages that did not say so. */
  async isOf(builtIn: string | undefined): Promise<StoredWorkflow> {
    const { builtIn: _, ...row } = this.list.find(({ id }) => id === this.id)!;
    const told = builtIn ? { ...row, builtIn } : row;
    await store.workflows.put(told);
    await this.lookHere();
    return told;
  }

  /** A workflow of the list; refused where its model is not here any more. */
  async open(workflow: StoredWorkflow): Promise<Opened> {
    const opened = await this.#opened(workflow);
    if (!opened) throw new Error(t.workflows.noModel(workflow.name));
    return opened;
  }

  async #opened(workflow: StoredWorkflow): Promise<Opened | null> {
    if (workflow.base === null) return { base: null, files: [], workflow };
    if (workflow.base === this.base?.id) return { base: this.base, files: this.#files, workflow };
    const base = this.kept.find(({ id }) => id === workflow.base);
    return base ? { base, files: await filesOfBase(base.id), workflow } : null;
  }

  async rename(name: string): Promise<void> {
    const row = this.list.find(({ id }) => id === this.id)!;
    await store.workflows.put({ ...row, name });
    this.name = name;
    await this.lookHere();
  }

  /** Deletes a workflow that is not the one in use, in all tabs. */
  async removeWorkflow(id: string): Promise<void> {
    tabs.tellAbout(id, { kind: 'deleted' });
    await store.removeWorkflow(id);
    await this.lookHere();
  }

  /** Fetches a model of this site and looks at it, as at one of the reader's. */
  async fetchServed(served: Served): Promise<Opened | null> {
    return this.#attempt(served.name, async () => {
      this.#memory = await engine.request('memory_needed', { bytes: served.bytes });
      const blob = await fetchBlob(`model/${served.file}`, (loaded, total) => this.#say('fetching', served.name, loaded, total ?? served.bytes));
      const path = served.file.endsWith('.gguf') ? `${served.name}.gguf` : served.file;
      const opened = await this.#read([{ path, blob }], served.name);
      if (opened.base?.id !== served.sha256) throw new Error(t.opening.otherBytes(served.name));
      return opened;
    });
  }

  /** Reads what the reader picked, and keeps it. The models that are there stay where they are. */
  openModel(picked: Picked[]): Promise<Opened | null> {
    return this.#attempt(nameOf(picked), () => this.#read(picked, nameOf(picked)));
  }

  async openKept(base: Base): Promise<Opened | null> {
    return this.#attempt(base.name, async () => ({ base, files: await filesOfBase(base.id) }));
  }

  /** Deletes a model that is not in use, with all its workflows. */
  async remove(base: Base): Promise<void> {
    for (const { id } of this.list.filter((other) => other.base === base.id)) await this.removeWorkflow(id);
    await removeBase(base.id);
    await this.lookHere();
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

  async #read(picked: Picked[], name: string): Promise<Opened> {
    const files = partsOf(picked);
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    if (bytes > MOST_BYTES) throw new Error(t.opening.tooLarge(bytes, MOST_BYTES));
    this.#memory = await engine.request('memory_needed', { bytes });
    this.#say('reading', name, 0, bytes);
    const { info, names } = await engine.request('open_model', { name: CANDIDATE, picked: files });
    const id = await engine.request('sha256', { name: CANDIDATE });
    const outlook = await this.#lookAhead(info, names, name).finally(() => engine.request('forget', { name: CANDIDATE }));
    const base: Base = { id, name: name.replace(/\.(gguf|zip)$/i, ''), bytes, info, outlook, made: Date.now() };
    this.#say('keeping', name, 0, bytes);
    this.isKept = await engine.request('keep_base', { base, files }).then(
      () => true,
      // A private window, or a full disk: the model works until the tab is closed.
      () => false,
    );
    if (this.isKept) store.keepStorage();
    return { base, files: this.isKept ? await filesOfBase(id) : files };
  }

  /** What working with the candidate will take here. Where that is more than this device seems to have, the reader decides. */
  async #lookAhead(info: ModelInfo, names: string[], name: string): Promise<Outlook> {
    refuseOthers(info, names);
    this.#say('probing', name, 0, null);
    const outlook = await engine.request('outlook', { name: CANDIDATE, answer: sizesOf(true).completionTokens });
    const lacks = lackOf(outlook);
    if (!lacks) return outlook;
    const taken = await new Promise<boolean>((answer) => (this.question = { name, outlook, lacks, answer }));
    this.question = null;
    if (!taken) throw new Error(t.outlook.left);
    return outlook;
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

/** The first workflow that there was, of an earlier built-in model. */
const ofEarlier = (): StoredWorkflow => ({ id: '', name: t.model.builtIn, base: null, made: 0 });

/** Whether a workflow is about the built-in model that this page has. */
const isOfBuiltIn = ({ base, builtIn }: StoredWorkflow) => base === null && builtIn === RELEASE;

/** Whether a workflow is about a built-in model that this page does not have any more. */
export const isReplaced = (workflow: StoredWorkflow) => workflow.base === null && !isOfBuiltIn(workflow);

/** The first workflow of a model of the reader's; its database has the model's name. */
function firstOf({ id, name, made }: Base): StoredWorkflow {
  return { id, name, base: id, made };
}

/** A lesson's own workflow: nothing of the reader's is touched by it. It is not listed. */
function ofLesson(lesson: string): StoredWorkflow {
  return { id: `lesson-${lesson}-${RELEASE.slice(0, 8)}`, name: lesson, base: null, builtIn: RELEASE, made: 0 };
}

function remembered(): string | null {
  try {
    return localStorage.getItem(LAST);
  } catch {
    return null;
  }
}

/** A browser that refuses to remember begins with the built-in model. */
function remember(id: string): void {
  try {
    localStorage.setItem(LAST, id);
  } catch {
    // Nothing depends on it.
  }
}

export const workflow = new Workflow();
