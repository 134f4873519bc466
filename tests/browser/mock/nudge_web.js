// A stand-in for the compiled trainer: the same class, made-up numbers. Only the page's own behaviour can be
// tested with it (ranking, storage, layout); it says nothing about training, and is never shipped.

const WORDS = 'the little fox found a key and ran to the garden where it was warm so she gave it to her friend'.split(' ');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));

function text(seed, length) {
  let state = seed + 1;
  const words = Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return WORDS[state % WORDS.length];
  });
  const joined = words.join(' ');
  return `${joined[0].toUpperCase()}${joined.slice(1)}.`;
}

/** Declarations of every kind; the real ones are the trainer's. */
const range = (words, low, high, ends = {}) => ({ words, low, high, with_low: true, with_high: true, ...ends });
const ANY = range('a number', null, null);
const POSITIVE = range('more than 0', 0, null, { with_low: false });
const NON_NEGATIVE = range('0 or more', 0, null);
const FRACTION = range('between 0 and 1', 0, 1);
const WHOLE = range('1 or more', 1, null);
const option = (name, kind, range, usual, more = {}) => ({
  name, doc: `A made-up meaning of \`${name}\`, in a sentence or two`, kind, range, default: usual, ...more,
});
const SHARED = [
  option('batch_size', 'whole', WHOLE, 16),
  option('learning_rate', 'number', POSITIVE, 0.0003),
  option('seed', 'whole', ANY, 1),
];
const RANKINGS = [option('beta', 'number', POSITIVE, 0.1), option('epochs', 'number', POSITIVE, 3), option('held_out', 'number', FRACTION, 0.1)];
const REWARDS = [
  option('kl_coef', 'number', NON_NEGATIVE, 0.2),
  option('adaptive_kl', 'rule', ANY, null, { form: 'off, or TARGET:HORIZON' }),
  option('kl_estimator', 'choice', ANY, 'k1', { names: ['k1', 'k2', 'k3', 'full'] }),
  option('lr_decay', 'rule', ANY, 'constant', { form: 'constant, linear or cosine:FLOOR' }),
  option('normalize_scores', 'flag', ANY, true),
  option('entropy_coef', 'number', NON_NEGATIVE, 0),
  option('num_iterations', 'whole', WHOLE, 4),
  option('num_mini_batches', 'whole', WHOLE, 4),
  option('episodes', 'whole', WHOLE, 640),
  option('max_new_tokens', 'whole', WHOLE, 64),
  option('gold_labeler', 'name', ANY, null),
  option('lens', 'flag', ANY, false),
];
const method = (name, learns_from, options, presets = []) => ({
  name, title: name.toUpperCase(), about: `a made-up method called ${name}`, source: 'Nobody 2024', learns_from,
  options: [...options, ...SHARED], presets,
});
const METHODS = [
  method('ppo', 'rewards', [...REWARDS, option('lambda', 'number', FRACTION, 0.95)], [
    { name: 'instructgpt', source: 'Ouyang et al. 2022', options: { kl_coef: 0.02, adaptive_kl: null, num_iterations: 4 } },
  ]),
  method('grpo', 'rewards', [...REWARDS, option('k', 'whole', WHOLE, 8)]),
  method('rloo', 'rewards', [...REWARDS, option('k', 'whole', WHOLE, 4)]),
  method('reinforce', 'rewards', REWARDS),
  method('dpo', 'rankings', [option('loss', 'choice', ANY, 'sigmoid', { names: ['sigmoid', 'hinge', 'ipo'] }), ...RANKINGS]),
  method('kto', 'labels', RANKINGS),
  method('orpo', 'rankings', RANKINGS),
  method('madeup', 'rankings', RANKINGS),
];

const lens = (step) => ({
  step, prompt: 'Tell me a story about a cat.', score: 0.5, kl: 1.5, kl_coef: 0.2, new_kl_coef: 0.21, cliprange: 0.2,
  tokens: text(step, 24).split(/(?= )/).map((text, index) => {
    const ratio = 1 + 0.4 * Math.sin(index);
    return {
      text, probability: 0.4, ref_probability: 0.3, new_probability: 0.4 * ratio, kl: 0.288, reward: -0.058,
      value: 0.3 * Math.cos(index), advantage: Math.sin(index), ratio, objective: ratio * Math.sin(index),
      choices: [' a', ' the'].map((text, rank) => ({ text, ref_probability: 0.3 / (rank + 1), new_probability: 0.4 / (rank + 1) })), clipped: Math.abs(ratio - 1) > 0.2 && index % 2 === 0,
    };
  }),
});

const review = () => ({
  pairs: 40, held_out: 12,
  margins: Array.from({ length: 12 }, (_, index) => ({ low: index / 2 - 3, high: index / 2 - 2.5, trained: index, held_out: (index * 5) % 4 })),
  calibration: {
    overall: { name: 'all pairs', pairs: 12, accuracy: 0.7, low: 0.5, high: 0.9 }, expected_calibration_error: 0.12,
    bins: [0.55, 0.65, 0.75, 0.95].map((confidence, index) => ({ low: 0.5 + index / 10, high: 0.6 + index / 10, pairs: 3 + index, confidence, accuracy: 0.5 + 0.12 * index })),
    by_margin: [], by_length: [],
  },
  wrong: 2,
  disagreements: [1, 2].map((seed) => ({ prompt: 'Tell me a story.', better: text(seed, 18), worse: text(seed + 9, 18), margin: -1.2 / seed, held_out: seed === 1 })),
});

/** An error as the trainer throws it. */
const thrown = (kind, message) => Object.assign(new Error(message), { kind });

export default async function init() {
  return { memory: new WebAssembly.Memory({ initial: 1 }) };
}

export function start_threads() {}

export class IncomingFiles {
  files = {};
  begin(name) {
    this.files[name] = new Uint8Array();
  }
  append() {}
  free() {}
}

export class Nudge {
  #models = new Map();
  #events = null;
  #step = 0;

  static async create(device) {
    await wait(50);
    const nudge = new Nudge();
    nudge.device = device;
    return nudge;
  }
  static memory_needed(bytes) {
    return { answering: 2 * bytes, training: 3 * bytes };
  }
  static labelers() {
    return [
      { name: 'happier', title: 'Happier', rule: 'More happy words, fewer sad ones.' },
      { name: 'shorter', title: 'Shorter', rule: 'Fewer words are better.' },
    ];
  }
  static methods() {
    return METHODS;
  }
  static option_value(name, option, words) {
    const { form } = METHODS.find((one) => one.name === name).options.find((one) => one.name === option);
    if (words === 'off') return null;
    if (form.split(/, or |, | or /).includes(words)) return words;
    const [first, second] = words.split(':');
    if (second === undefined || Number.isNaN(Number(second))) throw thrown('option', `\`${words}\` is not ${form}`);
    return Number.isNaN(Number(first)) ? { [first]: Number(second) } : { target: Number(first), horizon: Number(second) };
  }
  static metrics() {
    const metric = (name, meaning) => ({ name, meaning, healthy: `A made-up range of ${name}.`, act: `Made-up advice on ${name}.` });
    return [
      // As long as the longest real one.
      { ...metric('loss', 'A made-up meaning. '.repeat(13)), healthy: 'A made-up range. '.repeat(12), act: 'Made-up advice. '.repeat(12) },
      metric('accuracy', 'Share of the pairs in this batch in the person\u2019s order.'),
      metric('eval_accuracy', 'Share of held-out pairs in the person\u2019s order.'),
      metric('rewards/margins', 'rewards/chosen minus rewards/rejected.'),
      metric('rewards/accuracies', 'Share of the pairs in this batch whose preferred answer has the higher implicit reward.'),
      metric('eval_rewards/accuracies', 'The same share on held-out pairs.'),
      metric('objective/scores', 'Mean score that the reward model gives to the answers.'),
      metric('objective/kl', 'How far the policy has moved from the reference model: KL of a whole answer in nats.'),
      metric('objective/gold_score', 'Score by the simulated labeler\u2019s own rule, which training never sees.'),
      metric('completions/mean_length', 'Mean length of the answers in tokens, the end token counted.'),
    ];
  }
  static check_ranking({ ranking, edit }) {
    return ranking.length > 1 || edit ? undefined : 'it is all ties';
  }
  /** Every fourth prompt without an example is held out. */
  static divide_prompts(prompts, examples) {
    if (prompts.length < 4) throw thrown('nothing', `there are ${prompts.length} different prompts; give 4 or more, better 40`);
    const shown = new Set(examples.map(({ prompt }) => JSON.stringify(prompt)));
    const free = prompts.filter((prompt) => !shown.has(JSON.stringify(prompt)));
    const held_out = free.filter((_, index) => index % 4 === 3);
    const learn = prompts.filter((prompt) => !held_out.includes(prompt));
    return { learn, ranked: learn, held_out };
  }
  static look_over_examples(examples, held_out) {
    const text = (prompt) => JSON.stringify(prompt);
    const judged = new Set(held_out.map(text));
    const answers = Map.groupBy(examples, ({ prompt }) => text(prompt));
    return {
      held_out: examples.flatMap(({ prompt }, place) => (judged.has(text(prompt)) ? [place] : [])),
      contradicted: [...answers.values()].filter((all) => new Set(all.map(({ completion }) => completion)).size > 1).length,
      few: examples.length > 0 && examples.length < 5,
    };
  }
  static wants_examples(rankings) {
    const bad = ({ ranking, flags = [] }) => ranking.length === 1 && !flags.includes('all_good');
    return rankings.length > 1 && rankings.slice(-2).every(bad);
  }
  static read_rankings(name, bytes) {
    const lines = new TextDecoder().decode(bytes).trim().split('\n').filter(Boolean);
    const all = lines.map((line, index) => {
      const record = JSON.parse(line);
      if (!record.ranking) throw thrown('data', `${name}, line ${index + 1}: missing field \`ranking\``);
      return record;
    });
    const records = all.filter((record) => Nudge.check_ranking(record) === undefined);
    return { records, dropped: all.length - records.length, reason: 'it is all ties' };
  }
  /** A finding of every level, so that all can be seen; nothing of it is judged. */
  static findings(evidence) {
    const finding = (code, level, sentence, next) => ({ code, level, numbers: { made_up: 0.5, pairs: 24 }, sentence: `${sentence} (Made up.)`, ...(next ? { next } : {}) });
    switch (evidence.task) {
      case 'rank':
        return [];
      case 'sft':
        return [finding('held_out_rises', 'note', 'The loss on what was set aside rose; the weights of the best pass were kept.')];
      case 'reward':
        return [finding('coin', 'warning', 'On prompts it has not seen it cannot be told from a coin. Rank more prompts, by one rule.', { next: 'rank_more' })];
      case 'compare':
        return [finding('undecided', 'note', 'Undecided: half lies within the interval. More pairs would tell.', { next: 'more_pairs', pairs_per_prompt: 4 })];
      default:
        return [finding('kl_too_large', 'bad', 'It has moved too far.', { next: 'again', options: [['kl_coef', 0.4]] })];
    }
  }
  static changes(pairs) {
    const writing = (words) => ({ completions: pairs.length, words, empty: 0, distinct: 1, same_opening: 0.1, opening: 'the little', prompt_words: 0.3 });
    if (pairs.length === 0) return null;
    return {
      before: writing(22), after: writing(11), length: -0.5, gained: [{ word: 'happy', before: 1, after: 9 }],
      lost: [{ word: 'sad', before: 7, after: 0 }], order: pairs.map((_, index) => index),
    };
  }
  static frontier(steps) {
    const points = steps.map((step) => ({ distance: Math.sqrt(step['objective/kl']), score: step['objective/scores'] + 0.5, gold_score: step['objective/gold_score'] ?? null }));
    const fit = { fit: { alpha: 1, beta: 0.5, peak_distance: 1.5, peak_reward: 0.7, r_squared: 0.5 }, curve: points.map(({ distance }) => [distance, distance * (1 - 0.5 * Math.log(distance || 1))]) };
    return { points, proxy: fit, gold: fit };
  }
  static verdict(all, said = []) {
    const of = (kind) => all.filter((one) => one === kind).length;
    const judged = said.filter(Boolean);
    const share = (model) => {
      const yes = judged.filter((both) => both[model]).length;
      return { yes, of: judged.length, low: Math.max(0, yes / judged.length - 0.2), high: Math.min(1, yes / judged.length + 0.2) };
    };
    return {
      wins: of('a'), ties: of('tie'), losses: of('b'),
      win_rate: (of('a') + of('tie') / 2) / all.length, low: 0.2, high: 0.9, judge: 'person', simulated: false,
      usable: judged.length > 0 ? { a: share(0), b: share(1) } : null,
    };
  }
  device_name() {
    return this.device === 'cpu' ? 'CPU' : 'stand-in';
  }
  async self_check(all) {
    const check = (name, value, limit) => ({ name, ok: true, value, limit });
    const quick = [check('training step: loss', 1e-6, 1e-3)];
    return { ok: true, checks: all ? [check('gather', 0, 0), ...quick] : quick };
  }
  put_model(name, files) {
    this.#models.set(name, files);
    return {
      kind: name === 'reward' ? 'reward' : 'decoder', parameters: 2_359_488, vocab_size: 2048,
      max_position_embeddings: 512, chat: name !== 'base',
    };
  }
  // A copy, since the worker hands it over.
  model_files(name) {
    return structuredClone(this.#models.get(name));
  }
  put_incoming(name, { files }) {
    return { ...this.put_model(name, files), chat: true };
  }
  forget(name) {
    this.#models.delete(name);
  }
  sha256(name) {
    return [...name].map((letter) => letter.charCodeAt(0).toString(16)).join('').padEnd(64, '0');
  }
  async outlook() {
    return { answering: 4e8, training: 9e8, answer: 2, example: 0.5, step: 20, whole: 900 };
  }
  imitation_time(name, demonstrations, options, example) {
    return 60 * 4 * example;
  }
  export_model() {
    return { 'adapter.gguf': new Uint8Array([71, 71, 85, 70]) };
  }
  /** JSON, JSONL, or two columns; what is longer than a thousand words has no room. */
  read_demonstrations(name, bytes) {
    const text = new TextDecoder().decode(bytes).trim();
    const rows = /^\[/.test(text) ? JSON.parse(text)
      : /^\{/.test(text) ? text.split('\n').map((line) => JSON.parse(line))
      : text.split('\n').slice(1).map((line) => { const [prompt, completion] = line.split('\t'); return { prompt, completion }; });
    const records = [];
    let reason = '';
    rows.forEach(({ prompt, completion }, index) => {
      const why = !completion ? 'it has no completion' : completion.split(/\s+/).length > 1000 ? 'it is longer than the 512 tokens that the model reads' : '';
      if (why) reason ||= `${name}, line ${index + 1}: ${why}`;
      else records.push({ prompt, completion });
    });
    return { records, dropped: rows.length - records.length, reason };
  }
  read_prompts(name, bytes, by, task) {
    const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean);
    const prompts = lines.map((line) => (task ? `${line}\n\n${task}` : line));
    return { text: true, choices: ['lines'], by: 'lines', rows: [], prompts, dropped: 0, reason: '' };
  }
  async look({ look, prompt, text: written, place, completion, top_p }) {
    if (look === 'words') {
      const words = completion.split(/\s+/).filter(Boolean).map((text, index) => ({ text, effect: Math.sin(index * 2) }));
      return { seen: 'words', score: 0.75, words };
    }
    const tokens = `${prompt}${written}`.split(/(?= )/).map((text, index) => ({ text, probability: index === 0 ? null : ((index * 37) % 100) / 100 }));
    const choices = WORDS.slice(0, 12).map((word, index) => ({ text: ` ${word}`, probability: 0.4 / (index + 1), drawn: index < 12 * top_p ? 0.5 / (index + 1) : 0 }));
    return { seen: 'next_token', tokens, place: place ?? tokens.length, choices, kept: Math.round(2048 * top_p), vocabulary: 2048 };
  }
  async foretell({ rankings, foretold }) {
    const counted = Math.max(0, foretold.filter(Boolean).length - 3);
    const accuracy = counted > 0 ? 0.7 : NaN;
    const last = counted > 0 && foretold.at(-1) ? { order: [...(rankings.at(-1).edit ? [rankings.at(-1).completions.length] : []), ...rankings.at(-1).completions.map((_, index) => index).reverse()], agreed: 4, pairs: 6 } : null;
    return { last, agreement: { name: 'foretold pairs', pairs: 6 * counted, accuracy, low: 0.5, high: 0.85 }, unread: 0 };
  }
  start(command, resume) {
    const from = resume ? JSON.parse(new TextDecoder().decode(resume['state.json'])).step : 0;
    this.#step = from;
    this.#events = this.#run(command, from);
  }
  async next() {
    const { value, done } = await this.#events.next();
    return done ? undefined : value;
  }
  async save() {
    return { 'state.json': bytes({ step: this.#step }), 'state.safetensors': new Uint8Array(8) };
  }
  cancel() {
    this.#events = null;
  }
  #made(name) {
    this.#models.set(name, this.#models.get('base') ?? { 'config.json': bytes({}) });
    return { event: 'model', name };
  }
  async *#train(stage, name, steps, from, metrics, extra) {
    yield { event: 'started', stage, step: from, total_steps: steps, parameters: 2_359_488 };
    for (let step = from + 1; step <= steps; step++) {
      await wait(60);
      this.#step = step;
      yield { event: 'progress', stage, step, total_steps: steps, metrics: metrics(step), seconds: 0.06 };
      if (extra) yield* extra(step);
    }
    yield this.#made(name);
    yield { event: 'finished', stage, seconds: 1 };
  }
  async *#run(command, from) {
    const { options } = command;
    const bend = (step, speed) => Math.exp(-step / speed);
    switch (command.command) {
      case 'sft':
        return yield* this.#train('sft', 'sft', 40, from, (s) => ({ loss: 1.2 + 2.4 * bend(s, 9), learning_rate: 1e-3 }));
      case 'reward':
        return yield* this.#train('reward', 'reward', 40, from, (s) => ({
          loss: 0.3 + 0.4 * bend(s, 12), accuracy: 1 - 0.5 * bend(s, 10), ...(s % 10 ? {} : { eval_accuracy: 0.8 - 0.3 * bend(s, 12) }),
        }));
      case 'tune':
        if (METHODS.find(({ name }) => name === command.method).learns_from !== 'rewards') return yield* this.#tuneOnRankings(command, from);
        return yield* this.#train('tune', 'policy', Math.ceil(options.episodes / options.batch_size) * 5, from,
          (s) => ({
            'objective/scores': 1.5 - 2 * bend(s, 12), 'objective/kl': 6 - 6 * bend(s, 20),
            'completions/mean_length': 24 + 6 * bend(s, 8), ...(options.gold_labeler ? { 'objective/gold_score': 1 - bend(s, 15) } : {}),
          }),
          (s) => [
            { event: 'completion', prompt: 'Tell me a story about a cat.', completion: text(s, 24), score: 0.1 * s, kl: 0.2 * s },
            ...(options.lens ? [{ event: 'lens', lens: lens(s) }] : []),
          ]);
      case 'sample':
        return yield* this.#sample(command);
      case 'rank':
        for (const record of command.candidates) {
          yield { event: 'ranked', record: { ...record, ranking: [[2], [0, 1], [3]], labeler: command.labeler } };
        }
        return;
      case 'score':
        for (const record of command.records) {
          yield { event: 'scored', record: { ...record, scores: record.completions.map((_, i) => 1.2 - i * 0.7) } };
        }
        return;
      case 'review':
        yield { event: 'progress', stage: 'review', step: 1, total_steps: 1, metrics: {}, seconds: 0.1 };
        yield { event: 'reviewed', review: review() };
        return;
      case 'compare':
        for (const [index, prompt] of command.prompts.entries()) {
          await wait(30);
          const preference = command.judge.judge === 'person' ? null : ['a', 'a', 'b', 'tie'][index % 4];
          yield { event: 'pair', index, prompt, a: text(index, 22), b: text(index + 500, 22), preference, scores: null };
        }
        if (command.judge.judge !== 'person') {
          const wins = command.prompts.length / 2;
          yield { event: 'verdict', verdict: { wins, ties: wins / 2, losses: wins / 2, win_rate: 0.63, low: 0.5, high: 0.75, judge: command.judge.name, simulated: true } };
        }
    }
  }
  #tuneOnRankings({ method }, from) {
    const bend = (step, speed) => Math.exp(-step / speed);
    return this.#train('tune', 'policy', 36, from, (s) => ({
      loss: 0.4 + 0.29 * bend(s, 14), 'rewards/margins': 1.2 - 1.2 * bend(s, 16),
      ...(method === 'kto' ? {} : { 'rewards/accuracies': 0.9 - 0.4 * bend(s, 10) }),
      ...(s % 12 ? {} : {
        'eval_rewards/accuracies': 0.8 - 0.3 * bend(s, 12), 'eval_rewards/accuracies_low': 0.6,
        'eval_rewards/accuracies_high': 0.9, eval_pairs: 24,
      }),
    }));
  }
  async *#sample({ prompts, options }) {
    const k = options.k ?? 4;
    const length = Math.min(options.max_new_tokens ?? 30, 28);
    for (let shown = 1; options.stream && shown <= length; shown += 3) {
      await wait(25);
      for (let prompt = 0; prompt < prompts.length; prompt++) {
        for (let completion = 0; completion < k; completion++) {
          yield { event: 'partial', prompt, completion, text: text(options.seed + prompt * k + completion, shown) };
        }
      }
    }
    for (const [index, prompt] of prompts.entries()) {
      const completions = Array.from({ length: k }, (_, at) => {
        const seed = options.seed + index * k + at;
        return { text: text(seed, length), seed, logprob: -40, finish: 'eos' };
      });
      yield { event: 'candidates', index, id: `sample-${options.seed}-${index}`, prompt, completions };
    }
  }
}
