// What the reader did in views that keep their state to themselves, for whoever waits for it: a lesson.

export type Doings = {
  /** The base model went on with a text. */
  wrote: { prompt: string; temperature: number };
  /** A token was pointed at. */
  pointed: { place: number };
  /** Both models answered the same. */
  asked: { prompt: string };
  /** An answer was scored. */
  scored: { answer: string; score: number };
  /** The lab on the leash ran to its end. */
  lab: { price: number };
};

class Done {
  #all = $state.raw<{ [What in keyof Doings]?: Doings[What][] }>({});

  note<What extends keyof Doings>(what: What, how: Doings[What]): void {
    this.#all = { ...this.#all, [what]: [...this.of(what), how] };
  }

  /** Since the page was opened, the first first. */
  of<What extends keyof Doings>(what: What): Doings[What][] {
    return this.#all[what] ?? [];
  }
}

export const doings = new Done();
