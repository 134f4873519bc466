// Whether a value has the shape that it should have: what was stored by an earlier visit, or comes from a stranger's zip.
//
// Deliberately absent: what a record means. The trainer checks that.

import type { Chosen } from './choices.svelte';
import type { Contest, Pair, StoredComparison, StoredSimulated } from './comparison.svelte';
import type { Drafts } from './examples.svelte';
import type { Fix } from './fixing.svelte';
import type { CurvePoint } from './models.svelte';
import type { Command, DemonstrationRecord, Edit, JudgedPair, Lens, Metrics, Preference, Prompt, RankingRecord, UnpairedRecord, Verdict } from './protocol';
import type { OwnPrompts } from './own-prompts';
import type { Effort, Leash } from './settings';
import type { RunJudged, StoredRun } from './runs.svelte';
import type { ScoredRanking } from './state.svelte';
import type { StoredRanking } from './store';

export const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === 'string';
export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
export const listOf =
  <T>(check: (value: unknown) => value is T) =>
  (value: unknown): value is T[] =>
    Array.isArray(value) && value.every(check);
const orNothing = (value: unknown, check: (value: unknown) => boolean) => value === null || value === undefined || check(value);

export function isPrompt(value: unknown): value is Prompt {
  const isTurn = (turn: unknown): turn is { role: string; content: string } => isTable(turn) && isText(turn.role) && isText(turn.content);
  return isText(value) || (listOf(isTurn)(value) && value.length > 0);
}

export const isPromptRow = (row: unknown): row is { prompt: Prompt } => isTable(row) && isPrompt(row.prompt);

export const isExample = (row: unknown): row is DemonstrationRecord =>
  isTable(row) && isPrompt(row.prompt) && isText(row.completion) && row.completion.trim() !== '';

export const areExamples = listOf(isExample);

export const areDrafts = (value: unknown): value is Drafts =>
  isTable(value) && typeof value.own === 'boolean' && isText(value.request) && isTable(value.answers) && Object.values(value.answers).every(isText);

/** Groups of indices below `count`, each index in one of them. */
function isOrder(value: unknown, count: number): value is number[][] {
  if (!listOf(listOf(isCount))(value)) return false;
  const all = value.flat();
  return all.length === count && new Set(all).size === count && all.every((index) => index < count);
}

export const isEdit = (value: unknown, count: number): value is Edit =>
  isTable(value) && isText(value.text) && value.text.trim() !== '' && orNothing(value.of, (of) => isCount(of) && of < count);

export function isRanking(row: unknown): row is RankingRecord & { flags?: string[]; why?: string } {
  if (!isTable(row) || !isText(row.id) || !isPrompt(row.prompt)) return false;
  const { completions, ranking, edit, flags, why } = row;
  if (!listOf((one): one is { text: string } => isTable(one) && isText(one.text))(completions)) return false;
  const said = orNothing(flags, listOf(isText)) && orNothing(why, isText);
  return said && isOrder(ranking, completions.length) && orNothing(edit, (edit) => isEdit(edit, completions.length));
}

/** An edit in the making, with its screen. */
export const isFix = (value: unknown): value is Fix =>
  isTable(value) &&
  isText(value.text) &&
  isTable(value.screen) &&
  isRanking({ ...value.screen, ranking: [Array.isArray(value.screen.completions) ? value.screen.completions.map((_, index) => index) : []] }) &&
  (value.of === null || (isCount(value.of) && value.of < (value.screen.completions as unknown[]).length));

export const isScored = (value: unknown): value is ScoredRanking =>
  isTable(value) && isRanking(value.record) && listOf(isNumber)(value.scores) && isText(value.source);

export const isStoredRanking = (row: unknown): row is StoredRanking => isTable(row) && isNumber(row.key) && isText(row.source) && isRanking(row.record);

export const isLabel = (row: unknown): row is UnpairedRecord =>
  isTable(row) && isPrompt(row.prompt) && isText(row.completion) && typeof row.label === 'boolean';

const isPreference = (value: unknown): value is Preference => value === 'a' || value === 'b' || value === 'tie';
const isUsable = (value: unknown): value is [boolean, boolean] =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'boolean');

/** Two answers as they were judged; one that is not judged yet has no preference. */
export const isPair = (row: unknown): row is Omit<Pair, 'left' | 'prompt'> & { prompt: Prompt; left?: 'a' | 'b' } =>
  isTable(row) &&
  isPrompt(row.prompt) &&
  isText(row.a) &&
  isText(row.b) &&
  orNothing(row.preference, isPreference) &&
  orNothing(row.left, (left) => left === 'a' || left === 'b') &&
  orNothing(row.usable, isUsable);

const arePairsJudged = listOf((row: unknown): row is JudgedPair => isPair(row) && isText(row.prompt));
export const arePairs = listOf((row: unknown): row is Pair & JudgedPair => isPair(row) && isText(row.prompt));

const isShare = (value: unknown) => isTable(value) && [value.yes, value.of, value.low, value.high].every(isNumber);

export function isVerdict(value: unknown): value is Verdict {
  if (!isTable(value)) return false;
  const { wins, ties, losses, win_rate, low, high, usable } = value;
  const shares = orNothing(usable, (usable) => isTable(usable) && isShare(usable.a) && isShare(usable.b));
  return [wins, ties, losses, win_rate, low, high].every(isNumber) && shares;
}

export const isOwnPrompts = (value: unknown): value is OwnPrompts =>
  isTable(value) && isText(value.name) && listOf(isPrompt)(value.train) && listOf(isPrompt)(value.heldout);

export const isPace = (value: unknown): value is { effort: Effort; leash: Leash } =>
  isTable(value) && ['quick', 'normal', 'long'].includes(value.effort as string) && ['loose', 'normal', 'tight'].includes(value.leash as string);

/** A command without its data. */
export const isAsked = (value: unknown): value is Command => isTable(value) && isText(value.command) && isTable(value.options);

export const isLens = (value: unknown): value is Lens => isTable(value) && isNumber(value.step) && isPrompt(value.prompt) && listOf(isTable)(value.tokens);

const MODEL = /^(base|sft|reward|policy|run-\d+|sft@\d+)$/;

export const isContest = (value: unknown): value is Contest =>
  isTable(value) && orNothing(value.method, isText) && isText(value.versus) && MODEL.test(value.versus) && orNothing(value.run, isCount);

/** A stored blind test; earlier pages named the models alone, when there was one method. */
export const isStoredComparison = (value: unknown): value is StoredComparison =>
  isTable(value) && arePairs(value.pairs) && orNothing(value.verdict, isVerdict) && (isContest(value.contest) || isTable(value.models));

export const isStoredSimulated = (value: unknown): value is StoredSimulated =>
  isTable(value) && isVerdict(value.verdict) && isText(value.labeler) && (isContest(value.contest) || isText(value.versus)) && orNothing(value.pairs, arePairsJudged);

/** A chosen option is a number, a text, a flag, nothing, or a small table of those, such as `{target, horizon}`. */
const isValue = (value: unknown): boolean =>
  value === null || ['number', 'string', 'boolean'].includes(typeof value) || (isTable(value) && Object.values(value).every((one) => ['number', 'string'].includes(typeof one)));

export const isChosen = (value: unknown): value is Chosen =>
  isTable(value) && orNothing(value.preset, isText) && isTable(value.changed) && Object.values(value.changed).every(isValue);

export const isMetrics = (value: unknown): value is Metrics =>
  isTable(value) && Object.values(value).every((number) => number === null || typeof number === 'number');

const isPoint = (value: unknown): value is CurvePoint => isTable(value) && isNumber(value.step) && isMetrics(value.metrics);
export const isCurve = listOf(isPoint);

export const isJudged = (value: unknown): value is RunJudged =>
  isTable(value) && (value.by === 'person' || value.by === 'simulated') && isText(value.labeler) && isText(value.versus) && isVerdict(value.verdict);

export const isStart = (value: unknown): value is NonNullable<StoredRun['start']> =>
  isTable(value) && (value.model === 'sft' || value.model === 'base') && isNumber(value.made);

export const isStoredRun = (row: unknown): row is StoredRun =>
  isTable(row) &&
  isCount(row.id) &&
  orNothing(row.method, isText) &&
  isTable(row.settings) &&
  orNothing(row.start, isStart) &&
  isCurve(row.curve) &&
  listOf(isJudged)(row.judged) &&
  isTable(row.info) &&
  [row.rankings, row.steps, row.seconds, row.bytes, row.made].every(isNumber);
