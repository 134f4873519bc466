// A workflow as one zip: the folder of `nudge teach`, with what only the page knows in its `workflow.json`.
//
// Out: what is here, in the files that the command line reads. In: a new workflow of what a folder holds, whoever made
// it, once all of it was checked (`workflow-check.ts`).

import { comparison } from './comparison.svelte';
import { engine } from './engine.svelte';
import { EXAMPLES, examples } from './examples.svelte';
import { download } from './files';
import type { Files } from './messages';
import { models } from './models.svelte';
import { notices } from './notices.svelte';
import { keepSplit } from './own-prompts';
import { promptsInOrder } from './prompts';
import type { Metrics, Prompt, RankingRecord } from './protocol';
import { rankings } from './rankings.svelte';
import { nameOfRun, runs, type StoredRun } from './runs.svelte';
import { app } from './state.svelte';
import * as store from './store';
import { t } from './strings';
import { contentsOf, goesAlong, VERSION, type Asked, type Contents, type RunRecord } from './workflow-check';
import { RELEASE, workflow } from './workflow.svelte';

const RUN_FILES = ['run.json', 'log.jsonl', 'README.md'];

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
  if (examples.count > 0) files['demonstrations.jsonl'] = jsonl(examples.list);
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
  const notes = (await store.notes.all()).filter(({ name }) => goesAlong(name));
  const base = workflow.base && { name: workflow.base.name, sha256: workflow.base.id };
  return { version: VERSION, asked: {}, page: { name: workflow.name, base, 'built-in': workflow.builtIn, notes, contest: comparison.contest, shownBy: models.held.sft?.by ?? null } };
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
  const isLoaded = run.id === runs.currentId && !workflow.replaced;
  const command = run.method?.replace('_', '-') ?? 'tuned';
  const folder = `runs/${run.id === runs.currentId ? command : `${command}-${run.id}`}`;
  await addModel(files, isLoaded ? 'policy' : nameOfRun(run.id), folder);
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

/** Makes a workflow of a zip, and goes over to it: of all that it holds, or of nothing. */
export async function openZip(file: File): Promise<void> {
  const files = await engine.request('unpack', { name: file.name, blob: file });
  const contents = await contentsOf(files, file.name);
  const name = contents.says.page?.name ?? file.name.replace(/\.zip$/i, '');
  const opened = await baseFor(contents.says, name, file.name);
  const before = workflow.list.find(({ id }) => id === workflow.id);
  await app.change(opened);
  try {
    await fill(files, contents);
  } catch (error) {
    if (before) {
      const { id } = workflow;
      await app.change(await workflow.open(before));
      await workflow.removeWorkflow(id);
    }
    throw error;
  }
  const said = t.workflows.opened(name, rankings.list.length, runs.list.length);
  const release = releaseOf(contents.says);
  if (!workflow.base && release !== RELEASE) await app.change(await workflow.open(await workflow.isOf(release)));
  notices.say(said);
}

/** Which built-in model a workflow was made with; of one that was made with another model, the one at hand. */
function releaseOf({ asked, page }: Asked): string | undefined {
  if (page) return page['built-in'];
  const isBuiltIn = String(asked.model ?? '').startsWith('builtin:');
  return isBuiltIn ? (asked['built-in'] as string | undefined) : RELEASE;
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

async function fill(files: Files, contents: Contents): Promise<void> {
  const { says, prompts, heldOut, examples, labels } = contents;
  await keepSplit(workflow.name, prompts, heldOut);
  if (examples.length > 0) await store.notes.put(EXAMPLES, examples);
  for (const { name, value } of says.page?.notes ?? []) await store.notes.put(name, value);
  await rankings.addAll(contents.rankings, 'import');
  await rankings.adoptLabels(labels);
  for (const run of contents.runs) await openRun(files, run, says.page?.shownBy ?? undefined);
  await openJudgements(contents);
  await app.restoreChoices();
  workflow.filled += 1;
}

async function openRun(files: Files, run: Contents['runs'][number], shownBy?: string): Promise<void> {
  const { folder } = run;
  const inside = Object.entries(files).filter(([path]) => path.startsWith(`${folder}/`));
  const own = inside.map(([path, bytes]) => ({ path: path.slice(folder.length + 1), blob: new Blob([bytes as BlobPart]) }));
  try {
    const place = folder === 'runs/sft' ? 'sft' : 'policy';
    const name = await models.importFiles(own.filter(({ path }) => !RUN_FILES.includes(path)), place, place === 'sft' ? shownBy : undefined);
    if (name === 'policy') await runs.keepImported(await models.files('policy'), storedOf(run));
  } catch (error) {
    notices.say(t.workflows.badRun(folder, error instanceof Error ? error.message : String(error)), 'problem');
  }
}

function storedOf({ record, curve }: Contents['runs'][number]): Partial<StoredRun> {
  if (!record) return {};
  const { start = null, rankings: count = 0, seconds = 0, judged = [] } = record.page ?? {};
  const settings = Object.fromEntries(Object.entries(record.options ?? {}).map(([name, { value }]) => [name, value]));
  const method = record.command.replace('-', '_');
  return { method, settings, start, rankings: count, seconds, judged, steps: record.results?.steps ?? curve.length, curve };
}

async function openJudgements({ says, pairs, verdict }: Contents): Promise<void> {
  if (!verdict || pairs.length === 0) return;
  const { method = null, versus = models.start } = says.page?.contest ?? {};
  await comparison.adopt(pairs, verdict, { method: runs.current?.method ?? method, versus, run: runs.currentId });
}
