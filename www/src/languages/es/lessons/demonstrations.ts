import type { demonstrations as english } from '../../../lessons/demonstrations';
import type { LessonText } from '../../texts';

export const demonstrations: LessonText<typeof english> = {
  title: 'Demostraciones',
  about: 'Unos cuantos ejemplos de petición y buena respuesta convierten un modelo que continúa en uno que responde.',
  question: {
    text: 'Un modelo base se sigue entrenando con ejemplos de una petición y una buena respuesta. ¿Qué aprende de ellos sobre todo?',
    answers: {
      facts: 'Datos nuevos, que podrá consultar después.',
      manner: 'A responder a la manera de los ejemplos.',
      you: 'Lo que a ti en particular te gustaría leer.',
      understanding: 'A entender qué es verdad y qué no.',
    },
  },
  steps: [
    {
      title: 'Una petición al modelo base',
      text: 'Este modelo solo ha leído cuentos en inglés. Mira primero qué hace cuando se le pide algo.',
      task: 'Escribe «Tell me a story about a cat.» como comienzo, u otra petición en inglés, y deja que continúe.',
      notice: 'Sigue con tus palabras. Para el modelo, una petición es una primera línea como cualquier otra.',
    },
    {
      title: 'El mismo modelo, con ejemplos',
      text: 'Alguien escribió miles de peticiones, cada una con una buena respuesta, y el modelo se entrenó con ellas. Eso se llama supervised fine-tuning.',
      task: 'Pulsa «Tomar el modelo Instruct incluido».',
      notice: 'Enseguida se preguntó lo mismo a los dos modelos. Compáralos: uno continúa, el otro empieza un cuento sobre lo que se pedía.',
    },
    {
      title: 'Pregunta tú a los dos',
      text: 'Es el mismo modelo, igual de grande que antes. Solo se movieron un poco sus números.',
      task: 'Escribe en inglés una petición tuya de un cuento y pulsa «Preguntar a los dos».',
      notice: 'El modelo Instruct se atiene a la manera de sus ejemplos: un cuento corto, en su tono.',
    },
    {
      title: 'Pide otra cosa',
      text: 'Todos los ejemplos eran peticiones de cuentos. ¿Qué hace con algo que ninguno mostró?',
      task: 'Pide a los dos una suma, o pregúntales por un país, o pídeles consejo.',
      notice: 'Responde de la manera que se le mostró, venga o no a cuento. Copió cómo responder. Eso no le dice qué es verdad.',
    },
    {
      title: 'Mira cómo se entrena',
      text: 'La pérdida dice cuánto sorprenden aún al modelo las buenas respuestas. El entrenamiento mueve sus números para que la pérdida baje.',
      task: 'Pulsa «Entrenarlo otra vez aquí», mira la curva unos pasos y pulsa «Detener» cuando hayas visto bastante.',
      notice: 'No hay más: leer un ejemplo, sorprenderse, y sorprenderse un poco menos la próxima vez.',
    },
  ],
  learnt: [
    'Ejemplos de peticiones con buenas respuestas convierten un modelo que continúa en uno que responde.',
    'Copia la manera de los ejemplos: su tono, su longitud, de qué hablan.',
    'Nunca se le dice qué está mal, ni cuál de dos buenas respuestas te gusta más. Para eso hace falta otra cosa.',
  ],
};
