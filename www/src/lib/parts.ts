// The parts of the page that an address may choose among: a lesson shows what it speaks of, a teacher what is wanted.

/** Earlier pages called the second part by another name; links that say so still work. */
export const renamed = (part: string) => (part === 'instruct' ? 'show' : part);

export const PARTS = ['quick', 'base', 'show', 'rank', 'reward', 'tune', 'compare', 'data'] as const;
export type Part = (typeof PARTS)[number];
