// The models of the session by name: where they came from, how they are fetched, stored, exported and imported.

import { engine } from './engine.svelte';
import { download, fetchModel, fetchText, parseJsonl, zipFiles } from './files';
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
/** `by` is the stage or method that trained it, where this page saw it; `made` is when. An adapter lies on the base. */
export type Held = { info: ModelInfo; origin: ModelOrigin; by?: string; made: number; adapter: boolean };
/** One point of a curve: a step and its numbers. */
export type CurvePoint = { step: number; metrics: Metrics };
/** The base of a real model is read anew from where it lies; everything else is small. */
type Known = { files: Files | null; origin: ModelOrigin; by?: string; made: number };

/** The name of a model that is looked at before it takes a place. */
const IMPORTED = 'imported';

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

  /** A model's name on the page. */
  title(name: ModelName): string {
    return name === 'base' && workflow.base ? t.models.asItCame : t.models[name];
  }

  /** The base of the workflow: the built-in one, or the reader's. */
  async takeBase(): Promise<void> {
    if (!workflow.base) return this.takeBuiltIn('base');
    await this.#put('base', null, 'imported');
  }

  /** Fetches a built-in model and gives it to the trainer. */
  async takeBuiltIn(name: 'base' | 'sft'): Promise<void> {
    const folder = `${settings.modelRoot}/${name}`;
    try {
      const files = await fetchModel(folder, (loaded, total) => (this.fetching = { name, loaded, total }));
      await this.#put(name, files, 'built-in');
    } finally {
      this.fetching = null;
    }
    // Only the fact is stored: the files come from the server again, so that they are never stale.
    if (name !== 'base') await this.#store(name, {});
    if (!__MODEL_CURVES__.includes(name) || settings.modelRoot !== 'model') return;
    const curve = curveOf(await fetchText(`${folder}.curve.jsonl`));
    this.builtInCurves = { ...this.builtInCurves, [name]: curve };
  }

  /** Takes over a model that a run has just made; the trainer holds it under this name already. */
  async adoptTrained(name: ModelName, by: string): Promise<void> {
    const files = await engine.request('model_files', { name });
    await this.#put(name, files, 'trained', by);
    await this.#store(name, files);
  }

  /** Opens a model folder, zipped or not. A reward model takes that place, a language model the one asked for. */
  async importFiles(picked: Picked[], place: 'sft' | 'policy'): Promise<ModelName> {
    // Looked at under another name first: a model that does not fit must not push out the one that is there.
    const { info } = await engine.request('open_model', { name: IMPORTED, picked });
    const files = await engine.request('model_files', { name: IMPORTED });
    await engine.request('forget', { name: IMPORTED });
    const name = info.kind === 'reward' ? 'reward' : place;
    await this.#put(name, files, 'imported');
    await this.#store(name, files);
    return name;
  }

  /** An adapter as PEFT's folder, everything else as it is. */
  async exportZip(name: ModelName): Promise<void> {
    const files = this.held[name]?.adapter
      ? await this.#exported(name, 'peft')
      : await engine.request('model_files', { name });
    download(`nudge-${name}.zip`, zipFiles(files));
  }

  /** One GGUF for llama.cpp: the adapter alone, or worked into the base. */
  async exportGguf(name: ModelName, form: Exclude<ExportForm, 'peft'>): Promise<void> {
    const files = await this.#exported(name, form);
    const gguf = Object.keys(files).find((file) => file.endsWith('.gguf'))!;
    download(`nudge-${name}${form === 'gguf' ? '' : '-adapter'}.gguf`, files[gguf]!);
  }

  #exported(name: ModelName, form: ExportForm): Promise<Files> {
    return engine.request('export_model', { name, form, base: workflow.baseName || t.models.base });
  }

  /** Brings back what an earlier visit left. */
  async restore(): Promise<void> {
    for (const { name, files, origin, by, made } of await store.models.all()) {
      const model = name as ModelName;
      if (this.#known[model]) continue;
      if (origin === 'built-in') await this.takeBuiltIn('sft');
      else await this.#put(model, files, origin as ModelOrigin, by, made);
    }
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

  async #put(
    name: ModelName,
    files: Files | null,
    origin: ModelOrigin,
    by?: string,
    made = Date.now(),
  ): Promise<void> {
    const info = files
      ? await engine.request('put_model', { name, files })
      : (await engine.request('open_model', { name, picked: workflow.files })).info;
    this.#known[name] = { files, origin, by, made };
    const adapter = files !== null && 'adapter_config.json' in files;
    this.held = { ...this.held, [name]: { info, origin, by, made, adapter } };
  }

  #store(name: ModelName, files: Files): Promise<unknown> {
    const { info, origin, by, made } = this.held[name]!;
    return store.models.put({ name, files, info, origin, by, made });
  }
}

function curveOf(log: string): CurvePoint[] {
  return parseJsonl<Metrics>(log).map((metrics, index) => ({ step: metrics.step ?? index + 1, metrics }));
}

export const models = new Models();
