// The main thread's end of the worker: requests as promises, runs as callbacks, a crash as one call. The workers that
// compute with it are made and watched here.

import { language } from '../languages/languages';
import type { Command, Event } from './protocol';
import type { Files, Loss, Notice, RequestKind, Requests, RunEnd, Word } from './messages';

/** An error after which the worker is of no use any more. */
export class WorkerCrash extends Error {}

/** What the trainer says of an input that it cannot use; `kind` is to decide by (`web/src/thrown.rs`). */
export class TrainerFailure extends Error {
  constructor(
    message: string,
    readonly kind: string | null,
  ) {
    super(message);
  }
}

export interface RunWatch {
  event(event: Event): void;
  checkpoint?(files: Files): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
  watch?: RunWatch;
}

/** A worker that owes an answer and has been silent for this long is probably gone; compiling a GPU's programs takes less. */
const SILENCE_MS = 240_000;

/** A thread that is not there by then is done without. */
const JOIN_MS = 10_000;

const newWorker = () => new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: language });

export interface ClientHooks {
  crashed(loss: Loss, message: string): void;
  /** Nothing was heard for long, though something is owed; or something was heard again. */
  silent(silent: boolean): void;
  loading(loaded: number, total: number | null): void;
  preparing(gpu: string): void;
}

export class WorkerClient {
  #worker = newWorker();
  #threads: Worker[] = [];
  #waiting = new Map<number, Waiting>();
  #lastId = 0;
  closed = false;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #silent = false;

  constructor(private hooks: ClientHooks) {
    this.#worker.onmessage = ({ data }: MessageEvent<Notice>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#crash('load', event.message ?? '');
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
    this.closed = true;
    this.#heard();
    for (const worker of [this.#worker, ...this.#threads]) worker.terminate();
    for (const waiting of this.#waiting.values()) waiting.reject(new WorkerCrash(why));
    this.#waiting.clear();
  }

  #send<Kind extends RequestKind>(
    kind: Kind,
    ask: Requests[Kind]['ask'],
    watch?: RunWatch,
  ): Promise<Requests[Kind]['reply']> {
    if (this.closed) return Promise.reject(new WorkerCrash('The worker is closed.'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject, watch });
      this.#worker.postMessage({ id, kind, ...ask });
      this.#heard();
    });
  }

  #heard(): void {
    clearTimeout(this.#watchdog);
    if (this.#silent) this.hooks.silent((this.#silent = false));
    if (this.closed || this.#waiting.size === 0) return;
    this.#watchdog = setTimeout(() => this.hooks.silent((this.#silent = true)), SILENCE_MS);
  }

  #receive(notice: Notice): void {
    if (this.closed) return;
    this.#take(notice);
    this.#heard();
  }

  #take(notice: Notice): void {
    if (notice.notice === 'loading') return this.hooks.loading(notice.loaded, notice.total);
    if (notice.notice === 'preparing') return this.hooks.preparing(notice.gpu);
    if (notice.notice === 'threads') return void this.#addThreads(notice);
    if (notice.notice === 'joined') return;
    if (notice.notice === 'error' && notice.loss) return this.#crash(notice.loss, notice.message);
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
        return waiting.reject(new TrainerFailure(notice.message, notice.kind));
    }
  }

  /** Starts workers that share the trainer's memory, and tells it how many there are. */
  async #addThreads({ more, module, memory }: Extract<Notice, { notice: 'threads' }>): Promise<void> {
    this.#threads = Array.from({ length: more }, newWorker);
    const joined = await Promise.all(this.#threads.map((thread) => this.#join(thread, { kind: 'join', module, memory })));
    this.#threads.filter((_, at) => !joined[at]).forEach((thread) => thread.terminate());
    this.#threads = this.#threads.filter((_, at) => joined[at]);
    if (!this.closed) this.#worker.postMessage({ kind: 'joined', joined: this.#threads.length } satisfies Word);
  }

  /** Whether it waits for work. From then on its end is the trainer's, which waits for what it was to compute. */
  #join(thread: Worker, word: Word): Promise<boolean> {
    return new Promise((resolve) => {
      setTimeout(() => resolve(false), JOIN_MS);
      let joined = false;
      const ended = (message: string) => (joined ? this.#crash('trap', message) : resolve(false));
      thread.onerror = (event) => {
        event.preventDefault();
        ended(event.message ?? '');
      };
      thread.onmessage = ({ data }: MessageEvent<Notice>) => {
        if (data.notice === 'error') return ended(data.message);
        resolve((joined = true));
      };
      try {
        thread.postMessage(word);
      } catch {
        resolve(false);
      }
    });
  }

  #crash(loss: Loss, message: string): void {
    if (this.closed) return;
    this.close(message);
    this.hooks.crashed(loss, message);
  }
}
