// The main thread's end of the worker: requests as promises, runs as callbacks, a crash as one call.

import type { Command, Event } from './protocol';
import type { Files, Notice, RequestKind, Requests, RunEnd } from './messages';

/** An error after which the worker is of no use any more. */
export class WorkerCrash extends Error {}

export interface RunWatch {
  event(event: Event): void;
  checkpoint?(files: Files): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
  watch?: RunWatch;
}

export interface ClientHooks {
  crashed(message: string): void;
  loading(loaded: number, total: number | null): void;
  preparing(gpu: string): void;
}

export class WorkerClient {
  #worker = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' });
  #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  constructor(private hooks: ClientHooks) {
    this.#worker.onmessage = ({ data }: MessageEvent<Notice>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#crash(event.message || 'The worker could not be loaded.');
    };
  }

  request<Kind extends RequestKind>(kind: Kind, ask: Requests[Kind]['ask']): Promise<Requests[Kind]['reply']> {
    return this.#send(kind, ask);
  }

  run(command: Command, resume: Files | null, saveEvery: number, watch: RunWatch): Promise<RunEnd> {
    return this.#send('run', { command, resume, save_every: saveEvery }, watch);
  }

  /** Ends the worker at once. Whoever still waits gets a `WorkerCrash`. */
  close(why: string): void {
    this.#closed = true;
    this.#worker.terminate();
    for (const waiting of this.#waiting.values()) waiting.reject(new WorkerCrash(why));
    this.#waiting.clear();
  }

  #send<Kind extends RequestKind>(
    kind: Kind,
    ask: Requests[Kind]['ask'],
    watch?: RunWatch,
  ): Promise<Requests[Kind]['reply']> {
    if (this.#closed) return Promise.reject(new WorkerCrash('The worker is closed.'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject, watch });
      this.#worker.postMessage({ id, kind, ...ask });
    });
  }

  #receive(notice: Notice): void {
    if (this.#closed) return;
    if (notice.notice === 'loading') return this.hooks.loading(notice.loaded, notice.total);
    if (notice.notice === 'preparing') return this.hooks.preparing(notice.gpu);
    if (notice.notice === 'error' && notice.fatal) return this.#crash(notice.message);
    const waiting = this.#waiting.get(notice.id);
    if (!waiting) return;
    switch (notice.notice) {
      case 'event':
        return waiting.watch?.event(notice.event);
      case 'checkpoint':
        return waiting.watch?.checkpoint?.(notice.files);
      case 'reply':
        this.#waiting.delete(notice.id);
        return waiting.resolve(notice.value);
      case 'error':
        this.#waiting.delete(notice.id);
        return waiting.reject(new Error(notice.message));
    }
  }

  #crash(message: string): void {
    if (this.#closed) return;
    this.close(message);
    this.hooks.crashed(message);
  }
}
