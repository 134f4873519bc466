import type { ofShow as english } from '../../lib/show-strings';
import { sizes } from '../../lib/settings';
import { plural } from '../plural';
import type { Translation } from '../texts';

const ejemplos = { one: 'ejemplo', other: 'ejemplos' };

export const ofShow: Translation<typeof english> = {
  show: {
    title: 'Mostrar',
    heading: 'Muéstrale respuestas que tú enviarías',
    text:
      `Nada enseña más rápido que los ejemplos. Responde tú a unas cuantas peticiones, de ${sizes.fewestExamples} a ${sizes.enoughExamples}, y el modelo ` +
      'aprende a responder como tú (supervised fine-tuning, SFT). Los pasos siguientes parten de lo que aprendió aquí.',
    builtIn: {
      heading: 'El mismo modelo aprende a responder',
      text:
        'Los ejemplos de una petición con una buena respuesta convierten un modelo que continúa en uno que responde (supervised fine-tuning, ' +
        'SFT). Toma el modelo Instruct incluido, que aprendió de ejemplos ya hechos. Después añade respuestas tuyas, si quieres.',
    },
    take: 'Tomar el modelo Instruct incluido',
    train: 'Entrenarlo aquí con los ejemplos incluidos',
    again: 'Entrenarlo otra vez aquí',
    learn: (examples, edits) =>
      `Aprender ${edits > 0 ? `${plural(examples, ejemplos)} y ${plural(edits, { one: 'corrección', other: 'correcciones' })}` : plural(examples, ejemplos)}`,
    forecast: (time) => `Aprender lleva aquí unos ${time}.`,
    skip: 'Saltar: ordenar sus propias respuestas',
    skipCost:
      'Puedes saltarte este paso, pero tiene un precio. Ordenar enseña poco mientras el modelo no sepa hacer la tarea: donde se midió, ' +
      '12 ejemplos llevaron las respuestas que cumplen una regla del 0 % al 55 % (respuestas a clientes) y al 43 % (notas de reuniones).',
    metricExamples: (examples) =>
      examples >= sizes.fewestExamples ? 'ejemplos tuyos' : `de ${sizes.fewestExamples} a ${sizes.enoughExamples} ejemplos tuyos`,
    short: (examples) => plural(examples, ejemplos),
    metric: 'pérdida: cuánto le sorprende aún una buena respuesta',
    chart: 'Pérdida en los ejemplos',
    noChart: 'La curva aparece mientras entrena.',

    write: 'Tus ejemplos',
    noRequest: 'Escribe primero la petición.',
    emptyAnswer: 'Este ejemplo aún no tiene respuesta. Escribe lo que enviarías.',
    heldOut: 'Esta petición está reservada para el paso 6. El modelo se juzgaría con lo que se le mostró; por eso no puede ser un ejemplo.',
    tooLong: (reason) => `Este ejemplo no se puede usar: ${reason}.`,
    twice: 'Este ejemplo ya está en tu lista.',
    pasted: 'texto pegado',
    notTwo: 'Cada línea necesita una petición y una respuesta con un tabulador entre ellas, como las copia una hoja de cálculo. También valen JSON y JSONL.',
    emptyFile: (name) => `${name} no contiene ejemplos.`,
    isHeldOut: 'su petición está reservada para el paso 6',
    isTwice: 'ya está en tu lista',

    promptLabel: 'Pregunta lo mismo a los dos, en inglés',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Preguntar a los dos',
    empty: 'Aún sin preguntar.',
    waits: 'Espera al modelo de este paso.',
  },
};
