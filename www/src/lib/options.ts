// Options as controls show them: where a slider stands for a number, which numbers are allowed, values as words.
//
// All of it follows from a declaration of the trainer.

import type { Values } from './commands';
import type { Declared, Range } from './protocol';

/** Stops of a slider behind its first one. */
export const STOPS = 100;
/** How far a slider reaches from an option's usual value, where no bound ends it. */
const REACH = 100;
/** The middle of a slider whose usual value is 0. */
const MIDDLE = 0.01;

/** A slider's stops, from 0, as numbers, and back. */
export type Scale = { number(stop: number): number; stop(number: number): number };

/**
 * The stops for an option's numbers: evenly spread between two bounds, logarithmic where only the lower one is known;
 * nothing where there is none. The usual value is one of them to the last digit.
 */
export function scaleOf({ range, default: usual }: Declared): Scale | null {
  const middle = typeof usual === 'number' ? usual : 0;
  if (range.low === null) return null;
  const scale = range.high === null ? logarithmic(range, range.low, middle) : linear(range, range.low, range.high);
  const stop = (number: number) => Math.round(Math.min(Math.max(scale.stop(number), 0), STOPS));
  return { stop, number: (at) => (at === stop(middle) ? middle : scale.number(at)) };
}

function linear(range: Range, low: number, high: number): Scale {
  const [first, last] = [range.with_low ? 0 : 1, range.with_high ? STOPS : STOPS - 1];
  return {
    number: (stop) => rounded(low + ((high - low) * Math.min(Math.max(stop, first), last)) / STOPS, 3),
    stop: (number) => ((number - low) / (high - low)) * STOPS,
  };
}

/** Where 0 is allowed the first stop is 0. */
function logarithmic(range: Range, low: number, usual: number): Scale {
  const from = low > 0 ? low : (usual || MIDDLE) / REACH;
  const decades = Math.log10(Math.max(usual, low) || MIDDLE) + Math.log10(REACH) - Math.log10(from);
  return {
    number: (stop) => (stop === 0 && range.with_low ? low : rounded(from * 10 ** ((decades * stop) / STOPS), 2)),
    stop: (number) => (number <= from ? 0 : ((Math.log10(number) - Math.log10(from)) / decades) * STOPS),
  };
}

function rounded(number: number, digits: number): number {
  return Number(number.toPrecision(digits));
}

/** Whether a range has a number. */
export function allows({ low, high, with_low, with_high }: Range, number: number): boolean {
  const above = low === null || number > low || (with_low && number === low);
  const below = high === null || number < high || (with_high && number === high);
  return Number.isFinite(number) && above && below;
}

/** A value as its text field shows it: small numbers as `4e-5`, rules as on the command line, `off` or `cosine:0.1`. */
export function wordsOf(kind: Declared['kind'], value: unknown): string {
  if (value === null || value === undefined) return kind === 'rule' ? 'off' : '';
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value);
  return entries.length === 1 ? entries.flat().join(':') : Object.values(value).join(':');
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Those of `values` that a method has. */
export function declaredOf(declared: Declared[], values: Values): Values {
  const known = new Set(declared.map(({ name }) => name));
  return Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)));
}
