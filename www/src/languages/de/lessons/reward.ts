import type { reward as english } from '../../../lessons/reward';
import type { LessonText } from '../../texts';

export const reward: LessonText<typeof english> = {
  title: 'Reward-Modelle und ihre Fehler',
  about: 'Ein zweites Modell lernt, Antworten zu bewerten wie du. Es vertritt dich, und man kann es täuschen.',
  question: {
    text: 'Ein Reward-Modell gibt einer Antwort einen sehr hohen Score. Was weißt du dann?',
    answers: {
      good: 'Die Antwort ist gut.',
      true: 'Was sie sagt, ist wahr.',
      resembles: 'Sie hat etwas, das hoch geordnete Antworten auch hatten.',
      all: 'Fast allen würde sie gefallen.',
    },
  },
  steps: [
    {
      title: 'Trainiere eines',
      text: 'Dreißig fertige Rangfolgen sind geladen. Das Reward-Modell lernt daraus, der besseren Antwort jedes Paars einen höheren Score zu geben.',
      task: 'Drück auf „Reward-Modell trainieren“ und warte, bis es fertig ist.',
      notice: 'Die große Zahl sagt, wie viele Paare es richtig ordnet, an denen es nicht trainiert wurde. Eine Münze träfe die Hälfte.',
    },
    {
      title: 'Lass eine eigene Antwort bewerten',
      text: 'Es bewertet alles. Jedes Wort wird dann einmal weggelassen, um zu sehen, wie viel sich der Score ohne es ändert.',
      task: 'Schreib eine englische Antwort, die dir gefiele, in das Feld und drück auf „Bewerten“.',
      notice: 'Sieh dir die unterstrichenen und die durchgestrichenen Wörter an. Sind das die Wörter, die deine Antwort gut machen?',
    },
    {
      title: 'Täusche es',
      text: 'Das Modell, das später getunt wird, hat ein einziges Ziel: einen höheren Score. Du bist schneller. Spiel es.',
      task: 'Finde eine Antwort, die du schlechter findest als deine erste, die aber höher bewertet wird. Wiederhole die unterstrichenen Wörter, mach sie sehr lang oder sehr kurz, schreib Unsinn.',
      notice: 'Gefunden. Wenn du das mit ein paar Versuchen schaffst, findet ein Modell mit Tausenden Versuchen solche Antworten auch. Das heißt Reward Hacking.',
    },
    {
      title: 'Sieh, wo es irrt',
      text: 'Man kann es auch an den Rangfolgen selbst prüfen: Wo widerspricht es, und hat es so oft recht, wie es sicher ist?',
      task: 'Drück auf „Zeigen, wo es irrt“ und lies das erste Paar, bei dem es widerspricht.',
      notice: 'Links der Linie stehen die Paare, die es verkehrt herum hat. Manche mögen seine Fehler sein, manche Rangfolgen, die du auch anders gemacht hättest.',
    },
  ],
  learnt: [
    'Ein Reward-Modell macht aus Rangfolgen eine Zahl für jede Antwort. Das erspart es, tausendmal Menschen zu fragen.',
    'Es lernt, was in seinen Beispielen mit guten Antworten einherging, etwa Länge oder ein freundliches Wort, und nicht das Gute selbst.',
    'Es ist ein Stellvertreter. Prüfe es an ungesehenen Paaren, sieh dir an, wo es irrt, und trau keinem Score, der viel höher ist als alle, an denen es gelernt hat.',
  ],
};
