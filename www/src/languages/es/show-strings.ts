import type { ofShow as english } from '../../lib/show-strings';
import { count } from '../../lib/format';
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
    request: (number, total) => `Petición ${number} de ${total}`,
    ownRequest: 'Tu propia petición',
    requestLabel: 'Petición',
    answerLabel: 'La respuesta que enviarías',
    save: 'Guardar este ejemplo',
    saved: (examples) => `Guardado. ${plural(examples, ejemplos)}.`,
    another: 'Otra petición',
    ownInstead: 'Escribir una petición propia',
    listInstead: 'Volver a las peticiones preparadas',
    askModel: '¿Qué dice hoy el modelo?',
    asking: 'El modelo está escribiendo…',
    draft: 'Tu borrador está guardado.',
    noRequest: 'Escribe primero la petición.',
    emptyAnswer: 'Este ejemplo aún no tiene respuesta. Escribe lo que enviarías.',
    heldOut: 'Esta petición está reservada para el paso 6. El modelo se juzgaría con lo que se le mostró; por eso no puede ser un ejemplo.',
    tooLong: (reason) => `Este ejemplo no se puede usar: ${reason}.`,
    twice: 'Este ejemplo ya está en tu lista.',
    one: 'Un ejemplo sirve, pero es poco. Cinco o más muestran lo que tus respuestas tienen en común.',
    contradict: (requests) =>
      `${plural(requests, { one: 'petición tiene', other: 'peticiones tienen' })} respuestas distintas entre tus ejemplos. El modelo aprende una mezcla. Quédate con la que enviarías.`,

    howMany: '¿Cuántos necesito?',
    measuredAs: 'Respuestas a clientes de SmolLM2-135M a 30 peticiones que no había visto: las que cumplen una regla, con su intervalo del 95 %. Una ejecución de cada.',
    given: {
      examples: (count) => (count === 0 ? 'nada' : `${count} ejemplos`),
      prompt: (count) => `${count} ejemplos en el prompt, sin entrenar`,
      rankings: (count) => `${count} rankings, sin ejemplos`,
      edits: (count) => `12 ejemplos y luego ${count} respuestas ordenadas y mejoradas`,
    },
    guess: (count, share) =>
      count < 4
        ? `Una suposición para los tuyos: los cuatro primeros aportan lo máximo. Faltan ${4 - count}.`
        : `Una suposición para tus ${count}: cerca del ${share} si tu tarea se parece a esta. Otro ejemplo del mismo tipo aporta poco; uno distinto, o una mejora en el paso 3, aporta más.`,

    list: (examples) => `Ejemplos guardados (${count(examples)})`,
    more: (examples) => `y ${count(examples)} más`,
    remove: (number) => `Borrar el ejemplo ${number}`,
    clear: 'Borrar todos los ejemplos',
    clearSure: 'Borrar de verdad todos los ejemplos',
    export: 'Exportar los ejemplos (JSONL)',

    paste: 'Pegar o abrir muchos a la vez',
    pasteLabel: 'Dos columnas copiadas de una hoja de cálculo (petición, respuesta), JSON o JSONL',
    pasteAdd: 'Añadir estos ejemplos',
    pasted: 'texto pegado',
    notTwo: 'Cada línea necesita una petición y una respuesta con un tabulador entre ellas, como las copia una hoja de cálculo. También valen JSON y JSONL.',
    own: 'Abrir un archivo de ejemplos',
    ownHint: 'Peticiones con respuestas: JSON, JSONL, CSV o TSV en los formatos de Alpaca, Dolly, ShareGPT o TRL.',
    emptyFile: (name) => `${name} no contiene ejemplos.`,
    read: (examples) => `${plural(examples, { one: 'ejemplo añadido', other: 'ejemplos añadidos' })}.`,
    leftOut: (left, reason) => ` ${plural(left, { one: 'omitido', other: 'omitidos' })} (${reason}).`,
    isHeldOut: 'su petición está reservada para el paso 6',
    isTwice: 'ya está en tu lista',

    promptLabel: 'Pregunta lo mismo a los dos, en inglés',
    prompt: 'Tell me a story about a dog who is afraid of the dark.',
    ask: 'Preguntar a los dos',
    empty: 'Aún sin preguntar.',
    waits: 'Espera al modelo de este paso.',
  },
};
