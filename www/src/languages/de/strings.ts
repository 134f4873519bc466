import type { t as english } from '../../lib/strings';
import { count } from '../../lib/format';
import { sizes } from '../../lib/settings';
import { form, plural } from '../plural';
import type { Translation } from '../texts';
import { ofAddresses } from './address-strings';
import { files, opening } from './opening-strings';
import { ofWorkflows } from './workflow-strings';

const rankings = { one: 'Rangfolge', other: 'Rangfolgen' };

export const t: Translation<typeof english> = {
  title: 'Nudge',
  tagline: 'Bring einem kleinen Sprachmodell bei, was dir gefällt.',
  intro:
    'Du bringst seine Antworten in eine Rangfolge. Ein Reward-Modell lernt daraus deinen Geschmack. Reinforcement Learning stupst das ' +
    'Sprachmodell dann in die Richtung, die du magst, und ein Blindtest zeigt, ob es geklappt hat. So entstand InstructGPT, hier klein ' +
    'genug für diesen Browser-Tab. Das eingebaute Modell kann nur Englisch: Was es schreibt und was man es fragt, bleibt englisch.',
  privacy: 'Alles läuft in diesem Tab. Nichts verlässt ihn.',
  start: 'Mit dem eingebauten Modell beginnen',
  startHint: 'Lädt ein Modell und geht gleich zum Ordnen.',
  startOwn: (name) => `Mit ${name} beginnen`,
  startOwnHint: 'Geht gleich zum Ordnen.',
  starting: 'Wird geladen …',
  skipToContent: 'Zu den Schritten springen',
  stepsLabel: 'Die sechs Schritte',
  lessons: 'Lektionen',
  language: 'Sprache',

  states: { locked: 'gesperrt', open: 'bereit', active: 'läuft', done: 'fertig', doubt: 'fertig, mit Zweifel' },

  files: {
    missing: (url) => `${url} liegt nicht auf diesem Server.`,
    notJson: (line) => `Zeile ${line} ist kein JSON. Jede Zeile muss ein JSON-Objekt enthalten.`,
    ...files,
    beside: 'Es wurde nichts geöffnet. Lass die Datei auf dem Knopf oder dem Feld los, für das sie gedacht ist.',
    refused: 'Der Browser wollte das nicht speichern. Vielleicht fehlt ihm Platz, oder das Fenster ist privat.',
    deleted: 'Die Daten wurden gelöscht.',
  },

  stages: {
    pretrain: 'Pretraining',
    sft: 'Instruction Tuning',
    sample: 'Sampling',
    rank: 'Ordnen',
    reward: 'Training des Reward-Modells',
    tune: 'Tuning',
    best_of: 'Best-of-n',
    compare: 'Vergleich',
    score: 'Bewerten',
    calibrate: 'Kalibrierung',
    review: 'Durchsicht deiner Rangfolgen',
    eval: 'Messung',
  },
  busy: (stage) => `Das Gerät ist beschäftigt (${t.stages[stage]}). Warte, bis es fertig ist, oder halte es vorher an.`,

  model: {
    heading: 'Welches Modell',
    builtIn: 'Eingebautes Geschichtenmodell',
    builtInIs: '2,2 Mio. Parameter, 4 MB, für diese Seite gemacht. Es erzählt kleine Geschichten auf Englisch; der ganze Ablauf dauert Minuten.',
    parameters: (parameters, context) => `${parameters} Parameter, liest ${context} Tokens`,
    change: { story: 'Einen echten Assistenten nehmen', own: 'Modell wechseln' },
    close: 'Schließen',
    intro:
      'Bring einem echten Assistenten deine eigene Arbeit bei. Er wird hier gelesen, in diesem Tab; weder das Modell noch was du schreibst ' +
      'verlässt ihn. Trainiert werden nur kleine Adapter daneben, die du mit nach Hause nehmen kannst.',
    take: 'Nehmen',
    back: 'Dorthin zurück',
    inUse: 'in Gebrauch',
    servedIs: (size) => `${size} von dieser Website, einmal. Danach bleibt es in diesem Browser.`,
    disk: 'Von deiner Festplatte',
    diskIs: 'Eine .gguf-Datei von llama.cpp (von einer geteilten alle Teile zugleich), ein Modellordner oder sein Zip: Llama, Mistral, Qwen 2 und 3, SmolLM2 und 3, Gemma 3. Du kannst sie hierher ziehen.',
    file: 'Datei wählen',
    folder: 'Ordner wählen',
    keptIs: (size) => `${size}, auf diesem Gerät gespeichert.`,
    apart: 'Jedes Modell hat einen eigenen Workflow: Rangfolgen und Adapter verschiedener Modelle werden nie vermischt.',
    notKept: 'Dieser Browser hat das Modell nicht gespeichert. Es funktioniert, bis der Tab geschlossen wird; Rangfolgen und Adapter sind gespeichert.',
  },

  opening: {
    ...opening,
    refused: (name, reason) => `${name} ließ sich nicht öffnen: ${reason.replace(/\.$/, '')}. Nichts hat sich geändert.`,
    otherBytes: (name) => `${name} kam mit anderen Bytes, als diese Website ankündigt`,
    adapter: 'Es ist ein Adapter. Öffne zuerst sein Basismodell, dann den Adapter unten auf der Seite',
    reward: 'Es ist ein Reward-Modell. Öffne es unten auf der Seite',
    fetching: (loaded, total) => `${loaded} von ${total} werden geholt …`,
    reading: 'Wird gelesen und geprüft …',
    probing: 'Es wird gemessen, wie schnell es hier ist …',
    keeping: 'Wird auf diesem Gerät gespeichert …',
    needs: (answering, training) => ` Es braucht etwa ${answering} Speicher zum Antworten, ${training} zum Trainieren.`,
  },

  outlook: {
    memory: (answering, training) => `Etwa ${answering} Speicher zum Antworten, ${training} zum Trainieren.`,
    room: (room) => ` Dieses Gerät scheint ${room} dafür zu haben.`,
    time: (answer, step, whole) =>
      ` Eine Antwort dauert hier etwa ${answer}, ein Schritt des Tunings ${step} und der ganze Ablauf ${whole}, deine eigene Zeit nicht gerechnet.`,
    lacks: { memory: 'Das ist mehr Speicher, als dieses Gerät zu haben scheint.', time: 'Das ist langsam.' },
    smaller: 'Ein kleineres Modell, etwa eines mit 135 Mio. Parametern, oder dasselbe mit weniger Bits braucht weniger.',
    take: 'Trotzdem nehmen',
    leave: 'Lassen',
    left: 'Du hast es gelassen',
  },

  talk: {
    open: 'Mit ihm reden',
    title: 'Mit ihm reden',
    about: 'Dieselbe Frage an das Modell vorher und nachher. Nichts davon wird gespeichert.',
    label: 'Deine Nachricht',
    send: 'Fragen',
    writing: 'Schreibt …',
    none: 'Die Antworten erscheinen hier, nebeneinander.',
    noTuned: 'Es gibt noch kein getuntes Modell: Dies ist das, von dem du ausgehst.',
    close: 'Schließen',
    sides: ['Das eine', 'Das andere'],
    strength: (strength) =>
      `Stärke des Adapters: ${strength === 0 ? 'keine' : strength === 1 ? 'wie trainiert' : `${strength.toLocaleString('de')}-fach`}`,
    fixed: (prompts) => `${count(prompts)} zurückgehaltene Prompts fragen`,
  },

  prompts: {
    title: 'Prompts',
    summary: (name, train, heldOut) => `Prompts: ${name}, ${train} zum Lernen und ${heldOut} für Schritt 6 zurückgehalten`,
    starter: 'Startsatz',
    own: 'Eigene mitbringen',
    paste: 'Prompts einfügen oder eine Datei hierher ziehen: Text, CSV oder JSONL',
    pasted: 'eingefügt',
    file: 'Datei wählen',
    task: 'Auftrag hinter jedem (wenn du magst)',
    taskExample: 'Schreib unsere Antwort an diesen Kunden.',
    column: 'Der Prompt steht in der Spalte',
    cut: 'Jeder Prompt ist',
    cuts: { lines: 'eine Zeile', paragraphs: 'ein Absatz, bis zur nächsten Leerzeile', rules: 'was zwischen Zeilen mit --- steht' },
    first: 'Der erste davon',
    found: (found) => `${plural(found, { one: 'Prompt', other: 'Prompts' })} gefunden.`,
    leftOut: (left, reason) => ` ${count(left)} ausgelassen (${reason}).`,
    few: 'Es müssen mindestens acht sein, damit sich einige zurückhalten lassen.',
    use: (prompts) => `Diese ${count(prompts)} Prompts benutzen`,
    used: (train, heldOut) => `Ab jetzt werden ${train} Prompts gefragt; ${heldOut} sind für Schritt 6 zurückgehalten.`,
    drop: 'Zurück zum Startsatz',
    length: 'Längste Antwort',
    lengths: (tokens) => `${count(tokens)} Tokens, etwa ${count(tokens * 0.75)} Wörter`,
  },

  theme: { label: 'Farben', auto: 'Auto', light: 'Hell', dark: 'Dunkel' },

  models: {
    base: 'Basis',
    sft: 'Instruct',
    reward: 'Reward',
    policy: 'Getunt',
    asItCame: 'Wie es kam',
    parameters: 'Parameter',
  },

  methods: {
    ppo: {
      name: 'PPO',
      does: 'Ein Wertmodell schätzt, wie jede Antwort ausgehen wird, und Wörter, die besser abschneiden als geschätzt, werden wahrscheinlicher.',
    },
    grpo: {
      name: 'GRPO',
      does: 'Schreibt acht Antworten auf jede Anfrage und misst jede an der ganzen Gruppe, sodass kein Wertmodell schätzen muss.',
    },
    rloo: {
      name: 'RLOO',
      does: 'Schreibt vier Antworten auf jede Anfrage und misst jede am Mittel der drei anderen.',
    },
    reinforce: {
      name: 'REINFORCE',
      does: 'Die älteste und schlichteste: misst jede Antwort am Mittel aller früheren Rewards.',
    },
    dpo: {
      name: 'DPO',
      does: 'Macht die bessere Antwort jedes Paars wahrscheinlicher und die schlechtere unwahrscheinlicher, gemessen ab Schritt 2.',
    },
    kto: {
      name: 'KTO',
      does: 'Nimmt jede Antwort für sich als gut oder schlecht und macht die guten wahrscheinlicher, gemessen ab Schritt 2.',
    },
    orpo: {
      name: 'ORPO',
      does: 'Ahmt die besseren Antworten nach und benachteiligt zugleich die schlechteren, ohne auf Schritt 2 zurückzuschauen.',
    },
    simpo: {
      name: 'SimPO',
      does: 'Macht die bessere Antwort jedes Paars Wort für Wort wahrscheinlicher, mit einem Mindestabstand, ohne auf Schritt 2 zurückzuschauen.',
    },
    online_dpo: {
      name: 'Online-DPO',
      does: 'Schreibt zwei Antworten auf jede Anfrage, lässt das Reward-Modell wählen und lernt aus diesem Paar wie DPO.',
    },
    raft: {
      name: 'RAFT',
      does: 'Schreibt mehrere Antworten auf jede Anfrage, lässt das Reward-Modell die beste wählen und ahmt sie nach: Best-of-n, einmal gelernt.',
    },
    best_of: {
      name: `Beste von ${sizes.bestOf}`,
      does: `Nichts wird trainiert: In Schritt 6 schreibt das Instruct-Modell ${sizes.bestOf} Antworten, und das Reward-Modell sucht eine aus.`,
    },
  },

  metrics: {
    loss: 'Loss',
    accuracy: 'Trefferquote im Training',
    eval_accuracy: 'Trefferquote, zurückgehaltene Paare',
    'objective/scores': 'Reward',
    'objective/gold_score': 'Score des Bewerters selbst',
    'objective/kl': 'KL',
    'completions/mean_length': 'Länge der Antworten',
    'rewards/margins': 'Abstand',
    'rewards/accuracies': 'Trefferquote im Training',
    'eval_rewards/accuracies': 'Trefferquote, zurückgehaltene Paare',
  },
  help: {
    about: (label) => `Was „${label}“ bedeutet`,
    healthy: 'Gesund:',
    act: 'Sonst:',
  },

  device: {
    label: 'Gerät',
    choices: { auto: 'Auto', webgpu: 'WebGPU', cpu: 'CPU' },
    starting: 'Der Trainer wird gestartet …',
    loading: (loaded, total) => (total ? `Der Trainer wird geladen: ${loaded} von ${total}` : `Der Trainer wird geladen: ${loaded}`),
    preparing: (gpu) => `WebGPU wird vorbereitet${gpu && ` (${gpu})`}: Programme werden übersetzt und mit der CPU verglichen …`,
    runsOn: (name) => `Läuft auf ${name}`,
    reasons: {
      chosen: 'wie du gewählt hast',
      found: 'gefunden und geprüft',
      no_webgpu: 'dieser Browser hat kein WebGPU',
      no_adapter: 'der Browser bietet keine GPU an',
      fallback_adapter: 'die einzige angebotene GPU ist emuliert und langsamer als die CPU',
      no_timestamp_query: 'der GPU fehlen Zeitstempel',
      self_check_failed: 'die GPU hat anders gerechnet als die CPU',
      create_failed: 'die GPU ließ sich nicht starten',
      crashed: 'die GPU arbeitet nicht mehr',
      restarted: 'es blieb stehen und wurde neu gestartet',
    },
    passed: (checks) => `${plural(checks, { one: 'Prüfung', other: 'Prüfungen' })} bestanden`,
    check: { webgpu: 'GPU-Prüfung', cpu: 'CPU-Prüfung' },
    checkAll: 'Alle Prüfungen ausführen',
    checking: 'Wird geprüft …',
    columns: { name: 'Prüfung', value: 'Abweichung', limit: 'Höchstens' },
    notANumber: 'keine Zahl',
    changed: 'Das Gerät wurde gewechselt.',
    losses: {
      trap: 'der Trainer brach mitten in einer Rechnung ab',
      gpu: 'die GPU ging verloren',
      memory: 'der Speicher dieses Tabs war voll',
      silence: 'das Gerät antwortete nicht',
      load: 'der Trainer ließ sich nicht laden',
    },
    detail: (words) => `: ${words}`,
    fellBack: (message) =>
      `Der Trainer blieb stehen (${message}). Er wurde mit deinen Modellen auf der CPU neu gestartet. Deine Rangfolgen sind sicher; ein Training geht ab seinem letzten Checkpoint weiter.`,
    silent: 'Der Trainer hat seit vier Minuten nicht geantwortet.',
    useCpu: 'Auf der CPU neu starten',
    failed: (message) => `Der Trainer ließ sich nicht starten: ${message}`,
  },

  needs: {
    trainer: 'Der Trainer läuft nicht, siehe oben auf der Seite.',
    base: 'Wartet auf das Basismodell.',
    sft: 'Braucht ein Instruct-Modell: Nimm oder trainiere eines in Schritt 2.',
    rankings: (needed, have) => `Braucht mindestens ${needed} Rangfolgen aus Schritt 3; bisher ${form(have, { one: 'ist', other: 'sind' })} es ${have}.`,
    reward: 'Braucht ein Reward-Modell: Trainiere eines in Schritt 4.',
    policy: 'Braucht ein getuntes Modell: Trainiere eines in Schritt 5 oder öffne unten ein Zip.',
  },

  run: {
    pause: 'Pause',
    pausing: 'Pause nach diesem Schritt …',
    continue: 'Training fortsetzen',
    stop: 'Abbrechen',
    discard: 'Verwerfen',
    step: (step, total) => `Schritt ${step} von ${total}`,
    left: (time) => `noch etwa ${time}`,
    savedAt: (step) => `Checkpoint bei Schritt ${step}`,
    pausedAt: (step, total) => `Pause bei Schritt ${step} von ${total}. Der Checkpoint ist in diesem Browser gespeichert.`,
    pausedBefore: 'Vor dem ersten Checkpoint abgebrochen. Die Einstellungen sind in diesem Browser gespeichert; es beginnt von vorn.',
    first: (time) => `der erste Schritt läuft, seit ${time}`,
    heldAt: (step, total) => `Pause bei Schritt ${step} von ${total}. Der Checkpoint ließ sich nicht speichern: Er liegt im Speicher dieses Tabs und ist weg, wenn du ihn schließt.`,
    checkpointBroken: (reason) => `Der letzte Checkpoint ist unbrauchbar (${reason}); der davor wird benutzt.`,
    awake: 'Bildschirm während des Trainings anlassen',
    stopped: 'Abgebrochen. Nichts wurde geändert.',
    outdated: (stage, step, total) =>
      `Ein unfertiger Lauf (${stage}, Schritt ${step} von ${total}) stammt von einer früheren Version dieser Seite und lässt sich mit dieser nicht fortsetzen. Starte ihn neu.`,
    progress: 'Fortschritt',
    announce: (name, quarter) => `${name}: ${quarter * 25} % fertig`,
  },

  base: {
    title: 'Basis',
    heading: 'Ein Modell, das nur weiterschreibt',
    text:
      'Dieses Modell hat englische Kindergeschichten gelesen und kaum etwas sonst. Es hat eines gelernt: welches Wort als Nächstes kommt. ' +
      'Stell ihm eine Frage, und es antwortet nicht; es schreibt weiter, als wäre deine Frage die erste Zeile einer Geschichte.',
    button: 'Meinen Text fortsetzen',
    working: 'Schreibt …',
    promptLabel: 'Ein Anfang, auf Englisch',
    prompt: 'Once upon a time, a little fox found a key.',
    metric: 'Parameter, jeder eine Zahl, die das Training festgelegt hat',
    chart: 'Loss während des Trainings',
    noChart: 'Dieses Modell kam ohne das Protokoll seines Trainings.',
    fetching: (loaded, total) => `Das Modell wird geholt: ${loaded}${total ? ` von ${total}` : ''}`,
    missing: 'Das eingebaute Modell liegt nicht auf diesem Server. Leg eines unter model/base ab oder öffne unten auf der Seite ein gezipptes Modell.',
    empty: 'Hier erscheint die Fortsetzung, Wort für Wort.',
    assistant: {
      heading: 'Ein Assistent, wie er kam',
      text: (name) =>
        `${name} hat einen guten Teil des Internets gelesen und gelernt zu antworten. Dich kennt es nicht, und auch nicht die Arbeit, die du ` +
        'getan haben willst. Frag es etwas, um zu sehen, wovon du ausgehst.',
      button: 'Fragen',
      promptLabel: 'Deine Nachricht',
      empty: 'Hier erscheint die Antwort, Wort für Wort.',
    },
    own: {
      heading: 'Ein Modell, das nur weiterschreibt',
      text: (name) =>
        `${name} hat keine Chat-Vorlage: Es schreibt weiter, wo dein Text endet. Schritt 2 macht daraus einen Assistenten, mit Beispielen von dir.`,
    },
  },

  instruct: {
    title: 'Instruct',
    heading: 'Dasselbe Modell lernt zu antworten',
    text:
      'Jetzt sieht es Beispiele: eine Anfrage und eine gute Antwort. Das Training daran (Supervised Fine-Tuning, SFT) macht aus einem Modell, ' +
      'das weiterschreibt, eines, das antwortet. Es ahmt den Stil der Beispiele nach. Was dir gefällt, weiß es noch nicht.',
    take: 'Eingebautes Instruct-Modell nehmen',
    train: 'Hier an den Beispielen trainieren',
    again: 'Hier neu trainieren',
    own: 'Hier an eigenen Beispielen trainieren',
    ownHint: 'Eine Datei mit Anfragen und Antworten: JSON, JSONL oder CSV im Format von Alpaca, Dolly, ShareGPT oder TRL.',
    emptyFile: (name) => `${name} enthält keine Beispiele.`,
    read: (examples) => `${plural(examples, { one: 'Beispiel', other: 'Beispiele' })} gelesen.`,
    leftOut: (left, reason) => ` ${count(left)} ausgelassen (${reason}).`,
    metric: 'Loss: wie sehr eine gute Antwort es noch überrascht',
    chart: 'Loss an den Beispielen',
    noChart: 'Die Kurve erscheint während des Trainings.',
    promptLabel: 'Frag beide dasselbe, auf Englisch',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Beide fragen',
    empty: 'Noch nicht gefragt.',
    waits: 'Wartet auf das Modell dieses Schritts.',
    assistant: {
      heading: 'Es antwortet schon',
      text:
        'Dieser Schritt ist freiwillig: Das Modell hat schon vorher gelernt zu antworten. Wenn du Beispiele für Anfragen mit guten Antworten ' +
        'hast, trainiere zuerst daran einen Adapter; alles Weitere geht dann davon aus.',
      none: 'Hier ist nichts zu tun, außer du hast Beispiele.',
    },
  },

  rank: {
    title: 'Ordnen',
    heading: 'Du sagst, was besser ist',
    text:
      'Das Modell beantwortet dieselbe Anfrage viermal. Bring die Antworten in deine Reihenfolge, die beste nach oben. Eine richtige gibt es ' +
      'nicht: Was du vorziehst, das lernt es. Etwa dreißig Rangfolgen genügen, um etwas zu merken.',
    metric: (target, have) => (have > target ? `Rangfolgen; ${target} genügen für den Anfang` : `von ${target} Rangfolgen`),
    begin: 'Zeig mir vier Antworten',
    submit: 'Rangfolge speichern',
    skip: 'Auslassen',
    undo: 'Letzte zurücknehmen',
    undone: 'Die letzte Rangfolge wurde zurückgenommen.',
    growing: 'Das Modell schreibt …',
    best: 'beste',
    worst: 'schlechteste',
    answer: (letter) => `Antwort ${letter}`,
    up: (letter) => `Antwort ${letter} nach oben`,
    down: (letter) => `Antwort ${letter} nach unten`,
    tie: (letter) => `Antwort ${letter}: so gut wie die darüber`,
    untie: (letter) => `Antwort ${letter}: nicht so gut wie die darüber`,
    stop: (letter) => `Antwort ${letter} hier abbrechen`,
    allGood: 'Alle sind gut',
    allBad: 'Alle sind schlecht',
    storedAll: {
      all_good: 'Gespeichert: Alle sind gut. Methoden, die aus einzelnen Antworten lernen (KTO), nutzen das.',
      all_bad: 'Gespeichert: Alle sind schlecht. Methoden, die aus einzelnen Antworten lernen (KTO), nutzen das.',
    },
    places: 'Was zählt',
    placesOf: (places) => (places === null ? 'die ganze Reihenfolge' : places === 1 ? 'nur die beste' : `nur die besten ${places === 2 ? 'zwei' : places}`),
    flag: 'Damit stimmt etwas nicht',
    flags: { nonsense: 'Unsinn', harmful: 'schädlich', off_topic: 'am Thema vorbei', other: 'etwas anderes' },
    why: 'Warum? (freiwillig)',
    drag: 'Ziehen zum Ordnen',
    moved: (letter, rank, total, tied) => `Antwort ${letter} ist ${tied ? 'gleichauf auf' : 'auf'} Rang ${rank} von ${total}.`,
    stored: (stored) => `Gespeichert. ${plural(stored, rankings)}.`,
    keys: 'Tasten: ↑ ↓ bewegen die gewählte Antwort, 1–4 setzen ihren Rang, T stellt sie der darüber gleich, Enter speichert.',
    board: 'Antworten, die beste zuerst',
    chart: 'Rangfolgen bisher',
    sources: {
      person: 'von dir',
      simulated: 'SIMULIERT',
      pack: 'aus einem Paket',
      import: 'importiert',
    },
    none: 'Noch keine.',
    moreTitle: 'Keine Zeit zum Ordnen?',
    simulate: (wanted) => `Einen simulierten Bewerter ${count(wanted)}-mal ordnen lassen`,
    simulating: (done, wanted) => `Schreiben und ordnen: ${done} von ${wanted}`,
    simulatedDone: (stored, title) => `${plural(stored, rankings)} des simulierten Bewerters „${title}“ gespeichert.`,
    simulatedNote: 'SIMULIERT: Eine feste Regel ordnet, kein Mensch.',
    labeler: 'Bewerter',
    rule: 'Seine Regel:',
    packLabel: 'Fertige Rangfolgen',
    packs: {
      kind_endings: 'Freundliches Ende',
      short_and_clear: 'Kurz und klar',
      politeness: 'Höflichkeit',
    },
    loadPack: 'Dieses Paket laden',
    packLoaded: (loaded) => `${plural(loaded, rankings)} aus dem Paket dazugenommen.`,
    imported: (loaded) => `${plural(loaded, rankings)} importiert.`,
    leftOut: (left, reason) =>
      ` ${plural(left, rankings)} ausgelassen, weil sich daraus nichts lernen lässt (${reason}).`,
    thisRanking: 'diese Rangfolge',
    unusable: (reason) => `Aus dieser Rangfolge lässt sich nichts lernen: ${reason}. Ändere sie oder lass sie aus.`,
    emptyFile: (name) => `${name} enthält keine Rangfolge.`,
    tooFewPreferences: (found, wanted) =>
      `Die Regel fand bei den meisten Prompts alle Antworten gleich gut; für ${found} von ${wanted} gewünschten fand sie einen Unterschied.`,
    badFile: (reason) => `${reason}. Nichts wurde importiert.`,
    exportButton: 'Rangfolgen exportieren (JSONL)',
    importButton: 'Rangfolgen importieren',
    clear: 'Alle Rangfolgen entfernen',
    clearSure: 'Wirklich alle Rangfolgen entfernen',
  },

  example: {
    label: 'Beispiel',
    note: 'Für diese Seite geschrieben, um das Ordnen gleich zu probieren. Nichts davon wird gespeichert.',
    heading: 'Welche Antwort gefällt dir am besten?',
    done: 'Mehr musst du nicht tun. Aus Entscheidungen wie dieser lernt das Modell.',
    next: 'Nächstes Beispiel',
    submit: 'Das ist meine Reihenfolge',
  },

  reward: {
    title: 'Reward',
    heading: 'Ein zweites Modell lernt deinen Geschmack',
    text:
      'Das Reward-Modell liest eine Anfrage und eine Antwort und gibt eine Zahl: wie gut sie dir gefiele. Es lernt an Paaren aus deinen ' +
      'Rangfolgen, die bessere Antwort höher zu bewerten. Einige Rangfolgen werden zurückgehalten, um es an ungesehenen Paaren zu prüfen.',
    button: 'Reward-Modell trainieren',
    again: 'Neu trainieren',
    whose: { person: 'wie du', simulated: 'wie der SIMULIERTE Bewerter', mixed: 'wie die Rangfolgen' },
    metric: (whose) => `der zurückgehaltenen Paare ordnet es ${whose}`,
    metricCounted: (pairs, whose, low, high) =>
      `von ${count(pairs)} zurückgehaltenen Paaren ordnet es ${whose}; 95-%-Intervall ${low} bis ${high}`,
    metricSoFar: (whose) => `der letzten Trainingspaare ordnet es ${whose}`,
    metricTrain: (whose) => `der Trainingspaare ordnet es ${whose}; zu wenige Rangfolgen, um welche zurückzuhalten`,
    chart: 'Loss und Trefferquote',
    noChart: 'Die Kurven erscheinen während des Trainings. Eine Münze träfe bei der Hälfte der Paare.',
    basis: (basis) => `Trainiert an ${plural(basis, rankings)}.`,
    stale: 'Inzwischen gibt es andere Rangfolgen; trainiere neu, um sie zu nutzen.',
    lastTitle: 'Die letzte Rangfolge, wie das Reward-Modell sie sieht',
    rankColumn: { person: 'Dein Rang', simulated: 'SIMULIERTER Rang', pack: 'Rang im Paket', import: 'Rang' },
    answerColumn: 'Antwort',
    scoreColumn: 'Score',
  },

  tune: {
    title: 'Tuning',
    kicker: (name) => `Tuning: ${name}`,
    method: 'Methode',
    kinds: {
      rewards: {
        heading: 'Üben, an der Leine',
        text: (name) =>
          `Das Modell schreibt Antworten, das Reward-Modell bewertet sie, und ${name} macht hoch bewertete ein wenig wahrscheinlicher, immer ` +
          'wieder. Die Leine ist die KL-Divergenz: Sie misst, wie weit sich das Modell von Schritt 2 entfernt hat, und jeder Schritt weg kostet ' +
          'etwas. Ohne sie findet das Modell Unsinn, den das Reward-Modell zufällig liebt.',
        needs: 'Braucht ein Reward-Modell.',
      },
      rankings: {
        heading: 'Direkt aus deinen Rangfolgen',
        text: (name) =>
          `Kein Reward-Modell, kein Üben: ${name} trainiert das Modell an den Rangfolgen aus Schritt 3 selbst. Das geht schnell. ` +
          'Aber es lernt nur aus Antworten, die geordnet wurden, nie aus denen, die es jetzt schreiben würde.',
        needs: 'Braucht nur Rangfolgen.',
      },
      best_of: {
        heading: 'Auswählen statt trainieren',
        text: () =>
          `Das Instruct-Modell bleibt, wie es ist. Es schreibt ${sizes.bestOf} Antworten auf jede Anfrage, und die, die dem Reward-Modell am ` +
          `besten gefällt, wird gegeben. Jede Antwort kostet das ${sizes.bestOf}-Fache. Was das bringt, müssen die anderen Methoden übertreffen.`,
        needs: 'Braucht ein Reward-Modell.',
      },
    },
    button: (name) => `${name} starten`,
    again: (name) => `${name} neu starten`,
    toCompare: 'Zum Vergleich',
    tunedBy: (name) => `Das vorliegende getunte Modell wurde mit ${name} trainiert.`,
    curvesOf: (name) => `Zahlen und Kurven stammen vom letzten Lauf, mit ${name}.`,
    metric: 'mittlerer Reward der letzten Antworten',
    metricBestOf: 'Antworten zur Auswahl',
    effort: 'Wie lange, in Antworten',
    efforts: { quick: 'Kurz', normal: 'Normal', long: 'Lang' },
    leash: 'Leine',
    leashes: { loose: 'Locker', normal: 'Normal', tight: 'Straff' },
    charts: {
      reward: 'Reward',
      kl: 'KL: Abstand von Schritt 2',
      length: 'Länge der Antworten in Tokens',
      gold: 'Score des SIMULIERTEN Bewerters selbst, den das Training nie sieht',
      loss: 'Loss und Trefferquote',
      margins: 'Abstand: wie deutlich es die bessere Antwort vorzieht',
    },
    noChart: 'Die Kurven erscheinen nach dem ersten Schritt.',
    noTraining: 'Kein Training, keine Kurve. Schritt 6 zeigt, ob Auswählen genügt.',
    completions: 'Was es jetzt schreibt',
    noCompletions: 'Hier erscheinen seine Antworten, während es übt.',
    completionNumbers: (score, kl) => `Reward ${score} · KL ${kl}`,
    leashLabel: (kl) => `Das getunte Modell ist ${kl} Nats KL vom Instruct-Modell entfernt.`,
    visible: 'Das Training geht weiter, wenn du den Tab wechselst.',
  },

  options: {
    title: (name) => `Optionen von ${name}`,
    changed: (changed) => `${count(changed)} geändert`,
    intro: 'Geänderte Optionen gelten für den nächsten Lauf und bleiben nach dem Neuladen. Den Rest bestimmt der Trainer oder diese Seite.',
    preset: 'Veröffentlichtes Rezept',
    noPreset: 'Keines: wie Nudge',
    presetOf: (source) => `Aus: ${source}. Es bringt seine eigene Leine mit; wie lange, bleibt deine Wahl.`,
    given: {
      trainer: (value) => `Standard: ${value}`,
      preset: (value) => `Rezept: ${value}`,
      effort: (value) => `„Wie lange“: ${value}`,
      leash: (value) => `„Leine“: ${value}`,
      page: (value) => `diese Seite: ${value}`,
    },
    nothing: 'nichts',
    yes: 'ja',
    no: 'nein',
    restore: (name, value) => `${name} zurücksetzen: ${value}`,
    restoreAll: 'Alle zurücksetzen',
    slider: (name) => `${name}, Regler`,
    notWhole: 'Es muss eine ganze Zahl sein.',
    outside: (range) => `Erlaubt ist: ${range}.`,
  },

  compare: {
    title: 'Vergleich',
    heading: 'Hat es geklappt? Urteile blind',
    text:
      'Beide Modelle beantworten Anfragen, an denen keines von ihnen trainiert wurde. Du siehst zwei Antworten ohne Namen, in zufälliger ' +
      'Reihenfolge, und sagst, welche besser ist. Erst dann verrät die Seite, welche welche war. Bei wenigen Urteilen hat der Zufall viel Raum: ' +
      'Schau auf das Intervall.',
    button: 'Blindtest starten',
    again: 'Neuen Blindtest starten',
    bestOf: `Instruct, Beste von ${sizes.bestOf}`,
    tunedWith: (method) => `Getunt mit ${method}`,
    versus: (contender) => `${contender}, gegen`,
    versusNames: { sft: 'Instruct (vor dem Tuning)', base: 'Basis (vor allem anderen)' },
    contest: (contender, versus) => `${contender}, gegen ${versus}`,
    metric: (contender) => `Siegquote von ${contender}, Unentschieden zählen halb`,
    left: 'Links ist besser',
    right: 'Rechts ist besser',
    tie: 'Gleich gut',
    sides: { left: 'Links', right: 'Rechts' },
    progress: (done, total) => `Paar ${done} von ${total}`,
    keys: 'Tasten: ← links, → rechts, ↓ gleich gut.',
    writing: 'Beide Modelle schreiben …',
    reveal: 'Jetzt aufdecken',
    revealed: 'Was du vorgezogen hast',
    chart: 'Siegquote mit 95-%-Intervall',
    interval: (rate, low, high) => `${rate}, 95-%-Intervall ${low} bis ${high}`,
    counts: (wins, ties, losses) =>
      `${plural(wins, { one: 'Sieg', other: 'Siege' })}, ${count(ties)} unentschieden, ${plural(losses, { one: 'Niederlage', other: 'Niederlagen' })}`,
    coin: 'eine Münze',
    noChart: 'Die Siegquote erscheint nach dem Test.',
    simulate: (prompts) => `Den simulierten Bewerter ${count(prompts)} zurückgehaltene Prompts beurteilen lassen`,
    simulating: 'Der simulierte Bewerter urteilt …',
    you: 'Du',
    simulatedBy: (title) => `SIMULIERT: ${title}`,
    picked: 'das hast du vorgezogen',
    tied: 'du sahst keinen Unterschied',
  },

  data: {
    title: 'Deine Modelle und deine Daten',
    text: 'Rangfolgen, Modelle und Checkpoints liegen nur in diesem Browser.',
    exportModel: (name) => `${name} exportieren (Zip)`,
    exportLog: 'Trainingsprotokoll exportieren (JSONL)',
    stored: 'Auf diesem Gerät gespeichert',
    storedLine: (name, size) => `${name}, ${size}`,
    remove: 'Löschen',
    removeSure: 'Wirklich löschen, mit Rangfolgen und Adaptern',
    out: (name) => `${name} mit nach Hause nehmen`,
    forms: {
      peft: { button: 'PEFT-Adapter (Zip)', how: 'Entpacken; dann PeftModel.from_pretrained(base, folder) in Python oder nudge chat --model BASIS+ORDNER.' },
      'gguf-adapter': { button: 'GGUF-Adapter', how: 'llama-cli -m BASIS.gguf --lora ADAPTER.gguf; für Ollama die Zeilen FROM und ADAPTER in einem Modelfile.' },
      gguf: { button: 'Ganzes Modell (GGUF, 8 Bit)', how: 'Eine Datei, der Adapter eingearbeitet: llama-cli -m MODELL.gguf, LM Studio, Ollama.' },
    },
    writing: 'Wird geschrieben …',
    rankings: 'Rangfolgen gehen in Schritt 3 als JSONL hinaus; nudge reward und nudge dpo lesen sie.',
    importModel: 'Modell öffnen (Zip)',
    importOther: 'Adapter öffnen (Zip oder seine Dateien)',
    importAs: 'als',
    importPlace: 'Ein Sprachmodell öffnen als',
    imported: (name) => `Das Zip wurde als Modell „${name}“ geöffnet.`,
    deleteAll: 'Alle Daten löschen',
    deleteSure: 'Wirklich alles löschen',
    cancel: 'Behalten',
    format:
      'Ein Zip enthält einen Ordner im Aufbau von Hugging Face; der Befehl nudge und die Bibliothek transformers öffnen ihn. ' +
      'Rangfolgen sind JSONL, eine je Zeile.',
  },

  ...ofWorkflows,
  ...ofAddresses,

  dismiss: 'Schließen',
};
