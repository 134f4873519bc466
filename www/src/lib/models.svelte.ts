// The models of the session by name: where they came from, how they are fetched, stored, exported and imported.

import { engine } from './engine.svelte';
import { download, fetchModel, fetchText, parseJsonl } from './files';
import type { ExportForm, Files, ModelInfo } from './messages';
import type { Picked } from './opening';
import type { Metrics } from './protocol';
import { settings } from './settings';
import * as store from './store';
import { t } from './strings';
import { workflow } from './workflow.svelte';

/** Names of the built-in models whose training curve lies beside them; filled in by the build. */
declare const __MODEL_CURVES__: string[];

export type ModelName = 'base' | 'sft' | 'reward' | 'policy';
export type ModelOrigin = 'built-in' | 'trained' | 'imported';
/** `by` is the stage or method that trained it, where this page saw it. An adapter lies on the base. `made` tells one
 * instruct model from another; 0 stands for the built-in one. */
export type Held = { info: ModelInfo; origin: ModelOrigin; by?: string; adapter: boolean; made: number };
/** One point of a curve: a step, its numbers, and how long it took. */
export type CurvePoint = { step: number; metrics: Metrics; seconds?: number };
/** The base of a real model is read anew from where it lies; everything else is small. */
type Known = { files: Files | null; origin: ModelOrigin; by?: string; made: number };

/** The name of a model that is looked at before it takes a place. */
const IMPORTED = 'imported';
/** The built-in instruct model, where another one has taken its place since. */
export const BUILT_IN_START = 'sft@0';
/** What trained an instruct model that was made of the built-in one by the reader's examples. */
export const BY_EXAMPLES = 'examples';

class Models {
  held = $state.raw<Partial<Record<ModelName, Held>>>({});
  fetching = $state.raw<{ name: ModelName; loaded: number; total: number | null } | null>(null);
  /** The loss of a built-in model's own training, where the server has its log. */
  builtInCurves = $state.raw<Partial<Record<ModelName, CurvePoint[]>>>({});
  #known: Partial<Record<ModelName, Known>> = {};

  /** What is ranked, tuned and compared with: the instruct model, or a base that is an assistant as it came. */
  get start(): 'sft' | 'base' {
    return !this.held.sft && this.held.base?.info.chat ? 'base' : 'sft';
  }

  /** The model as it was before the reader's examples: what a comparison is against. */
  get untouched(): 'sft' | 'base' | typeof BUILT_IN_START {
    if (workflow.base) return 'base';
    return this.held.sft?.by === BY_EXAMPLES ? BUILT_IN_START : this.start;
  }

  /** Whether the model in step 3 has learnt from the reader's examples. */
  get shown(): boolean {
    return this.held[this.start] !== undefined && this.untouched !== this.start;
  }

  /** A model's name on the page. */
  title(name: ModelName): string {
    if (name === 'sft' && this.shown) return t.models.shown;
    return name === 'base' && workflow.base ? t.models.asItCame : t.models[name];
  }

  /** The base of the workflow: the built-in one, or the reader's. */
  async takeBase(): Promise<void> {
    if (!workflow.base) return this.takeBuiltIn('base');
    await this.#put('base', null, 'imported');
  }

  /** Fetches a built-in model and gives it to the trainer. */
  async takeBuiltIn(name: 'base' | 'sft'): Promise<void> {
    try {
      const files = await fetchModel(settings.modelRoot, name, (loaded, total) => (this.fetching = { name, loaded, total }));
      await this.#put(name, files, 'built-in');
    } finally {
      this.fetching = null;
    }
    // Only the fact is stored: the files come from the server again, so that they are never stale.
    if (name !== 'base') await this.#store(name, {});
    if (!__MODEL_CURVES__.includes(name) || settings.modelRoot !== 'model') return;
    const curve = curveOf(await fetchText(`model/${name}.curve.jsonl`));
    this.builtInCurves = { ...this.builtInCurves, [name]: curve };
  }

  /** Takes over a model that a run has just made; the trainer holds it under this name already. */
  async adoptTrained(name: ModelName, by: string): Promise<void> {
    const files = await this.files(name);
    await this.#put(name, files, 'trained', by, Date.now());
    if (name !== 'policy') await this.#store(name, files);
  }

  files(name: ModelName): Promise<Files> {
    return engine.request('model_files', { name });
  }

  /** Gives the trainer a model that is stored elsewhere. */
  async take(name: ModelName, files: Files, origin: ModelOrigin, by?: string): Promise<void> {
    await this.#put(name, files, origin, by, Date.now());
  }

  /** Lets go of a model. */
  async drop(name: ModelName): Promise<void> {
    await engine.request('forget', { name });
    const { [name]: _, ...held } = this.held;
    this.held = held;
    delete this.#known[name];
  }

  /** Lets the trainer have models that have no place on the page for the time of some work, such as two runs that are compared. */
  async borrow<T>(names: string[], work: () => Promise<T>): Promise<T> {
    const borrowed: string[] = [];
    try {
      for (const name of names.filter((name) => !(name in this.#known))) {
        const builtIn = name === BUILT_IN_START;
        const files = builtIn ? await fetchModel(settings.modelRoot, 'sft') : (await store.models.get(name))?.files;
        if (!files) throw new Error(t.runs.gone);
        await engine.request('put_model', { name, files, packed: builtIn && isPacked(files) });
        borrowed.push(name);
      }
      return await work();
    } finally {
      for (const name of borrowed) await engine.request('forget', { name }).catch(() => undefined);
    }
  }

  /** Opens a model folder, zipped or not. A reward model takes that place, a language model the one asked for. */
  async importFiles(picked: Picked[], place: 'sft' | 'policy', by?: string): Promise<ModelName> {
    // Looked at under another name first: a model that does not fit must not push out the one that is there.
    const { info } = await engine.request('open_model', { name: IMPORTED, picked });
    const files = await engine.request('model_files', { name: IMPORTED });
    await engine.request('forget', { name: IMPORTED });
    const name = info.kind === 'reward' ? 'reward' : place;
    await this.#put(name, files, 'imported', by, Date.now());
    if (name !== 'policy') await this.#store(name, files);
    return name;
  }

  async exportZip(name: ModelName): Promise<void> {
    download(`nudge-${name}.zip`, await engine.request('pack', { files: await this.outFiles(name) }));
  }

  /** An adapter as PEFT's folder, which names its base's file; everything else as it is. */
  async outFiles(name: string): Promise<Files> {
    const files = await engine.request('model_files', { name });
    return 'adapter_config.json' in files ? this.#exported(name, 'peft') : files;
  }

  /** One GGUF for llama.cpp: the adapter alone, or worked into the base. */
  async exportGguf(name: ModelName, form: Exclude<ExportForm, 'peft'>): Promise<void> {
    const files = await this.#exported(name, form);
    const gguf = Object.keys(files).find((file) => file.endsWith('.gguf'))!;
    download(`nudge-${name}${form === 'gguf' ? '' : '-adapter'}.gguf`, files[gguf]!);
  }

  #exported(name: string, form: ExportForm): Promise<Files> {
    return engine.request('export_model', { name, form, base: workflow.baseFile || t.models.base });
  }

  /** Brings back what an earlier visit left; `failed` hears of a model that cannot be. */
  async restore(failed: (error: unknown) => void): Promise<void> {
    for (const name of ['sft', 'reward'] as const) {
      const stored = await store.models.get(name);
      if (!stored || this.#known[name]) continue;
      const { files, origin, by, made } = stored;
      const back = origin === 'built-in' ? this.takeBuiltIn('sft') : this.#put(name, files, origin as ModelOrigin, by, made);
      await back.catch(failed);
    }
  }

  /** What another tab holds, to be looked at: nothing is given to this tab's trainer. */
  async look(base: ModelInfo | null): Promise<void> {
    const held: Partial<Record<ModelName, Held>> = {};
    if (base) held.base = { info: base, origin: 'imported', adapter: false, made: 0 };
    for (const name of ['sft', 'reward'] as const) {
      const stored = await store.models.get(name);
      if (!stored) continue;
      const { files, info, origin, by, made } = stored;
      held[name] = { info, origin: origin as ModelOrigin, by, made, adapter: 'adapter_config.json' in files };
    }
    this.held = { ...(base ? {} : { base: this.held.base }), ...held };
  }

  /** Says which model of another tab's is the tuned one. */
  lookAtRun(held: Held | undefined): void {
    this.held = { ...this.held, policy: held };
  }

  /** Gives a new worker the models that the last one held; the base goes before what lies on it. */
  async reload(): Promise<void> {
    for (const [name, { files, origin, by, made }] of Object.entries(this.#known)) {
      await this.#put(name as ModelName, files, origin, by, made);
    }
  }

  /** Gives the trainer these models as they were, after something else used their names. */
  async putBack(names: ModelName[]): Promise<void> {
    for (const name of names) {
      const known = this.#known[name];
      if (known) await this.#put(name, known.files, known.origin, known.by, known.made);
      else await engine.request('forget', { name });
    }
  }

  /** For another workflow, whose trainer is new. */
  reset(): void {
    this.held = {};
    this.builtInCurves = {};
    this.#known = {};
  }

  async #put(name: ModelName, files: Files | null, origin: ModelOrigin, by?: string, made = 0): Promise<void> {
    const info = files
      ? await engine.request('put_model', { name, files, packed: origin === 'built-in' && isPacked(files) })
      : (await engine.request('open_model', { name, picked: workflow.files })).info;
    this.#known[name] = { files, origin, by, made };
    const adapter = files !== null && origin !== 'built-in' && 'adapter_config.json' in files;
    this.held = { ...this.held, [name]: { info, origin, by, adapter, made } };
  }

  async #store(name: ModelName, files: Files): Promise<void> {
    if (name === 'sft') await this.#keepStart();
    const { info, origin, by, made } = this.held[name]!;
    await store.models.put({ name, files, info, origin, by, made });
  }

  /** The instruct model that a run started from stays as long as the run, under a name of its own. */
  async #keepStart(): Promise<void> {
    const old = await store.models.get('sft');
    if (!old || old.origin === 'built-in') return;
    const isStart = (await store.runs.all()).some(({ start }) => start?.model === 'sft' && start.made === old.made);
    if (isStart) await store.models.put({ ...old, name: `sft@${old.made}` });
  }
}

/** Whether a built-in model is shipped smaller than it is trained. */
const isPacked = (files: Files) => 'model.gguf' in files;

function curveOf(log: string): CurvePoint[] {
  return parseJsonl<Metrics>(log).map((metrics, index) => ({ step: metrics.step ?? index + 1, metrics }));
}

export const models = new Models();
