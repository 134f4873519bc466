// Every tuned model is a run: kept until it is deleted, with what made it and what came out. One of them is the tuned
// model at hand; any two can be compared.

import { isCount, isStoredRun } from './checks';
import { contender } from './comparison.svelte';
import type { Values } from './commands';
import { megabytes } from './format';
import type { Files, ModelInfo } from './messages';
import { notices } from './notices.svelte';
import { BUILT_IN_START, models, type CurvePoint, type ModelName } from './models.svelte';
import type { Command, Verdict } from './protocol';
import * as store from './store';
import { t } from './strings';
import type { Training } from './training.svelte';

/** What a run started from: the base, or the instruct model that was made at that time; 0 stands for the built-in one. */
export type RunStart = { model: 'sft' | 'base'; made: number };

/** A comparison that a run was in. */
export type RunJudged = { by: 'person' | 'simulated'; labeler: string; versus: string; verdict: Verdict };

export type StoredRun = {
  id: number;
  /** Nothing for a model that came from outside. */
  method: string | null;
  settings: Values;
  start: RunStart | null;
  /** Rankings that there were when it began. */
  rankings: number;
  steps: number;
  seconds: number;
  curve: CurvePoint[];
  judged: RunJudged[];
  info: ModelInfo;
  adapter: boolean;
  bytes: number;
  made: number;
};

export type RunName = `run-${number}`;
/** What the trainer can be given: what has a place on the page, other runs, and instruct models that runs started from. */
export type AnyModel = ModelName | RunName | `sft@${number}`;

const CURRENT = 'run/current';
export const nameOfRun = (id: number): RunName => `run-${id}`;
const idOfRun = (name: string): number | null => (name.startsWith('run-') ? Number(name.slice(4)) : null);

class Runs {
  list = $state.raw<StoredRun[]>([]);
  /** The run whose model is the tuned one. */
  currentId = $state<number | null>(null);

  get current(): StoredRun | undefined {
    return this.find(this.currentId);
  }

  find(id: number | null | undefined): StoredRun | undefined {
    return this.list.find((run) => run.id === id);
  }

  /** What the current run started from, as the trainer can be asked for it. */
  startOf(run: StoredRun | undefined): AnyModel {
    if (!run?.start) return models.start;
    const { model, made } = run.start;
    if (model === 'base' || models.held.sft?.made === made) return model;
    return `sft@${made}`;
  }

  /** A model in words. */
  title(name: AnyModel): string {
    const run = this.find(idOfRun(name));
    if (run) return t.runs.title(run.id, contender(run.method));
    if (name === BUILT_IN_START) return t.models.builtInStart;
    if (name.startsWith('sft@')) return t.runs.earlierStart;
    return models.title(name as ModelName);
  }

  size(run: StoredRun): string {
    return megabytes(run.bytes);
  }

  /** Brings back the runs, and the tuned model at hand. */
  async restore(withModel: boolean): Promise<void> {
    const all = await store.runs.all();
    this.list = all.filter(isStoredRun);
    if (this.list.length < all.length) notices.say(t.storage.badRow(t.runs.heading), 'problem');
    const id = (await store.notes.read(CURRENT, isCount)) ?? null;
    this.currentId = this.find(id)?.id ?? this.list.at(-1)?.id ?? null;
    if (withModel && this.current) await this.#give(this.current);
  }

  reset(): void {
    this.list = [];
    this.currentId = null;
  }

  /** Keeps a model that a training run has just made, which the trainer holds as `policy`. */
  async keepTrained(training: Training, command: Command): Promise<void> {
    const settings = command.command === 'tune' ? command.options : {};
    const rankings = command.command === 'tune' ? command.preferences.length : 0;
    await this.#add(await models.files('policy'), 'trained', {
      method: training.method,
      settings: settings as Values,
      start: this.#startNow(),
      rankings,
      steps: training.totalSteps,
      seconds: training.curve.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
      curve: training.curve,
    });
  }

  /** Keeps a model of the reader's, which the trainer holds as `policy`. */
  async keepImported(files: Files, run: Partial<StoredRun> = {}): Promise<void> {
    const nothing = { method: null, settings: {}, start: null, rankings: 0, steps: 0, seconds: 0, curve: [] };
    await this.#add(files, 'imported', { ...nothing, ...run });
  }

  /** Makes a run's model the tuned one. */
  async choose(id: number): Promise<void> {
    const run = this.find(id);
    if (!run) return;
    await this.#give(run);
    this.currentId = id;
    await store.notes.put(CURRENT, id);
  }

  async remove(id: number): Promise<void> {
    const run = this.find(id);
    await store.runs.remove(id);
    await store.models.remove(nameOfRun(id));
    this.list = this.list.filter((other) => other.id !== id);
    await this.#dropStart(run?.start);
    if (this.currentId !== id) return;
    this.currentId = null;
    await models.drop('policy');
    const last = this.list.at(-1);
    if (last) await this.choose(last.id);
  }

  /** Writes down what a comparison found about a run. */
  async judged(id: number, found: RunJudged): Promise<void> {
    const run = this.find(id);
    if (!run) return;
    const others = run.judged.filter(({ by, versus }) => by !== found.by || versus !== found.versus);
    const next = $state.snapshot({ ...run, judged: [...others, found] }) as StoredRun;
    await store.runs.put(next);
    this.list = this.list.map((other) => (other.id === id ? next : other));
  }

  #startNow(): RunStart {
    return models.start === 'base' ? { model: 'base', made: 0 } : { model: 'sft', made: models.held.sft?.made ?? 0 };
  }

  async #add(
    files: Files,
    origin: 'trained' | 'imported',
    run: Omit<StoredRun, 'id' | 'judged' | 'info' | 'adapter' | 'bytes' | 'made'>,
  ): Promise<void> {
    const { info, adapter } = models.held.policy!;
    const made = Date.now();
    const bytes = Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const row = $state.snapshot({ ...run, judged: [], info, adapter, bytes, made }) as Omit<StoredRun, 'id'>;
    const stored = await store.runs.add(row);
    await store.models.put({ name: nameOfRun(stored.id), files, info, origin, by: run.method ?? undefined, made });
    this.list = [...this.list, stored];
    this.currentId = stored.id;
    await store.notes.put(CURRENT, stored.id);
  }

  async #give(run: StoredRun): Promise<void> {
    const stored = await store.models.get(nameOfRun(run.id));
    if (stored) await models.take('policy', stored.files, run.method === null ? 'imported' : 'trained', run.method ?? undefined);
  }

  /** A tuned model of an earlier page, which had no runs, becomes the first of them. */
  async adoptOld(): Promise<void> {
    const old = await store.models.get('policy');
    if (!old) return;
    const { files, info, by, made } = old;
    const bytes = Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);
    const curve = (await store.notes.get<CurvePoint[]>('curve/tune')) ?? [];
    const stored = await store.runs.add({
      method: by ?? null,
      settings: {},
      start: null,
      rankings: 0,
      steps: curve.at(-1)?.step ?? 0,
      seconds: 0,
      curve,
      judged: [],
      info,
      adapter: 'adapter_config.json' in files,
      bytes,
      made,
    });
    await store.models.put({ ...old, name: nameOfRun(stored.id) });
    await store.models.remove('policy');
  }

  /** An instruct model that no run started from any more. */
  async #dropStart(start: RunStart | null | undefined): Promise<void> {
    if (!start || start.model === 'base') return;
    if (this.list.some((run) => run.start?.made === start.made)) return;
    await store.models.remove(`sft@${start.made}`);
  }
}

export const runs = new Runs();
