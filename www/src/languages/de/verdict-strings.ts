import type { verdictWords as english } from '../../lib/verdict-strings';
import { count } from '../../lib/format';
import type { Translation } from '../texts';

export const verdictWords: Translation<typeof english> = {
  title: 'Befund',
  levels: { good: 'Gut', note: 'Hinweis', warning: 'Verdächtig', bad: 'Verdorben' },
  nothing: 'Es fand sich nichts Verdächtiges.',
  enough: (rankings) => `${count(rankings)} Rangfolgen, keine widerspricht der anderen: genug für den Anfang.`,
  numbers: 'Die Zahlen dahinter',
  notYet: 'Noch nicht, sagt die Regel:',
  allTheSame: 'Du kannst es trotzdem tun.',
  next: {
    again: (options) => `Noch einmal mit ${options}`,
    rank_more: 'Mehr ordnen',
    agreement: 'Die Rangfolgen ansehen',
    compare: 'Vorher und nachher vergleichen',
    judge_yourself: 'Selbst urteilen, blind',
    calibrate: 'Zeigen, wo es irrt',
    tune: 'Weiter zum Tuning',
    more_pairs: { person: 'Zehn weitere beurteilen', simulated: (pairs) => `${count(pairs)} Antworten je Anfrage beurteilen` },
  },
  what: {
    keep: 'Behalten: nach Hause nehmen',
    goOn: 'Weitermachen: mehr ordnen',
    another: 'Andere Methode probieren',
  },
};
