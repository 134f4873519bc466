import type { base as english } from '../../../lessons/base';
import type { LessonText } from '../../texts';

export const base: LessonText<typeof english> = {
  title: 'Was ein Basismodell ist',
  about: 'Ein Modell, das viel gelesen hat und nichts beantwortet: Es rät, was als Nächstes kommt, wieder und wieder. Es kann nur Englisch.',
  question: {
    text: 'Du tippst „What is your name?“ in ein Basismodell, eines, das nur Texte gelesen hat. Was tut es wahrscheinlich?',
    answers: {
      answers: 'Es antwortet mit dem Namen, den seine Macher ihm gegeben haben.',
      continues: 'Es schreibt weiter, als stünde deine Frage mitten in einem Text.',
      refuses: 'Es sagt, dass es das nicht weiß.',
      searches: 'Es schlägt die Antwort in den Texten nach, die es gelesen hat.',
    },
  },
  steps: [
    {
      title: 'Lass es schreiben',
      text: 'Dieses Modell hat englische Kindergeschichten gelesen und sonst nichts. Niemand hat ihm gesagt, was eine Geschichte ist oder dass es dich gibt.',
      task: 'Drück auf „Meinen Text fortsetzen“.',
      notice: 'Diese Geschichte war nicht geplant. Das Modell hat ein kleines Stück Text geraten, ein Token, es hingeschrieben und das nächste geraten.',
    },
    {
      title: 'Frag es etwas',
      text: 'Ein Chatbot würde eine Frage beantworten. Finde heraus, ob dieses Modell das tut.',
      task: 'Schreib eine Frage auf Englisch, mit Fragezeichen, in „Ein Anfang“ und lass das Modell weiterschreiben.',
      notice: 'Es macht nach deiner Frage weiter. Manchmal sieht das wie eine Antwort aus, weil in Geschichten oft jemand antwortet. Es ist trotzdem nur der nächste Tipp.',
    },
    {
      title: 'Sieh dir seine Tipps an',
      text: 'Hinter jedem Token steht eine Liste: alles, was dort hätte kommen können, jedes mit einer Wahrscheinlichkeit.',
      task: 'Zeig auf drei Tokens des Textes oder geh mit den Pfeiltasten an ihnen entlang.',
      notice: 'An manchen Stellen ist das Modell fast sicher, an anderen sind viele Tokens etwa gleich wahrscheinlich. Was es von Sprache weiß, steckt in diesen Zahlen und nirgends sonst.',
    },
    {
      title: 'Dreh die Temperatur herunter',
      text: 'Das Modell gibt Wahrscheinlichkeiten; gezogen wird wie bei einem Los. Die Temperatur sagt, wie mutig gezogen wird.',
      task: 'Stell die Temperatur auf 0,3 oder weniger und lass es zweimal schreiben.',
      notice: 'Jetzt nimmt es fast immer das wahrscheinlichste Token. Die beiden Texte ähneln sich, und vielleicht drehen sie sich im Kreis.',
    },
    {
      title: 'Dreh sie hoch',
      text: 'Jetzt andersherum: Unwahrscheinliche Tokens bekommen ihre Chance.',
      task: 'Stell die Temperatur auf 1,5 oder mehr und lass es schreiben.',
      notice: 'Dasselbe Modell, dasselbe Wissen, und es redet wild. Wie es schreibt, ist eine Entscheidung, die jemand trifft.',
    },
  ],
  learnt: [
    'Ein Basismodell tut eines: Es gibt jedem möglichen nächsten Token eine Wahrscheinlichkeit.',
    'Ein Text entsteht, indem ein Token nach dem anderen gezogen wird. Die Temperatur entscheidet, wie mutig.',
    'Es antwortet nicht, gehorcht nicht und kennt dich nicht. Was so aussieht, ist ein Text, der weitergeht, wie Texte weitergehen.',
  ],
};
