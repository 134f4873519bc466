// Keeps the screen on while something trains, if the reader wants that: a computer that sleeps does not train.

const KEY = 'nudge-awake';

interface Lock {
  release(): Promise<void>;
}

class Awake {
  /** Whether this browser can. */
  readonly possible = 'wakeLock' in navigator;
  wanted = $state(false);
  #lock: Lock | null = null;
  #needed = false;

  constructor() {
    try {
      this.wanted = localStorage.getItem(KEY) === '1';
    } catch {
      // Storage may be blocked; nobody wanted anything then.
    }
    // The browser takes the lock away from a tab that is hidden.
    document.addEventListener('visibilitychange', () => void this.#hold());
  }

  async want(wanted: boolean): Promise<void> {
    this.wanted = wanted;
    try {
      localStorage.setItem(KEY, wanted ? '1' : '0');
    } catch {
      // It holds until the page is closed.
    }
    await this.#hold();
  }

  /** Whether something trains now. */
  async need(needed: boolean): Promise<void> {
    this.#needed = needed;
    await this.#hold();
  }

  async #hold(): Promise<void> {
    if (!this.possible) return;
    await this.#lock?.release().catch(() => undefined);
    this.#lock = null;
    if (!this.#needed || !this.wanted || document.hidden) return;
    // Refused where the battery is low: training goes on without it.
    this.#lock = await (navigator as unknown as { wakeLock: { request(kind: 'screen'): Promise<Lock> } }).wakeLock.request('screen').catch(() => null);
  }
}

export const awake = new Awake();
