import type { base as english } from '../../../lessons/base';
import type { LessonText } from '../../texts';

export const base: LessonText<typeof english> = {
  title: 'Qué es un modelo base',
  about: 'Un modelo que ha leído mucho y no responde a nada: adivina qué viene después, una y otra vez. Solo sabe inglés.',
  question: {
    text: 'Escribes «What is your name?» a un modelo base, uno que solo ha leído textos. ¿Qué hará con más probabilidad?',
    answers: {
      answers: 'Responde con el nombre que le dieron sus creadores.',
      continues: 'Sigue escribiendo, como si tu pregunta estuviera en medio de un texto.',
      refuses: 'Dice que no lo sabe.',
      searches: 'Busca la respuesta en los textos que ha leído.',
    },
  },
  steps: [
    {
      title: 'Déjalo escribir',
      text: 'Este modelo ha leído cuentos infantiles en inglés, y nada más. Nadie le dijo qué es un cuento, ni que tú existes.',
      task: 'Pulsa «Continuar mi texto».',
      notice: 'No planeó ese cuento. Adivinó un trocito de texto, llamado token, lo puso y adivinó el siguiente.',
    },
    {
      title: 'Pregúntale algo',
      text: 'Un chatbot respondería a una pregunta. Averigua si este modelo lo hace.',
      task: 'Escribe una pregunta en inglés, con su signo de interrogación, en «Un comienzo» y deja que el modelo la continúe.',
      notice: 'Sigue a partir de tu pregunta. A veces parece una respuesta, porque en los cuentos a menudo alguien contesta. Aun así, solo es adivinar lo siguiente.',
    },
    {
      title: 'Mira lo que adivina',
      text: 'Detrás de cada token hay una lista: todo lo que podría haber venido ahí, cada cosa con una probabilidad.',
      task: 'Señala tres tokens del texto, o recórrelos con las flechas.',
      notice: 'En unos sitios el modelo está casi seguro; en otros, muchos tokens son casi igual de probables. Lo que sabe del lenguaje está en estos números y en ningún otro sitio.',
    },
    {
      title: 'Baja la temperatura',
      text: 'El modelo da probabilidades; decide un sorteo. La temperatura dice cuán atrevido es el sorteo.',
      task: 'Pon la temperatura en 0,3 o menos y deja que escriba dos veces.',
      notice: 'Ahora casi siempre toma el token más probable. Los dos textos se parecen, y puede que den vueltas en círculo.',
    },
    {
      title: 'Súbela',
      text: 'Ahora al revés: los tokens improbables tienen su oportunidad.',
      task: 'Pon la temperatura en 1,5 o más y deja que escriba.',
      notice: 'El mismo modelo, el mismo saber, y habla sin freno. Cómo escribe es una decisión que alguien toma.',
    },
  ],
  learnt: [
    'Un modelo base hace una cosa: da una probabilidad a cada token que podría seguir.',
    'Un texto surge sorteando un token tras otro. La temperatura decide cuán atrevido es el sorteo.',
    'No responde, no obedece y no te conoce. Lo que se le parece es un texto que sigue como siguen los textos.',
  ],
};
