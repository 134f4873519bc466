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
import type { Judge, JudgedPair, Preference, Prompt, Verdict } from './protocol';
import { settings, sizes } from './settings';
import * as store from './store';
import { t } from './strings';

export type Pair = { prompt: string; a: string; b: string; left: 'a' | 'b'; preference: Preference | null };
export type Versus = 'sft' | 'base';
/**
 * Who is compared: the tuned model with the method that trained it, where that is known, or the instruct model with
 * the best of several completions; against a model with one completion.
 */
export type Contest = { method: string | null; versus: Versus };
/** When the model was made that a verdict is about; earlier pages did not write it down. */
type Made = { made?: number };

/** The first model in words, by the method behind it; the tuned model may come from a zip. */
export function contender(method: string | null): string {
  if (method === BEST_OF) return t.compare.bestOf;
  return method === null ? t.models.policy : t.compare.tunedWith(methods.words(method).name);
}

/** What is stored; earlier pages named the models alone, when there was one method. */
type StoredComparison = Made & { pairs: Pair[]; verdict: Verdict; contest?: Contest; models?: { b: Versus } };
type StoredSimulated = Made & {
  verdict: Verdict;
  labeler: string;
  contest?: Contest;
  versus?: Versus;
  pairs?: JudgedPair[];
};
/** What a simulated labeler said. */
type Simulated = Made & { verdict: Verdict; labeler: string; contest: Contest; pairs: JudgedPair[] };

class Comparison {
  pairs = $state.raw<Pair[]>([]);
  shown = $state(0);
  /** Pairs to judge in all. */
  asked = $state(sizes.comparisonTarget);
  revealed = $state(false);
  verdict = $state.raw<Verdict | null>(null);
  simulated = $state.raw<Simulated | null>(null);
  /** When the model was made that the blind test is about. */
  #made = $state<number | undefined>();
  /** Blind tests so far: each asks other prompts, with other draws. */
  #round = 0;
  contest = $state.raw<Contest>({ method: null, versus: 'sft' });
  sampling = $state(false);

  get judged(): Pair[] {
    return this.pairs.filter(({ preference }) => preference !== null);
  }

  /** Whether a verdict is about an earlier model than the one that is there now. */
  isEarlier({ method }: Contest, made: number | undefined): boolean {
    return made !== undefined && made !== models.held[judgedModel(method)]?.made;
  }

  /** Whether the blind test is about an earlier model. */
  get earlier(): boolean {
    return this.isEarlier(this.contest, this.#made);
  }

  /** The last judgement of the model that is there now, a person's first. */
  get counting(): { verdict: Verdict; contest: Contest; pairs: JudgedPair[] } | null {
    const { verdict, contest, simulated } = this;
    if (this.revealed && verdict && !this.earlier) return { verdict, contest, pairs: this.judged.map(judgedPair) };
    return simulated && !this.isEarlier(simulated.contest, simulated.made) ? simulated : null;
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
    this.#made = models.held[judgedModel(contest.method)]?.made;
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
  }

  async prefer(side: 'left' | 'right' | 'tie'): Promise<void> {
    const pair = this.current;
    if (!pair || this.revealed) return;
    const other = pair.left === 'a' ? 'b' : 'a';
    const preference: Preference = side === 'tie' ? 'tie' : side === 'left' ? pair.left : other;
    this.pairs = this.pairs.with(this.shown, { ...pair, preference });
    this.shown += 1;
    if (this.shown >= this.pairs.length && !this.sampling) await this.reveal();
  }

  /** Says which completion was whose, and what the preferences add up to. */
  async reveal(): Promise<void> {
    if (this.judged.length === 0) return;
    if (this.sampling) await engine.halt('cancel');
    const preferences = this.judged.map(({ preference }) => preference!);
    this.verdict = await engine.request('verdict', { preferences });
    this.revealed = true;
    const { pairs, verdict, contest } = this;
    await store.notes.put('comparison', { pairs, verdict, contest, made: this.#made });
  }

  /** Lets a simulated labeler prefer, on all held-out prompts. */
  async judgeSimulated(labeler: string, contest: Contest, pairsPerPrompt = 1, told = (_: number) => {}): Promise<void> {
    this.simulated = null;
    const prompts = (await promptsOf('heldout')).slice(0, sizes.comparedPrompts);
    const made = models.held[judgedModel(contest.method)]?.made;
    const pairs: JudgedPair[] = [];
    const keep = (pair: Pair) => told(pairs.push(judgedPair(pair)));
    const judge: Judge = { judge: 'labeler', name: labeler };
    const verdict = await this.#complete(contest, prompts, judge, settings.seed, keep, pairsPerPrompt);
    if (!verdict) return;
    this.simulated = { verdict, labeler, contest, made, pairs };
    await store.notes.put('comparison/simulated', this.simulated);
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
      this.#made = last.made;
      this.revealed = true;
    }
    this.#round = (await store.notes.get<number>('comparison/round')) ?? 0;
    const simulated = await store.notes.get<StoredSimulated>('comparison/simulated');
    if (simulated) {
      const { verdict, labeler, versus, made, pairs = [] } = simulated;
      const contest = simulated.contest ?? { method: null, versus: versus! };
      this.simulated = { verdict, labeler, contest, made, pairs };
    }
  }

  async #complete(
    { method, versus }: Contest,
    prompts: Prompt[],
    judge: Judge,
    seed: number,
    onPair: (pair: Pair) => void,
    pairsPerPrompt = 1,
  ): Promise<Verdict | null> {
    let verdict: Verdict | null = null;
    const common = { seed, max_new_tokens: answers.tokens, pairs_per_prompt: pairsPerPrompt };
    const command =
      method === BEST_OF
        ? commands.compare(models.start, versus, prompts, judge, 'reward', { ...common, best_of: sizes.bestOf })
        : commands.compare('policy', versus, prompts, judge, null, common);
    await engine.run(command, {
      event(event) {
        if (event.event === 'pair') {
          const left = coin() ? 'a' : 'b';
          onPair({ prompt: promptText(event.prompt), a: event.a, b: event.b, left, preference: event.preference });
        }
        if (event.event === 'verdict') verdict = event.verdict;
      },
    });
    return verdict;
  }
}

const judgedPair = ({ prompt, a, b, preference }: Pair): JudgedPair => ({ prompt, a, b, preference });

/** The model whose training a verdict on a method is about; best-of-n trains none but the reward model. */
const judgedModel = (method: string | null) => (method === BEST_OF ? 'reward' : 'policy');

function coin(): boolean {
  return crypto.getRandomValues(new Uint8Array(1))[0]! % 2 === 0;
}

export const comparison = new Comparison();
