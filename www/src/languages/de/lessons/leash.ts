import type { leash as english } from '../../../lessons/leash';
import type { LessonText } from '../../texts';

export const leash: LessonText<typeof english> = {
  title: 'Die Leine',
  about: 'Ein Modell, das nur einem Score nachjagt, läuft vom Gemeinten weg. Die KL-Divergenz hält es zurück.',
  question: {
    text: 'Ein Modell wird darauf trainiert, immer höhere Scores von einem Reward-Modell zu bekommen, und nichts hält es zurück. Was wird am Ende aus seinen Antworten?',
    answers: {
      better: 'Sie werden immer besser, so wie der Score.',
      exploit: 'Der Score steigt weiter, aber die Antworten müssen nicht besser werden, und oft werden sie schlechter.',
      same: 'Sie bleiben gleich, weil das Reward-Modell sie schon kennt.',
      shorter: 'Sie werden nur kürzer.',
    },
  },
  steps: [
    {
      title: 'Ohne Leine',
      text: 'Dieses Labor kennt das wahre Ziel: sich nie zu wiederholen. Ein Reward-Modell, der Stellvertreter, muss es aus zwölf Rangfolgen erraten. Das getunte Modell sieht nur den Stellvertreter.',
      task: 'Wähle „Keine Leine“ und drück auf „Laufen lassen“.',
      notice: 'Jeder Punkt ist ein Trainingsschritt. Auf den Stellvertreter wurde trainiert, gemeint war die wahre Regel. Vergleich, wohin die beiden liefen.',
    },
    {
      title: 'An kurzer Leine',
      text: 'Jetzt hat jedes Nat KL einen Preis. Die KL-Divergenz sagt, wie weit sich das Modell von seinem Anfang entfernt hat.',
      task: 'Wähle „Kurze Leine“ und lass es laufen.',
      notice: 'Sieh auf der Achse unten, wie weit es kam. Es gewann weniger vom Stellvertreter und hatte weniger Raum, vom Gemeinten wegzulaufen.',
    },
    {
      title: 'Deine eigene Länge',
      text: 'Zu kurz, und nichts wird gelernt. Zu lang, und der Stellvertreter wird überlistet. Jemand muss wählen.',
      task: 'Stell mit dem Regler einen Preis zwischen den beiden ein und lass es laufen. Sag vorher, was du erwartest.',
      notice: 'Hattest du recht? Ein Lauf ist auch Zufall: Mit einem anderen Seed verfehlt der Stellvertreter etwas anderes. Darum zeichnet man solche Kurven aus vielen Läufen.',
    },
  ],
  learnt: [
    'Ein Score, der für das steht, was wir wollen, taugt nicht mehr, wenn man ihm hart genug nachjagt. Das heißt Goodharts Gesetz.',
    'Die Leine gibt jedem Schritt weg vom Anfang einen Preis, gemessen als KL-Divergenz.',
    'Wie lang sie sein soll, lässt sich am Score selbst nicht ablesen. Man muss ansehen, was wirklich gewollt war.',
  ],
};
