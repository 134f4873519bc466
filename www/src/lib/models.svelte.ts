// The models of the session by name: where they came from, how they are fetched, stored, exported and imported.

import { engine } from './engine.svelte';
import { download, fetchModel, fetchText, parseJsonl, unzipFiles, zipFiles } from './files';
import type { Files, ModelInfo } from './messages';
import type { Metrics } from './protocol';
import { settings } from './settings';
import * as store from './store';

/** Names of the built-in models whose training curve lies beside them; filled in by the build. */
declare const __MODEL_CURVES__: string[];

export type ModelName = 'base' | 'sft' | 'reward' | 'policy';
export type ModelOrigin = 'built-in' | 'trained' | 'imported';
/** `by` is the stage or method that trained it, where this page saw it. */
export type Held = { info: ModelInfo; origin: ModelOrigin; by?: string };
/** One point of a curve: a step and its numbers. */
export type CurvePoint = { step: number; metrics: Metrics };

class Models {
  held = $state.raw<Partial<Record<ModelName, Held>>>({});
  fetching = $state.raw<{ name: ModelName; loaded: number; total: number | null } | null>(null);
  /** The loss of a built-in model's own training, where the server has its log. */
  builtInCurves = $state.raw<Partial<Record<ModelName, CurvePoint[]>>>({});
  #known: Partial<Record<ModelName, { files: Files; origin: ModelOrigin; by?: string }>> = {};

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

  /** Opens a zipped model folder. A reward model takes that place, a language model the one asked for. */
  async importZip(bytes: Uint8Array, place: 'sft' | 'policy'): Promise<ModelName> {
    const files = unzipFiles(bytes);
    // Looked at under another name first: a model that does not fit must not push out the one that is there.
    const { kind } = await engine.request('put_model', { name: 'imported', files });
    const name = kind === 'reward' ? 'reward' : place;
    await this.#put(name, files, 'imported');
    await this.#store(name, files);
    return name;
  }

  async exportZip(name: ModelName): Promise<void> {
    download(`nudge-${name}.zip`, zipFiles(await engine.request('model_files', { name })));
  }

  /** Brings back what an earlier visit left. */
  async restore(): Promise<void> {
    for (const { name, files, origin, by } of await store.models.all()) {
      const model = name as ModelName;
      if (this.#known[model]) continue;
      if (origin === 'built-in') await this.takeBuiltIn('sft');
      else await this.#put(model, files, origin as ModelOrigin, by);
    }
  }

  /** Gives a new worker the models that the last one held. */
  async reload(): Promise<void> {
    for (const [name, { files, origin, by }] of Object.entries(this.#known)) {
      await this.#put(name as ModelName, files, origin, by);
    }
  }

  async #put(name: ModelName, files: Files, origin: ModelOrigin, by?: string): Promise<void> {
    const info = await engine.request('put_model', { name, files });
    this.#known[name] = { files, origin, by };
    this.held = { ...this.held, [name]: { info, origin, by } };
  }

  #store(name: ModelName, files: Files): Promise<unknown> {
    const { info, origin, by } = this.held[name]!;
    return store.models.put({ name, files, info, origin, by, made: Date.now() });
  }
}

function curveOf(log: string): CurvePoint[] {
  return parseJsonl<Metrics>(log).map((metrics, index) => ({ step: metrics.step ?? index + 1, metrics }));
}

export const models = new Models();
