import type { ofExamples as english } from '../../lib/examples-strings';
import { count } from '../../lib/format';
import { plural } from '../plural';
import type { Translation } from '../texts';

const ejemplos = { one: 'ejemplo', other: 'ejemplos' };

export const ofExamples: Translation<typeof english> = {
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
  own: 'Abrir un archivo de ejemplos',
  ownHint: 'Peticiones con respuestas: JSON, JSONL, CSV o TSV en los formatos de Alpaca, Dolly, ShareGPT o TRL.',
  read: (examples) => `${plural(examples, { one: 'ejemplo añadido', other: 'ejemplos añadidos' })}.`,
  leftOut: (left, reason) => ` ${plural(left, { one: 'omitido', other: 'omitidos' })} (${reason}).`,
};
