// How the browser's storage is doing: what it refused, how much is in use, whether it is kept, and whether a page of
// another version stands in the way.

class Storage {
  /** Rows that lie in this tab's memory alone. */
  unstored = $state(0);
  /** Why; nothing where all is well. */
  reason = $state('');
  /** A page of another version has the data, or wants it. */
  version = $state<'other' | 'this' | null>(null);
  used = $state<number | null>(null);
  quota = $state<number | null>(null);
  persisted = $state(false);

  trouble(rows: number, reason: string): void {
    this.unstored = rows;
    this.reason = reason;
  }

  outdated(by: 'other' | 'this'): void {
    this.version = by;
  }

  /** Asks the browser, which may not tell. */
  async look(): Promise<void> {
    const { usage, quota } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
    this.used = usage ?? null;
    this.quota = quota ?? null;
    this.persisted = (await navigator.storage?.persisted?.().catch(() => false)) ?? false;
  }
}

export const storage = new Storage();
