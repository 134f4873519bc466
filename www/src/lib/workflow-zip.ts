// A workflow as one zip: the folder of `nudge teach`, with what only the page knows in its `workflow.json`.
//
// Out: what is here, in the files that the command line reads. In: a new workflow of what a folder holds, whoever made
// it; its records go through the trainer as every imported file does.

import { comparison, type Contest, type Pair } from './comparison.svelte';
import { engine } from './engine.svelte';
import { download, parseJsonl } from './files';
import type { Files } from './messages';
import { models, type CurvePoint } from './models.svelte';
import { notices } from './notices.svelte';
import { keepSplit } from './own-prompts';
import { promptsInOrder } from './prompts';
import type { Metrics, Prompt, RankingRecord, UnpairedRecord, Verdict } from './protocol';
import { rankings } from './rankings.svelte';
import { nameOfRun, runs, type RunJudged, type StoredRun } from './runs.svelte';
import { app } from './state.svelte';
import * as store from './store';
import { t } from './strings';
import { workflow } from './workflow.svelte';

/** Of `workflow.json`; that of the command line is the same. */
const VERSION = 1;
/** Notes that a workflow takes along: choices, not curves. */
const NOTES = /^(method$|options\/|answer\/)/;
const RUN_FILES = ['run.json', 'log.jsonl', 'README.md'];

type PageSays = {
  name: string;
  base: { name: string; sha256: string } | null;
  notes: { name: string; value: unknown }[];
  contest: Contest | null;
};
type Asked = { version: number; asked: Record<string, unknown>; page?: PageSays };
/** What `run.json` says; the command line writes more. */
type RunRecord = {
  command: string;
  options: Record<string, { value: unknown; from: string }>;
  started_at: string;
  results?: { steps: number; metrics: Metrics; findings: unknown[] };
  page?: Pick<StoredRun, 'start' | 'rankings' | 'seconds' | 'judged'>;
};

const encoder = new TextEncoder();
const text = (words: string) => encoder.encode(words);
const json = (value: unknown) => text(`${JSON.stringify(value, null, 2)}\n`);
const jsonl = (rows: unknown[]) => text(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const fileName = (name: string) => name.replace(/[^\p{L}\p{N}._ -]+/gu, '-').trim() || 'workflow';

/** Offers the workflow as a download. */
export async function takeAlong(): Promise<void> {
  const folder = fileName(workflow.name);
  const files = Object.entries(await folderOf()).map(([path, bytes]) => [`${folder}/${path}`, bytes] as const);
  download(`${folder}.zip`, await engine.request('pack', { files: Object.fromEntries(files) }));
}

async function folderOf(): Promise<Files> {
  const [train, heldOut] = await Promise.all([promptsInOrder('train'), promptsInOrder('heldout')]);
  const lines = (prompts: Prompt[]) => jsonl(prompts.map((prompt) => ({ prompt })));
  const ranked = withOwnIds(rankings.records);
  const files: Files = {
    'workflow.json': json(await asked()),
    'prompts.jsonl': lines(train),
    'prompts.to_rank.jsonl': lines(ranked.length > 0 ? ranked.map(({ prompt }) => prompt) : train.slice(0, 30)),
    'held_out.jsonl': lines(heldOut),
  };
  if (ranked.length > 0) {
    files['candidates.jsonl'] = jsonl(ranked.map(({ id, prompt, completions }) => ({ id, prompt, completions })));
    files['rankings.jsonl'] = jsonl(ranked);
  }
  if (rankings.labelled.length > 0) files['labels.jsonl'] = jsonl(rankings.labelled);
  for (const name of ['sft', 'reward'] as const) {
    if (models.held[name] && models.held[name].origin !== 'built-in') await addModel(files, name, `runs/${name}`);
  }
  for (const run of runs.list) await addRun(files, run);
  addJudgements(files);
  return files;
}

async function asked(): Promise<Asked> {
  const notes = (await store.notes.all()).filter(({ name }) => NOTES.test(name));
  const base = workflow.base && { name: workflow.base.name, sha256: workflow.base.id };
  return { version: VERSION, asked: {}, page: { name: workflow.name, base, notes, contest: comparison.contest } };
}

/** Two screens may have come by the same id on the page; the command line tells records apart by it. */
function withOwnIds(records: RankingRecord[]): RankingRecord[] {
  const seen = new Set<string>();
  return records.map((record) => {
    let id = record.id;
    for (let again = 2; seen.has(id); again += 1) id = `${record.id}-${again}`;
    seen.add(id);
    return { ...record, id };
  });
}

async function addModel(files: Files, name: string, folder: string): Promise<void> {
  const all = await models.borrow([name], () => models.outFiles(name));
  for (const [file, bytes] of Object.entries(all)) files[`${folder}/${file}`] = bytes;
}

/** The run in use has the method's own folder, where the command line looks for it. */
async function addRun(files: Files, run: StoredRun): Promise<void> {
  const command = run.method?.replace('_', '-') ?? 'tuned';
  const folder = `runs/${run.id === runs.currentId ? command : `${command}-${run.id}`}`;
  await addModel(files, run.id === runs.currentId ? 'policy' : nameOfRun(run.id), folder);
  const metrics: Metrics = Object.assign({}, ...run.curve.map((point) => point.metrics));
  const record: RunRecord = {
    command,
    options: Object.fromEntries(Object.entries(run.settings).map(([name, value]) => [name, { value, from: 'page' }])),
    started_at: new Date(run.made - 1000 * run.seconds).toISOString(),
    results: { steps: run.steps, metrics, findings: [] },
    page: { start: run.start, rankings: run.rankings, seconds: run.seconds, judged: run.judged },
  };
  files[`${folder}/run.json`] = json(record);
  files[`${folder}/log.jsonl`] = jsonl(run.curve.map(({ step, metrics }) => ({ step, ...metrics })));
}

/** A test that is judged to its end, of the run in use. */
function addJudgements(files: Files): void {
  const { pairs, verdict, contest } = comparison;
  if (!verdict || (contest.run ?? null) !== runs.currentId) return;
  files['judgements.jsonl'] = jsonl(pairs.filter(({ preference }) => preference).map((pair, index) => ({ index, ...pair })));
  files['judgements.verdict.json'] = json({ ...verdict, findings: [] });
}

/** Makes a workflow of a zip, and goes over to it. */
export async function openZip(file: File): Promise<void> {
  const files = await engine.request('unpack', { name: file.name, blob: file });
  const says = jsonOf<Asked>(files, 'workflow.json');
  if (!says) throw new Error(t.workflows.notOne(file.name));
  const name = says.page?.name ?? file.name.replace(/\.zip$/i, '');
  await app.change(await baseFor(says, name, file.name));
  await fill(files, says);
  notices.say(t.workflows.opened(name, rankings.list.length, runs.list.length));
}

/** A new workflow on the model that the zip is about, where that is here. */
async function baseFor(says: Asked, name: string, file: string) {
  const wanted = says.page ? (says.page.base?.sha256 ?? null) : (workflow.base?.id ?? null);
  const row = workflow.another(name).workflow!;
  if (wanted === (workflow.base?.id ?? null)) return workflow.open(row);
  const base = workflow.kept.find(({ id }) => id === wanted);
  if (wanted !== null && !base) throw new Error(t.workflows.otherModel(file, says.page!.base!.name));
  return workflow.open({ ...row, base: wanted });
}

async function fill(files: Files, says: Asked): Promise<void> {
  const prompts = (name: string) => rowsOf<{ prompt: Prompt }>(files, name).map(({ prompt }) => prompt);
  await keepSplit(workflow.name, prompts('prompts.jsonl'), prompts('held_out.jsonl'));
  for (const { name, value } of says.page?.notes ?? []) await store.notes.put(name, value);
  const ranked = files['rankings.jsonl'];
  if (ranked?.length) await rankings.importFile('rankings.jsonl', ranked, 'import');
  await rankings.adoptLabels(rowsOf<UnpairedRecord>(files, 'labels.jsonl'));
  const folders = new Set(Object.keys(files).flatMap((path) => /^(runs\/[^/]+)\/.*\.safetensors$/.exec(path)?.[1] ?? []));
  // What lies on another is opened after it.
  const order = (folder: string) => ['runs/sft', 'runs/reward'].indexOf(folder) + (folder === 'runs/sft' ? -9 : 0);
  for (const folder of [...folders].sort((a, b) => order(a) - order(b))) await openRun(files, folder);
  await openJudgements(files, says);
  await app.restoreChoices();
  workflow.filled += 1;
}

async function openRun(files: Files, folder: string): Promise<void> {
  const inside = Object.entries(files).filter(([path]) => path.startsWith(`${folder}/`));
  const own = inside.map(([path, bytes]) => ({ path: path.slice(folder.length + 1), blob: new Blob([bytes as BlobPart]) }));
  const record = jsonOf<RunRecord>(files, `${folder}/run.json`);
  try {
    const place = folder === 'runs/sft' ? 'sft' : 'policy';
    const name = await models.importFiles(own.filter(({ path }) => !RUN_FILES.includes(path)), place);
    if (name === 'policy') await runs.keepImported(await models.files('policy'), runOf(record, files, folder));
  } catch (error) {
    notices.say(t.workflows.badRun(folder, error instanceof Error ? error.message : String(error)), 'problem');
  }
}

function runOf(record: RunRecord | null, files: Files, folder: string): Partial<StoredRun> {
  if (!record) return {};
  const curve = rowsOf<Metrics>(files, `${folder}/log.jsonl`).map(({ step, ...metrics }, index): CurvePoint => ({ step: step ?? index + 1, metrics }));
  const { start = null, rankings: count = 0, seconds = 0, judged = [] } = record.page ?? {};
  const settings = Object.fromEntries(Object.entries(record.options ?? {}).map(([name, { value }]) => [name, value]));
  const method = record.command.replace('-', '_');
  return { method, settings, start, rankings: count, seconds, judged: judged as RunJudged[], steps: record.results?.steps ?? curve.length, curve };
}

async function openJudgements(files: Files, says: Asked): Promise<void> {
  const verdict = jsonOf<Verdict>(files, 'judgements.verdict.json');
  const pairs = rowsOf<Pair>(files, 'judgements.jsonl').map((pair) => ({ ...pair, left: pair.left ?? 'a' }));
  if (!verdict || pairs.length === 0) return;
  const contest: Contest = { method: runs.current?.method ?? null, versus: says.page?.contest?.versus ?? models.start, run: runs.currentId };
  await comparison.adopt(pairs, verdict, contest);
}

function jsonOf<T>(files: Files, name: string): T | null {
  try {
    return files[name] ? (JSON.parse(new TextDecoder().decode(files[name])) as T) : null;
  } catch {
    return null;
  }
}

function rowsOf<T>(files: Files, name: string): T[] {
  return files[name] ? parseJsonl<T>(new TextDecoder().decode(files[name])) : [];
}
