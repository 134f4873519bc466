import type { quick as english } from '../../lib/quick-strings';
import type { Translation } from '../texts';

export const quick: Translation<typeof english> = {
  title: 'Neunzig Sekunden: Bring ihm einen Geschmack bei',
  about:
    'Such aus, was du magst, ordne fünfmal vier Antworten danach, lass den Rest von einer Regel ordnen, und sieh dieselben Anfragen ' +
    'vorher und nachher beantwortet. Das Modell schreibt nur Englisch.',
  tastes: {
    happier: 'Ich mag es fröhlich: mehr fröhliche Wörter, weniger traurige.',
    shorter: 'Ich mag es kurz: so wenige Wörter wie möglich.',
    mentions_an_animal: 'Ich mag Tiere: In jeder Geschichte soll eines vorkommen.',
    more_dialogue: 'Ich mag es, wenn Leute reden: mehr wörtliche Rede.',
    no_repetition: 'Ich mag Abwechslung: nie zweimal dasselbe sagen.',
  },
  steps: ['Geschmack wählen', 'Fünfmal ordnen', 'Es lernt', 'Ansehen'],
  rank: (done, target) => `Ordne nach diesem Geschmack, unten in Schritt 3: ${done} von ${target}.`,
  toRank: 'Zum Ordnen',
  skip: 'Die Regel alles ordnen lassen',
  fill: (count) => `Die Regel die anderen ${count} ordnen lassen und lernen`,
  simulated: 'SIMULIERT: Eine feste Regel ordnet, kein Mensch.',
  sampling: (done, count) => `Die Regel ordnet: ${done} von ${count}`,
  learning: (step, total) => `Es lernt: Schritt ${step} von ${total}`,
  starting: 'Es lernt: Der erste Schritt läuft',
  judging: (done, count) => `Beide Modelle beantworten, was keines kennt: ${done} von ${count}`,
  stop: 'Anhalten',
  again: 'Anderen Geschmack wählen',
  shorter: (share) => `${share} kürzer: sieh selbst`,
  longer: (share) => `${share} länger: sieh selbst`,
  prefers: (wins, losses, pairs) =>
    `Die Regel zieht bei ${wins} von ${pairs} Anfragen die neue Antwort vor, bei ${losses} die alte: sieh selbst`,
  measured: (rate, low, high) => `Gemessen: eine Siegquote von ${rate}, 95-%-Intervall ${low} bis ${high}. SIMULIERTER Bewerter.`,
  blind: 'Jetzt selbst urteilen, blind',
  looks: 'Ansehen, was es bewirkt hat',
  failed: 'Es kam nicht bis zum Ende. Verloren ist nichts; mach unten in den Schritten weiter.',
};
