// A training run of one step of the page: its curve, its checkpoints, pause and continue.
//
// A pause and a reload are one thing: the run ends, its checkpoint is stored, and "continue" starts from it.

import { awake } from './awake.svelte';
import { isAsked, isCurve, isLens, isText } from './checks';
import { engine } from './engine.svelte';
import { BUILT_IN_START, BY_EXAMPLES, models, type CurvePoint, type ModelName } from './models.svelte';
import { notices } from './notices.svelte';
import { promptText } from './prompts';
import { runs } from './runs.svelte';
import { storage } from './storage.svelte';
import { tabs } from './tabs.svelte';
import type { Command, Event, Lens, Metrics } from './protocol';
import type { Files } from './messages';
import { sizes } from './settings';
import * as store from './store';
import { t } from './strings';
import { TrainerFailure, WorkerCrash } from './worker-client';

export type TrainingStatus = 'idle' | 'running' | 'pausing' | 'paused' | 'finished' | 'stopped';
/** One completion of a rollout, to read along. */
export type Read = { prompt: string; completion: string; score: number; kl: number };

/** How a run stands, for another tab that looks on. */
export type TrainingView = {
  name: Training['name'];
  status: TrainingStatus;
  step: number;
  totalSteps: number;
  savedStep: number;
  secondsPerStep: number;
  method: string | null;
  curve: CurvePoint[];
};

const COMPLETIONS_SHOWN = 4;

export class Training {
  status = $state<TrainingStatus>('idle');
  step = $state(0);
  totalSteps = $state(0);
  curve = $state.raw<CurvePoint[]>([]);
  /** The latest completions, newest first. */
  completions = $state.raw<Read[]>([]);
  /** One completion of the last step, token by token. */
  lens = $state.raw<Lens | null>(null);
  secondsPerStep = $state(NaN);
  /** Steps that the last checkpoint holds. */
  savedStep = $state(0);
  /** The method that made the curve, where it is one of several. */
  method = $state<string | null>(null);
  /** What the run that made the curve was asked, its data left out. */
  asked = $state.raw<Command | null>(null);
  /** Whether the last checkpoint lies in this tab's memory alone. */
  unstored = $state(false);
  #command: Command | undefined;
  #pulling: Promise<unknown> = Promise.resolve();

  /** `name` is that of the stage; what is stored of the run is stored under it. */
  constructor(
    readonly name: 'sft' | 'reward' | 'tune',
    readonly output: ModelName,
  ) {}

  get running(): boolean {
    return this.status === 'running' || this.status === 'pausing';
  }

  get unsaved(): boolean {
    return this.running && this.step > this.savedStep;
  }

  get last(): Metrics | undefined {
    return this.curve.at(-1)?.metrics;
  }

  /** The latest value of a number that is not measured at every step. */
  latest(metric: string): number | undefined {
    return this.curve.findLast(({ metrics }) => metrics[metric] !== undefined)?.metrics[metric];
  }

  /** Trains from the start. Resolves to whether the model was made. */
  async begin(command: Command): Promise<boolean> {
    this.curve = [];
    this.completions = [];
    this.lens = null;
    this.step = this.totalSteps = this.savedStep = 0;
    await store.checkpoints.remove(this.name);
    await this.#keepCheckpoint(command, null);
    return (await this.#begun(this.#pull(command, null))) === true;
  }

  /** Goes on from the last checkpoint; from the one before it, where the last is not whole. */
  async proceed(): Promise<boolean> {
    for (const checkpoint of await store.checkpoints.all(this.name)) {
      // Steps after the checkpoint are made again; their old points must go.
      this.curve = this.curve.filter(({ step }) => step <= checkpoint.step);
      this.savedStep = checkpoint.step;
      const made = await this.#begun(this.#pull(checkpoint.command, checkpoint));
      if (made !== 'unusable') return made;
    }
    return false;
  }

  async pause(): Promise<void> {
    if (this.status !== 'running') return;
    this.status = 'pausing';
    await engine.halt('pause');
    await this.#pulling;
  }

  async #begun<T>(pulling: Promise<T>): Promise<T> {
    this.#pulling = pulling.catch(() => undefined);
    return pulling;
  }

  get view(): TrainingView {
    const { name, status, step, totalSteps, savedStep, secondsPerStep, method, curve } = this;
    return { name, status, step, totalSteps, savedStep, secondsPerStep, method, curve };
  }

  /** Shows the run of another tab. */
  mirror(view: TrainingView): void {
    const { status, step, totalSteps, savedStep, secondsPerStep, method, curve } = view;
    Object.assign(this, { status, step, totalSteps, savedStep, secondsPerStep, method, curve });
  }

  /** Shows those who look on how it stands. */
  tell(): void {
    if (tabs.watched) tabs.tell({ kind: 'training', view: $state.snapshot(this.view) as TrainingView });
  }

  async stop(): Promise<void> {
    if (this.running) await engine.halt('cancel');
    await store.checkpoints.remove(this.name);
    this.status = 'stopped';
  }

  /** Another model has taken the place of the one that was trained here; its curve would not be that model's. */
  async forget(): Promise<void> {
    if (this.running || this.status === 'paused') return;
    this.status = 'idle';
    this.curve = [];
    this.completions = [];
    await store.notes.put(this.#curveName, this.curve);
  }

  /** Brings back the curve and, from an unfinished run, the offer to continue. */
  async restore(): Promise<void> {
    this.status = 'idle';
    this.completions = [];
    this.step = this.totalSteps = this.savedStep = 0;
    this.curve = (await store.notes.read(this.#curveName, isCurve)) ?? [];
    this.lens = (await store.notes.read(this.#lensName, isLens)) ?? null;
    this.asked = (await store.notes.read(this.#askedName, isAsked)) ?? null;
    this.method = (await store.notes.read(this.#methodName, isText)) ?? null;
    const checkpoint = await this.#usable();
    if (checkpoint) {
      this.step = this.savedStep = checkpoint.step;
      this.totalSteps = checkpoint.total_steps;
      this.method = methodOf(checkpoint.command);
      this.status = 'paused';
    } else if (this.curve.length > 0) {
      this.step = this.totalSteps = this.curve.at(-1)!.step;
      this.status = 'finished';
    }
  }

  /** Resolves to whether the model was made, or to `unusable` where `from` cannot be gone on from. */
  async #pull(command: Command, from: store.StoredCheckpoint | null): Promise<boolean | 'unusable'> {
    this.#command = command;
    this.asked = withoutData(command);
    this.method = methodOf(command);
    this.status = 'running';
    void awake.need(true);
    let kept = Promise.resolve();
    try {
      const run = () => engine.run(command, {
        resume: from?.files ?? null,
        saveEvery: sizes.saveEvery,
        event: (event) => this.#hear(event),
        checkpoint: (files) => {
          kept = this.#keep(files).catch((error) => notices.problem(error));
        },
      });
      const end = await models.borrow(command.command === 'sft' ? [command.model] : [], run);
      // A run is shown as paused when its checkpoint is stored, not before: the tab may be closed then.
      await kept;
      if (end === 'paused') this.status = 'paused';
      if (end !== 'finished') return false;
      await models.adoptTrained(this.output, this.method ?? stageOf(command));
      if (this.output === 'policy') await runs.keepTrained(this, command);
      await store.checkpoints.remove(this.name);
      this.status = 'finished';
      return true;
    } catch (error) {
      if (from && error instanceof TrainerFailure && error.kind === 'checkpoint') {
        await store.checkpoints.drop(from);
        notices.say(t.run.checkpointBroken(error.message), 'problem');
        this.status = 'stopped';
        return 'unusable';
      }
      // A crash has its own message, and the engine has said it.
      const refused = !(error instanceof WorkerCrash);
      if (refused) notices.problem(error);
      const left = tabs.following ? undefined : await store.checkpoints.get(this.name);
      // What was refused before its first checkpoint would be refused again.
      if (left?.files === null && refused) await store.checkpoints.remove(this.name);
      this.status = left && !(left.files === null && refused) ? 'paused' : 'stopped';
      if (left) this.step = this.savedStep = left.step;
      return false;
    } finally {
      void awake.need(false);
      if (!tabs.following) await this.#keepCurve();
      this.tell();
    }
  }

  #hear(event: Event): void {
    if (event.event === 'started') {
      this.step = event.step;
      this.totalSteps = event.total_steps;
    } else if (event.event === 'progress') {
      this.step = event.step;
      this.totalSteps = event.total_steps;
      this.secondsPerStep = event.seconds;
      this.curve = [...this.curve, { step: event.step, metrics: event.metrics, seconds: event.seconds }];
    } else if (event.event === 'lens') {
      this.lens = event.lens;
    } else if (event.event === 'completion') {
      const { completion, score, kl } = event;
      const read = { prompt: promptText(event.prompt), completion, score, kl };
      this.completions = [read, ...this.completions].slice(0, COMPLETIONS_SHOWN);
      return;
    }
    this.tell();
  }

  async #keep(files: Files): Promise<void> {
    const { step } = this;
    await this.#keepCheckpoint(this.#command!, files);
    await this.#keepCurve();
    this.savedStep = step;
    this.unstored = storage.unstored > 0;
  }

  async #keepCheckpoint(command: Command, files: Files | null): Promise<void> {
    const { name: stage, step, totalSteps: total_steps } = this;
    await store.checkpoints.put({ stage, protocol: store.PROTOCOL, command, files, step, total_steps, made: Date.now() });
  }

  async #keepCurve(): Promise<void> {
    await store.notes.put(this.#curveName, this.curve);
    await store.notes.put(this.#methodName, this.method);
    await store.notes.put(this.#askedName, this.asked);
    if (this.lens) await store.notes.put(this.#lensName, this.lens);
  }

  get #lensName(): string {
    return `lens/${this.name}`;
  }

  get #askedName(): string {
    return `asked/${this.name}`;
  }

  get #curveName(): string {
    return `curve/${this.name}`;
  }

  get #methodName(): string {
    return `method/${this.name}`;
  }

  /** The checkpoint of an unfinished run. One that an earlier page wrote cannot be continued: the reader is told. */
  async #usable(): Promise<store.StoredCheckpoint | undefined> {
    const checkpoint = await store.checkpoints.get(this.name);
    if (!checkpoint || checkpoint.protocol === store.PROTOCOL || tabs.following) return checkpoint;
    await store.checkpoints.remove(this.name);
    notices.say(t.run.outdated(t.stages[this.name], checkpoint.step, checkpoint.total_steps), 'problem');
    return undefined;
  }
}

/** A command as it was asked, with nothing that it learns from. */
function withoutData(command: Command): Command {
  if (command.command === 'sft') return { ...command, demonstrations: [] };
  if (command.command === 'reward') return { ...command, demonstrations: [], preferences: [] };
  if (command.command === 'tune') return { ...command, prompts: [], preferences: [], pretraining_texts: [] };
  return command;
}

/** What a command without a method trains by. */
function stageOf(command: Command): string {
  return command.command === 'sft' && command.model === BUILT_IN_START ? BY_EXAMPLES : command.command;
}

/** The method of a command that tunes. */
function methodOf(command: Command): string | null {
  return command.command === 'tune' ? command.method : null;
}
