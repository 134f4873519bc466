// The methods of step 5: what kind each is, and the leash.
//
// Deliberately absent: words (`strings.ts`) and what a method computes, which is the trainer's.

export const METHODS = ['ppo', 'grpo', 'rloo', 'reinforce', 'dpo', 'kto', 'orpo', 'best_of'] as const;
export type Method = (typeof METHODS)[number];
/** The methods that make a model. */
export type TrainingMethod = Exclude<Method, 'best_of'>;

/** `online` learns from answers that it writes, `preference` from the rankings themselves, `best_of` not at all. */
export type Family = 'online' | 'preference' | 'best_of';

const FAMILIES: Record<Method, Family> = {
  ppo: 'online',
  grpo: 'online',
  rloo: 'online',
  reinforce: 'online',
  dpo: 'preference',
  kto: 'preference',
  orpo: 'preference',
  best_of: 'best_of',
};

export const familyOf = (method: Method): Family => FAMILIES[method];

/** The method of this name, for names that come from an address, a checkpoint or the browser's storage. */
export const methodNamed = (name: unknown): Method | null => METHODS.find((method) => method === name) ?? null;

/** The leash: the KL that the adaptive coefficient steers to, in nats an answer. */
export const LEASHES = { loose: 8, normal: 3.5, tight: 1.5 } as const;
export type Leash = keyof typeof LEASHES;

/** Answers among which the reward model chooses. */
export const BEST_OF = 8;
