// The page's state put together: the six steps, what each needs, and what a reload brings back.

import { labelerInWords } from '../languages/trainer';
import { accuracyOf } from './accuracy';
import { answers } from './answers.svelte';
import { besideOthers } from './beside-others';
import { isCount, isScored } from './checks';
import { choices } from './choices.svelte';
import * as commands from './commands';
import { comparison } from './comparison.svelte';
import { engine } from './engine.svelte';
import { examples } from './examples.svelte';
import { fetchText, parseJsonl } from './files';
import { findings } from './findings.svelte';
import { fixing } from './fixing.svelte';
import { percent, signed } from './format';
import type { LabelerInfo } from './messages';
import { BEST_OF, methods } from './methods.svelte';
import { metricDocs, type MetricName } from './metrics.svelte';
import { BUILT_IN_START, models, type CurvePoint, type ModelName } from './models.svelte';
import { notices } from './notices.svelte';
import type { Picked } from './opening';
import type { DemonstrationRecord, RankingRecord, RewardOptions, SftOptions } from './protocol';
import { rankings, withEdit } from './rankings.svelte';
import { runs } from './runs.svelte';
import { screens } from './sampling.svelte';
import { settings, sizes } from './settings';
import * as store from './store';
import { t } from './strings';
import { tabs } from './tabs.svelte';
import { Training } from './training.svelte';
import { tuningCommand } from './tuning';
import { WorkerCrash } from './worker-client';
import { workflow, type Opened } from './workflow.svelte';

export const STEPS = ['base', 'show', 'rank', 'reward', 'tune', 'compare'] as const;
export type StepName = (typeof STEPS)[number];
/** `doubt` is done, but the trainer's rules found something suspicious. */
export type StepState = 'locked' | 'open' | 'active' | 'done' | 'doubt';

/** Fewer rankings than this make no reward model worth the name, and no tuned model. */
export const MIN_RANKINGS = 5;

/** A step's number, what it is, and, where it is a metric, its name in the log. */
export type StepNumber = { text: string; what: string; metric?: MetricName };

export type ScoredRanking = { record: RankingRecord; scores: number[]; source: store.RankingSource };

class State {
  labelers = $state.raw<LabelerInfo[]>([]);
  labeler = $state(settings.labeler ?? '');
  /** The last stored ranking with the reward model's scores. */
  scored = $state.raw<ScoredRanking | null>(null);
  /** Rankings that the present reward model was trained on. */
  rewardRankings = $state(0);
  booted = $state(false);

  readonly sft = new Training('sft', 'sft');
  readonly reward = new Training('reward', 'reward');
  readonly tuning = new Training('tune', 'policy');

  get labelerInfo(): LabelerInfo | undefined {
    return this.labelers.find(({ name }) => name === this.labeler);
  }

  /** What a step still needs, in words; nothing where it can start. */
  need(step: StepName): string | null {
    const { base, policy } = models.held;
    if (engine.failure) return t.needs.trainer;
    if (step === 'base' || step === 'show') return base ? null : t.needs.base;
    if (!models.held[models.start]) return t.needs.sft;
    if (step === 'reward' && rankings.count < MIN_RANKINGS) return t.needs.rankings(MIN_RANKINGS, rankings.count);
    if (step === 'tune') return this.#needOfMethod();
    if (step === 'compare' && choices.kind === 'best_of') return this.#needOfMethod();
    if (step === 'compare' && !policy && !models.shown) return t.needs.policy;
    return null;
  }

  /** Rankings are all that some methods learn from; the others ask a reward model. */
  #needOfMethod(): string | null {
    if (choices.kind !== 'rankings') return models.held.reward ? null : t.needs.reward;
    return rankings.count < MIN_RANKINGS ? t.needs.rankings(MIN_RANKINGS, rankings.count) : null;
  }

  stateOf(step: StepName): StepState {
    if (this.need(step)) return 'locked';
    if (this.isActive(step)) return 'active';
    if (this.#trainingOf(step)?.status === 'paused') return 'open';
    if (!this.#isDone(step)) return 'open';
    return findings.doubt(step) ? 'doubt' : 'done';
  }

  isActive(step: StepName): boolean {
    return this.#trainingOf(step)?.running ?? false;
  }

  #trainingOf(step: StepName): Training | null {
    const { sft, reward, tuning } = this;
    return { base: null, show: sft, rank: null, reward, tune: tuning, compare: null }[step];
  }

  #isDone(step: StepName): boolean {
    const { base, sft, reward, policy } = models.held;
    return {
      base: base !== undefined,
      show: sft !== undefined,
      rank: rankings.count >= sizes.rankingTarget,
      reward: reward !== undefined,
      // Nothing is trained for best-of-n: there is nothing left to do once it can choose.
      tune: choices.kind === 'best_of' || policy !== undefined,
      compare: comparison.latest !== null,
    }[step];
  }

  /** The curve of the instruct model at hand, or of the one in training. */
  get instructCurve(): CurvePoint[] {
    const origin = models.held.sft?.origin ?? 'trained';
    if (origin === 'trained' || this.sft.running || this.sft.status === 'paused') return this.sft.curve;
    return origin === 'built-in' ? (models.builtInCurves.sft ?? []) : [];
  }

  /** The method that trained the tuned model at hand; nothing for one that came from a zip. */
  get tunedBy(): string | null {
    return methods.named(models.held.policy?.by);
  }

  /** The method whose numbers step 5 shows: that of the last run, or the chosen one where there was none. */
  get shownMethod(): string {
    if (choices.kind === 'best_of' && !this.tuning.running) return BEST_OF;
    return (this.tuning.curve.length > 0 && methods.named(this.tuning.method)) || choices.method;
  }

  /** The one number of step 5. */
  get tuningNumber(): StepNumber {
    const kind = methods.kindOf(this.shownMethod);
    if (kind === 'best_of') return { text: `${sizes.bestOf}`, what: t.tune.metricBestOf };
    if (kind === 'rankings') {
      const { value, metric, text } = accuracyOf(this.tuning, 'eval_rewards/accuracies', 'rewards/accuracies');
      return { text: value === undefined ? '–' : percent(value), what: text, metric };
    }
    return { text: signed(this.tuning.latest('objective/scores')), what: t.tune.metric, metric: 'objective/scores' };
  }

  get unsaved(): boolean {
    return this.sft.unsaved || this.reward.unsaved || this.tuning.unsaved;
  }

  async boot(): Promise<void> {
    engine.onOpened = async () => (this.booted ? models.reload() : undefined);
    await workflow.restore().catch((error) => notices.problem(error));
    await this.#inTurn(() => this.#enter());
  }

  /** Goes over to another workflow, with the model that it is about. A new worker starts empty. */
  change(opened: Opened): Promise<void> {
    return this.#inTurn(async () => {
      await this.rest();
      this.booted = false;
      engine.close();
      await workflow.take(opened);
      await this.#enter();
    });
  }

  /** Lets nothing run: training pauses and is stored, the rest is cancelled. */
  async rest(): Promise<void> {
    const running = this.trainings.find((training) => training.running);
    if (running) await running.pause();
    else await engine.halt('cancel');
  }

  get trainings(): Training[] {
    return [this.sft, this.reward, this.tuning];
  }

  /** Until what is being brought back is there: two at once would be in each other's way. */
  #loading: Promise<unknown> = Promise.resolve();

  #inTurn(load: () => Promise<void>): Promise<void> {
    const loaded = this.#loading.then(load);
    this.#loading = loaded.catch(() => undefined);
    return loaded;
  }

  /** Starts the trainer and brings back what is stored of the workflow. */
  async #enter(): Promise<void> {
    this.booted = false;
    this.labeler = settings.labeler ?? '';
    models.reset();
    runs.reset();
    screens.reset();
    await tabs.enter(workflow.id, besideOthers(this));
    if (!tabs.following) await this.#adoptOld().catch((error) => notices.problem(error));
    if (workflow.replaced) await tabs.onlyRead();
    await rankings.restore().catch((error) => notices.problem(error));
    await engine.start();
    await this.#fill();
  }

  /** What an earlier page stored takes the place that this one looks for it. */
  async #adoptOld(): Promise<void> {
    await store.adoptOldNames();
    await runs.adoptOld();
  }

  /** A worker that dies before everything is back is followed by another, which gets it all again. */
  async #fill(): Promise<void> {
    // None follows one that was closed: the page is about to be loaded anew.
    while (!engine.failure && !engine.closed) {
      try {
        await this.#restore();
        this.booted = true;
        return;
      } catch (error) {
        if (!(error instanceof WorkerCrash)) throw error;
      }
    }
  }

  async #restore(): Promise<void> {
    await methods.load();
    await answers.restore().catch(saying);
    await choices.restore().catch(saying);
    await metricDocs.load().catch(saying);
    const labelers = await engine.request('labelers', { all: workflow.base !== null });
    this.labelers = labelers.map(labelerInWords);
    if (!this.labelerInfo) this.labeler = this.labelers[0]?.name ?? '';
    const own = workflow.base;
    if (!tabs.following || (!own && !workflow.replaced)) {
      await models.takeBase().catch((error) => (own || error instanceof WorkerCrash ? saying(error) : notices.say(t.base.missing, 'problem')));
    }
    await this.recall();
  }

  /** Choices, examples and drafts that came with a workflow of somebody's. */
  async restoreChoices(): Promise<void> {
    await answers.restore();
    await choices.restore();
    await this.recallDrafts();
  }

  /** What is stored of the workflow's models, runs and judgements. One who looks on gives none of it to the trainer. */
  async recall(): Promise<void> {
    if (tabs.following) await models.look(workflow.base?.info ?? null);
    else await models.restore(saying);
    await this.recallDrafts();
    await runs.restore(!tabs.following).catch(saying);
    if (tabs.following) models.lookAtRun(runs.current && { ...runs.current, origin: 'trained', by: runs.current.method ?? undefined });
    for (const training of this.trainings) if (!training.running) await training.restore().catch(saying);
    await comparison.restore().catch(saying);
    await this.#recallReward();
    this.scored = (await store.notes.read('reward/scored', isScored)) ?? null;
  }

  /** The workflow is this tab's from now on, or another's: everything is brought back as it is stored. */
  refill(): Promise<void> {
    return this.#inTurn(async () => {
      this.booted = false;
      engine.close();
      models.reset();
      runs.reset();
      screens.reset();
      for (const training of this.trainings) await training.restore();
      await rankings.restore().catch((error) => notices.problem(error));
      await engine.start();
      await this.#fill();
    });
  }

  /** Examples, and what the reader was writing: examples too, or a better answer, with its screen. */
  async recallDrafts(): Promise<void> {
    await examples.restore();
    await fixing.restore();
    if (fixing.draft && !screens.current?.id) screens.putBack(fixing.draft.screen);
  }

  async #recallReward(): Promise<void> {
    this.rewardRankings = (await store.notes.read('reward/rankings', isCount)) ?? 0;
  }

  /** Opens a model folder and takes down what the page said of the model before it. */
  async openModel(picked: Picked[], place: 'sft' | 'policy'): Promise<ModelName> {
    const name = await models.importFiles(picked, place);
    if (name === 'policy') await runs.keepImported(await models.files('policy'));
    if (name === 'sft') screens.clear();
    if (name === 'reward') await this.#forgetReward();
    await { sft: this.sft, reward: this.reward, policy: this.tuning, base: null }[name]?.forget();
    return name;
  }

  async #forgetReward(): Promise<void> {
    this.scored = null;
    this.rewardRankings = 0;
    await store.notes.put('reward/scored', null);
    await store.notes.put('reward/rankings', 0);
  }

  /** Trains the base on the built-in examples. `changed` are options that a verdict advises. */
  async trainSft(changed: Partial<SftOptions> = {}): Promise<boolean> {
    const all = parseJsonl<DemonstrationRecord>(await fetchText('examples/demonstrations.train.jsonl'));
    const demonstrations = all.slice(0, sizes.demonstrations);
    const options = { ...sizes.finetuning, seed: settings.seed, ...changed };
    return this.sft.begin(commands.sft('base', demonstrations, options));
  }

  /** What step 2 learns from: the reader's examples, and what they edited while they ranked. */
  get lessons(): DemonstrationRecord[] {
    return [...examples.list, ...rankings.edits];
  }

  /** Trains on the reader's examples, from the model as it was before any of them. Resolves to whether the model was made. */
  async learn(changed: Partial<SftOptions> = {}): Promise<boolean> {
    const model = workflow.base ? 'base' : BUILT_IN_START;
    return this.sft.begin(commands.sft(model, this.lessons, { ...this.#learning, ...changed }));
  }

  get #learning(): Partial<SftOptions> {
    const { most, options } = sizes.learning;
    return { ...(this.lessons.length <= most ? options : {}), ...sizes.finetuning, seed: settings.seed };
  }

  /** About how many seconds `learn` will take, by the trainer. */
  async learningTime(): Promise<number> {
    // What an earlier page wrote down of a model says nothing of examples.
    const example = workflow.base?.outlook?.example ?? (await this.#exampleTime());
    return engine.request('imitation_time', { name: 'base', demonstrations: this.lessons.length, options: this.#learning, example });
  }

  /** Asked once: the probe takes a few seconds. */
  #measured: { of: string; example: number } | null = null;

  async #exampleTime(): Promise<number> {
    const of = workflow.base?.id ?? '';
    if (this.#measured?.of !== of) {
      const { example } = await engine.request('outlook', { name: 'base', answer: answers.tokens });
      this.#measured = { of, example };
    }
    return this.#measured.example;
  }

  /** `changed` are options that a verdict advises. */
  async trainReward(changed: Partial<RewardOptions> = {}): Promise<void> {
    await store.notes.put('reward/rankings', rankings.count);
    const options = { ...sizes.reward, ...sizes.finetuning, seed: settings.seed, ...changed };
    const made = await this.reward.begin(commands.reward(models.start, rankings.records, options));
    if (made) await this.rewardMade();
  }

  /** Looks at a new reward model: what it was trained on, and what it says of the last ranking. */
  async rewardMade(): Promise<void> {
    await this.#recallReward();
    await this.scoreLast();
  }

  /** Asks the reward model about the completions of the last ranking. */
  async scoreLast(): Promise<void> {
    const last = rankings.lastRecord;
    const source = rankings.list.at(-1)?.source ?? 'person';
    if (!last || !models.held.reward) return;
    const record = withEdit(last);
    await engine.run(commands.score('reward', [record]), {
      event: (event) => {
        if (event.event !== 'scored') return;
        this.scored = { record, scores: event.record.scores as number[], source };
      },
    });
    await store.notes.put('reward/scored', this.scored);
  }

  /** The first `since` rankings are left out of what is learnt from. */
  async tune(since = 0): Promise<boolean> {
    const { method, kind, options } = choices;
    if (kind === 'best_of') return false;
    return this.tuning.begin(await tuningCommand(method, kind, options, since));
  }
}

/** One thing that cannot be brought back must not keep the rest away; a worker that dies is another matter. */
function saying(error: unknown): void {
  if (error instanceof WorkerCrash) throw error;
  notices.problem(error);
}

export const app = new State();
