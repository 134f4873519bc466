import type { bench as english } from '../../bench/strings';
import type { Translation } from '../texts';

export const bench: Translation<typeof english> = {
  title: 'Wie schnell ist dieser Browser?',
  intro:
    'Die Schritte des Trainings an einem Modell mit zufälligen Gewichten: SFT, Reward-Modell, Sampling und eine ganze PPO-Iteration ' +
    'mit ihren Teilen. Mediane aus fünf Schritten nach zweien zum Aufwärmen; Launches und Readbacks werden gezählt.',
  device: 'Gerät',
  size: 'Modell',
  sizes: {
    test: 'Test (Breite 32, 2 Schichten)',
    tiny: 'winzig (Breite 128, 4 Schichten)',
    builtin: 'das eingebaute Modell',
    small: 'klein (Breite 256, 6 Schichten)',
  },
  start: 'Messen',
  save: 'Zeilen speichern',
  running: (phase) => `${phase} wird gemessen …`,
  columns: [
    'Phase',
    'ms je Schritt',
    'schnellster – langsamster',
    'erster Schritt',
    'Tokens/s',
    'GFLOP/s (von höchstens)',
    'Launches',
    'Submits',
    'Readbacks',
    'Speicher, MiB',
  ],
};
