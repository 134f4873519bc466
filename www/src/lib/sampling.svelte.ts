// Completions to look at: a single stream for one text, and screens of four to rank, sampled ahead, no two answers equal.

import { answers } from './answers.svelte';
import * as commands from './commands';
import { engine } from './engine.svelte';
import { examples } from './examples.svelte';
import { fixing } from './fixing.svelte';
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
      if (event.event === 'partial') onText(cleaned(event.text));
      const [first] = event.event === 'candidates' ? event.completions : [];
      if (first) completion = { ...first, text: cleaned(first.text) };
    },
  });
  return completion;
}

/** One prompt with its completions; `id` is null while they still grow. Of one that was `redrawn` some are not those that grew, one that was `chosen` is out of more. */
export type Screen = { id: string | null; prompt: Prompt; completions: Completion[]; redrawn?: boolean; chosen?: boolean };

/** Screens kept ready behind the one on show. */
const AHEAD = 3;
/** The temperature of answers that take the place of equal ones. */
const HOT = 1.1;
/** What the tokenizer writes for bytes that are no text. */
const BROKEN = '\uFFFD';

/** Without what is left of a character that the limit cut in two. */
export const cleaned = (text: string) => text.replace(/\uFFFD+$/, '');

/** At most so many answers of one prompt, no two of them equal, none broken while there are others, in the order of their draws. */
function differing(completions: Completion[], count: number): Completion[] {
  const texts = completions.map(({ text }) => text.trim());
  const distinct = completions.filter((_, index) => texts.indexOf(texts[index]!) === index);
  const whole = distinct.filter(({ text }) => !text.includes(BROKEN));
  return (whole.length > 1 ? whole : distinct).slice(0, count);
}

class Screens {
  current = $state.raw<Screen | null>(null);
  #ready: Screen[] = [];
  #prompts: Prompt[] = [];
  /** The prompts that are being completed now. */
  #chunk: Prompt[] = [];
  /** Screens with too few answers that differ, and whether somebody looks at them growing. */
  #lacking: { screen: Screen & { id: string }; watched: boolean }[] = [];
  #next = 0;
  #round = 0;
  #filling = false;
  /** Whether more answers are drawn now than are shown. */
  #chosen = false;

  /** Starts sampling. `ranked` rankings were made before; the reader goes on with prompts not ranked yet. */
  async begin(ranked: number): Promise<void> {
    if (this.#prompts.length === 0) {
      const all = await promptsOf('train');
      // What it was shown an answer to comes last: it would say little else.
      this.#prompts = [...all.filter((prompt) => !examples.has(prompt)), ...all.filter((prompt) => examples.has(prompt))];
      const from = this.current?.id ? ranked + 1 : ranked;
      this.#next = from % this.#prompts.length;
      this.#round = Math.floor(from / this.#prompts.length);
    }
    await this.fill();
  }

  /** Shows the next screen. */
  advance(ranked: number): void {
    this.current = this.#ready.shift() ?? (this.#prompts.length > 0 ? this.#growing() : null);
    void this.begin(ranked);
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

  /** For another model. A screen for which somebody writes an answer stays. */
  clear(): void {
    this.current = fixing.for(this.current?.id) ? this.current : null;
    this.#ready = [];
  }

  /** For other prompts. */
  reset(): void {
    this.current = null;
    this.#ready = [];
    this.#prompts = [];
  }

  /**
   * Samples ahead while nothing else wants the device. The first screen grows in view; of later ones more answers are
   * drawn than are shown, and the trainer keeps those that are worth ranking.
   */
  async fill(): Promise<void> {
    if (engine.busy || this.#prompts.length === 0) return;
    if (!this.current?.id) await this.#sample(1, { draws: sizes.completions, stream: true });
    if (!engine.busy && this.#ready.length < AHEAD) await this.#sample(sizes.promptsAhead, { draws: sizes.drawn });
  }

  async #sample(count: number, how: Partial<SampleOptions>): Promise<void> {
    if (this.#filling) return;
    this.#filling = true;
    this.#chosen = !how.stream;
    const from = this.#next;
    const prompts = Array.from({ length: count }, (_, i) => this.#prompts[(from + i) % this.#prompts.length]!);
    this.#chunk = prompts;
    const seed = settings.seed + (this.#round * this.#prompts.length + from) * sizes.drawn;
    const options = { k: sizes.completions, seed, max_new_tokens: answers.tokens, ...how };
    try {
      const run = { givesWay: true, event: (event: Event) => this.#hear(event) };
      await engine.run(commands.sample(models.start, prompts, options), run);
      for (let lacking = this.#lacking.shift(); lacking; lacking = this.#lacking.shift()) await this.#drawAgain(lacking, seed);
    } catch (error) {
      if (!(error instanceof WorkerCrash)) notices.problem(error);
    } finally {
      this.#lacking = [];
      this.#filling = false;
    }
  }

  /** Draws more answers to a prompt, hotter; where they are equal too, the screen has fewer. */
  async #drawAgain({ screen, watched }: { screen: Screen; watched: boolean }, seed: number): Promise<void> {
    let all = screen.completions;
    const options = { k: sizes.drawn, temperature: HOT, seed: seed + 7919, max_new_tokens: answers.tokens };
    await engine.run(commands.sample(models.start, [screen.prompt], options), {
      givesWay: true,
      event(event) {
        if (event.event === 'candidates') all = [...all, ...event.completions.map((one) => ({ ...one, text: cleaned(one.text) }))];
      },
    });
    this.#show({ ...screen, completions: differing(all, sizes.completions), redrawn: true }, watched);
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
        index === event.completion ? { ...completion, text: cleaned(event.text) } : completion,
      );
      this.current = { ...growing, completions };
    }
    if (event.event === 'candidates') {
      this.#next = (this.#next + 1) % this.#prompts.length;
      if (this.#next === 0) this.#round += 1;
      const watched = !this.current?.id && !this.#lacking.some((other) => other.watched);
      const all = event.completions.map((completion) => ({ ...completion, text: cleaned(completion.text) }));
      const screen = { id: event.id, prompt: event.prompt, completions: differing(all, sizes.completions), chosen: this.#chosen };
      if (screen.completions.length < sizes.completions) this.#lacking.push({ screen, watched });
      else this.#show(screen, watched);
    }
  }

  #show(screen: Screen, watched: boolean): void {
    if (watched && !this.current?.id) this.current = screen;
    else this.#ready.push(screen);
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
