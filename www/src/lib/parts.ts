// The parts of the page that an address may choose among: a lesson shows what it speaks of, a teacher what is wanted.

export const PARTS = ['quick', 'base', 'instruct', 'rank', 'reward', 'tune', 'compare', 'data'] as const;
export type Part = (typeof PARTS)[number];
