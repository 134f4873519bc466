// Numbers as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const percentage = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);
export const short = (value: number): string => compact.format(value);
export const percent = (value: number): string => (Number.isFinite(value) ? percentage.format(value) : '–');

/** Three significant digits at most, with a true minus sign. */
export function decimal(value: number | undefined, digits = 2): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value.toFixed(digits).replace('-', '\u2212');
}

/** With its sign, for numbers around zero. */
export function signed(value: number | undefined, digits = 2): string {
  const text = decimal(value, digits);
  return value !== undefined && value > 0 ? `+${text}` : text;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}
