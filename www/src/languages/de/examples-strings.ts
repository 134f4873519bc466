import type { ofExamples as english } from '../../lib/examples-strings';
import { count } from '../../lib/format';
import { plural } from '../plural';
import type { Translation } from '../texts';

const beispiele = { one: 'Beispiel', other: 'Beispiele' };

export const ofExamples: Translation<typeof english> = {
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
  own: 'Datei mit Beispielen öffnen',
  ownHint: 'Anfragen mit Antworten: JSON, JSONL, CSV oder TSV im Format von Alpaca, Dolly, ShareGPT oder TRL.',
  read: (examples) => `${plural(examples, beispiele)} hinzugefügt.`,
  leftOut: (left, reason) => ` ${count(left)} ausgelassen (${reason}).`,
};
