import type { leash as english } from '../../lib/leash-strings';
import type { Translation } from '../texts';

export const leash: Translation<typeof english> = {
  title: 'Die Leine: ein Labor',
  about:
    'Was geschieht ohne sie? Ein Reward-Modell lernt aus zwölf Rangfolgen nach einer Regel, die wir kennen. So sehen wir beides: ' +
    'den Stellvertreter, also dieses Reward-Modell, und die wahre Regel, die das Training nie sieht. Senke den Preis eines Nats ' +
    '(den KL-Koeffizienten) und lass los.',
  presets: { tight: 'Kurze Leine', loose: 'Lange Leine', none: 'Keine Leine' },
  price: 'Preis eines Nats KL',
  rule: (title) => `Die wahre Regel: ${title}. SIMULIERT.`,
  start: 'Laufen lassen',
  stop: 'Anhalten',
  phases: {
    sampling: (done, total) => `Zwölf Anfragen werden beantwortet und geordnet: ${done} von ${total}`,
    reward: (done, total) => `Der Stellvertreter lernt die Rangfolgen: Schritt ${done} von ${total}`,
    tune: (done, total) => `Das Modell wird getunt: Schritt ${done} von ${total}`,
  },
  chart: 'Gewinn über dem Start, nach zurückgelegtem Weg',
  distance: '√KL: Abstand vom Start, in √nats',
  proxy: 'Stellvertreter: das Reward-Modell',
  gold: 'wahre Regel',
  fit: (name, alpha, beta, quality) => `${name}: d (${alpha} − ${beta} ln d), R² ${quality}`,
  peak: (distance, farthest) => `Nach dieser Kurve ist die wahre Regel bei √KL ${distance} am höchsten; der Lauf kam bis ${farthest}.`,
  noPeak: 'Nach dieser Kurve hat die wahre Regel keinen höchsten Punkt.',
  none: 'Hier erscheint mit jedem Schritt ein Punkt.',
  source: 'Kurven R = d (α − β ln d), Gao et al. 2022, vom Trainer an die Punkte angepasst.',
  yours: 'Deine eigenen Modelle bleiben davon unberührt.',
};
