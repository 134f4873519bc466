// The trainer as the page sees it: a device, one run at a time, and a new worker after a crash.

import { notices } from './notices.svelte';
import type { Command, Event, StageName } from './protocol';
import type { Crash, DeviceChoice, DeviceReport, Files, Loss, RequestKind, Requests, RunEnd } from './messages';
import { settings } from './settings';
import { t } from './strings';
import { tabs } from './tabs.svelte';
import { WorkerClient, WorkerCrash } from './worker-client';

export interface RunOptions {
  resume?: Files | null;
  /** Seconds between checkpoints; 0 saves only at a pause. */
  saveEvery?: number;
  /** Whether another run may end this one early: sampling ahead gives way, training does not. */
  givesWay?: boolean;
  event(event: Event): void;
  checkpoint?(files: Files): void;
}

/** A worker that dies this often is not started again. */
const MAX_CRASHES = 3;

class Engine {
  report = $state.raw<DeviceReport | null>(null);
  choice = $state<DeviceChoice>(settings.device);
  /** The GPU whose programs are being compiled. */
  preparing = $state.raw<string | null>(null);
  loading = $state.raw<{ loaded: number; total: number | null } | null>(null);
  /** Why there is no trainer at all, if so. */
  failure = $state<string | null>(null);
  /** The stage that occupies the device, sampling ahead not counted. */
  busy = $state<StageName | null>(null);
  silent = $state(false);
  /** A new worker is getting its models. */
  restoring = $state(false);

  /** Puts the models into a new worker; set by `models.svelte.ts`. */
  onOpened: () => Promise<void> = async () => {};

  #client: WorkerClient | undefined;
  #ready: Promise<void> = Promise.resolve();
  #current: { done: Promise<unknown>; givesWay: boolean; resumable: boolean } | null = null;
  #crashes = 0;

  /** Whether a run can start now. One who looks on at another tab starts none. */
  get idle(): boolean {
    return this.report !== null && this.busy === null && !this.restoring && !tabs.following;
  }

  start(): Promise<void> {
    return this.#open(null);
  }

  /** Moves everything to another device. A training run pauses first and can be continued there. */
  async choose(choice: DeviceChoice): Promise<void> {
    await this.halt(this.#current?.resumable ? 'pause' : 'cancel');
    this.choice = choice;
    this.close();
    await this.#open(null);
  }

  async request<Kind extends RequestKind>(kind: Kind, ask: Requests[Kind]['ask']): Promise<Requests[Kind]['reply']> {
    await this.#ready;
    return this.#client!.request(kind, ask);
  }

  /** Runs a command to its end. Where another run occupies the device it throws, or, if it gives way, ends at once. */
  async run(command: Command, options: RunOptions): Promise<RunEnd> {
    await this.#ready;
    const givesWay = options.givesWay ?? false;
    while (this.#current) {
      if (givesWay) return 'cancelled';
      if (!this.#current.givesWay) throw new Error(t.busy(this.busy ?? 'sample'));
      await this.halt('cancel');
    }
    if (!givesWay) this.busy = command.command;
    const watch = {
      event: (event: Event) => {
        if (event.event === 'warning') notices.say(event.message, 'problem');
        options.event(event);
      },
      checkpoint: options.checkpoint,
    };
    const run = this.#client!.run(command, options.resume ?? null, options.saveEvery ?? 0, watch);
    const current = { done: run.catch(() => undefined), givesWay, resumable: Boolean(options.saveEvery) };
    this.#current = current;
    try {
      return await run;
    } finally {
      if (this.#current === current) {
        this.#current = null;
        this.busy = null;
      }
    }
  }

  /** Ends the run, if there is one, after its step; a pause saves a checkpoint first. */
  async halt(how: 'pause' | 'cancel'): Promise<void> {
    const current = this.#current;
    if (!current) return;
    await this.#client!.request('halt', { how }).catch(() => undefined);
    await current.done;
  }

  /** Whether the worker was ended, and no other one has taken its place. */
  get closed(): boolean {
    return this.#client?.closed ?? false;
  }

  /** Ends the worker at once, with whatever it does. */
  close(): void {
    this.#client?.close(t.device.changed);
  }

  /** For a device that does not answer: a new worker on the CPU. */
  giveUpDevice(): void {
    this.#client?.close(t.device.losses.silence);
    this.#crashed('silence', '');
  }

  #open(crash: Crash | null): Promise<void> {
    this.report = null;
    this.#current = null;
    this.busy = null;
    this.silent = false;
    const client = new WorkerClient({
      crashed: (loss, message) => this.#crashed(loss, message),
      silent: (silent) => (this.silent = silent),
      loading: (loaded, total) => (this.loading = { loaded, total }),
      preparing: (gpu) => (this.preparing = gpu),
    });
    this.#client = client;
    this.#ready = client.request('open', { choice: this.choice, crash, threads: settings.threads }).then((report) => {
      this.report = report;
      this.loading = null;
    });
    const prepared = () => (this.preparing = null);
    this.#ready.then(prepared, prepared);
    this.restoring = true;
    return this.#ready
      .then(() => this.onOpened())
      .catch((error: unknown) => {
        if (!(error instanceof WorkerCrash)) this.failure = error instanceof Error ? error.message : String(error);
      })
      .finally(() => (this.restoring = false));
  }

  #crashed(loss: Loss, detail: string): void {
    const message = t.device.losses[loss] + (detail ? t.device.detail(detail) : '');
    const device = this.report?.kind ?? (this.preparing === null ? 'cpu' : 'webgpu');
    this.#crashes += 1;
    if (!this.report || this.#crashes > MAX_CRASHES) {
      // A worker that dies while it opens would die again, unless the GPU was what it tried.
      if (this.choice === 'cpu' || this.#crashes > 1) {
        this.failure = message;
        return;
      }
    }
    notices.say(t.device.fellBack(message), 'problem');
    void this.#open({ device, message });
  }
}

export const engine = new Engine();
