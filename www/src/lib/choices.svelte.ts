// What the reader chooses in step 5: the method, how long, the leash, and options of each method. A reload brings back
// method and options.

import { isChosen, isPace, isText } from './checks';
import type { Values } from './commands';
import { BEST_OF, methods, type Kind } from './methods.svelte';
import { declaredOf, same } from './options';
import type { MethodInfo } from './protocol';
import { settings, type Effort, type Leash } from './settings';
import * as store from './store';
import { pagesOwn } from './tuning';
import { workflow } from './workflow.svelte';

/** A published set of options, or none, and what the reader changed beyond it. */
export type Chosen = { preset: string | null; changed: Values };

/** What an option is unless the reader changes it, and who says so. */
export type Given = { value: unknown; by: 'trainer' | 'preset' | 'effort' | 'leash' | 'page' };

const NOTHING: Chosen = { preset: null, changed: {} };
/** Where answers are slow to come by, what learns from the rankings themselves goes first. */
const usual = () => (workflow.base ? 'dpo' : 'ppo');

class Choices {
  method = $state(settings.method ?? 'ppo');
  effort = $state<Effort>(settings.effort);
  leash = $state<Leash>('normal');
  #chosen = $state.raw<Record<string, Chosen>>({});

  /** What the trainer says of the method; nothing until it runs, and of best-of-n. */
  get info(): MethodInfo | undefined {
    return methods.find(this.method);
  }

  get kind(): Kind {
    return methods.kindOf(this.method);
  }

  get name(): string {
    return methods.words(this.method).name;
  }

  get chosen(): Chosen {
    return this.#chosen[this.method] ?? NOTHING;
  }

  /** Whether the method has an option; supposed of a method that learns from rewards until the trainer runs. */
  has(option: string): boolean {
    if (!this.info) return this.kind === 'rewards';
    return this.info.options.some(({ name }) => name === option);
  }

  /** Whether the page's leash is the method's: the trainer would steer the KL too, and no recipe brings its own. */
  get leashed(): boolean {
    const declared = this.info?.options.find(({ name }) => name === 'adaptive_kl');
    const steered = this.info ? (declared?.default ?? null) !== null : this.kind === 'rewards';
    return steered && this.chosen.preset === null;
  }

  /** What each option is unless the reader changes it; a later word counts. */
  get given(): Record<string, Given> {
    if (!this.info) return {};
    const { options } = this.info;
    const trainer = Object.fromEntries(options.map((option) => [option.name, option.default]));
    const { page, effort, leash } = pagesOwn(this.method, this.kind, this.effort, this.leash);
    const words: [Given['by'], Values][] = [
      ['trainer', trainer],
      ['preset', this.#published],
      ['page', page],
      ['effort', effort],
      ['leash', this.leashed ? leash : {}],
    ];
    const given = words.flatMap(([by, values]) =>
      Object.entries(declaredOf(options, values)).map(([name, value]) => [name, { value, by }] as const),
    );
    return Object.fromEntries(given);
  }

  /** The options of the command: those that are not the trainer's own. */
  get options(): Values {
    const said = Object.entries(this.given).filter(([, { by }]) => by !== 'trainer');
    return { ...Object.fromEntries(said.map(([name, { value }]) => [name, value])), ...this.chosen.changed };
  }

  get #published(): Values {
    return this.info?.presets.find(({ name }) => name === this.chosen.preset)?.options ?? {};
  }

  async choose(method: string): Promise<void> {
    this.method = method;
    await store.notes.put('method', method);
  }

  async choosePreset(preset: string | null): Promise<void> {
    await this.#keep({ preset, changed: {} });
  }

  /** Gives an option of the method a value; the one that it has anyway, or `undefined`, restores it. */
  async change(option: string, value: unknown): Promise<void> {
    const { [option]: _, ...rest } = this.chosen.changed;
    const restored = value === undefined || same(value, this.given[option]?.value);
    await this.#keep({ ...this.chosen, changed: restored ? rest : { ...rest, [option]: value } });
  }

  /** Keeps how long and the leash over a reload. */
  async keepPace(): Promise<void> {
    await store.notes.put('pace', { effort: this.effort, leash: this.leash });
  }

  async restoreAll(): Promise<void> {
    await this.#keep({ ...this.chosen, changed: {} });
  }

  async #keep(chosen: Chosen): Promise<void> {
    this.#chosen = { ...this.#chosen, [this.method]: chosen };
    await store.notes.put(`options/${this.method}`, chosen);
  }

  /** Brings back what an earlier visit chose, as far as the trainer still knows it. */
  async restore(): Promise<void> {
    const last = await store.notes.read('method', isText);
    this.method = methods.named(settings.method) ?? methods.named(last) ?? usual();
    const pace = await store.notes.read('pace', isPace);
    if (pace && !settings.effortGiven) this.effort = pace.effort;
    if (pace) this.leash = pace.leash;
    this.#chosen = {};
    for (const method of methods.names.filter((name) => name !== BEST_OF)) {
      const chosen = await store.notes.read(`options/${method}`, isChosen);
      if (!chosen) continue;
      const { options, presets } = methods.find(method)!;
      const preset = presets.find(({ name }) => name === chosen.preset)?.name ?? null;
      this.#chosen = { ...this.#chosen, [method]: { preset, changed: declaredOf(options, chosen.changed) } };
    }
  }
}

export const choices = new Choices();
