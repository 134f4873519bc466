// The blind comparison: pairs of completions, who preferred what, and the trainer's verdict.
//
// Which side a completion stands on is drawn anew for every pair.

import { answers } from './answers.svelte';
import { isCount, isStoredComparison, isStoredSimulated } from './checks';
import * as commands from './commands';
import { engine } from './engine.svelte';
import { BEST_OF, methods } from './methods.svelte';
import { models } from './models.svelte';
import { notices } from './notices.svelte';
import { promptText, promptsOf, shuffled } from './prompts';
import type { Judge, JudgedPair, Preference, Prompt, Verdict } from './protocol';
import { nameOfRun, runs, type AnyModel } from './runs.svelte';
import { cleaned } from './sampling.svelte';
import { settings, sizes } from './settings';
import * as store from './store';
import { t } from './strings';

/** `usable` says of `a` and `b` whether they are good enough to use. */
export type Pair = { prompt: string; a: string; b: string; left: 'a' | 'b'; preference: Preference | null; usable?: [boolean, boolean] | null };
/** What a run is compared with: what it started from, the base, or another run. */
export type Versus = AnyModel;
/**
 * Who is compared: a run's model with the method that trained it, where that is known, or the instruct model with
 * the best of several completions; against a model with one completion.
 */
export type Contest = { method: string | null; versus: Versus; run?: number | null };

/** The contest of the model that has learnt from the reader's examples and nothing else. */
export const SHOWN = 'sft';

/** The first model in words, by the method behind it; the tuned model may come from a zip. */
export function contender(method: string | null, run?: number | null): string {
  if (run && runs.list.length > 1 && runs.find(run)) return runs.title(nameOfRun(run));
  if (method === BEST_OF) return t.compare.bestOf;
  if (method === SHOWN) return t.models.shown;
  return method === null ? t.models.policy : t.compare.tunedWith(methods.words(method).name);
}

/** What is stored; earlier pages named the models alone, when there was one method. */
export type StoredComparison = {
  pairs: Pair[];
  /** Nothing while somebody judges. */
  verdict: Verdict | null;
  contest?: Contest;
  models?: { b: Versus };
};
export type StoredSimulated = {
  verdict: Verdict;
  labeler: string;
  contest?: Contest;
  versus?: Versus;
  pairs?: JudgedPair[];
};
/** What a simulated labeler said. */
type Simulated = { verdict: Verdict; labeler: string; contest: Contest; pairs: JudgedPair[] };

class Comparison {
  pairs = $state.raw<Pair[]>([]);
  shown = $state(0);
  /** Pairs to judge in all. */
  asked = $state(sizes.comparisonTarget);
  revealed = $state(false);
  verdict = $state.raw<Verdict | null>(null);
  simulated = $state.raw<Simulated | null>(null);
  /** Blind tests so far: each asks other prompts, with other draws. */
  #round = 0;
  contest = $state.raw<Contest>({ method: null, versus: 'sft' });
  sampling = $state(false);

  get judged(): Pair[] {
    return this.pairs.filter(({ preference }) => preference !== null);
  }

  /** The last judgement of the tuned model at hand, or of best-of-n; a person's first, nothing of other runs. */
  get counting(): { verdict: Verdict; contest: Contest; pairs: JudgedPair[] } | null {
    const about = ({ method, run }: Contest) => method === BEST_OF || (run ?? null) === runs.currentId;
    const { verdict, contest, simulated } = this;
    if (this.revealed && verdict && about(contest)) return { verdict, contest, pairs: this.judged.map(judgedPair) };
    return simulated && about(simulated.contest) ? simulated : null;
  }

  /** The verdict that counts now. */
  get latest(): Verdict | null {
    return this.counting?.verdict ?? null;
  }

  get current(): Pair | null {
    return this.pairs[this.shown] ?? null;
  }

  /** Completes held-out prompts with both models and shows them without names. */
  async begin(contest: Contest): Promise<void> {
    this.contest = contest;
    this.pairs = [];
    await this.more();
  }

  /** As many pairs again, which count with those that were judged before. */
  async more(): Promise<void> {
    const { contest } = this;
    this.pairs = this.judged;
    this.shown = this.pairs.length;
    this.revealed = false;
    this.verdict = null;
    this.sampling = true;
    try {
      const all = shuffled(await promptsOf('heldout'), settings.seed);
      const from = this.#round * sizes.comparisonTarget;
      const count = Math.min(sizes.comparisonTarget, all.length);
      this.asked = this.shown + count;
      const prompts = Array.from({ length: count }, (_, index) => all[(from + index) % all.length]!);
      const seed = settings.seed + from;
      await store.notes.put('comparison/round', ++this.#round);
      await this.#complete(contest, prompts, { judge: 'person' }, seed, (pair) => (this.pairs = [...this.pairs, pair]));
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

  /** `good` says which of the two can be used as they are. */
  async prefer(side: 'left' | 'right' | 'tie', good: { left: boolean; right: boolean }): Promise<void> {
    const pair = this.current;
    if (!pair || this.revealed) return;
    const other = pair.left === 'a' ? 'b' : 'a';
    const preference: Preference = side === 'tie' ? 'tie' : side === 'left' ? pair.left : other;
    const usable: [boolean, boolean] = pair.left === 'a' ? [good.left, good.right] : [good.right, good.left];
    this.pairs = this.pairs.with(this.shown, { ...pair, preference, usable });
    this.shown += 1;
    await this.#keep();
    if (this.shown >= this.pairs.length && !this.sampling) await this.reveal();
  }

  /** Says which completion was whose, and what the preferences add up to. */
  async reveal(): Promise<void> {
    if (this.judged.length === 0) return;
    if (this.sampling) await engine.halt('cancel');
    const preferences = this.judged.map(({ preference }) => preference!);
    const usable = this.judged.map((pair) => $state.snapshot(pair.usable) ?? null);
    this.verdict = await engine.request('verdict', { preferences, usable });
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
  async judgeSimulated(labeler: string, contest: Contest, pairsPerPrompt = 1, told = (_: number) => {}): Promise<void> {
    this.simulated = null;
    const prompts = (await promptsOf('heldout')).slice(0, sizes.comparedPrompts);
    const pairs: JudgedPair[] = [];
    const keep = (pair: Pair) => told(pairs.push(judgedPair(pair)));
    const judge: Judge = { judge: 'labeler', name: labeler };
    const verdict = await this.#complete(contest, prompts, judge, settings.seed, keep, pairsPerPrompt);
    if (!verdict) return;
    this.simulated = { verdict, labeler, contest, pairs };
    await store.notes.put('comparison/simulated', this.simulated);
    await this.#tellRun(contest, verdict, 'simulated', labeler);
  }

  async restore(): Promise<void> {
    this.pairs = [];
    this.shown = 0;
    this.revealed = false;
    this.verdict = this.simulated = null;
    const last = await store.notes.read('comparison', isStoredComparison);
    if (last) {
      this.pairs = last.pairs;
      this.verdict = last.verdict;
      this.contest = last.contest ?? { method: null, versus: last.models!.b };
      this.revealed = last.verdict !== null;
      this.shown = this.revealed ? 0 : this.judged.length;
    }
    this.#round = (await store.notes.read('comparison/round', isCount)) ?? 0;
    const simulated = await store.notes.read('comparison/simulated', isStoredSimulated);
    if (simulated) {
      const { verdict, labeler, versus, pairs = [] } = simulated;
      const contest = simulated.contest ?? { method: null, versus: versus! };
      this.simulated = { verdict, labeler, contest, pairs };
    }
  }

  async #complete(
    { method, versus, run }: Contest,
    prompts: Prompt[],
    judge: Judge,
    seed: number,
    onPair: (pair: Pair) => void,
    pairsPerPrompt = 1,
  ): Promise<Verdict | null> {
    let verdict: Verdict | null = null;
    const tuned = !run || run === runs.currentId ? 'policy' : nameOfRun(run);
    // Nothing is tuned for best-of-n, nor where examples were all.
    const first = method === BEST_OF || method === SHOWN ? models.start : tuned;
    const common = { seed, max_new_tokens: answers.tokens, pairs_per_prompt: pairsPerPrompt };
    const command =
      method === BEST_OF
        ? commands.compare(first, versus, prompts, judge, 'reward', { ...common, best_of: sizes.bestOf })
        : commands.compare(first, versus, prompts, judge, null, common);
    await models.borrow([first, versus], () => engine.run(command, {
      event(event) {
        if (event.event === 'pair') {
          const left = coin() ? 'a' : 'b';
          const { a, b, preference } = event;
          onPair({ prompt: promptText(event.prompt), a: cleaned(a), b: cleaned(b), left, preference });
        }
        if (event.event === 'verdict') verdict = event.verdict;
      },
    }));
    return verdict;
  }
}

const judgedPair = ({ prompt, a, b, preference }: Pair): JudgedPair => ({ prompt, a, b, preference });

function coin(): boolean {
  return crypto.getRandomValues(new Uint8Array(1))[0]! % 2 === 0;
}

export const comparison = new Comparison();
