// The blind comparison: pairs of completions, who preferred what, and the trainer's verdict.
//
// Which side a completion stands on is drawn anew for every pair.

import { answers } from './answers.svelte';
import * as commands from './commands';
import { engine } from './engine.svelte';
import { BEST_OF, methods } from './methods.svelte';
import { models } from './models.svelte';
import { notices } from './notices.svelte';
import { promptText, promptsOf, shuffled } from './prompts';
import type { Judge, Preference, Prompt, Verdict } from './protocol';
import { nameOfRun, runs, type AnyModel } from './runs.svelte';
import { settings, sizes } from './settings';
import * as store from './store';
import { t } from './strings';

export type Pair = { prompt: string; a: string; b: string; left: 'a' | 'b'; preference: Preference | null };
/** What a run is compared with: what it started from, the base, or another run. */
export type Versus = AnyModel;
/**
 * Who is compared: a run's model with the method that trained it, where that is known, or the instruct model with
 * the best of several completions; against a model with one completion.
 */
export type Contest = { method: string | null; versus: Versus; run?: number | null };

/** The first model in words, by the method behind it; the tuned model may come from a zip. */
export function contender(method: string | null, run?: number | null): string {
  if (run && runs.list.length > 1 && runs.find(run)) return runs.title(nameOfRun(run));
  if (method === BEST_OF) return t.compare.bestOf;
  return method === null ? t.models.policy : t.compare.tunedWith(methods.words(method).name);
}

/** What is stored; earlier pages named the models alone, when there was one method. */
type StoredComparison = {
  pairs: Pair[];
  /** Nothing while somebody judges. */
  verdict: Verdict | null;
  contest?: Contest;
  models?: { b: Versus };
};
type StoredSimulated = { verdict: Verdict; labeler: string; contest?: Contest; versus?: Versus };

class Comparison {
  pairs = $state.raw<Pair[]>([]);
  shown = $state(0);
  revealed = $state(false);
  verdict = $state.raw<Verdict | null>(null);
  simulated = $state.raw<{ verdict: Verdict; labeler: string; contest: Contest } | null>(null);
  contest = $state.raw<Contest>({ method: null, versus: 'sft' });
  sampling = $state(false);

  get judged(): Pair[] {
    return this.pairs.filter(({ preference }) => preference !== null);
  }

  get current(): Pair | null {
    return this.pairs[this.shown] ?? null;
  }

  /** What was found last about the tuned model at hand, or about best-of-n; nothing of other runs. */
  get latest(): Verdict | null {
    const about = ({ method, run }: Contest) => method === BEST_OF || (run ?? null) === runs.currentId;
    if (this.verdict && about(this.contest)) return this.verdict;
    return this.simulated && about(this.simulated.contest) ? this.simulated.verdict : null;
  }

  /** Completes held-out prompts with both models and shows them without names. */
  async begin(contest: Contest): Promise<void> {
    this.contest = contest;
    this.pairs = [];
    this.shown = 0;
    this.revealed = false;
    this.verdict = null;
    this.sampling = true;
    try {
      const prompts = shuffled(await promptsOf('heldout'), settings.seed).slice(0, sizes.comparisonTarget);
      await this.#complete(contest, prompts, { judge: 'person' }, (pair) => (this.pairs = [...this.pairs, pair]));
    } catch (error) {
      notices.problem(error);
    } finally {
      this.sampling = false;
    }
    if (this.revealed || this.pairs.length === 0) return;
    // Whoever judges faster than both models write has judged the last pair already.
    if (this.shown >= this.pairs.length) await this.reveal();
    else await this.#keep();
  }

  async prefer(side: 'left' | 'right' | 'tie'): Promise<void> {
    const pair = this.current;
    if (!pair || this.revealed) return;
    const other = pair.left === 'a' ? 'b' : 'a';
    const preference: Preference = side === 'tie' ? 'tie' : side === 'left' ? pair.left : other;
    this.pairs = this.pairs.with(this.shown, { ...pair, preference });
    this.shown += 1;
    await this.#keep();
    if (this.shown >= this.pairs.length && !this.sampling) await this.reveal();
  }

  /** Says which completion was whose, and what the preferences add up to. */
  async reveal(): Promise<void> {
    if (this.judged.length === 0) return;
    if (this.sampling) await engine.halt('cancel');
    const preferences = this.judged.map(({ preference }) => preference!);
    this.verdict = await engine.request('verdict', { preferences });
    this.revealed = true;
    await this.#keep();
    await this.#tellRun(this.contest, this.verdict, 'person', '');
  }

  /** Takes over a test that was judged elsewhere. */
  async adopt(pairs: Pair[], verdict: Verdict, contest: Contest): Promise<void> {
    Object.assign(this, { pairs, verdict, contest, revealed: true });
    await this.#keep();
  }

  /** Each judgement as it is made: a tab may be closed at any time. */
  async #keep(): Promise<void> {
    await store.notes.put('comparison', { pairs: this.pairs, verdict: this.verdict, contest: this.contest });
  }

  async #tellRun({ run, versus }: Contest, verdict: Verdict, by: 'person' | 'simulated', labeler: string): Promise<void> {
    if (run) await runs.judged(run, { by, labeler, versus, verdict });
  }

  /** Lets a simulated labeler prefer, on all held-out prompts. */
  async judgeSimulated(labeler: string, contest: Contest): Promise<void> {
    this.simulated = null;
    const prompts = (await promptsOf('heldout')).slice(0, sizes.comparedPrompts);
    const verdict = await this.#complete(contest, prompts, { judge: 'labeler', name: labeler }, () => {});
    if (!verdict) return;
    this.simulated = { verdict, labeler, contest };
    await store.notes.put('comparison/simulated', this.simulated);
    await this.#tellRun(contest, verdict, 'simulated', labeler);
  }

  async restore(): Promise<void> {
    this.pairs = [];
    this.shown = 0;
    this.revealed = false;
    this.verdict = this.simulated = null;
    const last = await store.notes.get<StoredComparison>('comparison');
    if (last) {
      this.pairs = last.pairs;
      this.verdict = last.verdict;
      this.contest = last.contest ?? { method: null, versus: last.models!.b };
      this.revealed = last.verdict !== null;
      this.shown = this.revealed ? 0 : this.judged.length;
    }
    const simulated = await store.notes.get<StoredSimulated>('comparison/simulated');
    if (simulated) {
      const { verdict, labeler, versus } = simulated;
      this.simulated = { verdict, labeler, contest: simulated.contest ?? { method: null, versus: versus! } };
    }
  }

  async #complete(
    { method, versus, run }: Contest,
    prompts: Prompt[],
    judge: Judge,
    onPair: (pair: Pair) => void,
  ): Promise<Verdict | null> {
    let verdict: Verdict | null = null;
    const first = !run || run === runs.currentId ? 'policy' : nameOfRun(run);
    const common = { seed: settings.seed, max_new_tokens: answers.tokens };
    const command =
      method === BEST_OF
        ? commands.compare(models.start, versus, prompts, judge, 'reward', { ...common, best_of: sizes.bestOf })
        : commands.compare(first, versus, prompts, judge, null, common);
    await models.borrow([first, versus], () => engine.run(command, {
      event(event) {
        if (event.event === 'pair') {
          const left = coin() ? 'a' : 'b';
          onPair({ prompt: promptText(event.prompt), a: event.a, b: event.b, left, preference: event.preference });
        }
        if (event.event === 'verdict') verdict = event.verdict;
      },
    }));
    return verdict;
  }
}

function coin(): boolean {
  return crypto.getRandomValues(new Uint8Array(1))[0]! % 2 === 0;
}

export const comparison = new Comparison();
