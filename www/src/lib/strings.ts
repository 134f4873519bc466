// Every word that the page shows, in one table: to read it in one go, and to translate it in one place.

import type { DeviceReason, Loss } from './messages';
import type { Kind } from './methods.svelte';
import type { Lack } from './outlook';
import { ofAddresses } from './address-strings';
import { byName } from './by-name';
import { count } from './format';
import { files, opening } from './opening-strings';
import type { StageName } from './protocol';
import { sizes } from './settings';
import { letter } from './ranking';
import type { RankingSource } from './store';
import { ofShow } from './show-strings';
import { ofWorkflows } from './workflow-strings';

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const t = {
  title: 'Nudge',
  tagline: 'Teach a small language model what you like.',
  intro:
    'You rank its answers. A reward model learns your taste. Reinforcement learning then nudges the language model ' +
    'towards what you prefer, and a blind test shows whether it worked. This is the recipe behind InstructGPT, ' +
    'small enough to run inside this browser tab.',
  privacy: 'Everything runs in this tab. Nothing leaves it.',
  start: 'Start with the built-in model',
  startHint: 'Loads a model and goes straight to ranking.',
  startOwn: (name: string) => `Start with ${name}`,
  startOwnHint: 'Goes to your first example.',
  starting: 'Loading…',
  skipToContent: 'Skip to the steps',
  stepsLabel: 'The six steps',
  lessons: 'Lessons',
  language: 'Language',

  states: { locked: 'locked', open: 'ready', active: 'running', done: 'done', doubt: 'done, with a doubt' },

  files: {
    missing: (url: string) => `${url} is not on this server.`,
    notJson: (line: number) => `Line ${line} is not JSON. Each line must hold one JSON object.`,
    ...files,
    beside: 'Nothing was opened. Drop a file on the button or the field that it is for.',
    refused: 'The browser refused to store this. It may be out of space, or in a private window.',
    deleted: 'The data was deleted.',
  },

  stages: {
    pretrain: 'pretraining',
    sft: 'instruction tuning',
    sample: 'sampling',
    rank: 'ranking',
    reward: 'reward training',
    tune: 'tuning',
    best_of: 'best-of-n',
    compare: 'the comparison',
    score: 'scoring',
    calibrate: 'calibration',
    review: 'looking at your rankings',
    eval: 'measuring',
  } satisfies Record<StageName, string>,
  busy: (stage: StageName) => `The device is busy with ${t.stages[stage]}. Wait for it or pause it first.`,

  /** Which model the page is about. */
  model: {
    heading: 'Which model',
    builtIn: 'Built-in story model',
    builtInIs: '5.3 M parameters, 8 MB, made for this page. It tells small stories: the whole loop takes minutes.',
    parameters: (count: string, context: string) => `${count} parameters, reads ${context} tokens`,
    change: { story: 'Bring a real assistant', own: 'Change the model' },
    close: 'Close',
    intro:
      'Teach a real assistant on your own work. It is read here, in this tab; neither the model nor anything you write ' +
      'leaves it. Only small adapters are trained beside it, which you can take home.',
    take: 'Take it',
    back: 'Go back to it',
    inUse: 'in use',
    servedIs: (size: string) => `${size} from this site, once. It is kept in this browser then.`,
    disk: 'From your disk',
    diskIs: 'A .gguf file of llama.cpp (of a split one all parts at once), a model folder or its zip: Llama, Mistral, Qwen 2 and 3, SmolLM2 and 3, Gemma 3. You can drop it here.',
    file: 'Choose a file',
    folder: 'Choose a folder',
    keptIs: (size: string) => `${size}, stored on this device.`,
    apart: 'Each model has a workflow of its own: rankings and adapters of one are never mixed with those of another.',
    notKept: 'This browser did not store the model. It works until the tab is closed; rankings and adapters are stored.',
  },

  opening: {
    ...opening,
    refused: (name: string, reason: string) => `${name} could not be opened: ${reason.replace(/\.$/, '')}. Nothing has changed.`,
    otherBytes: (name: string) => `${name} came with other bytes than this site announces`,
    adapter: 'it is an adapter. Open its base first, then the adapter at the foot of the page',
    reward: 'it is a reward model. Open it at the foot of the page',
    fetching: (loaded: string, total: string) => `Fetching ${loaded} of ${total}…`,
    reading: 'Reading and checking it…',
    probing: 'Measuring how fast it is here…',
    keeping: 'Storing it on this device…',
    needs: (answering: string, training: string) => ` It takes about ${answering} of memory to answer, ${training} to train.`,
  },

  /** What a model will take here, before one works with it. */
  outlook: {
    memory: (answering: string, training: string) => `About ${answering} of memory to answer, ${training} to train.`,
    room: (room: string) => ` This device seems to have ${room} for it.`,
    time: (answer: string, step: string, whole: string) =>
      ` An answer takes about ${answer} here, a step of tuning ${step}, and the whole loop ${whole} besides your own time.`,
    lacks: { memory: 'That is more memory than this device seems to have.', time: 'That is slow.' } satisfies Record<Lack, string>,
    smaller: 'A smaller model, such as one of 135 M parameters, or the same one in fewer bits, takes less.',
    take: 'Take it anyway',
    leave: 'Leave it',
    left: 'you left it',
  },

  talk: {
    open: 'Talk to it',
    title: 'Talk to it',
    about: 'The same question to the model before and after. Nothing of this is stored.',
    label: 'Your message',
    send: 'Ask',
    writing: 'Writing…',
    none: 'Answers appear here, side by side.',
    noTuned: 'There is no tuned model yet: this is the one that you start from.',
    close: 'Close',
    sides: ['One', 'The other'],
    strength: (strength: number) =>
      `Strength of the adapter: ${strength === 0 ? 'none' : strength === 1 ? 'as trained' : `${strength} times`}`,
    fixed: (count: number) => `Ask ${count} held-out prompts`,
  },

  prompts: {
    title: 'Prompts',
    summary: (name: string, train: number, heldOut: number) => `Prompts: ${name}, ${train} to learn from and ${heldOut} held out for step 6`,
    starter: 'starter set',
    own: 'Bring my own',
    paste: 'Paste prompts, or drop a file here: text, CSV or JSONL',
    pasted: 'pasted',
    file: 'Choose a file',
    task: 'Asked behind each (optional)',
    taskExample: 'Write our reply to this customer.',
    column: 'The prompt is the column',
    cut: 'Each prompt is',
    cuts: byName({ lines: 'a line', paragraphs: 'a paragraph, up to a blank line', rules: 'what stands between lines of ---' }),
    first: 'The first of them',
    found: (count: number) => `${plural(count, 'prompt', 'prompts')} found.`,
    leftOut: (count: number, reason: string) => ` ${count} left out (${reason}).`,
    few: 'At least eight are needed, so that some can be held out.',
    use: (count: number) => `Use these ${count} prompts`,
    used: (train: number, heldOut: number) => `${train} prompts are asked from now on; ${heldOut} are held out for step 6.`,
    drop: 'Go back to the starter set',
    length: 'Longest answer',
    lengths: (tokens: number) => `${tokens} tokens, about ${Math.round(tokens * 0.75)} words`,
  },

  theme: { label: 'Colours', auto: 'Auto', light: 'Light', dark: 'Dark' },

  models: {
    base: 'Base',
    sft: 'Instruct',
    shown: 'After your examples',
    builtInStart: 'Built-in instruct model',
    reward: 'Reward',
    policy: 'Tuned',
    asItCame: 'As it came',
    parameters: 'parameters',
  },

  /** The methods of step 5: a name, and what each does. A method without an entry shows the trainer's words. */
  methods: byName({
    ppo: {
      name: 'PPO',
      does: 'A value model guesses how each answer will end, and words that do better than guessed become likelier.',
    },
    grpo: {
      name: 'GRPO',
      does: 'Writes eight answers to each request and measures each against the whole group, so no value model has to guess.',
    },
    rloo: {
      name: 'RLOO',
      does: 'Writes four answers to each request and measures each against the mean of the other three.',
    },
    reinforce: {
      name: 'REINFORCE',
      does: 'The oldest and plainest: measures each answer against the mean of all earlier rewards.',
    },
    dpo: {
      name: 'DPO',
      does: 'Makes the better answer of each pair likelier and the worse one less likely, measured from step 2.',
    },
    kto: {
      name: 'KTO',
      does: 'Takes each answer as good or bad by itself and makes the good ones likelier, measured from step 2.',
    },
    orpo: {
      name: 'ORPO',
      does: 'Imitates the better answers and disfavours the worse ones in one go, without looking back at step 2.',
    },
    simpo: {
      name: 'SimPO',
      does: 'Makes the better answer of each pair likelier word for word, by a margin, without looking back at step 2.',
    },
    online_dpo: {
      name: 'Online DPO',
      does: 'Writes two answers to each request, lets the reward model choose, and learns from that pair as DPO does.',
    },
    raft: {
      name: 'RAFT',
      does: 'Writes several answers to each request, lets the reward model pick the best, and imitates it: best of n, learnt once.',
    },
    best_of: {
      name: `Best of ${sizes.bestOf}`,
      does: `Nothing is trained: in step 6 the instruct model writes ${sizes.bestOf} answers and the reward model picks one.`,
    },
  }),

  /** Short names of what is measured in training, for legends and for the help on each. */
  metrics: {
    loss: 'loss',
    accuracy: 'accuracy in training',
    eval_accuracy: 'held-out accuracy',
    'objective/scores': 'reward',
    'objective/gold_score': 'labeler’s own score',
    'objective/kl': 'KL',
    'completions/mean_length': 'answer length',
    'rewards/margins': 'margin',
    'rewards/accuracies': 'accuracy in training',
    'eval_rewards/accuracies': 'held-out accuracy',
  },
  help: {
    about: (label: string) => `What “${label}” means`,
    healthy: 'Healthy:',
    act: 'Otherwise:',
  },

  device: {
    label: 'Device',
    choices: { auto: 'Auto', webgpu: 'WebGPU', cpu: 'CPU' },
    starting: 'Starting the trainer…',
    loading: (loaded: string, total: string | null) =>
      total ? `Loading the trainer: ${loaded} of ${total}` : `Loading the trainer: ${loaded}`,
    preparing: (gpu: string) =>
      `Preparing WebGPU${gpu && ` (${gpu})`}: compiling its programs and comparing them with the CPU…`,
    runsOn: (name: string, threads: number) => `Runs on ${name}${threads > 1 ? `, ${threads} threads` : ''}`,
    reasons: {
      chosen: 'as you chose',
      found: 'found and tested',
      no_webgpu: 'this browser has no WebGPU',
      no_adapter: 'the browser offers no GPU',
      fallback_adapter: 'the only GPU on offer is emulated, which is slower than the CPU',
      no_timestamp_query: 'the GPU lacks timestamp queries',
      self_check_failed: 'the GPU did not compute the same as the CPU',
      create_failed: 'the GPU could not be started',
      crashed: 'the GPU stopped working',
      restarted: 'it stopped working and was started again',
    } satisfies Record<DeviceReason, string>,
    passed: (checks: number) => `${plural(checks, 'check', 'checks')} passed`,
    check: { webgpu: 'GPU check', cpu: 'CPU check' },
    checkAll: 'Run all checks',
    checking: 'Checking…',
    columns: { name: 'Check', value: 'Off by', limit: 'At most' },
    notANumber: 'not a number',
    changed: 'The device was changed.',
    losses: {
      trap: 'the trainer broke off in the middle of a computation',
      gpu: 'the GPU was lost',
      memory: 'the memory of this tab was full',
      silence: 'the device did not answer',
      load: 'the trainer could not be loaded',
    } satisfies Record<Loss, string>,
    detail: (words: string) => `: ${words}`,
    fellBack: (message: string) =>
      `The trainer stopped (${message}). It was started again on the CPU with your models. Your rankings are safe; a training run continues from its last checkpoint.`,
    silent: 'The trainer has not answered for four minutes.',
    useCpu: 'Start it anew on the CPU',
    failed: (message: string) => `The trainer could not be started: ${message}`,
  },

  needs: {
    trainer: 'The trainer is not running, see the top of the page.',
    base: 'Waits for the base model.',
    sft: 'Needs an instruct model: take or train one in step 2.',
    rankings: (needed: number, have: number) => `Needs at least ${needed} rankings from step 3; there ${have === 1 ? 'is' : 'are'} ${have}.`,
    reward: 'Needs a reward model: train one in step 4.',
    policy: 'Needs a tuned model: train one in step 5, or open a zip below.',
  },

  run: {
    pause: 'Pause',
    pausing: 'Pausing after this step…',
    continue: 'Continue training',
    stop: 'Stop',
    discard: 'Discard',
    step: (step: number, total: number) => `Step ${step} of ${total}`,
    left: (time: string) => `about ${time} left`,
    savedAt: (step: number) => `checkpoint at step ${step}`,
    pausedAt: (step: number, total: number) => `Paused at step ${step} of ${total}. The checkpoint is stored in this browser.`,
    pausedBefore: 'Cut short before its first checkpoint. Its settings are stored in this browser; it begins again.',
    first: (time: string) => `the first step is being made, for ${time}`,
    heldAt: (step: number, total: number) => `Paused at step ${step} of ${total}. The checkpoint could not be stored: it is in this tab’s memory, and gone when you close it.`,
    checkpointBroken: (reason: string) => `The last checkpoint cannot be used (${reason}); the one before it is.`,
    awake: 'Keep the screen on while it trains',
    stopped: 'Stopped. Nothing was changed.',
    outdated: (stage: string, step: number, total: number) =>
      `An unfinished run of ${stage} (step ${step} of ${total}) is by an earlier version of this page and cannot be continued by this one. Start it again.`,
    progress: 'Progress',
    announce: (name: string, quarter: number) => `${name}: ${quarter * 25}% done`,
  },

  base: {
    title: 'Base',
    heading: 'A model that only continues text',
    text:
      'This model has read children’s stories and little else. It learnt one thing: which word comes next. ' +
      'Ask it a question and it will not answer; it will go on writing, as if your question were the first line of a story.',
    button: 'Continue my text',
    working: 'Writing…',
    promptLabel: 'A beginning',
    prompt: 'Once upon a time, a little fox found a key.',
    metric: 'parameters, each a number that training has set',
    chart: 'Loss while it was trained',
    noChart: 'This model came without the log of its training.',
    fetching: (loaded: string, total: string | null) => `Fetching the model: ${loaded}${total ? ` of ${total}` : ''}`,
    missing: 'The built-in model is not on this server. Put one under model/base, or open a zipped model at the foot of the page.',
    empty: 'Its continuation appears here, word by word.',
    /** For a model that is an assistant as it came. */
    assistant: {
      heading: 'An assistant, as it came',
      text: (name: string) =>
        `${name} has read a good part of the internet and was taught to answer. It does not know you, nor the work that you ` +
        'want done. Ask it something to see where you start from.',
      button: 'Ask it',
      promptLabel: 'Your message',
      empty: 'Its answer appears here, word by word.',
    },
    /** For a model of the reader's that only continues text. */
    own: {
      heading: 'A model that only continues text',
      text: (name: string) =>
        `${name} has no chat template: it goes on writing where your text ends. Step 2 makes an assistant of it, from examples of yours.`,
    },
  },

  rank: {
    title: 'Rank',
    heading: 'You say what is better',
    text:
      'The model answers the same request four times. Put the answers in your order, best on top, and fix the best one (✎) where it is ' +
      'nearly right. There is no right order: whatever you prefer is what it will learn. About thirty rankings are enough to see an effect.',
    metric: (target: number, have: number) =>
      have > target ? `rankings; ${target} are enough to begin with` : `of ${target} rankings`,
    begin: 'Show me four answers',
    submit: 'Store this ranking',
    skip: 'Skip',
    undo: 'Undo last',
    undone: 'The last ranking was taken back.',
    growing: 'The model is writing…',
    best: 'best',
    worst: 'worst',
    answer: (letter: string) => `Answer ${letter}`,
    up: (letter: string) => `Move answer ${letter} up`,
    down: (letter: string) => `Move answer ${letter} down`,
    tie: (letter: string) => `Answer ${letter}: as good as the one above`,
    untie: (letter: string) => `Answer ${letter}: not as good as the one above`,
    stop: (letter: string) => `Stop answer ${letter} here`,
    edit: (letter: string) => `Fix answer ${letter}`,
    editLabel: (letter: string) => `Answer ${letter}, as it should be`,
    editCancel: 'Cancel the change',
    editEmpty: 'Your version is empty. Write the better answer, or cancel the change.',
    editUnchanged: 'Your version is the same as the answer. Change it, or cancel the change.',
    editSame: (item: number) => `Your version is the same as answer ${letter(item)}. Rank that one best instead.`,
    noneGood: 'None is good: write it',
    write: 'The answer you would send',
    storedEdit: (count: number) => `Stored with your version, which counts as better than all of them. ${plural(count, 'ranking', 'rankings')}.`,
    allTied: 'Everything is tied, so there is nothing to learn from the order. Say that all are good or all are bad, fix one, or skip.',
    onlyOne: 'There is only one answer, so there is no order. Fix it, or skip.',
    chosen: (drawn: number, shown: number) =>
      `Chosen among ${drawn} answers: ${shown} that differ and end, without words that no story has.`,
    fewer: 'The model wrote the same answer more than once. Only those that differ are shown.',
    showInstead: 'The model cannot do this yet. Writing two examples in step 2 teaches it more than further rankings.',
    toShow: 'Write two examples',
    allGood: 'All are good',
    allBad: 'All are bad',
    storedAll: {
      all_good: 'Stored: all are good. Methods that learn from single answers (KTO) use it.',
      all_bad: 'Stored: all are bad. Methods that learn from single answers (KTO) use it.',
    },
    places: 'What counts',
    placesOf: (places: number | null) => (places === null ? 'the whole order' : places === 1 ? 'only the best' : `only the best ${places === 2 ? 'two' : places}`),
    flag: 'Something is wrong with it',
    flags: byName({ nonsense: 'nonsense', harmful: 'harmful', off_topic: 'off topic', other: 'something else' }),
    why: 'Why? (optional)',
    drag: 'Drag to rank',
    moved: (letter: string, rank: number, total: number, tied: boolean) =>
      `Answer ${letter} is ${tied ? 'tied at' : 'at'} rank ${rank} of ${total}.`,
    stored: (count: number) => `Stored. ${plural(count, 'ranking', 'rankings')}.`,
    keys: 'Keys: ↑ ↓ move the focused answer, 1–4 set its rank, T ties it with the one above, Enter stores.',
    board: 'Answers, best first',
    chart: 'Rankings so far',
    sources: {
      person: 'by you',
      simulated: 'SIMULATED',
      pack: 'from a pack',
      import: 'imported',
    } satisfies Record<RankingSource, string>,
    none: 'None yet.',
    moreTitle: 'No time to rank?',
    simulate: (count: number) => `Let a simulated labeler rank ${count} for me`,
    simulating: (done: number, count: number) => `Sampling and ranking: ${done} of ${count}`,
    simulatedDone: (count: number, title: string) => `${count} rankings by the simulated labeler “${title}” were stored.`,
    simulatedNote: 'SIMULATED: a fixed rule ranks, not a person.',
    labeler: 'Labeler',
    rule: 'Its rule:',
    packLabel: 'Ready-made rankings',
    packs: {
      kind_endings: 'Kind endings',
      short_and_clear: 'Short and clear',
      dialogue: 'Lively dialogue',
    },
    loadPack: 'Load this pack',
    packLoaded: (count: number) => `${count} rankings were added from the pack.`,
    imported: (count: number) => `${plural(count, 'ranking was', 'rankings were')} imported.`,
    leftOut: (count: number, reason: string) =>
      ` ${plural(count, 'ranking was', 'rankings were')} left out, since nothing can be learnt from ${count === 1 ? 'it' : 'them'} (${reason}).`,
    thisRanking: 'this ranking',
    unusable: (reason: string) => `Nothing can be learnt from this ranking: ${reason}. Change it, or skip.`,
    emptyFile: (name: string) => `${name} holds no ranking.`,
    tooFewPreferences: (found: number, count: number) =>
      `The rule tied all answers to most prompts; it found a preference for ${found} of the ${count} wanted.`,
    badFile: (reason: string) => `${reason}. Nothing was imported.`,
    exportButton: 'Export rankings (JSONL)',
    readingFile: 'Reading the file…',
    storing: (done: number, total: number) => `Storing ${count(done)} of ${count(total)} rankings…`,
    damaged: (rankings: number) => plural(rankings, 'ranking', 'rankings'),
    importButton: 'Import rankings',
    clear: 'Remove all rankings',
    clearSure: 'Really remove all rankings',
  },

  example: {
    label: 'Example',
    note: 'Written for this page, to try ranking at once. Nothing here is stored.',
    heading: 'Which answer do you like best?',
    done: 'That is all you do. The model learns from choices like this one.',
    next: 'Next example',
    submit: 'This is my order',
  },

  reward: {
    title: 'Reward',
    heading: 'A second model learns your taste',
    text:
      'The reward model reads a request and an answer and gives one number: how much you would like it. It is trained on pairs ' +
      'from your rankings, to score the better answer higher. Some rankings are kept back to test it on pairs it has not seen.',
    button: 'Train the reward model',
    again: 'Train it again',
    whose: { person: 'as you did', simulated: 'as the SIMULATED labeler did', mixed: 'as the rankings do' },
    metric: (whose: string) => `of held-out pairs ordered ${whose}`,
    metricCounted: (pairs: number, whose: string, low: string, high: string) =>
      `of ${pairs} held-out pairs ordered ${whose}; 95% interval ${low} to ${high}`,
    metricSoFar: (whose: string) => `of the latest training pairs ordered ${whose}`,
    metricTrain: (whose: string) => `of training pairs ordered ${whose}; too few rankings to hold any back`,
    chart: 'Loss and accuracy',
    noChart: 'The curves appear while it trains. A coin would get half of the pairs right.',
    basis: (count: number) => `Trained on ${plural(count, 'ranking', 'rankings')}.`,
    stale: 'There are other rankings now; train again to use them.',
    lastTitle: 'The last ranking, as the reward model sees it',
    rankColumn: { person: 'Your rank', simulated: 'SIMULATED rank', pack: 'Pack’s rank', import: 'Rank' } satisfies Record<RankingSource, string>,
    answerColumn: 'Answer',
    scoreColumn: 'Score',
  },

  tune: {
    title: 'Tune',
    kicker: (name: string) => `Tune: ${name}`,
    method: 'Method',
    kinds: {
      rewards: {
        heading: 'Practice, on a leash',
        text: (name) =>
          `The model writes answers, the reward model scores them, and ${name} makes high-scoring answers a little likelier, again and ` +
          'again. The leash is the KL divergence: it measures how far the model has moved from step 2, and every step away has a ' +
          'price. Without it the model finds nonsense that the reward model happens to love.',
        needs: 'Needs a reward model.',
      },
      rankings: {
        heading: 'Straight from your rankings',
        text: (name) =>
          `No reward model and no practice: ${name} trains the model on the rankings of step 3 themselves. That is quick. ` +
          'But it learns only from answers that were ranked, never from those that it would write now.',
        needs: 'Needs rankings only.',
      },
      best_of: {
        heading: 'Choose instead of training',
        text: () =>
          `The instruct model stays as it is. It writes ${sizes.bestOf} answers to each request, and the one that the reward model likes best ` +
          `is given. Every answer costs ${sizes.bestOf} times the work. What it gains is what the other methods have to beat.`,
        needs: 'Needs a reward model.',
      },
    } satisfies Record<Kind, { heading: string; text: (name: string) => string; needs: string }>,
    button: (name: string) => `Start ${name}`,
    again: (name: string) => `Start ${name} again`,
    toCompare: 'Go to the comparison',
    tunedBy: (name: string) => `The tuned model at hand was trained with ${name}.`,
    curvesOf: (name: string) => `The numbers and curves are those of the last run, with ${name}.`,
    metric: 'mean reward of the latest answers',
    metricBestOf: 'answers to choose from',
    effort: 'How long, in answers',
    efforts: { quick: 'Quick', normal: 'Normal', long: 'Long' },
    leash: 'Leash',
    leashes: { loose: 'Loose', normal: 'Normal', tight: 'Tight' },
    charts: {
      reward: 'Reward',
      kl: 'KL: distance from step 2',
      length: 'Answer length in tokens',
      gold: 'SIMULATED labeler’s own score, which training never sees',
      loss: 'Loss and accuracy',
      margins: 'Margin: how clearly it prefers the better answer',
    },
    noChart: 'The curves appear after the first step.',
    noTraining: 'No training, no curve. Step 6 shows whether choosing is enough.',
    completions: 'What it writes now',
    noCompletions: 'Its answers appear here while it practises.',
    completionNumbers: (score: string, kl: string) => `reward ${score} · KL ${kl}`,
    leashLabel: (kl: string) => `The tuned model is ${kl} nats of KL away from the instruct model.`,
    visible: 'Training goes on when you switch tabs.',
  },

  /** The options of a method in step 5; their names and what they mean come from the trainer. */
  options: {
    title: (name: string) => `Options of ${name}`,
    changed: (count: number) => `${count} changed`,
    intro: 'Changed options are sent with the next run; a reload keeps them. The rest is what the trainer or this page takes.',
    preset: 'Published recipe',
    noPreset: 'None: Nudge’s own',
    presetOf: (source: string) => `From ${source}. It brings its own leash; how long stays your choice.`,
    given: {
      trainer: (value: string) => `default: ${value}`,
      preset: (value: string) => `recipe: ${value}`,
      effort: (value: string) => `“How long”: ${value}`,
      leash: (value: string) => `“Leash”: ${value}`,
      page: (value: string) => `this page: ${value}`,
    },
    nothing: 'nothing',
    yes: 'yes',
    no: 'no',
    restore: (name: string, value: string) => `Restore ${name}: ${value}`,
    restoreAll: 'Restore all',
    slider: (name: string) => `${name}, slider`,
    notWhole: 'It must be a whole number.',
    outside: (range: string) => `It must be ${range}.`,
  },

  compare: {
    title: 'Compare',
    heading: 'Did it work? Judge blind',
    text:
      'Both models answer requests that none of them was trained on. You see two answers without names, in random order, and say ' +
      'which is better. Only then the page tells which was which. Few judgements leave much room for luck: look at the interval.',
    button: 'Start the blind test',
    again: 'Start a new blind test',
    bestOf: `Instruct, best of ${sizes.bestOf}`,
    tunedWith: (method: string) => `Tuned with ${method}`,
    versus: (contender: string) => `${contender}, against`,
    versusNames: { sft: 'Instruct (before tuning)', base: 'Base (before everything)' },
    contest: (contender: string, versus: string) => `${contender}, against ${versus}`,
    metric: (contender: string) => `win rate of ${contender}, ties counting half`,
    left: 'The first is better',
    right: 'The second is better',
    tie: 'Equally good',
    sides: { left: 'First', right: 'Second' },
    progress: (done: number, total: number) => `Pair ${done} of ${total}`,
    keys: 'Keys: ← first, → second, ↓ equally good; 1 and 2 tick what you would use.',
    usable: 'I would use this as it is',
    used: 'you would use it',
    usableHow: 'Tick each answer that is good enough to use. Then say which is better.',
    usableChart: 'Good enough to use, with 95% intervals',
    usableOf: (yes: number, of: number) => `${yes} of ${of}`,
    metricUsable: (contender: string) => `of the answers of ${contender} are good enough to use`,
    writing: 'Both models are writing…',
    reveal: 'Reveal now',
    revealed: 'What you preferred',
    chart: 'Win rate with its 95% interval',
    interval: (rate: string, low: string, high: string) => `${rate}, 95% interval ${low} to ${high}`,
    counts: (wins: number, ties: number, losses: number) =>
      `${plural(wins, 'win', 'wins')}, ${plural(ties, 'tie', 'ties')}, ${plural(losses, 'loss', 'losses')}`,
    coin: 'a coin',
    noChart: 'The win rate appears after the test.',
    simulate: (count: number) => `Let the simulated labeler judge ${count} held-out prompts`,
    simulating: 'The simulated labeler is judging…',
    you: 'You',
    simulatedBy: (title: string) => `SIMULATED: ${title}`,
    picked: 'you preferred this',
    tied: 'you saw no difference',
  },

  data: {
    title: 'Your models and your data',
    text: 'Rankings, models and checkpoints are kept in this browser only.',
    exportModel: (name: string) => `Export ${name} (zip)`,
    exportLog: 'Export training log (JSONL)',
    stored: 'Stored on this device',
    storedLine: (name: string, size: string) => `${name}, ${size}`,
    remove: 'Delete',
    removeSure: 'Really delete it, with its rankings and adapters',
    out: (name: string) => `Take ${name} home`,
    forms: {
      peft: { button: 'PEFT adapter (zip)', how: 'Unzip it; then PeftModel.from_pretrained(base, folder) in Python, or nudge chat --model BASE+FOLDER.' },
      'gguf-adapter': { button: 'GGUF adapter', how: 'llama-cli -m BASE.gguf --lora ADAPTER.gguf; for Ollama, FROM and ADAPTER lines in a Modelfile.' },
      gguf: { button: 'Whole model (GGUF, 8 bits)', how: 'One file with the adapter worked in: llama-cli -m MODEL.gguf, LM Studio, Ollama.' },
    },
    writing: 'Writing it…',
    rankings: 'Rankings leave as JSONL in step 3; nudge reward and nudge dpo read them.',
    importModel: 'Open a model (zip)',
    importOther: 'Open an adapter (zip, or its files)',
    importAs: 'as',
    importPlace: 'Open a language model as',
    imported: (name: string) => `The zip was opened as the ${name} model.`,
    deleteAll: 'Delete all data',
    deleteSure: 'Really delete everything',
    cancel: 'Keep it',
    format:
      'A zip holds a folder in the Hugging Face layout; the nudge command line and the transformers library open it. ' +
      'Rankings are JSONL, one ranking a line.',
  },

  ...ofShow,
  ...ofWorkflows,
  ...ofAddresses,

  dismiss: 'Dismiss',
};
