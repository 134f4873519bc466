import type { foretold as english } from '../../lib/foretold-strings';
import type { Translation } from '../texts';

export const foretold: Translation<typeof english> = {
  title: 'Das Reward-Modell bis jetzt',
  help:
    'Nach jeder deiner Rangfolgen sagt ein kleines Reward-Modell, das nur die davor gesehen hat, wie es dieselben Antworten geordnet ' +
    'hätte: ein ehrlicher Test, dessen Ergebnis du erst nach dem Ordnen erfährst. Eine Münze trifft die Hälfte der Paare.',
  waits: 'Es braucht erst ein paar Rangfolgen.',
  reading: (left) => `Es liest deine Rangfolgen: noch ${left}.`,
  agreed: (pairs) => `von bisher ${pairs} Paaren in deiner Reihenfolge`,
  interval: (low, high) => `95-%-Intervall ${low} bis ${high}`,
  last: (agreed, pairs) => `Deine letzte Rangfolge: ${agreed} von ${pairs} Paaren in deiner Reihenfolge.`,
  first: (rank, all) => (rank === 1 ? 'Nach oben gestellt hätte es, wie du:' : `Nach oben gestellt hätte es deinen Rang ${rank} von ${all}:`),
};
