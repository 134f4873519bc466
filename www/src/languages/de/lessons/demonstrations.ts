import type { demonstrations as english } from '../../../lessons/demonstrations';
import type { LessonText } from '../../texts';

export const demonstrations: LessonText<typeof english> = {
  title: 'Demonstrationen',
  about: 'Einige Beispiele aus Anfrage und guter Antwort machen aus einem Modell, das weiterschreibt, eines, das antwortet.',
  question: {
    text: 'Ein Basismodell wird an Beispielen weiter trainiert: je eine Anfrage und eine gute Antwort. Was lernt es daraus vor allem?',
    answers: {
      facts: 'Neue Tatsachen, die es später nachschlagen kann.',
      manner: 'In der Art der Beispiele zu antworten.',
      you: 'Was gerade du gern lesen würdest.',
      understanding: 'Zu verstehen, was wahr ist und was nicht.',
    },
  },
  steps: [
    {
      title: 'Eine Anfrage an das Basismodell',
      text: 'Dieses Modell hat nur englische Geschichten gelesen. Sieh zuerst, was es daraus macht, wenn man es um etwas bittet.',
      task: 'Schreib „Tell me a story about a cat.“ als Anfang, oder eine andere Bitte auf Englisch, und lass es weiterschreiben.',
      notice: 'Es macht mit deinen Worten weiter. Für das Modell ist eine Bitte eine erste Zeile wie jede andere.',
    },
    {
      title: 'Dasselbe Modell, mit Beispielen',
      text: 'Jemand hat Tausende Anfragen mit je einer guten Antwort geschrieben, und das Modell wurde daran trainiert. Das heißt Supervised Fine-Tuning.',
      task: 'Drück auf „Eingebautes Instruct-Modell nehmen“.',
      notice: 'Beide Modelle wurden gleich dasselbe gefragt. Vergleich sie: Eines macht weiter, das andere beginnt eine Geschichte über das Gewünschte.',
    },
    {
      title: 'Frag beide selbst',
      text: 'Es ist dasselbe Modell, so groß wie zuvor. Nur seine Zahlen wurden ein wenig verschoben.',
      task: 'Schreib eine eigene Bitte um eine Geschichte, auf Englisch, und drück auf „Beide fragen“.',
      notice: 'Das Instruct-Modell bleibt bei der Art seiner Beispiele: eine kurze Geschichte in ihrem Ton.',
    },
    {
      title: 'Frag nach etwas anderem',
      text: 'Alle Beispiele waren Bitten um Geschichten. Was macht es mit etwas, das keines davon gezeigt hat?',
      task: 'Gib beiden eine Rechenaufgabe, frag nach einem Land oder bitte um Rat.',
      notice: 'Es antwortet in der Art, die ihm gezeigt wurde, ob sie passt oder nicht. Es hat abgeschaut, wie man antwortet. Was wahr ist, sagt ihm das nicht.',
    },
    {
      title: 'Sieh beim Training zu',
      text: 'Der Loss sagt, wie sehr die guten Antworten das Modell noch überraschen. Das Training verschiebt seine Zahlen so, dass der Loss fällt.',
      task: 'Drück auf „Hier neu trainieren“, sieh der Kurve ein paar Schritte zu und drück auf „Abbrechen“, wenn du genug gesehen hast.',
      notice: 'Mehr ist es nicht: ein Beispiel lesen, überrascht sein, beim nächsten Mal ein bisschen weniger.',
    },
  ],
  learnt: [
    'Beispiele aus Anfragen und guten Antworten machen aus einem Modell, das weiterschreibt, eines, das antwortet.',
    'Es ahmt die Art der Beispiele nach: ihren Ton, ihre Länge, wovon sie reden.',
    'Nie erfährt es, was falsch ist oder welche von zwei guten Antworten dir besser gefällt. Dafür braucht es etwas anderes.',
  ],
};
