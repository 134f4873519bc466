// Tabs that agree: one Web Lock a workflow says which tab works on it; the others show what that one does, and write
// nothing. A channel between them tells what was stored, how a training run goes, and who would like to take over.

import type { TrainingView } from './training.svelte';

export type Message =
  /** A row of a store was written. */
  | { kind: 'stored'; store: string }
  /** The list of workflows has changed. */
  | { kind: 'workflows' }
  /** How a training run stands, for those who look on. */
  | { kind: 'training'; view: TrainingView }
  /** Somebody looks on from now on. */
  | { kind: 'hello' }
  /** The tab of this name would like to work here. */
  | { kind: 'give'; to: string }
  /** This workflow was deleted, or everything. */
  | { kind: 'deleted' }
  | { kind: 'deleted-all' };

type Envelope = Message & { workflow: string };

export interface TabHooks {
  /** Something that the other tab told. */
  told(message: Message): void;
  /** Another tab asked for the workflow: what runs must pause, and what it made be stored. */
  give(): Promise<void>;
  /** The workflow is this tab's now, or another's. */
  changed(following: boolean): Promise<void>;
}

/** A tab that does not give the workflow away for so long does not answer. */
const PATIENCE_MS = 15_000;
/** Those who did not ask let the one who did go first. */
const COURTESY_MS = 1_500;

class Tabs {
  /** Another tab works on this workflow; this one looks on. */
  following = $state(false);
  /** The workflow's model was replaced: it is looked at, and nobody works on it. */
  onlyReads = $state(false);
  /** This tab has asked for the workflow. */
  asking = $state(false);
  /** The other tab did not answer. */
  unanswered = $state(false);
  /** Whether somebody looks on. */
  watched = false;

  #me = Math.random().toString(36).slice(2);
  #workflow = '';
  #hooks: TabHooks | null = null;
  #channel: BroadcastChannel | null = null;
  #release: (() => void) | null = null;
  /** Until the last lock that was asked for is let go of. */
  #held: Promise<unknown> = Promise.resolve();
  #queue: AbortController | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;

  /** Works on a workflow, or looks on where another tab does. */
  async enter(workflow: string, hooks: TabHooks): Promise<void> {
    await this.#leave();
    this.#workflow = workflow;
    this.#hooks = hooks;
    this.#listen();
    this.following = !(await this.#hold({ ifAvailable: true }));
    if (!this.following) return;
    this.#wait();
    this.tell({ kind: 'hello' });
  }

  /** Looks at the workflow from now on, in this tab as in all others. */
  async onlyRead(): Promise<void> {
    await this.#leave();
    this.following = this.onlyReads = true;
  }

  /** Lets go of the workflow; the browser takes a moment to. */
  async #leave(): Promise<void> {
    this.#queue?.abort();
    this.#queue = null;
    this.#release?.();
    this.#release = null;
    clearTimeout(this.#patience);
    this.asking = this.unanswered = this.watched = this.onlyReads = false;
    await this.#held;
  }

  tell(message: Message): void {
    this.#listen();
    this.#channel?.postMessage({ ...message, workflow: this.#workflow } satisfies Envelope);
  }

  /** Tells those who work on another workflow. */
  tellAbout(workflow: string, message: Message): void {
    this.#channel?.postMessage({ ...message, workflow } satisfies Envelope);
  }

  /** Asks the other tab for the workflow; it pauses first what it does. */
  takeOver(): void {
    this.asking = true;
    this.unanswered = false;
    this.tell({ kind: 'give', to: this.#me });
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => (this.unanswered = this.following), PATIENCE_MS);
  }

  /** Takes the workflow from a tab that does not answer. What that tab has not stored is lost to this one. */
  async takeAnyway(): Promise<void> {
    this.#queue?.abort();
    this.#queue = null;
    if (await this.#hold({ steal: true })) await this.#became(false);
  }

  #lockName(): string {
    return `nudge/${this.#workflow}`;
  }

  /** Resolves to whether this tab holds the workflow's lock now; it keeps it until it leaves. */
  #hold(options: LockOptions): Promise<boolean> {
    // Without locks, as on an insecure address, tabs cannot agree, and each works as if it were alone.
    if (!navigator.locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const held = navigator.locks.request(this.#lockName(), options, (lock) => {
        resolve(lock !== null);
        if (lock === null) return undefined;
        return new Promise<void>((release) => (this.#release = release));
      });
      this.#held = held.catch(() => undefined);
      const mine = this.#workflow;
      held.catch(() => {
        resolve(false);
        // Taken by another tab, while this one thought it held it.
        if (this.#release && mine === this.#workflow && !options.signal?.aborted) {
          this.#release = null;
          void this.#became(true);
        }
      });
    });
  }

  /** In line for the workflow: the tab that has it may be closed. */
  #wait(): void {
    this.#queue = new AbortController();
    void this.#hold({ signal: this.#queue.signal }).then((held) => (held ? this.#became(false) : undefined));
  }

  async #became(following: boolean): Promise<void> {
    clearTimeout(this.#patience);
    this.following = following;
    this.asking = this.unanswered = this.watched = false;
    await this.#hooks?.changed(following);
    if (following) setTimeout(() => this.following && this.#wait(), COURTESY_MS);
  }

  #listen(): void {
    if (this.#channel || typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel('nudge');
    this.#channel.onmessage = ({ data }: MessageEvent<Envelope>) => void this.#hear(data);
  }

  async #hear(message: Envelope): Promise<void> {
    const everywhere = message.kind === 'deleted-all' || message.kind === 'workflows';
    if (!everywhere && message.workflow !== this.#workflow) return;
    if (message.kind === 'hello') this.watched = !this.following;
    if (message.kind === 'give') return this.#asked(message.to);
    this.#hooks?.told(message);
  }

  async #asked(by: string): Promise<void> {
    if (by === this.#me) return;
    if (this.following) {
      // Another one who looks on asks: it goes first.
      this.#queue?.abort();
      this.#queue = null;
      setTimeout(() => this.following && !this.#queue && this.#wait(), COURTESY_MS);
      return;
    }
    await this.#hooks?.give();
    await this.#leave();
    await this.#became(true);
  }
}

export const tabs = new Tabs();
