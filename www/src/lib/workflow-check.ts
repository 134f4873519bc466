// What a workflow's zip holds, checked before any of it is stored: all of it is taken, or none.
//
// Records go through the trainer, as every file does. What only the page reads has its shape checked here.

import { areDrafts, isChosen, isContest, isCount, isExample, isFix, isJudged, isLabel, isNumber, isPair, isPromptRow, isRanking, isStart, isTable, isText, isVerdict } from './checks';
import type { Contest, Pair } from './comparison.svelte';
import { engine } from './engine.svelte';
import { DRAFTS } from './examples.svelte';
import { FIX } from './fixing.svelte';
import type { Files } from './messages';
import type { CurvePoint } from './models.svelte';
import { promptText } from './prompts';
import type { DemonstrationRecord, Metrics, Prompt, RankingRecord, UnpairedRecord, Verdict } from './protocol';
import type { RunJudged, StoredRun } from './runs.svelte';
import { t } from './strings';

/** Of `workflow.json`; that of the command line is the same. */
export const VERSION = 1;
/** More tokens than any answer of the page has. */
const MOST_TOKENS = 4096;

export type PageSays = {
  name: string;
  base: { name: string; sha256: string } | null;
  /** Which built-in model, where that is its base. */
  'built-in'?: string;
  notes: { name: string; value: unknown }[];
  contest: Contest | null;
  /** What trained the model of step 2. */
  shownBy?: string | null;
};
export type Asked = { version: number; asked: Record<string, unknown>; page?: PageSays };
/** What `run.json` says; the command line writes more. */
export type RunRecord = {
  command: string;
  options: Record<string, { value: unknown; from: string }>;
  started_at?: string;
  results?: { steps: number; metrics: Metrics; findings: unknown[] };
  page?: Pick<StoredRun, 'start' | 'rankings' | 'seconds' | 'judged'>;
};

export type Contents = {
  says: Asked;
  prompts: Prompt[];
  heldOut: Prompt[];
  examples: DemonstrationRecord[];
  rankings: RankingRecord[];
  labels: UnpairedRecord[];
  pairs: Pair[];
  verdict: Verdict | null;
  /** By their folders: files of a model, with what made it. */
  runs: { folder: string; record: RunRecord | null; curve: CurvePoint[] }[];
};

/** Notes that a workflow takes along, choices and drafts, each with its shape. */
const NOTES: [RegExp, (value: unknown) => boolean][] = [
  [/^method$/, isText],
  [/^options\/\w+$/, isChosen],
  [/^answer\/tokens$/, (value) => isCount(value) && value > 0 && value <= MOST_TOKENS],
  [new RegExp(`^${DRAFTS}$`), areDrafts],
  [new RegExp(`^${FIX}$`), (value) => value === null || isFix(value)],
];

export const goesAlong = (name: string) => NOTES.some(([names]) => names.test(name));

/** Throws at the first thing that is wrong, with its file and line. */
export async function contentsOf(files: Files, file: string): Promise<Contents> {
  const says = askedOf(files, file);
  const prompts = rows(files, 'prompts.jsonl', isPromptRow).map(({ prompt }) => prompt);
  const heldOut = rows(files, 'held_out.jsonl', isPromptRow).map(({ prompt }) => prompt);
  const judged = rows(files, 'judgements.jsonl', isPair);
  return {
    says,
    prompts,
    heldOut,
    examples: examplesOf(files, heldOut),
    rankings: await rankingsOf(files),
    labels: rows(files, 'labels.jsonl', isLabel),
    pairs: judged.map((pair) => ({ ...pair, prompt: promptText(pair.prompt), left: pair.left ?? 'a' })),
    verdict: json(files, 'judgements.verdict.json', isVerdict),
    runs: foldersOf(files).map((folder) => runOf(files, folder)),
  };
}

function askedOf(files: Files, file: string): Asked {
  if (!files['workflow.json']) throw new Error(t.workflows.notOne(file));
  const says = json(files, 'workflow.json', isTable)!;
  if (says.version !== VERSION) throw new Error(t.workflows.otherVersion(String(says.version), VERSION));
  if (says.page !== undefined && says.page !== null) checkPage(says.page);
  return says as Asked;
}

function checkPage(page: unknown): asserts page is PageSays {
  const wrong = (what: string) => new Error(t.workflows.badPart('workflow.json', t.workflows.badField(what)));
  if (!isTable(page) || !isText(page.name)) throw wrong('page.name');
  const { base, notes = [], contest = null, shownBy = null, 'built-in': builtIn = '' } = page;
  if (!isText(builtIn)) throw wrong('page.built-in');
  if (base !== null && !(isTable(base) && isText(base.name) && isText(base.sha256))) throw wrong('page.base');
  if (contest !== null && !isContest(contest)) throw wrong('page.contest');
  if (shownBy !== null && !isText(shownBy)) throw wrong('page.shownBy');
  if (!Array.isArray(notes)) throw wrong('page.notes');
  for (const [index, note] of notes.entries()) {
    const name = isTable(note) && isText(note.name) ? note.name : `page.notes[${index}]`;
    const known = isTable(note) && NOTES.find(([names]) => names.test(name));
    if (!known || !known[1]((note as { value: unknown }).value)) throw wrong(name);
  }
}

function examplesOf(files: Files, heldOut: Prompt[]): DemonstrationRecord[] {
  const examples = rows(files, 'demonstrations.jsonl', isExample);
  const judged = new Set(heldOut.map((prompt) => promptText(prompt).trim()));
  const both = examples.findIndex(({ prompt }) => judged.has(promptText(prompt).trim()));
  if (both >= 0) throw new Error(t.workflows.badLine('demonstrations.jsonl', both + 1, t.show.isHeldOut));
  return examples.map(({ prompt, completion }) => ({ prompt, completion }));
}

async function rankingsOf(files: Files): Promise<RankingRecord[]> {
  rows(files, 'rankings.jsonl', isRanking);
  const bytes = files['rankings.jsonl'];
  if (!bytes?.length) return [];
  return (await engine.request('read_rankings', { name: 'rankings.jsonl', bytes })).records;
}

/** Folders with weights. What lies on another comes after it. */
function foldersOf(files: Files): string[] {
  const folders = new Set(Object.keys(files).flatMap((path) => /^(runs\/[^/]+)\/.*\.safetensors$/.exec(path)?.[1] ?? []));
  const order = (folder: string) => ['runs/sft', 'runs/reward'].indexOf(folder) + (folder === 'runs/sft' ? -9 : 0);
  return [...folders].sort((a, b) => order(a) - order(b));
}

function runOf(files: Files, folder: string) {
  const record = json(files, `${folder}/run.json`, isRunRecord);
  const log = rows(files, `${folder}/log.jsonl`, isTable);
  const curve = log.map(({ step, ...rest }, index): CurvePoint => {
    const metrics = Object.fromEntries(Object.entries(rest).filter((entry): entry is [string, number] => isNumber(entry[1])));
    return { step: isNumber(step) ? step : index + 1, metrics };
  });
  return { folder, record, curve };
}

function isRunRecord(value: unknown): value is RunRecord {
  if (!isTable(value) || !isText(value.command)) return false;
  const { options = {}, results, page } = value;
  const whole = isTable(options) && Object.values(options).every(isTable);
  const ended = results === undefined || results === null || (isTable(results) && isNumber(results.steps));
  return whole && ended && (page === undefined || page === null || isPageOfRun(page));
}

const isPageOfRun = (page: unknown) =>
  isTable(page) &&
  (page.start === null || isStart(page.start)) &&
  isNumber(page.rankings) &&
  isNumber(page.seconds) &&
  Array.isArray(page.judged) &&
  page.judged.every((one): one is RunJudged => isJudged(one));

function json<T>(files: Files, name: string, check: (value: unknown) => value is T): T | null {
  const bytes = files[name];
  if (!bytes) return null;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Error(t.workflows.badPart(name, t.workflows.isNotJson));
  }
  if (!check(value)) throw new Error(t.workflows.badPart(name, t.workflows.otherShape));
  return value;
}

/** The rows of a file, empty lines left out; the first that is wrong is named. */
function rows<T>(files: Files, name: string, check: (row: unknown) => row is T): T[] {
  const lines = new TextDecoder().decode(files[name]).replace(/^\uFEFF/, '').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      throw new Error(t.workflows.badLine(name, index + 1, t.workflows.isNotJson));
    }
    if (!check(row)) throw new Error(t.workflows.badLine(name, index + 1, t.workflows.otherShape));
    return [row];
  });
}
