// Numbers as people read them, in the language of the page.

import { language } from '../languages/languages';

const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 });
const percentage = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
/** By their digits behind the point; they are asked for all the time. */
const decimals = new Map<number, Intl.NumberFormat>();

export const count = (value: number): string => whole.format(value);
export const short = (value: number): string => compact.format(value);
export const percent = (value: number): string => (Number.isFinite(value) ? percentage.format(value) : '–');

/** So many digits behind the point, with a true minus sign. */
export function decimal(value: number | undefined, digits = 2): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return fixed(value, digits).replace('-', '\u2212');
}

/** With its sign, for numbers around zero. */
export function signed(value: number | undefined, digits = 2): string {
  const text = decimal(value, digits);
  return value !== undefined && value > 0 ? `+${text}` : text;
}

export function megabytes(bytes: number): string {
  return `${fixed(bytes / 1e6, 1)} MB`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

function fixed(value: number, digits: number): string {
  let format = decimals.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });
    decimals.set(digits, format);
  }
  return format.format(value);
}
