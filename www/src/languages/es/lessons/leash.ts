import type { leash as english } from '../../../lessons/leash';
import type { LessonText } from '../../texts';

export const leash: LessonText<typeof english> = {
  title: 'La correa',
  about: 'Un modelo que solo persigue una puntuación se escapa de lo que se pretendía. La divergencia KL lo retiene.',
  question: {
    text: 'Se entrena un modelo para obtener puntuaciones cada vez más altas de un modelo de recompensa, sin nada que lo retenga. ¿Qué acaba siendo de sus respuestas?',
    answers: {
      better: 'Son cada vez mejores, como la puntuación.',
      exploit: 'La puntuación sigue subiendo, pero las respuestas no tienen por qué mejorar, y a menudo empeoran.',
      same: 'Siguen igual, porque el modelo de recompensa ya las conoce.',
      shorter: 'Solo se acortan.',
    },
  },
  steps: [
    {
      title: 'Sin correa',
      text: 'Este laboratorio conoce el objetivo verdadero: no repetirse nunca. Un modelo de recompensa, el sustituto, tiene que adivinarlo de doce rankings. El modelo ajustado solo ve al sustituto.',
      task: 'Elige «Sin correa» y pulsa «Soltarlo».',
      notice: 'Cada punto es un paso del entrenamiento. Se entrenó para el sustituto; lo que se quería era la regla verdadera. Compara adónde fueron los dos.',
    },
    {
      title: 'Con correa corta',
      text: 'Ahora cada nat de KL tiene un precio. La divergencia KL dice cuánto se ha alejado el modelo de donde empezó.',
      task: 'Elige «Correa corta» y déjalo correr.',
      notice: 'Mira en el eje de abajo hasta dónde llegó. Ganó menos del sustituto, y tuvo menos sitio para escaparse de lo que se pretendía.',
    },
    {
      title: 'Tu propia longitud',
      text: 'Demasiado corta, y no se aprende nada. Demasiado larga, y el sustituto queda burlado. Alguien tiene que elegir.',
      task: 'Pon con el control un precio entre los dos y déjalo correr. Di antes qué esperas.',
      notice: '¿Tenías razón? Una ejecución también es azar: con otra semilla, el sustituto falla en otra cosa. Por eso esas curvas se trazan con muchas ejecuciones.',
    },
  ],
  learnt: [
    'Una puntuación que representa lo que queremos deja de ser buena cuando se la persigue con bastante empeño. Es la ley de Goodhart.',
    'La correa pone precio a cada paso que se aleja del inicio, medido como divergencia KL.',
    'Cuán larga debe ser no se lee en la propia puntuación. Hay que mirar lo que de verdad se quería.',
  ],
};
