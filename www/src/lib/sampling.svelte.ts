// Completions to look at: a single stream for one text, and screens of four to rank, sampled ahead.

import { answers } from './answers.svelte';
import * as commands from './commands';
import { engine } from './engine.svelte';
import { models } from './models.svelte';
import { notices } from './notices.svelte';
import { promptsOf } from './prompts';
import type { CandidatesRecord, Completion, Event, Prompt, RankingRecord, SampleOptions } from './protocol';
import { settings, sizes } from './settings';
import { WorkerCrash } from './worker-client';

/** Samples one completion and hands out its text as it grows. */
export async function streamCompletion(
  model: string,
  prompt: Prompt,
  seed: number,
  onText: (text: string) => void,
  draw: Pick<Partial<SampleOptions>, 'temperature' | 'top_p'> = {},
): Promise<Completion | null> {
  let completion: Completion | null = null;
  const options = { k: 1, stream: true, seed, max_new_tokens: answers.tokens, ...draw };
  await engine.run(commands.sample(model, [prompt], options), {
    event(event) {
      if (event.event === 'partial') onText(event.text);
      if (event.event === 'candidates') completion = event.completions[0] ?? null;
    },
  });
  return completion;
}

/** One prompt with its completions; `id` is null while they still grow. */
export type Screen = { id: string | null; prompt: Prompt; completions: Completion[] };

/** Screens kept ready behind the one on show. */
const AHEAD = 3;

class Screens {
  current = $state.raw<Screen | null>(null);
  #ready: Screen[] = [];
  #prompts: Prompt[] = [];
  /** The prompts that are being completed now. */
  #chunk: Prompt[] = [];
  #next = 0;
  #round = 0;
  #filling = false;

  /** Starts sampling. `ranked` rankings were made before; the reader goes on with prompts not ranked yet. */
  async begin(ranked: number): Promise<void> {
    if (this.#prompts.length === 0) {
      this.#prompts = await promptsOf('train');
      this.#next = ranked % this.#prompts.length;
      this.#round = Math.floor(ranked / this.#prompts.length);
    }
    await this.fill();
  }

  /** Shows the next screen. */
  advance(): void {
    this.current = this.#ready.shift() ?? this.#growing();
    void this.fill();
  }

  /** Ends one of the completions that grow. */
  async stop(completion: number): Promise<void> {
    if (this.current && !this.current.id) await engine.request('stop_completion', { prompt: 0, completion });
  }

  /** Puts a screen back on show; the one that was there waits behind it. */
  putBack(screen: Screen): void {
    if (this.current?.id) this.#ready.unshift(this.current);
    this.current = screen;
  }

  clear(): void {
    this.current = null;
    this.#ready = [];
  }

  /** For other prompts. */
  reset(): void {
    this.clear();
    this.#prompts = [];
  }

  /** Samples ahead while nothing else wants the device. */
  async fill(): Promise<void> {
    if (engine.busy || this.#prompts.length === 0) return;
    if (!this.current?.id) await this.#sample(1);
    if (!engine.busy && this.#ready.length < AHEAD) await this.#sample(sizes.promptsAhead);
  }

  async #sample(count: number): Promise<void> {
    if (this.#filling) return;
    this.#filling = true;
    const from = this.#next;
    const prompts = Array.from({ length: count }, (_, i) => this.#prompts[(from + i) % this.#prompts.length]!);
    this.#chunk = prompts;
    const seed = settings.seed + (this.#round * this.#prompts.length + from) * sizes.completions;
    const options = { k: sizes.completions, stream: true, seed, max_new_tokens: answers.tokens };
    try {
      await engine.run(commands.sample(models.start, prompts, options), {
        givesWay: true,
        event: (event) => this.#hear(event),
      });
    } catch (error) {
      if (!(error instanceof WorkerCrash)) notices.problem(error);
    } finally {
      this.#filling = false;
    }
  }

  #growing(): Screen {
    const prompt = (this.#filling ? this.#chunk[0] : this.#prompts[this.#next]) ?? '';
    const completions = Array.from({ length: sizes.completions }, () => ({ text: '' }));
    return { id: null, prompt, completions };
  }

  #hear(event: Event): void {
    if (event.event === 'partial' && !this.current?.id && event.prompt === 0) {
      const growing = this.current?.prompt === this.#chunk[0] ? this.current! : this.#growing();
      const completions = growing.completions.map((completion, index) =>
        index === event.completion ? { ...completion, text: event.text } : completion,
      );
      this.current = { ...growing, completions };
    }
    if (event.event === 'candidates') {
      this.#next = (this.#next + 1) % this.#prompts.length;
      if (this.#next === 0) this.#round += 1;
      const screen = { id: event.id, prompt: event.prompt, completions: event.completions };
      if (this.current?.id) this.#ready.push(screen);
      else this.current = screen;
    }
  }
}

export const screens = new Screens();

/** Completions of many prompts at once, for a simulated labeler to rank. */
export async function sampleCandidates(
  count: number,
  from: number,
  told: (done: number) => void = () => {},
): Promise<CandidatesRecord[]> {
  const all = await promptsOf('train');
  const prompts = Array.from({ length: count }, (_, index) => all[(from + index) % all.length]!);
  const options = {
    k: sizes.completions,
    batch_size: sizes.sampleBatch,
    seed: settings.seed + from * sizes.completions,
    max_new_tokens: answers.tokens,
  };
  const candidates: CandidatesRecord[] = [];
  await engine.run(commands.sample(models.start, prompts, options), {
    event(event) {
      if (event.event !== 'candidates') return;
      const { id, prompt, completions } = event;
      told(candidates.push({ id, prompt, completions }));
    },
  });
  return candidates;
}

/** A simulated labeler's rankings of candidates. */
export async function rankCandidates(candidates: CandidatesRecord[], labeler: string): Promise<RankingRecord[]> {
  const records: RankingRecord[] = [];
  await engine.run(commands.rank(candidates, labeler), {
    event(event) {
      if (event.event === 'ranked') records.push(event.record);
    },
  });
  return records;
}
