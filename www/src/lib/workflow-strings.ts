// Words of workflows, runs, tabs and storage: a part of `strings.ts`.

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const ofWorkflows = {
  tabs: {
    following: 'Another tab works on this workflow. This one shows what it does and changes nothing.',
    takeOver: 'Work here instead',
    asking: 'The other tab stores what it has and pauses…',
    unanswered: 'The other tab does not answer. What it has not stored yet is lost if you go on here.',
    takeAnyway: 'Take it anyway',
    given: 'Another tab has taken this workflow over. What was made here is stored.',
    taken: 'This tab works on the workflow now.',
    refused: 'Another tab works on this workflow; nothing was changed here.',
    replaced:
      'This workflow was made with an earlier story model, which this page no longer has. You can look at it and take it along; nothing in it changes.',
    newModel: 'Go to the new story model',
    furtherOn: 'Teach its tuned model further',
  },

  storage: {
    full: 'the browser has no space left for this page',
    blocked: 'the browser lets this page store nothing, as in a private window',
    unstored: (rows: number, reason: string) =>
      rows > 0
        ? `${plural(rows, 'thing is', 'things are')} not stored: ${reason}. It is in this tab’s memory and works; it is gone when you close the tab.`
        : `Nothing can be stored: ${reason}. The page works; what you make is gone when you close the tab.`,
    download: 'Download the workflow (zip)',
    retry: 'Try to store it again',
    version: {
      other: 'A tab with an earlier version of this page stands in the way: close it, or reload it.',
      this: 'This page was renewed in another tab. Reload it to go on.',
    },
    reload: 'Reload',
    badRow: (name: string) => `Something stored in this workflow is damaged and was left out: ${name}.`,
    used: (used: string, quota: string) => `${used} of the ${quota} that the browser gives this page are in use.`,
    persisted: {
      yes: 'The browser keeps them until you delete them.',
      no: 'The browser may clear them when space gets short.',
    },
  },

  runs: {
    title: (id: number, contender: string) => `Run ${id}: ${contender}`,
    earlierStart: 'Instruct, as it was when the run began',
    gone: 'This model is not stored any more.',
    heading: 'Runs',
    about: 'Every tuned model is kept until you delete it. One of them is the tuned model that the page uses.',
    columns: { run: 'Run', from: 'From', rankings: 'Rankings', usable: 'Usable', rate: 'Win rate', kl: 'KL', time: 'Time', size: 'Size' },
    options: 'Options',
    use: 'Use',
    inUse: 'in use',
    remove: 'Delete',
    removeSure: 'Really delete this run',
    unjudged: 'not compared',
    bySimulated: 'SIMULATED',
    which: 'Tuned model',
    versusRun: (title: string) => title,
  },

  workflows: {
    earlier: (name: string) => `${name} (earlier model)`,
    label: 'Workflow',
    about: 'A workflow holds prompts, examples, rankings, runs and judgements. You can have several, and take each along.',
    manage: 'Manage',
    name: 'Name',
    rename: 'Rename',
    another: 'New',
    anotherName: (count: number) => `Workflow ${count}`,
    duplicate: 'Duplicate',
    copyOf: (name: string) => `${name}, copy`,
    remove: 'Delete',
    removeSure: 'Really delete it, with its rankings and runs',
    take: 'Take it along (zip)',
    takeHow: 'Unzip it; nudge teach --out FOLDER --model MODEL --prompts FOLDER/prompts.jsonl goes on with it.',
    open: 'Open a workflow (zip)',
    opened: (name: string, rankings: number, runs: number) =>
      `“${name}” was opened, with ${plural(rankings, 'ranking', 'rankings')} and ${plural(runs, 'run', 'runs')}.`,
    writing: 'Packing it…',
    reading: 'Opening it…',
    noModel: (name: string) => `The model of “${name}” is not on this device any more. Open the model first.`,
    notOne: (name: string) => `${name} is no workflow: it holds no workflow.json. Nothing has changed.`,
    otherModel: (name: string, model: string) => `${name} is a workflow on ${model}. Open that model first, then the workflow. Nothing has changed.`,
    isNotJson: 'it is not JSON',
    otherShape: 'it does not have the fields that belong there, or one of them is of a wrong type',
    badLine: (file: string, line: number, reason: string) => `${file}, line ${line}: ${reason}. Nothing was opened, and nothing has changed.`,
    badPart: (file: string, what: string) => `${file}: ${what}. Nothing was opened, and nothing has changed.`,
    badField: (field: string) => `“${field}” is of a wrong type`,
    otherVersion: (version: string, known: number) =>
      `workflow.json: it is of version ${version}, and this page reads version ${known}. Reload the page for its newest version. Nothing was opened.`,
    badRun: (run: string, reason: string) => `The run ${run} was left out: ${reason}`,
  },
};
