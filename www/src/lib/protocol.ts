// The contract with the trainer: commands in, events out, as JSON.
//
// Generated from `crates/nudge-session/src/{protocol,options}/`; a test of that crate compares, and writes this
// file with NUDGE_UPDATE=1. Do not edit. Model files travel beside the JSON. What each field means stands there.

export type Metrics = { [key in string]?: number };

export type Prompt = string | { role: string, content: string }[];

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
  optimizer: string;
  precision: string;
  seed: number;
};

export type SftOptions = {
  epochs: number;
  batch_size: number;
  batching: string;
  learning_rate: number;
  weight_decay: number;
  held_out: number;
  precision: string;
  seed: number;
};

export type SampleOptions = {
  k: number;
  temperature: number;
  top_k: number;
  top_p: number;
  max_new_tokens: number;
  batch_size: number;
  stream: boolean;
  seed: number;
};

export type RewardOptions = {
  loss: string;
  margin: number;
  epochs: number;
  batch_size: number;
  learning_rate: number;
  weight_decay: number;
  center_rewards_coefficient: number;
  held_out: number;
  member: number;
  seed: number;
};

export type PpoStageOptions = {
  episodes: number;
  batch_size: number;
  learning_rate: number;
  value_learning_rate: number;
  max_new_tokens: number;
  ptx_batch_size: number;
  ptx_context: number;
  ppo: { [key in string]: unknown };
  normalize_scores: boolean;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type GrpoOptions = {
  scale_rewards: string;
  loss_aggregation: string;
  episodes: number;
  batch_size: number;
  k: number;
  learning_rate: number;
  max_new_tokens: number;
  temperature: number;
  kl_coef: number;
  adaptive_kl: { target: number;
  horizon: number } | null;
  kl_estimator: string;
  kl_placement: string;
  missing_eos: unknown;
  cliprange: number;
  num_iterations: number;
  num_mini_batches: number;
  entropy_coef: number;
  lr_decay: unknown;
  warmup_ratio: number;
  max_grad_norm: number;
  normalize_scores: boolean;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type RlooOptions = {
  episodes: number;
  batch_size: number;
  k: number;
  learning_rate: number;
  max_new_tokens: number;
  temperature: number;
  kl_coef: number;
  adaptive_kl: { target: number;
  horizon: number } | null;
  kl_estimator: string;
  kl_placement: string;
  missing_eos: unknown;
  cliprange: number;
  num_iterations: number;
  num_mini_batches: number;
  entropy_coef: number;
  lr_decay: unknown;
  warmup_ratio: number;
  max_grad_norm: number;
  normalize_scores: boolean;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type ReinforceOptions = {
  episodes: number;
  batch_size: number;
  k: number;
  learning_rate: number;
  max_new_tokens: number;
  temperature: number;
  kl_coef: number;
  adaptive_kl: { target: number;
  horizon: number } | null;
  kl_estimator: string;
  kl_placement: string;
  missing_eos: unknown;
  cliprange: number;
  num_iterations: number;
  num_mini_batches: number;
  entropy_coef: number;
  lr_decay: unknown;
  warmup_ratio: number;
  max_grad_norm: number;
  normalize_scores: boolean;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type DpoOptions = {
  loss: string;
  beta: number;
  label_smoothing: number;
  epochs: number;
  batch_size: number;
  learning_rate: number;
  held_out: number;
  seed: number;
};

export type KtoOptions = {
  beta: number;
  desirable_weight: number;
  undesirable_weight: number;
  epochs: number;
  batch_size: number;
  learning_rate: number;
  held_out: number;
  seed: number;
};

export type OrpoOptions = {
  beta: number;
  epochs: number;
  batch_size: number;
  learning_rate: number;
  held_out: number;
  seed: number;
};

export type BestOfOptions = {
  n: number;
  temperature: number;
  max_new_tokens: number;
  batch_size: number;
  ensemble: unknown;
  gold_labeler: string | null;
  seed: number;
};

export type CompareOptions = {
  temperature: number;
  max_new_tokens: number;
  batch_size: number;
  pairs_per_prompt: number;
  best_of: number;
  seed: number;
};

export type EvalOptions = { batch_size: number };

export type Judge =
  | { judge: 'labeler', name: string }
  | { judge: 'reward', model: string }
  | { judge: 'person' };

export type Command =
  | { command: 'pretrain', texts: Array<string>, options: PretrainOptions }
  | { command: 'sft', model: string, demonstrations: string, options: SftOptions }
  | { command: 'sample', model: string, prompts: Prompt[], options: SampleOptions }
  | { command: 'rank', candidates: string, labeler: string }
  | { command: 'reward', model: string, comparisons: string, demonstrations: string, options: RewardOptions }
  | { command: 'ppo', policy: string, reward: string, reward_ensemble: Array<string>, prompts: Prompt[], pretraining_texts: Array<string>, options: PpoStageOptions }
  | { command: 'grpo', policy: string, reward: string, reward_ensemble: Array<string>, prompts: Prompt[], options: GrpoOptions }
  | { command: 'rloo', policy: string, reward: string, reward_ensemble: Array<string>, prompts: Prompt[], options: RlooOptions }
  | { command: 'reinforce', policy: string, reward: string, reward_ensemble: Array<string>, prompts: Prompt[], options: ReinforceOptions }
  | { command: 'dpo', policy: string, comparisons: string, options: DpoOptions }
  | { command: 'kto', policy: string, comparisons: string, options: KtoOptions }
  | { command: 'orpo', policy: string, comparisons: string, options: OrpoOptions }
  | { command: 'best_of', policy: string, reward: string, reward_ensemble: Array<string>, prompts: Prompt[], options: BestOfOptions }
  | { command: 'compare', a: string, b: string, prompts: Prompt[], judge: Judge, best_of_reward: string | null, options: CompareOptions }
  | { command: 'score', reward: string, records: string }
  | { command: 'calibrate', reward: string, comparisons: string }
  | { command: 'eval', model: string, text: string, options: EvalOptions };

export type Preference = 'a' | 'b' | 'tie';

export type Stage = 'pretrain' | 'sft' | 'sample' | 'rank' | 'reward' | 'ppo' | 'grpo' | 'rloo' | 'reinforce' | 'dpo' | 'kto' | 'orpo' | 'best_of' | 'compare' | 'score' | 'calibrate' | 'eval';

export type Answer = { text: string, seed: number, logprob: number, finish: string };

export type AnswerStatistics = {
  mean_length: number;
  eos_rate: number;
  distinct_1: number;
  distinct_2: number;
};

export type Verdict = {
  wins: number;
  ties: number;
  losses: number;
  win_rate: number;
  low: number;
  high: number;
  kl: number | null;
  a: AnswerStatistics | null;
  b: AnswerStatistics | null;
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

export type Event =
  | { event: 'started', stage: Stage, step: number, total_steps: number, parameters: number }
  | { event: 'progress', stage: Stage, step: number, total_steps: number, metrics: Metrics, seconds: number }
  | { event: 'partial', prompt: number, answer: number, text: string }
  | { event: 'candidates', index: number, id: string, prompt: Prompt, completions: Array<Answer> }
  | { event: 'ranked', record: string }
  | { event: 'scored', record: string }
  | { event: 'rollout', prompt: Prompt, answer: string, score: number, kl: number }
  | { event: 'pair', index: number, prompt: Prompt, a: string, b: string, preference: Preference | null, scores: [number, number] | null }
  | { event: 'verdict', verdict: Verdict }
  | { event: 'evaluated', evaluation: Evaluation }
  | { event: 'calibrated', calibration: Calibration }
  | { event: 'model', name: string }
  | { event: 'warning', message: string }
  | { event: 'finished', stage: Stage, seconds: number };

export type LabelerInfo = { name: string, title: string, rule: string };
