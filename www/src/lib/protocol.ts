// The contract with the trainer: commands in, events out, as plain objects.
//
// Generated from `crates/nudge-session/src/{protocol,options,method,verdict,look,frontier,prequential,workflow}`; a test of that crate compares, and writes this
// file with NUDGE_UPDATE=1. Do not edit. Model files travel beside the objects. What each field means stands there.

export type Metrics = { [key in string]?: number };

export type Prompt = string | { role: string, content: string }[];

export type Completion = {
  text: string;
  seed?: number;
  logprob?: number;
  finish?: 'eos' | 'length' | 'stopped';
};

export type DemonstrationRecord = { prompt: Prompt, completion: string, task?: string, split?: string };

export type CandidatesRecord = { id: string, prompt: Prompt, completions: Completion[] };

export type Edit = { of?: number, text: string };

export type RankingRecord = {
  id: string;
  prompt: Prompt;
  completions: Completion[];
  ranking: number[][];
  labeler?: string;
  seconds?: number;
  edit?: Edit;
};

export type PairRecord = { prompt: Prompt, chosen: string, rejected: string };

export type UnpairedRecord = { prompt: Prompt, completion: string, label: boolean };

export type PreferenceRecord = RankingRecord | PairRecord | UnpairedRecord;

export type PretrainOptions = {
  vocab_size: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  max_position_embeddings: number;
  context: number;
  batch_size: number;
  epochs: number;
  learning_rate: number;
  warmup_steps: number;
  weight_decay: number;
  optimizer: 'adamw' | 'muon';
  precision: 'f32' | 'f16' | 'bf16';
  seed: number;
};

export type SftOptions = {
  epochs: unknown;
  batch_size: unknown;
  batching: 'packed' | 'padded' | 'length_grouped';
  learning_rate: unknown;
  weight_decay: number;
  held_out: unknown;
  seed: number;
  gradient_accumulation_steps: number;
  max_length: number;
  lr_decay: unknown;
  warmup_ratio: number;
  load_best_model_at_end: boolean;
  early_stopping_patience: number;
  finetuning: 'auto' | 'full' | 'lora';
  lora_r: number;
  lora_alpha: number;
  use_rslora: boolean;
  lora_target_modules: string | null;
  precision: 'f32' | 'f16' | 'bf16';
};

export type SampleOptions = {
  k: number;
  draws: number;
  temperature: unknown;
  top_k: number;
  top_p: number;
  max_new_tokens: number;
  batch_size: number;
  stream: boolean;
  seed: number;
};

export type RewardOptions = {
  loss: 'bradley_terry' | 'best_of_k' | 'plackett_luce';
  margin: number;
  epochs: number;
  batch_size: number;
  learning_rate: unknown;
  weight_decay: number;
  center_rewards_coefficient: number;
  held_out: number;
  member: number;
  seed: number;
  gradient_accumulation_steps: number;
  max_length: number;
  lr_decay: unknown;
  warmup_ratio: number;
  load_best_model_at_end: boolean;
  early_stopping_patience: number;
  finetuning: 'auto' | 'full' | 'lora';
  lora_r: number;
  lora_alpha: number;
  use_rslora: boolean;
  lora_target_modules: string | null;
  precision: 'f32' | 'f16' | 'bf16';
};

export type BestOfOptions = {
  n: number;
  temperature: unknown;
  max_new_tokens: number;
  batch_size: number;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type CompareOptions = {
  temperature: unknown;
  max_new_tokens: number;
  batch_size: number;
  pairs_per_prompt: number;
  best_of: number;
  seed: number;
};

export type EvalOptions = { batch_size: number };

export type Method = { method: string, options: Record<string, unknown> };

export type Judge =
  | { judge: 'labeler', name: string }
  | { judge: 'reward', model: string }
  | { judge: 'person' };

export type Command =
  | { command: 'pretrain', texts: Array<string>, options: Partial<PretrainOptions> }
  | { command: 'sft', model: string, demonstrations: DemonstrationRecord[], options: Partial<SftOptions> }
  | { command: 'sample', model: string, prompts: Prompt[], options: Partial<SampleOptions> }
  | { command: 'rank', candidates: CandidatesRecord[], labeler: string }
  | { command: 'reward', model: string, preferences: PreferenceRecord[], demonstrations: DemonstrationRecord[], options: Partial<RewardOptions> }
  | { command: 'tune', policy: string, rewards: Array<string>, prompts: Prompt[], preferences: PreferenceRecord[], pretraining_texts: Array<string>, method: string, options: Record<string, unknown> }
  | { command: 'best_of', policy: string, rewards: Array<string>, prompts: Prompt[], options: Partial<BestOfOptions> }
  | { command: 'compare', a: string, b: string, prompts: Prompt[], judge: Judge, best_of_reward: string | null, options: Partial<CompareOptions> }
  | { command: 'score', reward: string, records: Record<string, unknown>[] }
  | { command: 'calibrate', reward: string, preferences: PreferenceRecord[] }
  | { command: 'review', reward: string, preferences: PreferenceRecord[], options: Partial<RewardOptions> }
  | { command: 'eval', model: string, text: string, options: Partial<EvalOptions> };

export type Preference = 'a' | 'b' | 'tie';

export type StageName = 'pretrain' | 'sft' | 'sample' | 'rank' | 'reward' | 'tune' | 'best_of' | 'compare' | 'score' | 'calibrate' | 'review' | 'eval';

export type CompletionStatistics = {
  mean_length: number;
  eos_rate: number;
  distinct_1: number;
  distinct_2: number;
};

export type UsableShare = { yes: number, of: number, low: number, high: number };

export type Usable = { a: UsableShare, b: UsableShare };

export type Verdict = {
  wins: number;
  ties: number;
  losses: number;
  win_rate: number;
  low: number;
  high: number;
  p?: number;
  kl: number | null;
  a: CompletionStatistics | null;
  b: CompletionStatistics | null;
  usable: Usable | null;
  judge: string;
  simulated: boolean;
};

export type Evaluation = { nats_per_token: number, nats_per_char: number, tokens: number, chars: number };

export type AccuracySlice = { name: string, pairs: number, accuracy: number, low: number, high: number };

export type Calibration = {
  overall: AccuracySlice;
  expected_calibration_error: number;
  bins: { low: number;
  high: number;
  pairs: number;
  confidence: number;
  accuracy: number }[];
  by_margin: Array<AccuracySlice>;
  by_length: Array<AccuracySlice>;
};

export type MarginBin = { low: number, high: number, trained: number, held_out: number };

export type Disagreement = {
  prompt: Prompt;
  better: string;
  worse: string;
  margin: number;
  held_out: boolean;
};

export type Reviewed = {
  pairs: number;
  held_out: number;
  margins: Array<MarginBin>;
  calibration: Calibration;
  wrong: number;
  disagreements: Array<Disagreement>;
};

export type LensChoice = { text: string, ref_probability: number, new_probability: number };

export type LensToken = {
  text: string;
  probability: number;
  ref_probability: number;
  new_probability: number;
  kl: number;
  reward: number | null;
  value: number | null;
  advantage: number;
  ratio: number;
  objective: number | null;
  clipped: boolean;
  choices: Array<LensChoice>;
};

export type Lens = {
  step: number;
  prompt: Prompt;
  score: number;
  kl: number;
  kl_coef: number;
  new_kl_coef: number;
  cliprange: number | null;
  tokens: Array<LensToken>;
};

export type Event =
  | { event: 'started', stage: StageName, step: number, total_steps: number, parameters: number }
  | { event: 'progress', stage: StageName, step: number, total_steps: number, metrics: Metrics, seconds: number }
  | { event: 'partial', prompt: number, completion: number, text: string }
  | { event: 'candidates', index: number, id: string, prompt: Prompt, completions: Completion[] }
  | { event: 'ranked', record: RankingRecord }
  | { event: 'scored', record: Record<string, unknown> }
  | { event: 'completion', prompt: Prompt, completion: string, score: number, kl: number }
  | { event: 'lens', lens: Lens }
  | { event: 'pair', index: number, prompt: Prompt, a: string, b: string, preference: Preference | null, scores: [number, number] | null }
  | { event: 'verdict', verdict: Verdict }
  | { event: 'evaluated', evaluation: Evaluation }
  | { event: 'calibrated', calibration: Calibration }
  | { event: 'reviewed', review: Reviewed }
  | { event: 'model', name: string }
  | { event: 'warning', message: string }
  | { event: 'finished', stage: StageName, seconds: number };

export type LabelerInfo = { name: string, title: string, rule: string };

export type Range = {
  words: string;
  low: number | null;
  high: number | null;
  with_low: boolean;
  with_high: boolean;
};

export type Declared = { name: string, doc: string, range: Range, default: unknown } & (
  | { kind: 'whole' }
  | { kind: 'number' }
  | { kind: 'flag' }
  | { kind: 'choice', names: Array<string> }
  | { kind: 'name' }
  | { kind: 'rule', form: string });

export type LearnsFrom = 'rewards' | 'rankings' | 'labels';

export type PresetInfo = { name: string, source: string, options: Record<string, unknown> };

export type MethodInfo = {
  name: string;
  title: string;
  about: string;
  source: string;
  learns_from: LearnsFrom;
  options: Array<Declared>;
  presets: Array<PresetInfo>;
};

export type RankingCount = { rankings: number, pairs: number, prompts: number, circles: number };

export type JudgedPair = { prompt: string, a: string, b: string, preference: Preference | null };

export type JudgeTie = 'trained_against' | 'same_rankings' | 'unknown_reward_model';

export type Evidence = {
  task: string;
  method: string | null;
  options: Record<string,unknown>;
  steps: Array<{ [key in string]?: number }>;
  rankings: RankingCount | null;
  comparison: Verdict | null;
  pairs: Array<JudgedPair>;
  judge: JudgeTie | null;
  calibration: Calibration | null;
};

export type Level = 'good' | 'note' | 'warning' | 'bad';

export type Next =
  | { next: 'again', options: [string, unknown][] }
  | { next: 'rank_more' }
  | { next: 'agreement' }
  | { next: 'compare' }
  | { next: 'judge_yourself' }
  | { next: 'calibrate' }
  | { next: 'tune' }
  | { next: 'more_pairs', pairs_per_prompt: number };

export type Finding = { code: string, level: Level, numbers: Metrics, sentence: string, next?: Next };

export type Writing = {
  completions: number;
  words: number;
  empty: number;
  distinct: number;
  same_opening: number;
  opening: string;
  prompt_words: number;
};

export type WordChange = { word: string, before: number, after: number };

export type Changes = {
  before: Writing;
  after: Writing;
  length: number;
  gained: Array<WordChange>;
  lost: Array<WordChange>;
  order: Array<number>;
};

export type Point = { distance: number, score: number, gold_score: number | null };

export type Fit = {
  fit: { alpha: number;
  beta: number;
  peak_distance: number | null;
  peak_reward: number | null;
  r_squared: number };
  curve: [number,number][];
};

export type Frontier = { points: Array<Point>, proxy: Fit | null, gold: Fit | null };

export type Look =
  | { look: 'next_token', model: string, prompt: Prompt, text: string, place: number | null, temperature: number, top_p: number }
  | { look: 'words', reward: string, prompt: Prompt, completion: string };

export type Choice = { text: string, probability: number, drawn: number };

export type SeenToken = { text: string, probability: number | null };

export type NextToken = {
  tokens: Array<SeenToken>;
  place: number;
  choices: Array<Choice>;
  kept: number;
  vocabulary: number;
};

export type WeighedWord = { text: string, effect: number };

export type Words = { score: number, words: Array<WeighedWord> };

export type Seen = { seen: 'next_token' } & NextToken | { seen: 'words' } & Words;

export type Foretell = { model: string, rankings: RankingRecord[], foretold: Array<boolean> };

export type Foretold = { order: Array<number>, agreed: number, pairs: number };

export type Prequential = { last: Foretold | null, agreement: AccuracySlice, unread: number };

export type Prompts = { learn: Prompt[], ranked: Prompt[], held_out: Prompt[] };

export type ExampleNotes = { held_out: Array<number>, contradicted: number, few: boolean };
