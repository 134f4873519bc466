import type { reward as english } from '../../../lessons/reward';
import type { LessonText } from '../../texts';

export const reward: LessonText<typeof english> = {
  title: 'Los modelos de recompensa y sus fallos',
  about: 'Un segundo modelo aprende a puntuar respuestas como lo harías tú. Te sustituye, y se lo puede engañar.',
  question: {
    text: 'Un modelo de recompensa da a una respuesta una puntuación muy alta. ¿Qué sabes entonces?',
    answers: {
      good: 'Que la respuesta es buena.',
      true: 'Que lo que dice es verdad.',
      resembles: 'Que tiene algo que también tenían las respuestas bien ordenadas.',
      all: 'Que gustaría a casi todo el mundo.',
    },
  },
  steps: [
    {
      title: 'Entrena uno',
      text: 'Hay treinta rankings ya hechos cargados. El modelo de recompensa aprende de ellos a dar más puntuación a la mejor respuesta de cada par.',
      task: 'Pulsa «Entrenar el modelo de recompensa» y espera a que acabe.',
      notice: 'El número grande dice cuántos pares ordena bien de los que no vio al entrenar. Una moneda acertaría la mitad.',
    },
    {
      title: 'Puntúa una respuesta tuya',
      text: 'Puntúa cualquier cosa. Luego se quita cada palabra una vez, para ver cuánto cambia la puntuación sin ella.',
      task: 'Escribe en inglés, en el recuadro, una respuesta que te gustaría y pulsa «Puntuar».',
      notice: 'Mira las palabras subrayadas y las tachadas. ¿Son esas las que hacen buena tu respuesta?',
    },
    {
      title: 'Engáñalo',
      text: 'El modelo que se ajuste después tendrá un solo objetivo: más puntuación. Tú eres más rápido. Haz su papel.',
      task: 'Encuentra una respuesta que te parezca peor que la primera que puntuaste, pero que puntúe más alto. Repite las palabras subrayadas, hazla larguísima o cortísima, escribe disparates.',
      notice: 'Encontrada. Si tú puedes en unos intentos, un modelo que lo intenta miles de veces también encontrará respuestas así. Eso se llama reward hacking.',
    },
    {
      title: 'Mira dónde se equivoca',
      text: 'También se puede probar con los propios rankings: ¿dónde los contradice, y acierta tanto como cree?',
      task: 'Pulsa «Ver dónde se equivoca» y lee el primer par que contradice.',
      notice: 'A la izquierda de la línea están los pares que tiene al revés. Unos serán errores suyos; otros, rankings que tú tampoco habrías hecho.',
    },
  ],
  learnt: [
    'Un modelo de recompensa convierte rankings en un número para cualquier respuesta. Ahorra preguntar mil veces a personas.',
    'Aprende lo que acompañaba a las buenas respuestas en sus ejemplos, como la longitud o una palabra amable, y no lo bueno en sí.',
    'Es un sustituto. Pruébalo con pares que no haya visto, mira dónde se equivoca y no te fíes de una puntuación mucho más alta que todas aquellas con las que aprendió.',
  ],
};
