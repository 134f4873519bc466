import type { rankings as english } from '../../../lessons/rankings';
import type { LessonText } from '../../texts';

export const rankings: LessonText<typeof english> = {
  title: 'Warum Rangfolgen',
  about: 'Viele, die Modelle bauen, lassen Menschen Antworten ordnen. Tu es selbst, lass ein Modell daraus lernen und prüfe, ob es geklappt hat.',
  question: {
    text: 'Um einem Modell beizubringen, was Menschen gefällt, lassen viele Macher Antworten ordnen, statt die perfekte schreiben zu lassen. Warum?',
    answers: {
      easier: 'Weil es leichter ist zu sagen, welche Antwort besser ist, als die beste zu schreiben.',
      facts: 'Weil eine Rangfolge dem Modell sagt, was wahr ist.',
      reading: 'Weil ein Modell aus Texten, die Menschen geschrieben haben, nicht lernen kann.',
      agreement: 'Weil alle gleich ordnen und es deshalb egal ist, wer es tut.',
    },
  },
  steps: [
    {
      title: 'Such einen Geschmack aus',
      text: 'Eine richtige Reihenfolge gibt es nicht, nur jemandes Geschmack. Für diese Lektion leihst du dir einen. Das Modell schreibt auf Englisch.',
      task: 'Wähle einen Geschmack und bleib im Folgenden dabei.',
      notice: 'Hättest du die perfekte Antwort nach diesem Geschmack in einer halben Minute selbst schreiben können? Gleich bringst du ihn bei, ohne ein Wort zu schreiben.',
    },
    {
      title: 'Ordne fünfmal',
      text: 'Das Modell beantwortet jede Anfrage viermal. Bring die Antworten nach deinem Geschmack in eine Reihenfolge, die beste nach oben: Zieh sie oder nimm die Pfeile.',
      task: 'Ordne fünfmal vier Antworten. Wo zwei gleich gut sind, stell sie mit „=“ gleich.',
      notice: 'War es immer klar? Wo du gezögert hast, hätte jemand anderes anders gewählt. Rangfolgen sind jemandes Urteil, und was daraus gelernt wird, auch.',
    },
    {
      title: 'Lass es lernen',
      text: 'Dreißig Rangfolgen sind mehr, als man in einer Lektion machen will. Eine feste Regel mit demselben Geschmack ordnet den Rest. Sie ist mit SIMULIERT gekennzeichnet, weil sie kein Mensch ist.',
      task: 'Drück auf „Die Regel die anderen … ordnen lassen und lernen“ und warte, bis es gelernt hat.',
      notice: 'Lies die Anfragen mit den Antworten vorher und nachher. Niemand hat diese neuen Antworten dem Modell zum Nachahmen vorgeschrieben.',
    },
    {
      title: 'Urteile blind',
      text: 'Wer weiß, welche Antwort neu ist, mag sie lieber. Darum bekommst du beide ohne Namen, in zufälliger Reihenfolge.',
      task: 'Drück auf „Blindtest starten“, beurteile ein paar Paare und drück auf „Jetzt aufdecken“, oder beurteile alle.',
      notice: 'Schau auf das Intervall unter deiner Zahl. Bei wenigen Urteilen ist es breit: Vieles davon könnte auch Zufall sein.',
    },
  ],
  learnt: [
    'Zu sagen, welche Antwort besser ist, ist leichter, als die beste zu schreiben, und es sagt, was sich schwer in Worte fassen lässt.',
    'Schon ein paar Dutzend Rangfolgen bewegen ein Modell merklich, wenn alle dasselbe wollen.',
    'Ein Modell lernt den Geschmack derer, die geordnet haben. Ob es geklappt hat, muss man blind prüfen, und mit genug Paaren.',
  ],
};
