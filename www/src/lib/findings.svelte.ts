// What the trainer's rules say of each step, by the same rules as the command line's.

import { findingInWords } from '../languages/trainer';
import { engine } from './engine.svelte';
import { notices } from './notices.svelte';
import type { Command, Evidence, Finding, Level, PreferenceRecord } from './protocol';
import { WorkerCrash } from './worker-client';

/** What a step leaves to be judged. */
export type Judgeable = { evidence: Partial<Evidence>; asked: Command | null; preferences: PreferenceRecord[] };

const GRAVITY: Level[] = ['good', 'note', 'warning', 'bad'];

/** Whether a finding is a reason to look again before going on. */
export const isDoubt = ({ level }: Finding) => GRAVITY.indexOf(level) >= GRAVITY.indexOf('warning');

class Findings {
  /** By the name of the step; nothing where nothing was judged. */
  of = $state.raw<Record<string, Finding[] | undefined>>({});
  #asked: Record<string, number> = {};

  /** Judges a step anew; `null` where there is nothing to judge. */
  async judge(step: string, judgeable: Judgeable | null): Promise<void> {
    const turn = (this.#asked[step] = (this.#asked[step] ?? 0) + 1);
    let found: Finding[] | undefined;
    // Whoever asks must not be asked again by what is written here.
    await null;
    try {
      found = judgeable ? (await engine.request('findings', judgeable)).map(findingInWords) : undefined;
    } catch (error) {
      if (!(error instanceof WorkerCrash)) notices.problem(error);
    }
    // What was asked later counts.
    if (turn === this.#asked[step]) this.of = { ...this.of, [step]: found };
  }

  /** The gravest reason not to build on a step. */
  doubt(step: string): Finding | undefined {
    return this.of[step]?.find(isDoubt);
  }
}

export const findings = new Findings();
