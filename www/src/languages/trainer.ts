// The trainer's texts in other languages. It speaks English; here a text is found by the name of what it is about, or by the
// code of a finding, and where there is none the trainer's own stays.

import { count, decimal, percent } from '../lib/format';
import type { LabelerInfo, MetricDoc } from '../lib/messages';
import type { Declared, Finding, Level, MethodInfo, Range } from '../lib/protocol';

/** The numbers of a finding by their names, as text. */
export type Numbers = {
  percent(name: string): string;
  decimal(name: string, digits?: number): string;
  count(name: string): string;
  /** Whether it is there; a finding has only the numbers of its case. */
  has(name: string): boolean;
};

export type TrainerTexts = {
  labelers: Record<string, { title: string; rule: string }>;
  /** Of metrics that the page shows. */
  metrics: Record<string, { meaning: string; healthy: string; act: string }>;
  /** What an option is, by its name, or by `method.name` where methods differ. */
  options: Record<string, string>;
  /** What can be written into an option that takes words. */
  forms: Record<string, string>;
  range: (range: Range) => string;
  /** Where a published recipe is from. */
  presets: Record<string, string>;
  findings: Record<string, (numbers: Numbers, level: Level) => string>;
};

/** English: the trainer's own. */
export const trainer: TrainerTexts = {
  labelers: {},
  metrics: {},
  options: {},
  forms: {},
  range: ({ words }) => words,
  presets: {},
  findings: {},
};

export const labelerInWords = (labeler: LabelerInfo): LabelerInfo => ({ ...labeler, ...trainer.labelers[labeler.name] });

export const metricInWords = (metric: MetricDoc): MetricDoc => ({ ...metric, ...trainer.metrics[metric.name] });

export function methodInWords(method: MethodInfo): MethodInfo {
  const option = (declared: Declared): Declared => {
    const { name, doc, range } = declared;
    const said = {
      doc: trainer.options[`${method.name}.${name}`] ?? trainer.options[name] ?? doc,
      range: { ...range, words: trainer.range(range) },
    };
    if (declared.kind !== 'rule') return { ...declared, ...said };
    return { ...declared, ...said, form: trainer.forms[name] ?? declared.form };
  };
  const presets = method.presets.map((preset) => ({ ...preset, source: trainer.presets[preset.name] ?? preset.source }));
  return { ...method, options: method.options.map(option), presets };
}

export function findingInWords(finding: Finding): Finding {
  const { code, level, numbers } = finding;
  const text = trainer.findings[code];
  if (!text) return finding;
  const inWords: Numbers = {
    percent: (name) => percent(numbers[name] ?? NaN),
    decimal: (name, digits) => decimal(numbers[name], digits),
    count: (name) => count(numbers[name] ?? NaN),
    has: (name) => name in numbers,
  };
  return { ...finding, sentence: text(inWords, level) };
}
