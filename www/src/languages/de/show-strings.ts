import type { ofShow as english } from '../../lib/show-strings';
import { count } from '../../lib/format';
import { sizes } from '../../lib/settings';
import { plural } from '../plural';
import type { Translation } from '../texts';

const beispiele = { one: 'Beispiel', other: 'Beispiele' };

export const ofShow: Translation<typeof english> = {
  show: {
    title: 'Zeigen',
    heading: 'Zeig ihm Antworten, die du abschicken würdest',
    text:
      `Nichts lehrt schneller als Beispiele. Beantworte ein paar Anfragen selbst, ${sizes.fewestExamples} bis ${sizes.enoughExamples}, und das Modell ` +
      'lernt, so zu antworten wie du (Supervised Fine-Tuning, SFT). Die späteren Schritte bauen darauf auf.',
    builtIn: {
      heading: 'Dasselbe Modell lernt zu antworten',
      text:
        'Beispiele für eine Anfrage mit einer guten Antwort machen aus einem Modell, das weiterschreibt, eines, das antwortet (Supervised ' +
        'Fine-Tuning, SFT). Nimm das eingebaute Instruct-Modell, das aus fertigen Beispielen gelernt hat. Dann füge eigene Antworten hinzu, wenn du magst.',
    },
    take: 'Eingebautes Instruct-Modell nehmen',
    train: 'Hier an den eingebauten Beispielen trainieren',
    again: 'Hier neu trainieren',
    learn: (examples, edits) =>
      `Aus ${edits > 0 ? `${plural(examples, { one: 'Beispiel', other: 'Beispielen' })} und ${plural(edits, { one: 'Korrektur', other: 'Korrekturen' })}` : plural(examples, { one: 'Beispiel', other: 'Beispielen' })} lernen`,
    forecast: (time) => `Das Lernen dauert hier etwa ${time}.`,
    skip: 'Überspringen: seine eigenen Antworten ordnen',
    skipCost:
      'Du kannst diesen Schritt überspringen, aber das kostet etwas. Ordnen lehrt wenig, solange das Modell die Aufgabe nicht kann: Wo gemessen ' +
      'wurde, hoben 12 Beispiele die Antworten, die eine Regel bestehen, von 0 auf 55 % (Antworten an Kunden) und auf 43 % (Sitzungsnotizen).',
    metricExamples: (examples) =>
      examples >= sizes.fewestExamples ? 'eigene Beispiele' : `von ${sizes.fewestExamples} bis ${sizes.enoughExamples} eigenen Beispielen`,
    short: (examples) => plural(examples, beispiele),
    metric: 'Loss: wie sehr eine gute Antwort es noch überrascht',
    chart: 'Loss an den Beispielen',
    noChart: 'Die Kurve erscheint während des Trainings.',

    write: 'Deine Beispiele',
    request: (number, total) => `Anfrage ${number} von ${total}`,
    ownRequest: 'Deine eigene Anfrage',
    requestLabel: 'Anfrage',
    answerLabel: 'Die Antwort, die du abschicken würdest',
    save: 'Beispiel speichern',
    saved: (examples) => `Gespeichert. ${plural(examples, beispiele)}.`,
    another: 'Andere Anfrage',
    ownInstead: 'Eigene Anfrage schreiben',
    listInstead: 'Zurück zu den vorbereiteten Anfragen',
    askModel: 'Was sagt das Modell heute?',
    asking: 'Das Modell schreibt …',
    draft: 'Dein Entwurf ist gespeichert.',
    noRequest: 'Schreib zuerst die Anfrage.',
    emptyAnswer: 'Dieses Beispiel hat noch keine Antwort. Schreib, was du abschicken würdest.',
    heldOut: 'Diese Anfrage ist für Schritt 6 zurückgehalten. Das Modell würde an dem gemessen, was ihm gezeigt wurde; darum kann sie kein Beispiel sein.',
    tooLong: (reason) => `Dieses Beispiel lässt sich nicht verwenden: ${reason}.`,
    twice: 'Dieses Beispiel steht schon in deiner Liste.',
    one: 'Ein Beispiel genügt, aber es ist wenig. Fünf oder mehr zeigen, was deine Antworten gemeinsam haben.',
    contradict: (requests) =>
      `${plural(requests, { one: 'Anfrage hat', other: 'Anfragen haben' })} in deinen Beispielen verschiedene Antworten. Das Modell lernt eine Mischung daraus. Behalte die, die du abschicken würdest.`,

    howMany: 'Wie viele brauche ich?',
    measuredAs: 'Antworten an Kunden von SmolLM2-135M auf 30 Anfragen, die es nicht kannte: Anteil, der eine Regel besteht, mit 95-%-Intervall. Je ein Lauf.',
    given: {
      examples: (count) => (count === 0 ? 'nichts' : `${count} Beispiele`),
      prompt: (count) => `${count} Beispiele im Prompt, ohne Training`,
      rankings: (count) => `${count} Rangfolgen, ohne Beispiele`,
      edits: (count) => `12 Beispiele, dann ${count} geordnete und verbesserte Antworten`,
    },
    guess: (count, share) =>
      count < 4
        ? `Eine Schätzung für deine: Die ersten vier bringen am meisten. Noch ${4 - count}.`
        : `Eine Schätzung für deine ${count}: etwa ${share}, wenn deine Aufgabe dieser ähnelt. Noch ein Beispiel derselben Art bringt wenig; eines anderer Art oder eine Verbesserung in Schritt 3 bringt mehr.`,

    list: (examples) => `Gespeicherte Beispiele (${count(examples)})`,
    more: (examples) => `und ${count(examples)} weitere`,
    remove: (number) => `Beispiel ${number} löschen`,
    clear: 'Alle Beispiele löschen',
    clearSure: 'Wirklich alle Beispiele löschen',
    export: 'Beispiele exportieren (JSONL)',

    paste: 'Viele auf einmal einfügen oder öffnen',
    pasteLabel: 'Zwei Spalten aus einer Tabelle (Anfrage, Antwort), JSON oder JSONL',
    pasteAdd: 'Diese Beispiele hinzufügen',
    pasted: 'eingefügter Text',
    notTwo: 'Jede Zeile braucht eine Anfrage und eine Antwort mit einem Tabulator dazwischen, wie eine Tabelle sie kopiert. JSON und JSONL gehen auch.',
    own: 'Datei mit Beispielen öffnen',
    ownHint: 'Anfragen mit Antworten: JSON, JSONL, CSV oder TSV im Format von Alpaca, Dolly, ShareGPT oder TRL.',
    emptyFile: (name) => `${name} enthält keine Beispiele.`,
    read: (examples) => `${plural(examples, beispiele)} hinzugefügt.`,
    leftOut: (left, reason) => ` ${count(left)} ausgelassen (${reason}).`,
    isHeldOut: 'die Anfrage ist für Schritt 6 zurückgehalten',
    isTwice: 'es steht schon in deiner Liste',

    promptLabel: 'Frag beide dasselbe, auf Englisch',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Beide fragen',
    empty: 'Noch nicht gefragt.',
    waits: 'Wartet auf das Modell dieses Schritts.',
  },
};
