import type { ofShow as english } from '../../lib/show-strings';
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
    noRequest: 'Schreib zuerst die Anfrage.',
    emptyAnswer: 'Dieses Beispiel hat noch keine Antwort. Schreib, was du abschicken würdest.',
    heldOut: 'Diese Anfrage ist für Schritt 6 zurückgehalten. Das Modell würde an dem gemessen, was ihm gezeigt wurde; darum kann sie kein Beispiel sein.',
    tooLong: (reason) => `Dieses Beispiel lässt sich nicht verwenden: ${reason}.`,
    twice: 'Dieses Beispiel steht schon in deiner Liste.',
    pasted: 'eingefügter Text',
    notTwo: 'Jede Zeile braucht eine Anfrage und eine Antwort mit einem Tabulator dazwischen, wie eine Tabelle sie kopiert. JSON und JSONL gehen auch.',
    emptyFile: (name) => `${name} enthält keine Beispiele.`,
    isHeldOut: 'die Anfrage ist für Schritt 6 zurückgehalten',
    isTwice: 'es steht schon in deiner Liste',

    promptLabel: 'Frag beide dasselbe, auf Englisch',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Beide fragen',
    empty: 'Noch nicht gefragt.',
    waits: 'Wartet auf das Modell dieses Schritts.',
  },
};
